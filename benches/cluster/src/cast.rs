//! The actors of the other process, and what is sent to them.

use ravelin_cluster::{Accepts, Bincode, Remote, Wire};
use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, Pid};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

macro_rules! wire {
    ($($name:literal $message:ty => $reply:ty;)*) => {
        $(
            impl Message for $message {
                type Reply = $reply;
            }
            impl Wire for $message {
                const NAME: &'static str = $name;
                type Codec = Bincode;
            }
        )*
    };
}

/// 32 bytes, as long as its numbers are large.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Small(pub(crate) [u64; 4]);

impl Small {
    pub(crate) const NEW: Small = Small([u64::MAX, u64::MAX - 1, u64::MAX - 2, u64::MAX - 3]);
}

/// How many small ones came so far?
#[derive(Deserialize, Serialize)]
pub(crate) struct Count;

/// Gives back what it has.
#[derive(Deserialize, Serialize)]
pub(crate) struct Echo(pub(crate) u64);

/// Gives an actor that does nothing.
#[derive(Deserialize, Serialize)]
pub(crate) struct Idler;

/// Has the last such actor end itself.
#[derive(Deserialize, Serialize)]
pub(crate) struct EndIdler;

/// Many bytes. The answer is how many.
#[derive(Deserialize, Serialize)]
pub(crate) struct Blob(pub(crate) Octets);

wire! {
    "bench.small" Small => ();
    "bench.count" Count => u64;
    "bench.echo" Echo => u64;
    "bench.idler" Idler => Pid;
    "bench.end-idler" EndIdler => ();
    "bench.blob" Blob => u64;
}

/// Bytes, written at once and not one after the other.
pub(crate) struct Octets(pub(crate) Arc<Vec<u8>>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Octets, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Octets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Octets, E> {
                Ok(Octets(Arc::new(bytes.to_vec())))
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Octets, E> {
                Ok(Octets(Arc::new(bytes)))
            }
        }
        deserializer.deserialize_byte_buf(Read)
    }
}

/// Whom all is sent to.
pub(crate) struct Sink {
    count: u64,
    idler: Option<ActorRef<Idle>>,
}

impl Actor for Sink {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Sink { count: 0, idler: None })
    }
}

impl Remote for Sink {
    fn accepts(messages: &mut Accepts<Sink>) {
        messages.add::<Small>().add::<Count>().add::<Echo>().add::<Idler>().add::<EndIdler>().add::<Blob>();
    }
}

impl Handle<Small> for Sink {
    async fn handle(&mut self, small: Small, _: &mut Cx<Self>) {
        self.count += u64::MAX - small.0[1];
    }
}

impl Handle<Count> for Sink {
    async fn handle(&mut self, _: Count, _: &mut Cx<Self>) -> u64 {
        self.count
    }
}

impl Handle<Echo> for Sink {
    async fn handle(&mut self, echo: Echo, _: &mut Cx<Self>) -> u64 {
        echo.0
    }
}

impl Handle<Blob> for Sink {
    async fn handle(&mut self, blob: Blob, _: &mut Cx<Self>) -> u64 {
        blob.0.0.len() as u64
    }
}

/// Does nothing, until it ends itself.
struct Idle;

impl Actor for Idle {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Idle)
    }
}

impl Handle<Idler> for Sink {
    async fn handle(&mut self, _: Idler, cx: &mut Cx<Self>) -> Pid {
        let idle = cx.system().spawn::<Idle>(()).await.expect("it starts");
        let pid = idle.pid().expect("it lives");
        self.idler = Some(idle);
        pid
    }
}

impl Handle<EndIdler> for Sink {
    async fn handle(&mut self, end: EndIdler, _: &mut Cx<Self>) {
        self.idler.take().expect("there is one").cast(end).expect("room");
    }
}

impl Handle<EndIdler> for Idle {
    async fn handle(&mut self, _: EndIdler, cx: &mut Cx<Self>) {
        cx.stop(Exit::error(wall_clock_ns()));
    }
}

/// The time on the clock that all processes of the machine read.
pub(crate) fn wall_clock_ns() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().expect("it is later than 1970").as_nanos()
}
