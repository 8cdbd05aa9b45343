//! What nodes are called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in bytes.
const NAME_MAX: usize = 255;

/// The name of a node: `chat@10.0.0.1`, `shard-3`. One node of a cluster has it at a time.
///
/// 1 to 255 bytes of letters, digits and `-`, `_`, `.`, `@`, `:`, `/`. Cheap to clone.
///
/// ```
/// use ravelin_cluster::NodeName;
/// let name: NodeName = "shard-3".parse().unwrap();
/// assert!("shard 3".parse::<NodeName>().is_err());
/// assert_eq!(name.to_string(), "shard-3");
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeName(Arc<str>);

/// A text that is no name of a node.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidName {
    /// It is empty.
    Empty,
    /// It is longer than 255 bytes.
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// This character may not be in it.
    Character(char),
}

impl NodeName {
    /// A name.
    ///
    /// # Errors
    /// The text is empty or too long, or has a character that may not be in it.
    pub fn new(text: &str) -> Result<NodeName, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.len() > NAME_MAX {
            return Err(InvalidName::TooLong { bytes: text.len() });
        }
        let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_.@:/".contains(c);
        match text.chars().find(|c| !is_fit(*c)) {
            Some(character) => Err(InvalidName::Character(character)),
            None => Ok(NodeName(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<NodeName, InvalidName> {
        NodeName::new(text)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidName::Empty => f.write_str("a node's name is empty"),
            InvalidName::TooLong { bytes } => {
                write!(f, "a node's name has {bytes} bytes: {NAME_MAX} are the most")
            }
            InvalidName::Character(c) => {
                write!(
                    f,
                    "a node's name has the character {c:?}: letters, digits and - _ . @ : / may be in it"
                )
            }
        }
    }
}

impl std::error::Error for InvalidName {}

/// Which life of a node: a node that starts again has a higher one, and pids of the one before name the dead.
/// Source: BEAM's creation.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Incarnation(pub u64);

/// One life of a node.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId {
    /// The node.
    pub name: NodeName,
    /// Which life of it.
    pub incarnation: Incarnation,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.incarnation.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What somebody is to the nodes of a cluster.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// A node of the cluster: others hear of it, and dial it.
    #[default]
    Member,
    /// A program that uses the cluster and is none of it: nobody dials it, and no other node hears of it.
    Client,
}

/// Where a node is reached: `host:port`, as its transport understands it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint(pub Arc<str>);

impl From<&str> for Endpoint {
    fn from(text: &str) -> Endpoint {
        Endpoint(text.into())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        let long = "x".repeat(256);
        let rows: [(&str, Result<(), InvalidName>); 6] = [
            ("a", Ok(())),
            ("chat@10.0.0.1:4369/a_b-c", Ok(())),
            (&long[..255], Ok(())),
            ("", Err(InvalidName::Empty)),
            (&long, Err(InvalidName::TooLong { bytes: 256 })),
            ("a\nb", Err(InvalidName::Character('\n'))),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse::<NodeName>().map(drop), expected, "{text:?}");
        }
    }
}
