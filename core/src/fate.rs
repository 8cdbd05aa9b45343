//! What a dropped `ReplyTo` means depends on why it is dropped; this is where it looks.
//!
//! When an actor ends, the calls that it had not answered end with its exit reason, and they learn of it when
//! everybody else does: after its state is gone and its name is free. So what is dropped on the way there is
//! *collected*, and failed at the end.

use crate::error::CallError;
use crate::exit::Exit;
use crate::panics;
use crate::time::Time;
use ravelin_mailbox::Hold;
use std::cell::{Cell, RefCell};
use std::mem;
use std::task::{Context, Poll};

/// Why a call that will get no reply ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Unanswered {
    /// The `ReplyTo` was dropped by a living actor.
    Dropped,
    /// The callee ended.
    Exited(Exit),
    /// The mailbox's policy discarded the request.
    Discarded,
    /// Who had its `ReplyTo` said why.
    Failed(Box<CallError<()>>),
}

impl Unanswered {
    /// As its caller learns of it.
    #[cold]
    pub(crate) fn told(self) -> CallError<()> {
        match self {
            Unanswered::Dropped => CallError::NoReply,
            Unanswered::Exited(exit) => CallError::Exited(exit),
            Unanswered::Discarded => CallError::Discarded,
            Unanswered::Failed(why) => *why,
        }
    }
}

/// How long a caller waits, for whoever works on the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Budget {
    /// As long as it takes.
    Open,
    /// The usual time, from about now on.
    Usual,
    /// The usual time; this seat of the patient knows how much of it is left.
    Seat(u64),
    /// Until then, kept coarsely.
    Coarse(Time),
    /// Until then.
    Until(Time),
}

/// The two highest bits of a code say what it is; a time has room beside them.
const TIME_MAX: u64 = (1 << 62) - 1;

impl Budget {
    /// In one word.
    pub(crate) fn code(self) -> u64 {
        match self {
            Budget::Open => 0,
            Budget::Usual => 1,
            Budget::Seat(seat) => 1 << 62 | seat & TIME_MAX,
            Budget::Coarse(time) => 2 << 62 | time.as_nanos().min(TIME_MAX),
            Budget::Until(time) => 3 << 62 | time.as_nanos().min(TIME_MAX),
        }
    }

    pub(crate) fn from_code(code: u64) -> Budget {
        let rest = code & TIME_MAX;
        match code >> 62 {
            0 if rest == 0 => Budget::Open,
            0 => Budget::Usual,
            1 => Budget::Seat(rest),
            2 => Budget::Coarse(Time::from_nanos(rest)),
            _ => Budget::Until(Time::from_nanos(rest)),
        }
    }
}

/// A call that waits for its answer.
pub(crate) trait Pending: Send + Sync {
    /// Whether it was answered, or its caller has gone.
    fn is_over(&self) -> bool;
    /// Ready when it is over; else wakes when the caller has gone.
    fn poll_gone(&self, cx: &Context<'_>) -> Poll<()>;
    /// Others than who was asked may answer it from now on, or nobody will.
    fn loosen(&self);
    /// How long the caller waits.
    fn budget(&self) -> Budget;
    /// It will get no answer.
    fn fail(&self, why: Unanswered);
    /// A handler serves it: that it loses its `ReplyTo` is not its end until the handler lets it go.
    fn hold(&self);
    /// The handler is done, or gone.
    fn let_go(&self) -> Held;
}

/// A hold on a call that waits for its answer.
pub(crate) type Owed = Hold<dyn Pending>;

/// What became of a call while a handler served it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Held {
    /// It was answered, or its caller has gone.
    Over,
    /// It lost its `ReplyTo`.
    Dropped,
    /// Somebody has its `ReplyTo`, to answer later.
    Elsewhere,
}

/// A hold on a call while a handler serves it. What the handler dropped on the way to its own violent end is as any
/// other call that an ending actor owes.
pub(crate) struct Serving(Option<Owed>);

impl Serving {
    pub(crate) fn new(call: Option<Owed>) -> Serving {
        if let Some(call) = &call {
            call.hold();
        }
        Serving(call)
    }

    /// The call, if there is one.
    pub(crate) fn call(&self) -> Option<Owed> {
        self.0.clone()
    }

    /// The handler is done. Gives the call if it has no answer yet, and how it is with it.
    pub(crate) fn done(mut self) -> Option<(Owed, Held)> {
        let call = self.0.take()?;
        match call.let_go() {
            Held::Over => None,
            held => Some((call, held)),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(call) = self.0.take()
            && call.let_go() == Held::Dropped
        {
            dropped(call);
        }
    }
}

#[derive(Clone, Copy)]
enum Scope {
    /// A living actor, or no actor at all.
    Plain,
    /// An overflow policy is at work.
    Discarding,
    /// An actor is ending.
    Collecting,
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Plain) };
    /// What was collected, by scopes inside one another.
    static COLLECTED: RefCell<Vec<Owed>> = const { RefCell::new(Vec::new()) };
    /// Calls that lost their `ReplyTo` when an actor's code unwound.
    static FALLEN: RefCell<Vec<Owed>> = const { RefCell::new(Vec::new()) };
}

/// A scope that is entered; ends when it is dropped, also by a panic.
struct Entered {
    outer: Scope,
}

impl Entered {
    #[inline]
    fn new(scope: Scope) -> Entered {
        Entered { outer: SCOPE.try_with(|now| now.replace(scope)).unwrap_or(Scope::Plain) }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        let _ = SCOPE.try_with(|now| now.set(self.outer));
    }
}

/// Runs `f`; calls that lose their `ReplyTo` in it were discarded by a policy.
#[inline]
pub(crate) fn discarding<R>(f: impl FnOnce() -> R) -> R {
    let _discarding = Entered::new(Scope::Discarding);
    f()
}

/// Runs `f`, which is no part of an ending: calls that lose their `ReplyTo` in it get no reply.
#[inline]
pub(crate) fn plainly<R>(f: impl FnOnce() -> R) -> R {
    let _plain = Entered::new(Scope::Plain);
    f()
}

/// Runs `f`; gives the calls that lose their `ReplyTo` in it, to be failed later, those among them that lost it in a
/// panic that was isolated.
pub(crate) fn collecting(f: impl FnOnce()) -> Collected {
    let mut collected =
        Collected { before: COLLECTED.with(|collected| collected.borrow().len()), fallen: Vec::new() };
    let collecting = Entered::new(Scope::Collecting);
    f();
    drop(collecting);
    collected.fallen = fallen();
    collected
}

/// What was collected in a scope. What nobody takes of it gets no reply. Those of scopes inside one another end in the
/// reverse order of their beginnings.
pub(crate) struct Collected {
    before: usize,
    fallen: Vec<Owed>,
}

impl Collected {
    /// Takes them out.
    pub(crate) fn take(&mut self) -> Vec<Owed> {
        let mut taken = self.split_off();
        taken.append(&mut self.fallen);
        taken
    }

    /// Ends them all, for this reason.
    #[inline]
    pub(crate) fn fail(mut self, why: &Unanswered) {
        self.fail_all(why);
    }

    #[inline]
    fn fail_all(&mut self, why: &Unanswered) {
        let is_empty = self.fallen.is_empty()
            && COLLECTED.try_with(|collected| collected.borrow().len() == self.before).unwrap_or(true);
        if !is_empty {
            for call in self.take() {
                call.fail(why.clone());
            }
        }
    }

    #[cold]
    fn split_off(&self) -> Vec<Owed> {
        let split = |collected: &RefCell<Vec<_>>| collected.borrow_mut().split_off(self.before);
        COLLECTED.try_with(split).unwrap_or_default()
    }
}

impl Drop for Collected {
    #[inline]
    fn drop(&mut self) {
        self.fail_all(&Unanswered::Dropped);
    }
}

/// The calls that lost their `ReplyTo` in the panic of an actor's code, just isolated on this thread.
pub(crate) fn fallen() -> Vec<Owed> {
    FALLEN.with(|fallen| {
        let mut fallen = fallen.borrow_mut();
        if fallen.is_empty() { Vec::new() } else { mem::take(&mut *fallen) }
    })
}

/// Runs `f`, a part of an actor's code whose panic is not to end the actor; gives the panic, with its message and
/// place, as an exit reason. Calls that lose their `ReplyTo` in the panic get no reply. `f` must leave nothing broken
/// behind that is used again.
///
/// # Errors
/// `f` panicked: [`Exit::Panic`].
pub fn isolate<R>(f: impl FnOnce() -> R) -> Result<R, Exit> {
    let outcome = panics::isolate(f);
    if outcome.is_err() {
        for call in fallen() {
            call.fail(Unanswered::Dropped);
        }
    }
    outcome
}

/// A `ReplyTo` was dropped: ends its call, or leaves it to who collects.
pub(crate) fn dropped(call: Owed) {
    call.loosen();
    if std::thread::panicking() && panics::is_inside() {
        let _ = FALLEN.try_with(|fallen| fallen.borrow_mut().push(call));
        return;
    }
    match SCOPE.try_with(Cell::get).unwrap_or(Scope::Plain) {
        Scope::Collecting => {
            let left = COLLECTED.try_with(|collected| collected.borrow_mut().push(call.clone()));
            if left.is_err() {
                call.fail(Unanswered::Dropped);
            }
        }
        Scope::Discarding => call.fail(Unanswered::Discarded),
        Scope::Plain => call.fail(Unanswered::Dropped),
    }
}
