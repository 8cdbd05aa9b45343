//! [pure] The tape cut up: the events of each incarnation of each supervisor, checked deepest first.

use super::tape::{Book, Line, Path, Said};
use crate::model::{self, Broken, End, Event, Fate, What};
use ravelin_core::{Exit, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How late the end of a supervisor may be seen.
const LATE: Duration = Duration::from_millis(1);

/// A supervisor that did what the contract does not allow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Breach {
    /// Which supervisor: the ids from the root, joined by `/`.
    pub supervisor: String,
    /// Which incarnation.
    pub incarnation: u32,
    /// What was seen of it, a line an event.
    pub seen: Vec<String>,
    /// The event that is wrong; when it is one past the last, something that was due did not come.
    pub wrong: usize,
    /// What would have been right, a line for each way to understand what came before.
    pub expected: Vec<String>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "supervisor `{}`, incarnation {}, broke its contract:",
            self.supervisor, self.incarnation
        )?;
        let first = self.wrong.saturating_sub(30);
        for (number, line) in self.seen.iter().enumerate().skip(first).take(34) {
            writeln!(f, "  {} {line}", if number == self.wrong { "->" } else { "  " })?;
        }
        if self.wrong >= self.seen.len() {
            writeln!(f, "  -> nothing more came")?;
        }
        let mut lines = self.expected.iter();
        if let Some(line) = lines.next() {
            write!(f, "  expected was {line}")?;
        }
        lines.try_for_each(|line| write!(f, "\n            or {line}"))
    }
}

impl std::error::Error for Breach {}

/// An incarnation: its path, and which start attempt.
type Who = (Path, u32);

/// What is known of an incarnation.
#[derive(Default)]
struct Life {
    parent: Option<Who>,
    /// Where its start begins on the tape.
    start: usize,
    /// The last line that shows it, or one below it, alive.
    shown: usize,
    failed: Option<(usize, Exit)>,
    ended: Option<(usize, Exit)>,
    left: Option<usize>,
    /// Whether it is there at the end, as far as it was seen.
    is_up: bool,
}

/// An event with its place: a line of the tape, and an order within it.
type Placed = ((usize, u8), Event);

/// Checks all supervisors on the tape.
pub(crate) fn check(book: &Book, until: Time) -> Result<(), Breach> {
    let lives = lives(book);
    let mut events: BTreeMap<Who, Vec<Placed>> = BTreeMap::new();
    for (place, line) in book.lines.iter().enumerate() {
        own_events(book, &lives, place, line, &mut events);
    }
    let mut supervisors: Vec<&Who> = lives.keys().filter(|who| book.laws.contains_key(&who.0)).collect();
    supervisors.sort_by_key(|who| std::cmp::Reverse(who.0.matches('/').count()));
    for who in supervisors {
        let (life, law) = (&lives[who], &book.laws[&who.0]);
        let mut seen = events.remove(who).unwrap_or_default();
        let (fate, over) = fate(book, life);
        seen.extend(over.map(|over| ((usize::MAX, 0), over)));
        seen.sort_by_key(|(place, _)| *place);
        let places: Vec<usize> = seen.iter().map(|(place, _)| place.0).collect();
        let plain: Vec<Event> = seen.into_iter().map(|(_, event)| event).collect();
        let explained =
            model::check(law, &plain, &fate, until).map_err(|broken| breach(who, &plain, broken))?;
        if let (Some(parent), Some((late, reason))) = (&life.parent, &life.ended) {
            let is_own = match reason {
                Exit::Killed => book.own.contains(who),
                _ => explained.is_own,
            };
            let parents = events.entry(parent.clone()).or_default();
            let shows = explained.order_shows.and_then(|event| places.get(event).copied());
            parents.extend(end_of(book, who, life, (*late, reason), is_own));
            if let Some(line) = shows.filter(|line| *reason == Exit::Shutdown && *line < book.lines.len()) {
                let what = What::Told(id_of(&who.0), who.1, Exit::Shutdown);
                parents.push(((line, 0), Event { at: book.lines[line].at, what }));
            }
        }
    }
    Ok(())
}

fn breach(who: &Who, events: &[Event], broken: Broken) -> Breach {
    Breach {
        supervisor: who.0.to_string(),
        incarnation: who.1,
        seen: events.iter().map(Event::to_string).collect(),
        wrong: broken.event,
        expected: broken.expected,
    }
}

fn id_of(path: &str) -> Path {
    path.rsplit('/').next().unwrap_or(path).into()
}

fn parent_of(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// What became of a supervisor, and its last event.
fn fate(book: &Book, life: &Life) -> (Fate, Option<Event>) {
    match life.failed.as_ref().or(life.ended.as_ref()) {
        Some((line, why)) => {
            let over = Event { at: book.lines[*line].at, what: What::Over(why.clone()) };
            let told_from = life.parent.as_ref().map_or(book.stopped, |_| Some(Time::EPOCH));
            (Fate::Ended { reason: why.clone(), told_from }, Some(over))
        }
        None if life.is_up => (Fate::Lives, None),
        None => (Fate::Unseen, None),
    }
}

/// Who lived, and under whom.
fn lives(book: &Book) -> BTreeMap<Who, Life> {
    let mut lives: BTreeMap<Who, Life> = BTreeMap::new();
    let mut newest: BTreeMap<Path, u32> = BTreeMap::new();
    for (place, line) in book.lines.iter().enumerate() {
        let who = (line.path.clone(), line.n);
        let parent = parent_of(&line.path).map(Path::from);
        let parent = parent.and_then(|path| newest.get(&path).map(|n| (path.clone(), *n)));
        let life = lives.entry(who.clone()).or_default();
        match &line.what {
            Said::Start => {
                newest.insert(line.path.clone(), line.n);
                (life.parent, life.start) = (parent, place);
            }
            Said::Up => life.is_up = true,
            Said::Failed(why) => life.failed = Some((place, why.clone())),
            Said::Left => life.left = Some(place),
            Said::Ended(why) => life.ended = Some((place, why.clone())),
            Said::Told(_) | Said::Killed | Said::Asked(..) | Said::Answered(..) => {}
        }
        if matches!(line.what, Said::Ended(_) | Said::Asked(..) | Said::Answered(..)) {
            continue;
        }
        let mut shown = Some(who);
        while let Some(who) = shown {
            let Some(life) = lives.get_mut(&who) else { break };
            life.shown = place;
            shown = life.parent.clone();
        }
    }
    lives
}

/// What one line says to the supervisor that it is about.
fn own_events(
    book: &Book,
    lives: &BTreeMap<Who, Life>,
    place: usize,
    line: &Line,
    events: &mut BTreeMap<Who, Vec<Placed>>,
) {
    let who = (line.path.clone(), line.n);
    let Some(life) = lives.get(&who) else { return };
    let (id, n, at) = (id_of(&line.path), line.n, line.at);
    let what = match &line.what {
        Said::Start => What::Start(id, n),
        Said::Up => What::Up(id, n),
        Said::Failed(Exit::Ignore) => What::Declined(id, n),
        Said::Failed(why) => What::Failed(id, n, why.clone()),
        Said::Told(why) if life.failed.is_none() => What::Told(id, n, why.clone()),
        Said::Left if life.failed.is_none() => {
            let reason = life.ended.as_ref().map_or(Exit::NoProc, |(_, why)| why.clone());
            let is_own = book.own.contains(&who);
            What::Gone(End { id, n, reason, is_own, at: (at, at) })
        }
        Said::Asked(number, request) => {
            events
                .entry(who)
                .or_default()
                .push(((place, 1), Event { at, what: What::Asked(*number, request.clone()) }));
            return;
        }
        Said::Answered(number, answer) => {
            events
                .entry(who)
                .or_default()
                .push(((place, 1), Event { at, what: What::Answered(*number, *answer) }));
            return;
        }
        Said::Told(_) | Said::Left | Said::Ended(_) | Said::Killed => return,
    };
    if let Some(parent) = &life.parent {
        events.entry(parent.clone()).or_default().push(((place, 1), Event { at, what }));
    }
}

/// The end of a supervisor as its parent sees it: somewhere between the last sign of it and when it was heard of.
fn end_of(book: &Book, who: &Who, life: &Life, (late, reason): (usize, &Exit), is_own: bool) -> [Placed; 2] {
    let lines = &book.lines;
    let heard = lines[late].at;
    let is_early = |line: &Line| line.at + LATE < heard;
    let first = lines.iter().take(late).rposition(is_early).unwrap_or(0).max(life.shown);
    let next = |line: &Line| line.path == who.0 && line.n == who.1 + 1 && matches!(line.what, Said::Start);
    let last = lines.iter().position(next).unwrap_or(late).min(late);
    let (id, n) = (id_of(&who.0), who.1);
    let from = lines[first]
        .at
        .max(Time::from_nanos((heard - Time::EPOCH - LATE.min(heard - Time::EPOCH)).as_nanos() as u64));
    let at = (from.min(lines[last].at), lines[last].at);
    let end = End { id: id.clone(), n, reason: reason.clone(), is_own, at };
    [
        ((first, 2), Event { at: lines[first].at, what: What::MayBeGone(end) }),
        ((last, 0), Event { at: lines[last].at, what: What::IsGone(id, n) }),
    ]
}
