//! Calls that cross between nodes, seen from their two ends: a wait whose request goes elsewhere, and a way back to a
//! caller who is elsewhere.

use crate::cell::{CellRef, FarPosted, FarWait, far_waits};
use crate::error::CallError;
use crate::fate::{self, Budget, Unanswered};
use crate::limit::{Fits, Limit};
use crate::reply::{Reply, ReplyTo, reply, reply_to};
use crate::system::System;
use ravelin_mailbox::Lock;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

impl System {
    /// A wait like that of a [`Call`](crate::Call), whose request goes elsewhere: to another node, or out of the program.
    /// Whoever sees to the request has the first, and answers with [`ReplyTo::send`], or says with [`ReplyTo::fail`]
    /// why there will be no answer; dropped it is [`CallError::NoReply`].
    ///
    /// ```
    /// # use ravelin_core::{CallError, Exit, System, runtimes::Local};
    /// # let local = Local::new();
    /// # let system = System::new(local.clone());
    /// # local.block_on(async move {
    /// let (reply, asking) = system.asking::<u32>();
    /// reply.send(7); // when the answer comes
    /// assert_eq!(asking.await, Ok(7));
    /// let (reply, asking) = system.asking::<u32>();
    /// reply.fail(CallError::Exited(Exit::NoConnection));
    /// assert_eq!(asking.await, Err(CallError::Exited(Exit::NoConnection)));
    /// # });
    /// ```
    pub fn asking<R: Send + 'static>(&self) -> (ReplyTo<R>, Asking<R>) {
        let (to, reply) = reply();
        let limit = Limit::Unsaid(Fits::Yes);
        let wait = FarPosted::new(self.host(), reply);
        (to, Asking { wait, limit, has_begun: false, is_over: false, gone: None })
    }

    /// The way back to a caller that waits elsewhere, for at most so long from now; `None`: as long as it takes. The
    /// answer, or why there is none, goes to `then`, once, unless the [`Caller`] is dropped before. `then` runs on
    /// whichever thread answers, which may be that of an actor: it is short, and never blocks.
    ///
    /// Together with [`ActorRef::cast_request`](crate::ActorRef::cast_request) this is what a call from another node is
    /// here: the callee sees the caller's time ([`Cx::deadline`](crate::Cx::deadline)), the calls that it makes end by
    /// then, and a request whose `Caller` was dropped is not handled. No timer runs: the time is watched where the
    /// caller is, who sends word when it waits no longer.
    pub fn reply_to<R: Send + 'static>(
        &self,
        budget: Option<Duration>,
        then: impl FnOnce(Result<R, CallError<()>>) + Send + 'static,
    ) -> (ReplyTo<R>, Caller) {
        let until = budget.map_or(Budget::Open, |budget| Budget::Until(self.runtime().now() + budget));
        courier(until, Box::new(then))
    }
}

/// The future of a wait whose request goes elsewhere: the answer, or why there is none. See [`System::asking`].
///
/// # Errors
/// See [`CallError`]; who asked has the request, and hands it back with [`CallError::map`] where a variant has it.
/// [`CallError::Expired`] when the call that the caller serves has no time left: then nothing is to be sent.
///
/// # Time
/// As for a [`Call`](crate::Call): five seconds if nothing is said, from [`Asking::begin`] or the first poll on, and no
/// later than the call that the actor serves which begins it. That it waits is seen in a circle of calls only if whoever
/// sees to the request follows circles across nodes, as a cluster does; else one ends with its time.
///
/// # Cancel safety
/// Dropped, an answer that still comes reaches nobody.
#[must_use = "an asking does nothing until it is awaited"]
pub struct Asking<R: Send + 'static> {
    wait: FarPosted<R>,
    limit: Limit,
    has_begun: bool,
    /// An answer came, or a reason why none will.
    is_over: bool,
    gone: Option<Box<dyn FnOnce() + Send>>,
}

impl<R: Send + 'static> Asking<R> {
    /// Waits at most so long.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit.say(Some(limit));
        self
    }

    /// Waits as long as it takes; no longer, all the same, than the call that the caller serves may take.
    pub fn no_timeout(mut self) -> Self {
        self.limit.say(None);
        self
    }

    /// Its time is its own: it may take longer than the call that the caller serves.
    pub fn detached(mut self) -> Self {
        self.limit.detach();
        self
    }

    /// Calls `hook` when the wait is given up before there is an answer: its time is over, or it is dropped. To tell
    /// who works on the answer. Not when it had no time to begin with.
    pub fn on_gone(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.gone = Some(Box::new(hook));
        self
    }

    /// Begins the time, if it has not begun, and gives what is left of it, to travel with the request; `None`: as long
    /// as it takes. For an actor's own code to call, or for the first poll to do: there it is known which call is served.
    ///
    /// # Errors
    /// [`CallError::Expired`]: no time is left, and nothing is to be sent.
    pub fn begin(&mut self) -> Result<Option<Duration>, CallError<()>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let host = &self.wait.host;
            let Some(budget) = self.limit.begin(&**host, || host.hands_over()) else {
                (self.is_over, self.gone) = (true, None);
                return Err(CallError::Expired(()));
            };
            self.wait.reply.set_budget(budget);
        }
        Ok(self.limit.left(self.wait.host.runtime().now()))
    }

    /// From now on others see that the actor that runs here waits, under this number, which whoever carries the request
    /// chose: below 2^31, and of no other wait of this system. Before the request is sent, so that nobody who learns of
    /// it there looks here in vain. Does nothing where no actor of this system runs, and the second time.
    #[doc(hidden)]
    pub fn waits_as(&mut self, number: u32) {
        self.wait.post(number);
    }

    /// Gives up, if there is no answer.
    fn leave(&mut self) {
        let host = &self.wait.host;
        self.limit.stop(|| Some(&**host));
        if !std::mem::replace(&mut self.is_over, true)
            && let Some(gone) = self.gone.take()
        {
            gone();
        }
    }
}

impl<R: Send + 'static> Unpin for Asking<R> {}

impl<R: Send + 'static> Future for Asking<R> {
    type Output = Result<R, CallError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.begin()?;
        if let Poll::Ready(answer) = this.wait.reply.poll(cx) {
            this.is_over = true;
            this.leave();
            return Poll::Ready(answer.map_err(Unanswered::told));
        }
        let (host, reply) = (&this.wait.host, &this.wait.reply);
        if this.limit.poll(&**host, cx, |budget| reply.set_budget(budget)).is_pending() {
            return Poll::Pending;
        }
        this.leave();
        Poll::Ready(Err(CallError::Timeout))
    }
}

impl<R: Send + 'static> Drop for Asking<R> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<R: Send + 'static> fmt::Debug for Asking<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_over { "Asking(over)" } else { "Asking(waits)" })
    }
}

/// A caller that waits elsewhere; dropped, it waits no longer: who works on the answer can see it
/// ([`Cx::is_awaited`](crate::Cx::is_awaited)), a request that was not begun is not handled, and no answer goes to it.
/// After the answer dropping it does nothing. See [`System::reply_to`].
#[must_use = "a caller that is dropped waits no longer"]
pub struct Caller(Arc<dyn Waits>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

impl Caller {
    /// Whom it asks: who lives at that place, before the question goes there.
    pub(crate) fn asks_cell(&self, cell: &CellRef) {
        self.0.asks(cell);
    }

    /// To look where its wait leads, as long as it waits.
    #[doc(hidden)]
    pub fn sight(&self) -> Sight {
        Sight(self.0.clone())
    }
}

/// A look at a [`Caller`]. It may be dropped at any time: the caller waits all the same.
#[doc(hidden)]
#[derive(Clone)]
pub struct Sight(Arc<dyn Waits>);

impl Sight {
    /// The waits for other nodes that keep the caller waiting, itself or through others: each with the way from who was
    /// asked to who waits there. `None`: it waits no longer, or somebody else than who was asked may answer it.
    pub fn far_waits(&self) -> Option<Vec<FarWait>> {
        let cell = self.0.asked()?;
        let ways = far_waits(&cell);
        // Last, as the ways are looked at backwards: nobody on them went on before this was so.
        self.0.asked().map(|_| ways)
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sight")
    }
}

trait Waits: Send + Sync {
    /// Waits no longer.
    fn leave(&self);
    /// Whom it asks.
    fn asks(&self, cell: &CellRef);
    /// Whom it asked, if that one lives and nobody else can answer.
    fn asked(&self) -> Option<CellRef>;
}

pub(crate) type Then<R> = Box<dyn FnOnce(Result<R, CallError<()>>) + Send>;

/// Waits for an answer as a caller does, and takes it to where it is wanted on the thread that gives it.
struct Courier<R: Send + 'static>(Lock<Option<Errand<R>>>);

struct Errand<R: Send + 'static> {
    reply: Reply<R>,
    then: Then<R>,
    /// Whom it asks, and where that one sat before the question was on its way.
    asked: Option<(CellRef, u32)>,
}

/// A way back with that at its end.
pub(crate) fn courier<R: Send + 'static>(budget: Budget, then: Then<R>) -> (ReplyTo<R>, Caller) {
    let courier = Arc::new(Courier(Lock::new(None)));
    let (to, reply) = reply_to(&Waker::from(courier.clone()));
    reply.set_budget(budget);
    *courier.0.lock() = Some(Errand { reply, then, asked: None });
    (to, Caller(courier))
}

impl<R: Send + 'static> Wake for Courier<R> {
    fn wake(self: Arc<Self>) {
        // It is woken by the answer alone, and once.
        let taken = self.0.lock().take();
        let Some(Errand { mut reply, then, .. }) = taken else { return };
        if let Poll::Ready(answer) = reply.poll(&mut Context::from_waker(Waker::noop())) {
            let answer = answer.map_err(Unanswered::told);
            // It runs in the middle of whoever answers.
            if let Err(panic) = fate::isolate(|| then(answer)) {
                tracing::warn!(target: "ravelin", reason = %panic, "ravelin.answer_lost");
            }
        }
    }
}

impl<R: Send + 'static> Waits for Courier<R> {
    fn leave(&self) {
        let taken = self.0.lock().take();
        drop(taken);
    }

    fn asks(&self, cell: &CellRef) {
        if let Some(errand) = &mut *self.0.lock() {
            errand.asked = Some((cell.clone(), cell.header().seat()));
        }
    }

    fn asked(&self) -> Option<CellRef> {
        let errand = self.0.lock();
        let errand = errand.as_ref()?;
        let (cell, seat) = errand.asked.as_ref()?;
        let is_certain = *seat != 0 && cell.header().seat() == *seat && errand.reply.head().is_certain();
        is_certain.then(|| cell.clone())
    }
}
