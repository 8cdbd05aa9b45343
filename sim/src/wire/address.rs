//! Where something goes: the name of a node and a port.

use crate::log::Name;
use std::fmt;

/// A port of a node, whatever its incarnation.
///
/// ```
/// use ravelin_sim::Address;
/// let address = Address::from(("a", 80));
/// assert_eq!((address.node(), address.port(), address.to_string()), ("a", 80, "a:80".to_owned()));
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address {
    node: Name,
    port: u16,
}

impl Address {
    pub(crate) fn new(node: Name, port: u16) -> Address {
        Address { node, port }
    }

    /// The name of the node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl<N: Into<Name>> From<(N, u16)> for Address {
    fn from((node, port): (N, u16)) -> Address {
        Address::new(node.into(), port)
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Address {
        address.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node, self.port)
    }
}
