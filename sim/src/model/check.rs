//! [pure] The checker: keeps every guess that the events bear out; when none is left, the law was broken.

use super::event::{Answer, Beginning, End, Event, What};
use super::state::{Cause, Doing, Mode, Notice, Noticed, SLACK, State, Then};
use ravelin_core::{Exit, Time};
use ravelin_supervisor::policy::{ChildKind, Shutdown};

/// So many guesses at a time are followed; a trace that needs more passes.
const GUESSES_MAX: usize = 3000;

/// How the end of a supervisor is explained.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Explained {
    /// It may have ended by itself.
    pub(crate) is_own: bool,
    /// It was told to end, and this event is the first that shows it.
    pub(crate) order_shows: Option<usize>,
}

/// An event that the law does not allow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Broken {
    /// Which event; one more than there are: something that should have come did not.
    pub(crate) event: usize,
    /// What would have been right, a line for each guess.
    pub(crate) expected: Vec<String>,
}

/// What became of the supervisor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    /// `told_from`: when somebody may have told it to, at the earliest.
    Ended { reason: Exit, told_from: Option<Time> },
    /// It lived when the world was last seen.
    Lives,
    /// It ended, and nobody saw how.
    Unseen,
}

/// Checks one incarnation of a supervisor. `until`: when the world was last seen, and had come to rest.
pub(crate) fn check(
    law: &Beginning,
    events: &[Event],
    fate: &Fate,
    until: Time,
) -> Result<Explained, Broken> {
    let Some(first) = events.first() else { return Ok(Explained { is_own: true, order_shows: None }) };
    let mut guesses = vec![State::new(law, first.at)];
    guesses[0].go_on(law, first.at);
    for (place, event) in events.iter().enumerate() {
        for guess in &mut guesses {
            guess.place = place;
        }
        let before = closure(law, guesses, fate, event.at);
        if before.len() > GUESSES_MAX {
            return Ok(Explained { is_own: true, order_shows: None });
        }
        guesses = Vec::new();
        for guess in &before {
            let next = guess.clone().accept(law, event, place);
            guesses.extend(next.filter(|next| !guesses.contains(next)));
        }
        if guesses.is_empty() {
            return Err(Broken { event: place, expected: expectations(&before) });
        }
    }
    let last = closure(law, guesses, fate, until + 2 * SLACK);
    let rests = |guess: &&State| {
        matches!(guess.mode, Mode::Over(_)) || *fate != Fate::Lives || guess.is_at_rest(until)
    };
    let explained: Vec<_> = last.iter().filter(rests).collect();
    if explained.is_empty() && *fate == Fate::Lives {
        return Err(Broken { event: events.len(), expected: expectations(&last) });
    }
    let shows = explained.first().and_then(|guess| guess.order_shows);
    let is_same = explained.iter().all(|guess| guess.order_shows == shows);
    Ok(Explained {
        is_own: explained.iter().any(|guess| !guess.is_ordered) || explained.is_empty(),
        order_shows: shows.filter(|_| is_same),
    })
}

/// All guesses that come of these by what nobody sees, up to `now`.
fn closure(law: &Beginning, guesses: Vec<State>, fate: &Fate, now: Time) -> Vec<State> {
    let mut all = guesses;
    let mut next = 0;
    while next < all.len() && all.len() <= GUESSES_MAX {
        for guess in all[next].moves(law, fate, now) {
            if !all.contains(&guess) {
                all.push(guess);
            }
        }
        next += 1;
    }
    all.retain(|guess| !guess.is_overdue(now));
    all
}

fn expectations(guesses: &[State]) -> Vec<String> {
    let mut lines: Vec<String> = guesses.iter().map(State::expects).collect();
    lines.sort();
    lines.dedup();
    lines.truncate(8);
    lines
}

impl State {
    /// What may happen that nobody sees.
    fn moves(&self, law: &Beginning, fate: &Fate, now: Time) -> Vec<State> {
        let mut moves = Vec::new();
        for end in &self.fading {
            let mut gone = self.clone();
            gone.fading.retain(|other| other != end);
            // When it went is not known, so no event shows an order that it followed.
            moves.extend(gone.leave(law, end, now, usize::MAX));
        }
        if matches!(self.mode, Mode::Over(_) | Mode::Dying { .. }) {
            return moves;
        }
        let reason = match fate {
            Fate::Ended { reason, .. } => reason,
            Fate::Lives => &Exit::Normal,
            Fate::Unseen => &Exit::Killed,
        };
        if reason.is_abnormal() {
            let mut dying = self.clone();
            dying.enter(Mode::Dying { loose: self.in_hand() }, now);
            moves.push(dying);
        }
        if self.mode != Mode::Idle {
            return moves;
        }
        let may_be_told = match fate {
            Fate::Ended { told_from, .. } => told_from.is_some_and(|from| from <= now),
            Fate::Lives => false,
            Fate::Unseen => true,
        };
        if !self.is_ordered && may_be_told {
            let mut ordered = self.clone();
            ordered.is_ordered = true;
            ordered.end(law, reason.clone(), now);
            ordered.go_on(law, now);
            ordered.since_least = self.seen_at;
            moves.push(ordered);
        }
        for (at, notice) in self.inbox.iter().enumerate() {
            let is_first = !self.inbox.iter().any(|other| other.place.1 < notice.place.0);
            if !is_first || notice.at.0 > now {
                continue;
            }
            let earliest = notice.at.0.max(self.since_least);
            let latest = (notice.at.1.max(self.since) + SLACK).min(now).max(earliest);
            for is_too_many in [false, true] {
                let mut state = self.clone();
                state.inbox.remove(at);
                moves.extend(state.handle(law, &notice.what, (earliest, latest), is_too_many));
            }
        }
        moves
    }

    /// Whether something should have been seen before `now`.
    fn is_overdue(&self, now: Time) -> bool {
        match &self.mode {
            Mode::Starting { begun: None, .. } => self.since + SLACK < now,
            Mode::Stopping { left, .. } => left.first().and_then(|uid| self.at(*uid)).is_some_and(|i| {
                let row = &self.rows[i];
                let limit = match row.policy.shutdown {
                    _ if row.policy.kind == ChildKind::Supervisor => return false,
                    Shutdown::BrutalKill => SLACK,
                    Shutdown::Timeout(limit) => limit + SLACK,
                    Shutdown::Infinity => return false,
                };
                self.since + limit < now
            }),
            Mode::Idle => self.inbox.iter().any(|notice| notice.at.1.max(self.since) + SLACK < now),
            Mode::Starting { .. } | Mode::StoppingAll { .. } | Mode::Dying { .. } | Mode::Over(_) => false,
        }
    }

    /// Whether it may stay as it is.
    fn is_at_rest(&self, until: Time) -> bool {
        let is_due = |notice: &Notice| notice.at.1 + SLACK < until;
        let is_quiet = !self.inbox.iter().any(is_due) && self.owed.is_empty() && self.fading.is_empty();
        self.mode == Mode::Idle && is_quiet || matches!(self.mode, Mode::Over(_))
    }

    /// The guess after this event; `None`: it does not fit.
    fn accept(mut self, law: &Beginning, event: &Event, place: usize) -> Option<State> {
        let now = event.at;
        self.seen_at = now;
        match &event.what {
            What::Start(id, n) => {
                let Mode::Starting { left, begun: begun @ None, .. } = &mut self.mode else { return None };
                let uid = *left.first()?;
                *begun = Some(*n);
                let i = self.at(uid)?;
                if self.rows[i].id != *id {
                    return None;
                }
                self.since = now;
            }
            What::Up(id, n) => {
                let (i, cause) = self.outcome(id, *n, now)?;
                let row = &mut self.rows[i];
                (row.doing, row.last, row.up_since) = (Doing::Up(*n), Some(*n), Some(now));
                if let Cause::Request { number, .. } = cause {
                    self.owed.push((number, Answer::Started));
                }
            }
            What::Declined(id, n) => {
                let (i, cause) = self.outcome(id, *n, now)?;
                self.put_down(law, i);
                if let Cause::Request { number, .. } = cause {
                    self.owed.push((number, Answer::Ignored));
                }
            }
            What::Failed(id, n, why) => self.failed(law, id, *n, why, now)?,
            What::Told(id, n, why) => self.told(id, *n, why, place)?,
            What::Gone(end) => self = self.leave(law, end, now, place)?,
            What::MayBeGone(end) => self.fading.push(end.clone()),
            What::IsGone(id, n) => {
                if self.fading.iter().any(|end| end.id == *id && end.n == *n) {
                    return None;
                }
            }
            What::Asked(number, request) => {
                let what = Noticed::Request(*number, request.clone());
                self.inbox.push(Notice { what, at: (now, now), place: (place, place) });
            }
            What::Answered(number, answer) => {
                let at = self.owed.iter().position(|owed| owed == &(*number, *answer))?;
                self.owed.remove(at);
            }
            What::Over(exit) => match &self.mode {
                Mode::Over(reason) if reason == exit => {}
                Mode::Dying { .. } if self.running().is_empty() => self.mode = Mode::Over(exit.clone()),
                _ => return None,
            },
        }
        self.go_on(law, now);
        Some(self)
    }

    /// The start of this child is over: where it is, and why it was started.
    fn outcome(&mut self, id: &str, n: u32, now: Time) -> Option<(usize, Cause)> {
        let Mode::Starting { left, begun, cause } = &mut self.mode else { return None };
        if *begun != Some(n) {
            return None;
        }
        *begun = None;
        let (uid, cause) = (left.remove(0), *cause);
        self.since = now;
        let i = self.at(uid)?;
        (*self.rows[i].id == *id).then_some((i, cause))
    }

    fn failed(&mut self, law: &Beginning, id: &str, n: u32, why: &Exit, now: Time) -> Option<()> {
        let (i, cause) = self.outcome(id, n, now)?;
        let row = &self.rows[i];
        let (uid, id) = (row.uid, row.id.clone());
        match cause {
            Cause::Boot => self.end(law, Exit::shutdown_with(Exit::start_failed(id, why.clone())), now),
            Cause::Restart => self.try_again(law, uid, now),
            Cause::Request { number, is_new } => {
                if is_new {
                    self.rows.remove(i);
                }
                self.owed.push((number, Answer::StartFailed));
                self.enter(Mode::Idle, now);
            }
        }
        Some(())
    }

    /// Whether it is this child that is being stopped just now, and since when.
    fn stops(&self, id: &str, n: u32) -> Option<(Time, Shutdown)> {
        let is_it = |i: &usize| *self.rows[*i].id == *id && self.rows[*i].doing == Doing::Up(n);
        let i = match &self.mode {
            Mode::Stopping { left, .. } => left.first().and_then(|uid| self.at(*uid)).filter(is_it)?,
            Mode::StoppingAll { .. } => (0..self.rows.len()).find(is_it)?,
            _ => return None,
        };
        Some((self.since_least, self.rows[i].policy.shutdown))
    }

    /// Whether it is this child's turn to end, newest first, after the supervisor itself.
    fn orphans(&self, id: &str, n: u32) -> bool {
        let Mode::Dying { loose } = &self.mode else { return false };
        let newest = self.running().into_iter().rev().find(|child| !loose.contains(child));
        self.is_loose(id, n) || newest.is_some_and(|(other, m)| *other == *id && m == n)
    }

    /// Whether it was in the supervisor's hands when that was killed: it may have heard of something else before.
    fn is_loose(&self, id: &str, n: u32) -> bool {
        let Mode::Dying { loose } = &self.mode else { return false };
        loose.iter().any(|(other, m)| **other == *id && *m == n)
    }

    fn told(&mut self, id: &str, n: u32, why: &Exit, place: usize) -> Option<()> {
        match self.stops(id, n) {
            Some((_, Shutdown::BrutalKill)) => return None,
            Some((_, Shutdown::Infinity | Shutdown::Timeout(_))) if *why == Exit::Shutdown => {}
            None if self.orphans(id, n) && (why.is_abnormal() || self.is_loose(id, n)) => {}
            Some(_) | None => return None,
        }
        self.shows(place);
        Some(())
    }

    fn shows(&mut self, place: usize) {
        if self.is_ordered {
            self.order_shows.get_or_insert(place);
        }
    }

    /// A child is gone.
    fn leave(mut self, law: &Beginning, end: &End, now: Time, shown_by: usize) -> Option<State> {
        let End { id, n, reason, is_own, at } = end;
        let now = now.min(at.1);
        if !is_own {
            match self.stops(id, *n) {
                Some((since, limit)) => {
                    let fits = match (reason, limit) {
                        (Exit::Killed, Shutdown::BrutalKill) => true,
                        (Exit::Killed, Shutdown::Timeout(limit)) => now + SLACK >= since + limit,
                        (Exit::Shutdown, Shutdown::Infinity | Shutdown::Timeout(_)) => true,
                        _ => false,
                    };
                    if !fits {
                        return None;
                    }
                }
                None if self.is_loose(id, *n) && *reason == Exit::Shutdown => {}
                None if self.orphans(id, *n) && reason.is_abnormal() => {}
                None => return None,
            }
            self.shows(shown_by);
        }
        self.gone.push((id.clone(), *n));
        let what = Noticed::Exit { id: id.clone(), n: *n, is_normal: reason.is_normal() };
        let place = (self.place, self.place);
        self.inbox.push(Notice { what, at: *at, place });
        // When a supervisor went is known to a little only.
        self.floor = Some(at.0.min(now));
        self.go_on(law, now);
        self.floor = None;
        Some(self)
    }

    /// What it would do next, in words.
    fn expects(&self) -> String {
        let id = |uid: Option<&u32>| uid.and_then(|uid| self.at(*uid)).map_or("", |i| &self.rows[i].id);
        match &self.mode {
            Mode::Starting { left, begun: None, .. } => format!("to start {}", id(left.first())),
            Mode::Starting { left, .. } => format!("{} to be up, or to fail", id(left.first())),
            Mode::Idle => "nothing, until something happens".to_owned(),
            Mode::Stopping { left, then: Then::End(why) } => {
                format!("{} to be stopped, before it ends: {why}", id(left.first()))
            }
            Mode::Stopping { left, .. } => format!("{} to be stopped", id(left.first())),
            Mode::StoppingAll { reason } => format!("all to be stopped, before it ends: {reason}"),
            Mode::Dying { .. } => "its children to end, newest first, for it was killed".to_owned(),
            Mode::Over(why) => format!("its end: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy, Intensity, Restart, Strategy};
    use std::time::Duration;

    fn law(strategy: Strategy, restarts: u32, restart: Restart) -> Beginning {
        let policy = ChildPolicy { restart, ..ChildPolicy::worker() };
        Beginning {
            strategy: Some(strategy),
            intensity: Intensity { restarts, period: Duration::from_secs(1) },
            auto_shutdown: AutoShutdown::Never,
            max_children: None,
            children: ["a", "b", "c"].map(|id| (id.into(), policy)).to_vec(),
        }
    }

    /// One event a word, one a millisecond: `+a1` is begun and up, `!a1` is begun and fails, `-a1` ends by itself, `a1`
    /// is stopped, `.` nothing, `over` the end.
    fn events(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        for (number, word) in text.split_whitespace().enumerate() {
            let at = Time::from_nanos(number as u64 * 500_000);
            let mut say = |what| events.push(Event { at, what });
            let child = word.trim_start_matches(['+', '!', '-']);
            let (id, n) = (&child[..1], child[1..].parse().unwrap_or(0));
            let end = |reason, is_own| What::Gone(End { id: id.into(), n, reason, is_own, at: (at, at) });
            match &word[..1] {
                "." => {}
                "+" => {
                    say(What::Start(id.into(), n));
                    say(What::Up(id.into(), n));
                }
                "!" => {
                    say(What::Start(id.into(), n));
                    say(What::Failed(id.into(), n, Exit::error("bad")));
                }
                "-" => say(end(Exit::error("oops"), true)),
                _ if word == "over" => say(What::Over(Exit::Shutdown)),
                _ => say(end(Exit::Shutdown, false)),
            }
        }
        events
    }

    #[track_caller]
    fn verdict(law: &Beginning, text: &str) -> Result<(), usize> {
        let events = events(text);
        let until = events.last().unwrap().at + Duration::from_secs(9);
        let fate = if text.ends_with("over") {
            Fate::Ended { reason: Exit::Shutdown, told_from: Some(Time::EPOCH) }
        } else {
            Fate::Lives
        };
        check(law, &events, &fate, until).map(drop).map_err(|broken| broken.event)
    }

    #[test]
    fn what_the_law_says_passes_and_what_it_does_not_say_is_found() {
        use Strategy::{OneForAll, OneForOne, RestForOne};
        for (strategy, text, expect) in [
            (OneForOne, "+a1 +b1 +c1 -b1 +b2", Ok(())),
            (OneForOne, "+a1 +b1 +c1 -b1 +a2", Err(7)),
            (OneForOne, "+b1", Err(0)),
            (OneForOne, "+a1 +b1 +c1 -b1", Err(7)), // nobody restarts it
            (OneForOne, "+a1 +b1 +c1 -b1 !b2 -a1 +b3 +a2", Ok(())),
            (OneForOne, "+a1 +b1 +c1 -b1 !b2 -a1 +a2 +b3", Err(10)), // the retry waits in front of the exit
            (RestForOne, "+a1 +b1 +c1 -b1 c1 +b2 +c2", Ok(())),
            (RestForOne, "+a1 +b1 +c1 -b1 +b2 +c2", Err(7)),
            (OneForAll, "+a1 +b1 +c1 -b1 c1 a1 +a2 +b2 +c2", Ok(())),
            (OneForAll, "+a1 +b1 +c1 -b1 a1 c1 +a2 +b2 +c2", Err(7)),
            (OneForAll, "+a1 +b1 +c1 -b1 -c1 a1 +a2 +b2 +c2", Ok(())),
            (OneForOne, "+a1 +b1 +c1 -a1 +a2 -a2 +a3 -a3 +a4 -a4 c1 b1 over", Ok(())),
            (OneForOne, "+a1 +b1 +c1 -a1 +a2 -a2 +a3 -a3 +a4 -a4 +a5", Err(16)),
            (OneForOne, "+a1 +b1 +c1 c1 b1 a1 over", Ok(())), // somebody told it to
            (OneForOne, "+a1 +b1 +c1 b1 c1 a1 over", Err(6)),
        ] {
            assert_eq!(verdict(&law(strategy, 3, Restart::Permanent), text), expect, "{strategy} {text}");
        }
        let temporary = law(OneForAll, 3, Restart::Temporary);
        assert_eq!(verdict(&temporary, "+a1 +b1 +c1 -b1 . . . -c1"), Ok(()));
        assert_eq!(verdict(&temporary, "+a1 +b1 +c1 -b1 +b2"), Err(7));
    }
}
