//! tower: an actor as a [`Service`], and a [`Service`] behind an actor.
//!
//! [`ActorService`] is an actor seen through one type of message, for whatever takes a service: axum, tonic, the layers
//! of tower. [`ServiceActor`] is the other way round: a service of any kind as a supervised actor, made anew for each
//! incarnation; and [`Supervised`] is that actor as a service again, which survives the panics of the one inside.

use futures::future::BoxFuture;
use ravelin_core::{Actor, ActorRef, CALL_TIMEOUT, CallError, Cx, Exit, Handle, Message, Recipient};
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// An actor as a [`Service`]: a request is a message, a response its answer. Cheap to clone.
///
/// `poll_ready` is always ready: a reference may be shared by many, so room that was there would be promised to none of
/// them. The call itself waits for room in the mailbox, within its time limit, unless the mailbox is to refuse; then it
/// is `CallError::Full` at once, with the request in it. To have `poll_ready` wait, for tower's `LoadShed` or balancing,
/// put a `ConcurrencyLimit` of at most the mailbox's capacity around it.
///
/// # Errors
/// [`CallError`]: a call always ends, and an error for a request that was not accepted has the request in it.
///
/// # Cancel safety
/// As of a call: a response that is dropped reaches nobody, and the request may be handled.
///
/// ```
/// use ravelin_bridges::tower::ActorService;
/// use ravelin_core::{Actor, Cx, Exit, Handle, Message, System, runtimes::Local};
/// use tower_service::Service;
///
/// struct Double(u32);
/// impl Message for Double { type Reply = u32; }
/// struct Doubler;
/// impl Actor for Doubler {
///     type Args = ();
///     async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Doubler) }
/// }
/// impl Handle<Double> for Doubler { async fn handle(&mut self, Double(n): Double, _: &mut Cx<Self>) -> u32 { 2 * n } }
///
/// let local = Local::new();
/// let system = System::new(local.clone());
/// local.block_on(async move {
///     let doubler = system.spawn::<Doubler>(()).await.unwrap();
///     let mut service = ActorService::new(&doubler.recipient::<Double>());
///     assert_eq!(service.call(Double(21)).await.unwrap(), 42);
///     system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// });
/// ```
pub struct ActorService<M: Message> {
    to: Recipient<M>,
    limit: Duration,
}

impl<M: Message> ActorService<M> {
    /// Whoever lives there, as a service; each request has five seconds.
    pub fn new(to: &Recipient<M>) -> ActorService<M> {
        ActorService { to: to.clone(), limit: CALL_TIMEOUT }
    }

    /// Waits at most so long for each response; then it is [`CallError::Timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl<M: Message> Clone for ActorService<M> {
    fn clone(&self) -> ActorService<M> {
        ActorService { to: self.to.clone(), limit: self.limit }
    }
}

impl<M: Message> fmt::Debug for ActorService<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorService({:?}, {:?})", self.to, self.limit)
    }
}

impl<M: Message> Service<M> for ActorService<M> {
    type Response = M::Reply;
    type Error = CallError<M>;
    type Future = BoxFuture<'static, Result<M::Reply, CallError<M>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError<M>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: M) -> Self::Future {
        let (to, limit) = (self.to.clone(), self.limit);
        Box::pin(async move { to.call(request).timeout(limit).await })
    }
}

/// A tower service behind an actor. Its `Args` is the service: a child's arguments are made anew for each start, so a
/// spec `child(&place, || make_service())` gives each incarnation a fresh one.
///
/// It handles one request at a time: waits until the service is ready, then for its response. A panic in the service is
/// one of the actor. When the service says that it will never be ready again, the request gets that error and the actor
/// ends with it, so that its supervisor starts it with a service that works.
pub struct ServiceActor<S, Q> {
    service: S,
    _request: PhantomData<fn(Q)>,
}

/// A request to a [`ServiceActor`].
pub struct ServiceCall<S, Q> {
    /// What the service gets.
    pub request: Q,
    _service: PhantomData<fn(S)>,
}

impl<S, Q> ServiceCall<S, Q> {
    /// A request to a service of type `S`.
    pub fn new(request: Q) -> ServiceCall<S, Q> {
        ServiceCall { request, _service: PhantomData }
    }
}

impl<S, Q> Message for ServiceCall<S, Q>
where
    S: Service<Q, Response: Send, Error: Send> + 'static,
    Q: Send + 'static,
{
    type Reply = Result<S::Response, S::Error>;
}

impl<S, Q> Actor for ServiceActor<S, Q>
where
    S: Send + 'static,
    Q: 'static,
{
    type Args = S;

    async fn init(service: S, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(ServiceActor { service, _request: PhantomData })
    }
}

impl<S, Q> Handle<ServiceCall<S, Q>> for ServiceActor<S, Q>
where
    S: Service<Q, Response: Send, Error: Send + fmt::Display, Future: Send> + Send + 'static,
    Q: Send + 'static,
{
    async fn handle(&mut self, call: ServiceCall<S, Q>, cx: &mut Cx<Self>) -> Result<S::Response, S::Error> {
        if let Err(broken) = poll_fn(|cx| self.service.poll_ready(cx)).await {
            cx.stop(Exit::error(format_args!("the service is broken: {broken}")));
            return Err(broken);
        }
        self.service.call(call.request).await
    }
}

/// Why a supervised service gave no response.
#[non_exhaustive]
pub enum SupervisedError<E, M> {
    /// The service answered with this error.
    Service(E),
    /// The actor that it runs in gave no answer: the service panicked, for one.
    Call(CallError<M>),
}

impl<E: fmt::Display, M> fmt::Display for SupervisedError<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SupervisedError::Service(error) => error.fmt(f),
            SupervisedError::Call(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug, M> fmt::Debug for SupervisedError<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SupervisedError::Service(error) => f.debug_tuple("Service").field(error).finish(),
            SupervisedError::Call(error) => f.debug_tuple("Call").field(error).finish(),
        }
    }
}

impl<E: fmt::Debug + fmt::Display, M> std::error::Error for SupervisedError<E, M> {}

/// A [`ServiceActor`] as a service, of the same requests and responses. Cheap to clone; ready as [`ActorService`] is.
pub struct Supervised<S, Q>
where
    S: Service<Q, Response: Send, Error: Send> + 'static,
    Q: Send + 'static,
{
    inner: ActorService<ServiceCall<S, Q>>,
}

impl<S, Q> Supervised<S, Q>
where
    S: Service<Q, Response: Send, Error: Send + fmt::Display, Future: Send> + Send + 'static,
    Q: Send + 'static,
{
    /// The service that lives at this place; each request has five seconds.
    pub fn new(place: &ActorRef<ServiceActor<S, Q>>) -> Supervised<S, Q> {
        Supervised { inner: ActorService::new(&place.recipient()) }
    }

    /// As [`ActorService::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.inner = self.inner.timeout(limit);
        self
    }
}

impl<S, Q> Clone for Supervised<S, Q>
where
    S: Service<Q, Response: Send, Error: Send> + 'static,
    Q: Send + 'static,
{
    fn clone(&self) -> Supervised<S, Q> {
        Supervised { inner: self.inner.clone() }
    }
}

impl<S, Q> Service<Q> for Supervised<S, Q>
where
    S: Service<Q, Response: Send, Error: Send> + 'static,
    Q: Send + 'static,
{
    type Response = S::Response;
    type Error = SupervisedError<S::Error, ServiceCall<S, Q>>;
    type Future = BoxFuture<'static, Result<S::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let response = self.inner.call(ServiceCall::new(request));
        Box::pin(async move {
            match response.await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(SupervisedError::Service(error)),
                Err(error) => Err(SupervisedError::Call(error)),
            }
        })
    }
}
