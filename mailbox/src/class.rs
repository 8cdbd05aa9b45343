//! Classes of messages: whose turn it is to be left out when there is too much.

use std::ops::{Add, AddAssign, Index, IndexMut, Sub};

/// What a message is when there is more than can be handled. It says who gets into a bounded mailbox, and who is
/// discarded; what is in the mailbox is handled in the order in which it came, whatever its class.
///
/// A mailbox with the limit L:
///
/// | class | finds it full when | a full mailbox |
/// | --- | --- | --- |
/// | `Control` | L and a reserve are used: L/8 more, at least 16 | refuses it, whatever the policy; it never waits |
/// | `Interactive` | L is used | does what its policy says |
/// | `Bulk` | half of L (rounded up) is used, or an interactive sender waits | does what its policy says |
///
/// In a mailbox without a limit the class means nothing.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// What keeps the whole working: a change of configuration, a health check, an order to flush. Seldom, and never
    /// discarded.
    Control,
    /// What somebody waits for.
    #[default]
    Interactive,
    /// What can be done later, or again: the first to be left out.
    Bulk,
}

impl Class {
    /// Whether it is the one that messages have if nothing is said.
    pub const fn is_usual(self) -> bool {
        matches!(self, Class::Interactive)
    }
}

/// A count for each class.
///
/// ```
/// use ravelin_mailbox::{ByClass, Class};
/// let mut refused = ByClass::default();
/// refused[Class::Bulk] += 2;
/// assert_eq!((refused.bulk, refused.total()), (2, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ByClass {
    /// Of class [`Class::Control`].
    pub control: u64,
    /// Of class [`Class::Interactive`].
    pub interactive: u64,
    /// Of class [`Class::Bulk`].
    pub bulk: u64,
}

impl ByClass {
    /// All three together.
    pub const fn total(&self) -> u64 {
        self.control + self.interactive + self.bulk
    }

    /// Class by class.
    fn each(self, other: ByClass, op: fn(u64, u64) -> u64) -> ByClass {
        ByClass {
            control: op(self.control, other.control),
            interactive: op(self.interactive, other.interactive),
            bulk: op(self.bulk, other.bulk),
        }
    }
}

impl Index<Class> for ByClass {
    type Output = u64;
    fn index(&self, class: Class) -> &u64 {
        match class {
            Class::Control => &self.control,
            Class::Interactive => &self.interactive,
            Class::Bulk => &self.bulk,
        }
    }
}

impl IndexMut<Class> for ByClass {
    fn index_mut(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Control => &mut self.control,
            Class::Interactive => &mut self.interactive,
            Class::Bulk => &mut self.bulk,
        }
    }
}

impl Add for ByClass {
    type Output = ByClass;
    fn add(self, other: ByClass) -> ByClass {
        self.each(other, Add::add)
    }
}

impl AddAssign for ByClass {
    fn add_assign(&mut self, other: ByClass) {
        *self = *self + other;
    }
}

impl Sub for ByClass {
    type Output = ByClass;
    /// What is left without a part of it.
    fn sub(self, part: ByClass) -> ByClass {
        self.each(part, Sub::sub)
    }
}

/// What did not get through, by class.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Shed {
    /// Found no room, and were handed back.
    pub refused: ByClass,
    /// Were discarded by the mailbox's policy.
    pub discarded: ByClass,
    /// Were not handled when their turn came: too old, or nobody waited for the answer any more.
    pub expired: ByClass,
}

impl Shed {
    /// Figure by figure.
    fn each(self, other: Shed, op: fn(ByClass, ByClass) -> ByClass) -> Shed {
        Shed {
            refused: op(self.refused, other.refused),
            discarded: op(self.discarded, other.discarded),
            expired: op(self.expired, other.expired),
        }
    }
}

impl Add for Shed {
    type Output = Shed;
    fn add(self, other: Shed) -> Shed {
        self.each(other, Add::add)
    }
}

impl Sub for Shed {
    type Output = Shed;
    /// What is left without a part of it.
    fn sub(self, part: Shed) -> Shed {
        self.each(part, Sub::sub)
    }
}
