//! What lies under the mailbox's lock for an actor: who it is, its bonds, and how to get it to run.

use crate::bonds::{Bonds, TrapExits};
use crate::exit::Exit;
use crate::eye::Eye;
use crate::fate::Owed;
use crate::id::Pid;
use crate::info::Notice;
use crate::reply::ReplyTo;
use crate::watch::Signalled;
use ravelin_mailbox::{Consumer, Cut, Edge};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// An actor in a crowd that was woken more often than this gets a task of its own.
const CREW_TURNS: u8 = 8;

/// A signal in the control lane.
#[derive(Debug)]
pub(crate) enum Control {
    /// Run `terminate` and end with this reason.
    Stop(Exit),
    /// End with this reason, on the spot.
    Die(Exit),
    /// End, on the spot.
    Kill,
    /// A question, to be answered between two messages.
    Ask(Ask),
}

/// What a signal does to its receiver.
pub(crate) enum Act {
    Control(Control, Cut),
    /// It takes its place among the messages.
    Notice(Notice),
}

impl Control {
    /// As a runtime is told of it.
    pub(super) fn seen(&self) -> Option<Signalled> {
        match self {
            Control::Stop(_) => Some(Signalled::Stop),
            Control::Die(_) => Some(Signalled::Die),
            Control::Kill => Some(Signalled::Kill),
            Control::Ask(_) => None,
        }
    }
}

/// What can be asked of an actor between two messages. Whoever asks may have gone by then; then nothing is done.
#[derive(Debug)]
pub(crate) enum Ask {
    /// To come by: no message that was sent meanwhile has been begun before it is known who looks.
    Look(ReplyTo<()>),
    /// Its state as text, if it offers that; `Err`: that panicked.
    State(ReplyTo<Result<Option<String>, Exit>>),
    /// To take another state; `Ok(Err(_))`: it refused, in its own words.
    Replace(String, ReplyTo<Result<Result<(), String>, Exit>>),
}

impl Ask {
    /// Whether whoever asked still waits.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Ask::Look(reply) => reply.is_awaited(),
            Ask::State(reply) => reply.is_awaited(),
            Ask::Replace(_, reply) => reply.is_awaited(),
        }
    }
}

/// The part of an actor that others look at.
#[derive(Default)]
pub(crate) struct Life {
    /// The incarnation that is there.
    pub(crate) pid: Option<Pid>,
    pub(crate) traps: TrapExits,
    /// Whether `init` has succeeded.
    pub(crate) is_up: bool,
    /// An incarnation that never had any company came up and ended, normally: all that there is to know of it.
    ended_alone: bool,
    /// Whether the executor has a task for this cell.
    has_task: bool,
    /// How often the crew runs it yet, before it gets a task of its own.
    crew_turns: u8,
    /// An incarnation is over, and its names, groups and counts are not: the next one waits for that.
    is_ending: bool,
    /// Whether it is suspended: it shall handle no message.
    is_held: bool,
    /// Whether `terminate` has begun.
    pub(super) is_closing: bool,
    /// How many incarnations are gone, to tell whether one went meanwhile.
    pub(crate) lives: u16,
    waker: Option<Waker>,
    company: Option<Box<Company>>,
}

/// Whom an actor has to do with, and what is known of the one before it. An actor on its own has none of it.
#[derive(Default)]
pub(crate) struct Company {
    pub(crate) parent: Option<Pid>,
    pub(crate) bonds: Option<Box<Bonds>>,
    /// Whom it must outlive.
    pub(crate) children: Option<Box<Children>>,
    /// Calls that a task received, and that are answered elsewhere or not at all.
    pub(crate) owed: Vec<Owed>,
    /// Who waits for the end.
    pub(crate) mourners: Vec<ReplyTo<Exit>>,
    /// Who waits for `init`.
    pub(crate) starter: Option<ReplyTo<Result<Pid, Exit>>>,
    /// Who waits for an incarnation to be up.
    pub(crate) guests: Vec<ReplyTo<Pid>>,
    /// The last incarnation that is over and had come up.
    started: Option<Pid>,
    /// The last one that is over.
    last: Option<Pid>,
    /// The reason of the last end.
    last_exit: Option<Exit>,
    /// Who looks at the place.
    eye: Option<Arc<Eye>>,
    /// What the place is called elsewhere; 0: it is not.
    number: u64,
    /// Who sent the messages that wait, of the newest of them, where somebody wants to know.
    senders: Option<VecDeque<Option<Pid>>>,
}

/// Who came to wait for `init`, and for the end, of an incarnation that was over already.
pub(crate) type Late = (Option<ReplyTo<Result<Pid, Exit>>>, Vec<ReplyTo<Exit>>);

/// How to get a cell to run.
pub(crate) enum Wake {
    /// This thread runs actors and takes it next.
    HandOver,
    /// Its task has this waker; `None`: the task was made and not polled yet, so it will look by itself.
    Task(Option<Waker>),
    /// The crew runs it.
    Crew,
    /// It needs a task.
    Spawn,
}

impl Consumer for Life {
    type Wake = Wake;

    fn accepted(&mut self) {
        self.note(None);
    }

    #[inline]
    fn edge(&mut self, edge: Edge) -> Wake {
        match edge {
            Edge::HandOver => Wake::HandOver,
            Edge::Queue if self.has_task => Wake::Task(self.waker.clone()),
            Edge::Queue if self.crew_turns > 0 => {
                self.crew_turns -= 1;
                Wake::Crew
            }
            Edge::Queue => {
                self.has_task = true;
                Wake::Spawn
            }
        }
    }
}

impl Company {
    /// A call was received: should the actor end before it is answered, it ends with the actor's reason. Gives those that
    /// are over, to be dropped without the lock.
    pub(crate) fn owe(&mut self, call: Owed) -> Vec<Owed> {
        let mut over = Vec::new();
        if self.owed.len() == self.owed.capacity() {
            (over, self.owed) = mem::take(&mut self.owed).into_iter().partition(|call| call.is_over());
        }
        self.owed.push(call);
        over
    }
}

impl Life {
    /// Its company, if it has any.
    pub(crate) fn known(&self) -> Option<&Company> {
        self.company.as_deref()
    }

    pub(crate) fn known_mut(&mut self) -> Option<&mut Company> {
        self.company.as_deref_mut()
    }

    /// Its company, made when first needed.
    pub(crate) fn company(&mut self) -> &mut Company {
        self.company.get_or_insert_default()
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.known().and_then(|company| company.parent)
    }

    /// The incarnation is over; `started` is it, if it had come up. Gives the company that goes with it.
    pub(super) fn ended(&mut self, last: Option<Pid>, was_up: bool, exit: &Exit) -> Company {
        let started = last.filter(|_| was_up);
        self.is_ending = true;
        self.is_held = false;
        self.is_closing = false;
        if self.company.is_none() && started.is_some() && *exit == Exit::Normal {
            self.ended_alone = true;
            return Company::default();
        }
        let company = self.company();
        let stays = Company {
            guests: mem::take(&mut company.guests),
            started,
            last,
            last_exit: Some(exit.clone()),
            eye: company.eye.clone(),
            number: company.number,
            senders: company.senders.is_some().then(VecDeque::new),
            ..Company::default()
        };
        mem::replace(company, stays)
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Nothing of the incarnation that has ended is left; gives those who came meanwhile to wait for that.
    pub(super) fn is_gone(&mut self) -> Late {
        self.is_ending = false;
        self.lives = self.lives.checked_add(1).unwrap_or(1);
        let company = self.known_mut();
        company.map(|company| (company.starter.take(), mem::take(&mut company.mourners))).unwrap_or_default()
    }

    /// Whether `pid`, which lived here and is over, had come up.
    pub(super) fn had_come_up(&self, pid: Pid) -> bool {
        self.known().map_or(self.ended_alone, |company| {
            company.started == Some(pid) || company.last_exit.is_none() && self.ended_alone
        })
    }

    /// The last incarnation that is over, if anything but its name is known of it.
    pub(super) fn last(&self) -> Option<Pid> {
        self.known().and_then(|company| company.last)
    }

    /// The reason of the last end.
    pub(crate) fn last_exit(&self) -> Option<Exit> {
        let last = self.known().and_then(|company| company.last_exit.clone());
        last.or(self.ended_alone.then_some(Exit::Normal))
    }

    /// What the place is called elsewhere.
    pub(crate) fn number(&self) -> Option<u64> {
        self.known().map(|company| company.number).filter(|number| *number != 0)
    }

    /// The same; it is called so from now on, if it is not called otherwise yet.
    pub(crate) fn set_number(&mut self, number: u64) -> u64 {
        let company = self.company();
        if company.number == 0 {
            company.number = number;
        }
        company.number
    }

    /// Who looks at the place.
    pub(crate) fn eye(&self) -> Option<&Arc<Eye>> {
        self.known().and_then(|company| company.eye.as_ref())
    }

    /// As `eye`, made when first needed.
    pub(super) fn open_eye(&mut self) -> &Arc<Eye> {
        self.company().eye.get_or_insert_default()
    }

    /// Whether it shall handle no message.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// It shall handle no message, or handle them again.
    pub(super) fn set_held(&mut self, is_held: bool) {
        self.is_held = is_held;
        if is_held {
            self.open_eye().hold();
        }
    }

    /// Whether who runs it must come by for this signal, though it cuts nothing off: one that is suspended waits in
    /// nothing of its own.
    pub(crate) fn cut_if_held(&self) -> Cut {
        if self.is_held { Cut::Yes } else { Cut::No }
    }

    /// From now on it is noted who sends, or no longer.
    pub(super) fn note_senders(&mut self, is_wanted: bool) {
        match (is_wanted, self.known_mut()) {
            (true, _) => {
                self.company().senders.get_or_insert_default();
            }
            (false, Some(company)) => company.senders = None,
            (false, None) => {}
        }
    }

    /// A message came, from this actor.
    pub(super) fn note(&mut self, from: Option<Pid>) {
        if let Some(senders) = self.known_mut().and_then(|company| company.senders.as_mut()) {
            senders.push_back(from);
        }
    }

    /// Who sent the oldest of the `left` messages that have not begun, which begins now. Those that came before somebody
    /// wanted to know have nobody.
    pub(super) fn sender(&mut self, left: usize) -> Option<Pid> {
        let senders = self.known_mut()?.senders.as_mut()?;
        // Some of them are gone without having begun.
        while senders.len() > left {
            senders.pop_front();
        }
        if senders.len() == left { senders.pop_front().flatten() } else { None }
    }

    /// Whether `terminate` has begun.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// How many ended here before.
    pub(crate) fn restarts(&self) -> u16 {
        self.lives
    }

    /// The task is being polled with this waker; gives an old waker back, to be dropped without the lock.
    pub(crate) fn polled_with(&mut self, waker: &Waker) -> Option<Waker> {
        if self.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            return None;
        }
        self.waker.replace(waker.clone())
    }

    /// The task's waker, to have it look at a cell whose incarnation is over.
    pub(super) fn task_waker(&self) -> Option<Waker> {
        self.waker.clone()
    }

    /// The actor is one of many, and begins without a task.
    pub(crate) fn join_crew(&mut self) {
        self.crew_turns = CREW_TURNS;
    }

    pub(super) fn is_in_crew(&self) -> bool {
        self.crew_turns > 0
    }

    /// The executor dropped the task; gives its waker back, to be dropped without the lock.
    pub(crate) fn task_gone(&mut self) -> Option<Waker> {
        self.has_task = false;
        self.waker.take()
    }
}

/// The children that an actor must outlive, in the order in which they were started. When it ends for any reason,
/// also by a kill or in the middle of `init`, those that are left are ended first, newest first.
#[derive(Default)]
pub(crate) struct Children {
    /// By rank, and among equals in the order in which they were started.
    by_start: BTreeMap<(u64, u64), (Pid, Grace)>,
    start_of: BTreeMap<Pid, (u64, u64)>,
    started: u64,
}

/// How long a child may take to end when its parent was killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Grace {
    /// None.
    Kill,
    /// So long, then it is killed.
    For(Duration),
    /// As long as it takes, which somebody who looks must bound.
    Unbounded,
    /// As long as it takes: it bounds the time of its own children.
    Supervisor,
}

impl Children {
    pub(crate) fn add(&mut self, child: Pid, rank: u64, grace: Grace) {
        self.started += 1;
        self.by_start.insert((rank, self.started), (child, grace));
        self.start_of.insert(child, (rank, self.started));
    }

    pub(crate) fn remove(&mut self, child: Pid) {
        if let Some(start) = self.start_of.remove(&child) {
            self.by_start.remove(&start);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// In the order of their ranks.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        self.by_start.values().map(|(pid, _)| *pid).collect()
    }

    /// Newest first.
    pub(crate) fn newest_first(self) -> impl Iterator<Item = (Pid, Grace)> {
        self.by_start.into_values().rev()
    }
}
