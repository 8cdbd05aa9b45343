//! What keeps a state on its thread until it is cut, and tells when it is gone.

use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, select};
use futures::task::AtomicWaker;
use ravelin_core::{Exit, Inbox, LocalRuntime, NoMessage, TrapExits, catch_panic};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// An order to the thread: drop the state.
#[derive(Default)]
pub(super) struct Cut {
    is_given: AtomicBool,
    waker: AtomicWaker,
}

impl Cut {
    fn give(&self) {
        self.is_given.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// Gives the order when it is dropped.
pub(super) struct CutOnDrop(Option<Arc<Cut>>);

impl CutOnDrop {
    pub(super) fn new(cut: &Arc<Cut>) -> CutOnDrop {
        CutOnDrop(Some(cut.clone()))
    }

    /// The state may stay.
    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        if let Some(cut) = self.0.take() {
            cut.give();
        }
    }
}

/// The life of a state on its thread: over when it is cut off.
struct Tether {
    // In this order they are dropped: first the state, then it is told.
    life: Option<LocalBoxFuture<'static, ()>>,
    cut: Arc<Cut>,
    _gone: oneshot::Sender<()>,
}

impl Tether {
    fn drop_life(&mut self) {
        let life = self.life.take();
        // A destructor that panics changes nothing any more.
        let _ = catch_panic(|| drop(life));
    }
}

impl Future for Tether {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // First the waker, then the look.
        self.cut.waker.register(cx.waker());
        let is_cut = self.cut.is_given.load(Ordering::Acquire);
        if !is_cut
            && let Some(life) = &mut self.life
            && life.as_mut().poll(cx).is_pending()
        {
            return Poll::Pending;
        }
        self.drop_life();
        Poll::Ready(())
    }
}

impl Drop for Tether {
    fn drop(&mut self) {
        self.drop_life();
    }
}

/// The keeper, a child of the actor: begins the life on its thread, and ends when the life is over. Told to end by its
/// parent, which is ending, it cuts the life off and waits until it is gone.
pub(super) async fn keep(
    mut inbox: Inbox<NoMessage>,
    thread: Arc<dyn LocalRuntime>,
    cut: Arc<Cut>,
    make: impl FnOnce() -> LocalBoxFuture<'static, ()> + Send + 'static,
) -> Result<(), Exit> {
    inbox.trap_exits(TrapExits::Yes);
    let (gone, mut is_gone) = oneshot::channel();
    // Should the keeper itself be killed, the state still goes.
    let guard = CutOnDrop::new(&cut);
    thread.spawn_local(Box::new(move || Box::pin(Tether { life: Some(make()), cut, _gone: gone })));
    let told = async { while inbox.next().await.is_some() {} };
    let lost = match select(Box::pin(told), &mut is_gone).await {
        futures::future::Either::Left(_) => false,
        futures::future::Either::Right(_) => true,
    };
    drop(guard);
    if lost {
        return Err(Exit::Lost);
    }
    let _ = is_gone.await;
    Ok(())
}
