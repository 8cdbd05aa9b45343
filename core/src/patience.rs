//! The patience of callers who named no time limit: five seconds, kept coarsely, so that a call that is answered soon
//! costs neither a timer of the runtime nor a look at the clock.
//!
//! Who waits leaves a waker; a sweeper, which is there only while somebody waits, comes by every 1/20 s and wakes
//! those whose time is over. A wait is measured from the first sweep that sees it: it ends up to 1/20 s (and what the
//! executor takes to poll the sweeper) late, never early.
//!
//! Each shard has a sweeper of its own and its flag lies under the shard's lock: whoever comes to a shard that is not
//! swept starts one, in the same critical section, and a sweeper that finds its shard unused goes in one too.

use crate::runtime::{Runtime, Timer};
use crate::time::Time;
use ravelin_mailbox::Lock;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long a call waits when nothing else is said; as in OTP. It may wait 1/20 s longer: this time limit is kept
/// coarsely, unlike one that is asked for.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

const SHARDS: usize = 8;
const TICK: Duration = Duration::from_millis(50);

/// All that wait, of one system.
pub(crate) struct Patience {
    shards: [Lock<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    seats: Vec<Seat>,
    free: Vec<u32>,
    is_swept: bool,
    /// Whether somebody came since the last sweep.
    is_used: bool,
}

enum Seat {
    Free,
    /// Since the last sweep.
    New(Waker),
    /// Until then.
    Waits(Time, Waker),
    /// The time is over, and who waited was woken.
    Over,
}

/// A seat; to be given back to [`Patience::leave`].
#[derive(Debug)]
pub(crate) struct Wait {
    shard: u8,
    seat: u32,
}

impl Wait {
    /// A number for it, to ask [`Patience::until`] by.
    pub(crate) fn number(&self) -> u64 {
        u64::from(self.shard) << 32 | u64::from(self.seat)
    }
}

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience { shards: std::array::from_fn(|_| Lock::new(Shard::default())) }
    }

    /// Begins a wait: until then, or for the usual time. `hint` spreads threads over the shards; where there is one thread
    /// it must be always the same.
    pub(crate) fn begin(
        self: &Arc<Patience>,
        hint: usize,
        until: Option<Time>,
        waker: &Waker,
        runtime: &Arc<dyn Runtime>,
    ) -> Wait {
        let waker = waker.clone();
        let new = match until {
            None => Seat::New(waker),
            Some(until) => Seat::Waits(until, waker),
        };
        // Addresses of threads differ in their middle bits.
        let index = (hint.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) % SHARDS;
        let mut shard = self.shards[index].lock();
        shard.is_used = true;
        let seat = match shard.free.pop() {
            Some(seat) => {
                shard.seats[seat as usize] = new;
                seat
            }
            None => {
                shard.seats.push(new);
                shard.seats.len() as u32 - 1
            }
        };
        let is_swept = mem::replace(&mut shard.is_swept, true);
        drop(shard);
        if !is_swept {
            self.start_sweeper(index, runtime);
        }
        Wait { shard: index as u8, seat }
    }

    /// Until when whoever sits in this seat waits; `None` when that is not known yet. The seat may be another one's by now:
    /// that of the wait that one asks about is over then.
    pub(crate) fn until(&self, number: u64) -> Option<Time> {
        let shard = self.shards[(number >> 32) as usize % SHARDS].lock();
        match shard.seats.get(number as u32 as usize)? {
            Seat::Waits(until, _) => Some(*until),
            Seat::Free | Seat::New(_) | Seat::Over => None,
        }
    }

    /// Ready when the time is over; else `waker` is who waits now.
    pub(crate) fn poll(&self, wait: &Wait, waker: &Waker) -> Poll<()> {
        let mut shard = self.shards[usize::from(wait.shard)].lock();
        let old = match &mut shard.seats[wait.seat as usize] {
            Seat::Over | Seat::Free => return Poll::Ready(()),
            Seat::New(old) | Seat::Waits(_, old) if old.will_wake(waker) => return Poll::Pending,
            Seat::New(old) | Seat::Waits(_, old) => mem::replace(old, waker.clone()),
        };
        drop(shard);
        drop(old);
        Poll::Pending
    }

    /// Ends a wait.
    pub(crate) fn leave(&self, wait: Wait) {
        let mut shard = self.shards[usize::from(wait.shard)].lock();
        let seat = mem::replace(&mut shard.seats[wait.seat as usize], Seat::Free);
        shard.free.push(wait.seat);
        drop(shard);
        drop(seat);
    }

    #[cold]
    fn start_sweeper(self: &Arc<Patience>, shard: usize, runtime: &Arc<dyn Runtime>) {
        let sweeper = Sweeper { patience: self.clone(), shard, is_done: false };
        // It is no reason for the runtime to stay.
        let weak = Arc::downgrade(runtime);
        runtime.spawn("ravelin-patience", Box::pin(sweep(sweeper, weak)));
    }
}

/// Sweeps one shard as long as it is used.
async fn sweep(mut sweeper: Sweeper, runtime: Weak<dyn Runtime>) {
    let mut timer: Option<Pin<Box<dyn Timer>>> = None;
    loop {
        let Some(now) = runtime.upgrade().map(|runtime| {
            let now = runtime.now();
            match timer.as_mut() {
                Some(timer) => timer.as_mut().reset(now + TICK),
                None => timer = Some(runtime.timer(now + TICK)),
            }
            now
        }) else {
            return;
        };
        if sweeper.sweep(now) {
            return;
        }
        poll_fn(|cx: &mut Context<'_>| {
            timer.as_mut().map_or(Poll::Ready(()), |timer| timer.as_mut().poll(cx))
        })
        .await;
    }
}

struct Sweeper {
    patience: Arc<Patience>,
    shard: usize,
    is_done: bool,
}

impl Sweeper {
    /// Wakes those whose time is over. True: nobody waits and nobody came since the last time, so it is done.
    fn sweep(&mut self, now: Time) -> bool {
        let mut late = Vec::new();
        let mut shard = self.patience.shards[self.shard].lock();
        for seat in &mut shard.seats {
            match seat {
                Seat::Free | Seat::Over => {}
                Seat::New(_) => {
                    if let Seat::New(waker) = mem::replace(seat, Seat::Over) {
                        *seat = Seat::Waits(now + CALL_TIMEOUT, waker);
                    }
                }
                Seat::Waits(until, _) if *until > now => {}
                Seat::Waits(..) => {
                    if let Seat::Waits(_, waker) = mem::replace(seat, Seat::Over) {
                        late.push(waker);
                    }
                }
            }
        }
        let is_empty = shard.free.len() == shard.seats.len();
        self.is_done = is_empty && !mem::replace(&mut shard.is_used, false);
        if self.is_done {
            shard.is_swept = false;
            shard.seats = Vec::new();
            shard.free = Vec::new();
        }
        drop(shard);
        for waker in late {
            waker.wake();
        }
        self.is_done
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        // The executor dropped it: whoever comes next starts another one.
        if !self.is_done {
            self.patience.shards[self.shard].lock().is_swept = false;
        }
    }
}
