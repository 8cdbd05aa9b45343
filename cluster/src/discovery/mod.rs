//! Where others may be found.
//!
//! A node asks its [`Discovery`] when it starts, and again every while; what it finds are seeds, which are dialled until
//! whoever answers there is reached. It need not find all, nor only what is there: members tell one another of the rest.

mod dns;
#[cfg(feature = "dns")]
mod system;

pub use dns::{Dns, DnsName, InvalidDnsName, Resolve, Srv};
#[cfg(feature = "dns")]
pub use system::SystemDns;

use crate::name::Endpoint;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all, ready};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// How often it is asked again, unless it says otherwise.
const EVERY: Duration = Duration::from_secs(30);

/// Finds endpoints at which nodes of the cluster may be.
///
/// ```
/// use ravelin_cluster::Endpoint;
/// use ravelin_cluster::discovery::{Discovery, Seeds};
/// let seeds = Seeds(vec![Endpoint("10.0.0.1:4370".into())]);
/// let found = futures::FutureExt::now_or_never(seeds.find()).unwrap().unwrap();
/// assert_eq!(found, seeds.0);
/// ```
pub trait Discovery: Send + Sync + 'static {
    /// The endpoints, in any order. An empty list is no error: the node is the first.
    ///
    /// # Errors
    /// It can not be known now. The node keeps what it knew, says so, and asks again.
    ///
    /// # Cancel safety
    /// Dropped, nothing has changed.
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>>;

    /// How long after an answer it is asked again; `None`: never, it finds the same always. 30 seconds unless it says
    /// otherwise.
    fn every(&self) -> Option<Duration> {
        Some(EVERY)
    }
}

/// These endpoints, always.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seeds(pub Vec<Endpoint>);

impl Discovery for Seeds {
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>> {
        ready(Ok(self.0.clone())).boxed()
    }

    fn every(&self) -> Option<Duration> {
        None
    }
}

/// What any of these finds, each endpoint once. An error only if none of them finds anything and one has an error.
pub struct AnyOf(pub Vec<Box<dyn Discovery>>);

impl Discovery for AnyOf {
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>> {
        let all = join_all(self.0.iter().map(|one| one.find()));
        all.map(|results| gathered(results.into_iter().map(|one| one.map(BTreeSet::from_iter)))).boxed()
    }

    fn every(&self) -> Option<Duration> {
        self.0.iter().filter_map(|one| one.every()).min()
    }
}

impl fmt::Debug for AnyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyOf({})", self.0.len())
    }
}

/// All that was found; the first error if that is nothing.
fn gathered(
    results: impl Iterator<Item = Result<BTreeSet<Endpoint>, DiscoveryError>>,
) -> Result<Vec<Endpoint>, DiscoveryError> {
    let (mut found, mut error) = (BTreeSet::new(), None);
    for result in results {
        match result {
            Ok(endpoints) => found.extend(endpoints),
            Err(why) => error = error.or(Some(why)),
        }
    }
    match error {
        Some(why) if found.is_empty() => Err(why),
        Some(_) | None => Ok(found.into_iter().collect()),
    }
}

/// Where others are can not be known now.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DiscoveryError {
    /// What was asked for: the name of a host, of a service.
    pub asked: String,
    /// What went wrong, in words.
    pub why: String,
}

impl DiscoveryError {
    /// Asking for this went wrong in that way.
    pub fn new(asked: impl Into<String>, why: impl fmt::Display) -> DiscoveryError {
        DiscoveryError { asked: asked.into(), why: why.to_string() }
    }
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can not find nodes at `{}`: {}", self.asked, self.why)
    }
}

impl std::error::Error for DiscoveryError {}
