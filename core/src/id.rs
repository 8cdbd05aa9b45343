//! Names for incarnations and for what is made for them. All of them count up inside a `System`; none is random.

use std::fmt;
use std::num::NonZeroU64;

/// One incarnation of an actor: what Erlang calls a pid.
///
/// 16 bytes, `Copy`. A restart gives a place a new `Pid`, so a `Pid` that was kept over a restart names the dead,
/// never its successor. For a handle that survives use `ActorRef`.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Pid {
    node: u32,
    slot: u32,
    serial: NonZeroU64,
}

impl Pid {
    /// A pid from its parts, as a codec or a test needs it. Nothing says that it is or was alive.
    /// A `serial` of 0 counts as 1.
    pub const fn from_parts(node: u32, slot: u32, serial: u64) -> Pid {
        let serial = match NonZeroU64::new(serial) {
            Some(serial) => serial,
            None => NonZeroU64::MIN,
        };
        Pid { node, slot, serial }
    }

    /// The node the actor lives on; 0 is this one.
    pub const fn node(self) -> u32 {
        self.node
    }

    /// The slot in its node's table. Slots are used again.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Which incarnation of the slot, from 1; never the same twice for a slot.
    pub const fn serial(self) -> u64 {
        self.serial.get()
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}>", self.node, self.slot, self.serial)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Names one `monitor` call; the `Down` carries it. Two monitors on one actor have two refs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MonitorRef(pub(crate) u64);

impl MonitorRef {
    /// The monitor with this number, as a codec needs it. Nothing says that there is or was one.
    pub const fn from_u64(number: u64) -> MonitorRef {
        MonitorRef(number)
    }

    /// Its number. Its node uses it once; other nodes may use the same.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Names one timer of an actor; for `cancel`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TimerRef(pub(crate) u64);
