//! Nodes by DNS: the addresses of a host, or the services of an SRV record, which a headless service of Kubernetes has.

use super::{Discovery, DiscoveryError, gathered};
use crate::name::Endpoint;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// What is asked of DNS, as text: `chat.local:4370`, or `srv:_ravelin._tcp.chat.default.svc.cluster.local`.
///
/// ```
/// use ravelin_cluster::discovery::DnsName;
/// let name: DnsName = "chat.local:4370".parse().unwrap();
/// assert_eq!(name, DnsName::Host { host: "chat.local".to_owned(), port: 4370 });
/// let error = "chat.local".parse::<DnsName>().unwrap_err();
/// assert_eq!(error.to_string(), "`chat.local` is nothing to ask DNS for: host:port or srv:name is");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DnsName {
    /// All addresses of this host (A and AAAA), with this port.
    Host {
        /// Its name.
        host: String,
        /// The port of each node.
        port: u16,
    },
    /// All targets of this SRV record, each with its port.
    Srv {
        /// The record's name.
        name: String,
    },
}

/// A text that is nothing to ask DNS for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidDnsName(pub String);

impl FromStr for DnsName {
    type Err = InvalidDnsName;
    fn from_str(text: &str) -> Result<DnsName, InvalidDnsName> {
        let bad = || InvalidDnsName(text.to_owned());
        let is_name = |name: &str| {
            (1..=253).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if let Some(name) = text.strip_prefix("srv:") {
            return is_name(name).then(|| DnsName::Srv { name: name.to_owned() }).ok_or_else(bad);
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
        is_name(host).then(|| DnsName::Host { host: host.to_owned(), port }).ok_or_else(bad)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnsName::Host { host, port } => write!(f, "{host}:{port}"),
            DnsName::Srv { name } => write!(f, "srv:{name}"),
        }
    }
}

impl fmt::Display for InvalidDnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is nothing to ask DNS for: host:port or srv:name is", self.0)
    }
}

impl std::error::Error for InvalidDnsName {}

/// One target of an SRV record. Priorities and weights are for clients that want one server; a node wants all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Srv {
    /// The host.
    pub target: String,
    /// The port of the service there.
    pub port: u16,
}

/// Asks DNS. With the feature `dns` there is `SystemDns`; a test has a table.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a host; none if it does not exist.
    ///
    /// # Errors
    /// Nobody could be asked, or the answer is none; says why.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;

    /// The targets of an SRV record; none if it does not exist.
    ///
    /// # Errors
    /// Nobody could be asked, or the answer is none; says why.
    fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Srv>, String>>;
}

/// Nodes by DNS. A name that does not exist has no nodes, which is no error: the first node of a service finds none. If some
/// names can be asked for and others not, what was found counts.
#[derive(Clone, Debug)]
pub struct Dns<R> {
    resolver: R,
    names: Vec<DnsName>,
}

impl<R: Resolve> Dns<R> {
    /// What these names stand for.
    pub fn new(resolver: R, names: impl IntoIterator<Item = DnsName>) -> Dns<R> {
        Dns { resolver, names: names.into_iter().collect() }
    }

    async fn ask(&self, name: &DnsName) -> Result<BTreeSet<Endpoint>, DiscoveryError> {
        let error = |why| DiscoveryError::new(name.to_string(), why);
        match name {
            DnsName::Host { host, port } => {
                let addresses = self.resolver.addresses(host).await.map_err(error)?;
                let at = |ip| Endpoint(SocketAddr::new(ip, *port).to_string().into());
                Ok(addresses.into_iter().map(at).collect())
            }
            DnsName::Srv { name } => {
                let services = self.resolver.services(name).await.map_err(error)?;
                let at = |service: Srv| {
                    Endpoint(format!("{}:{}", service.target.trim_end_matches('.'), service.port).into())
                };
                Ok(services.into_iter().map(at).collect())
            }
        }
    }
}

impl<R: Resolve> Discovery for Dns<R> {
    fn find(&self) -> BoxFuture<'_, Result<Vec<Endpoint>, DiscoveryError>> {
        join_all(self.names.iter().map(|name| self.ask(name))).map(|all| gathered(all.into_iter())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::ready;

    struct Table;

    impl Resolve for Table {
        fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
            let answer = match host {
                "chat" => {
                    Ok(vec!["10.0.0.2".parse().unwrap(), "10.0.0.1".parse().unwrap(), "::1".parse().unwrap()])
                }
                "nobody" => Ok(Vec::new()),
                _ => Err("no server answers".to_owned()),
            };
            ready(answer).boxed()
        }

        fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Srv>, String>> {
            let srv = |target: &str, port| Srv { target: target.to_owned(), port };
            let answer = match name {
                "_r._tcp.chat" => Ok(vec![srv("b.chat.", 4371), srv("a.chat.", 4370), srv("a.chat.", 4370)]),
                _ => Err("no server answers".to_owned()),
            };
            ready(answer).boxed()
        }
    }

    #[track_caller]
    fn check(names: &[&str], expected: Result<&[&str], &str>) {
        let dns = Dns::new(Table, names.iter().map(|name| name.parse().unwrap()));
        let found = dns.find().now_or_never().unwrap();
        let found = found.map(|all| all.iter().map(|endpoint| endpoint.to_string()).collect::<Vec<_>>());
        let expected = expected.map(|all| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(found.map_err(|why| why.to_string()), expected.map_err(str::to_owned), "{names:?}");
    }

    #[test]
    fn names_become_endpoints_each_once_and_an_error_only_if_nothing_is_found() {
        check(&["chat:4370"], Ok(&["10.0.0.1:4370", "10.0.0.2:4370", "[::1]:4370"]));
        check(&["srv:_r._tcp.chat"], Ok(&["a.chat:4370", "b.chat:4371"]));
        check(&["nobody:1"], Ok(&[]));
        check(&["broken:1"], Err("can not find nodes at `broken:1`: no server answers"));
        check(&["broken:1", "srv:_r._tcp.chat"], Ok(&["a.chat:4370", "b.chat:4371"]));
        check(&["srv:broken", "nobody:1"], Err("can not find nodes at `srv:broken`: no server answers"));
    }

    #[test]
    fn what_dns_can_not_be_asked_for_is_refused() {
        for text in ["", "srv:", "chat", ":1", "chat:0", "chat:65536", "chat:x", "a b:1", "srv:a b"] {
            assert_eq!(text.parse::<DnsName>(), Err(InvalidDnsName(text.to_owned())));
        }
        for text in ["chat:4370", "srv:_r._tcp.chat"] {
            assert_eq!(text.parse::<DnsName>().unwrap().to_string(), text);
        }
    }
}
