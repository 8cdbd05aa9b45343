//! What a node is started with.

use crate::config::{Config, ConfigError};
use crate::discovery::{AnyOf, Discovery, DiscoveryError, Seeds};
use crate::name::Role;
use crate::transport::{Transport, TransportError};
use crate::wire::{Bincode, Codec};
use ravelin_core::Exit;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Why a node was not started. Nothing of it is left.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration is not possible.
    Config(ConfigError),
    /// Where others are can not be asked for.
    Discovery(DiscoveryError),
    /// It can not listen where it should.
    Listen(TransportError),
    /// The system is a node already, or was: a node that starts again has a system of its own.
    AlreadyNode,
    /// Its actors could not be started.
    Start(Exit),
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Config(why) => fmt::Display::fmt(why, f),
            NodeError::Discovery(why) => fmt::Display::fmt(why, f),
            NodeError::Listen(why) => write!(f, "the node can not listen: {why}"),
            NodeError::AlreadyNode => {
                f.write_str("the system is a node already, or was: start another one on a system of its own")
            }
            NodeError::Start(why) => write!(f, "the node's actors could not be started: {why}"),
        }
    }
}

impl std::error::Error for NodeError {}

/// What a node is started with, beside its configuration: see [`Node::builder`](crate::Node::builder).
pub struct NodeBuilder {
    pub(crate) config: Config,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) discovery: Vec<Box<dyn Discovery>>,
    pub(crate) codecs: BTreeSet<Arc<str>>,
}

impl NodeBuilder {
    pub(crate) fn new(config: Config, transport: Arc<dyn Transport>) -> NodeBuilder {
        NodeBuilder { config, transport, discovery: Vec::new(), codecs: [Bincode::NAME.into()].into() }
    }

    /// Others are looked for by this too, beside the configuration's `seeds` and `dns`.
    pub fn discovery(mut self, discovery: impl Discovery) -> NodeBuilder {
        self.discovery.push(Box::new(discovery));
        self
    }

    /// Messages of this codec travel too: it is named when nodes meet. Two nodes that have no codec in common refuse one
    /// another; [`Bincode`] is always named. A message of a codec that the other node has not is
    /// [`SendError::Unfit`](ravelin_core::SendError::Unfit), or says so to its caller.
    pub fn codec<C: Codec>(mut self) -> NodeBuilder {
        self.codecs.insert(C::NAME.into());
        self
    }

    pub(crate) fn role(self, role: Role) -> NodeBuilder {
        NodeBuilder { config: Config { role, ..self.config }, ..self }
    }

    /// Refuses the configuration of a client.
    pub(crate) fn member(self) -> Result<NodeBuilder, NodeError> {
        match self.config.role {
            Role::Member => Ok(self),
            Role::Client => Err(NodeError::Config(ConfigError::Field {
                field: "role",
                value: "client".to_owned(),
                expected: "`member` is; a client is started by Client::connect",
            })),
        }
    }
}

impl fmt::Debug for NodeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// All by which others are found.
pub(crate) fn found_by(
    config: &Config,
    mut sources: Vec<Box<dyn Discovery>>,
) -> Result<Arc<dyn Discovery>, NodeError> {
    if !config.seeds.is_empty() {
        sources.push(Box::new(Seeds(config.seeds.clone())));
    }
    if !config.dns.is_empty() {
        sources.push(by_dns(config)?);
    }
    Ok(Arc::new(AnyOf(sources)))
}

#[cfg(feature = "dns")]
fn by_dns(config: &Config) -> Result<Box<dyn Discovery>, NodeError> {
    use crate::discovery::{Dns, SystemDns};
    let dns = SystemDns::new().map_err(NodeError::Discovery)?;
    Ok(Box::new(Every(Dns::new(dns, config.dns.clone()), config.discover_every)))
}

/// This, asked again so often.
#[cfg(feature = "dns")]
struct Every<D>(D, std::time::Duration);

#[cfg(feature = "dns")]
impl<D: Discovery> Discovery for Every<D> {
    fn find(&self) -> futures::future::BoxFuture<'_, Result<Vec<crate::name::Endpoint>, DiscoveryError>> {
        self.0.find()
    }

    fn every(&self) -> Option<std::time::Duration> {
        Some(self.1)
    }
}

#[cfg(not(feature = "dns"))]
fn by_dns(config: &Config) -> Result<Box<dyn Discovery>, NodeError> {
    Err(NodeError::Config(ConfigError::Field {
        field: "dns",
        value: config.dns[0].to_string(),
        expected: "an empty list is, without the feature `dns`; or give NodeBuilder::discovery one of your own",
    }))
}
