//! The system's resolver: hickory, with the name servers that the operating system is set to.

use super::DiscoveryError;
use super::dns::{Resolve, Srv};

use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Asks the name servers of the operating system, and keeps answers as long as they say. It needs tokio with its reactor,
/// as the transports do.
pub struct SystemDns(TokioResolver);

impl SystemDns {
    /// With the settings of the operating system, on Unix those of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// They can not be read.
    pub fn new() -> Result<SystemDns, DiscoveryError> {
        let made = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        made.map(SystemDns).map_err(|why| DiscoveryError::new("the system's name servers", why))
    }

    /// With these name servers instead of the system's, one of Consul for instance: over UDP, and over TCP what is too long
    /// for that. Names are asked for as they stand: no search domain is added.
    ///
    /// # Errors
    /// The resolver can not be made; says why.
    pub fn with_servers(servers: impl IntoIterator<Item = SocketAddr>) -> Result<SystemDns, DiscoveryError> {
        let server = |at: SocketAddr| {
            let mut server = NameServerConfig::udp_and_tcp(at.ip());
            server.connections.iter_mut().for_each(|connection| connection.port = at.port());
            server
        };
        let config = ResolverConfig::from_name_servers(servers.into_iter().map(server).collect());
        let made = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build();
        made.map(SystemDns).map_err(|why| DiscoveryError::new("name servers", why))
    }
}

impl Resolve for SystemDns {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let answer = async move {
            match self.0.lookup_ip(host).await {
                Ok(addresses) => Ok(addresses.iter().collect()),
                Err(why) if why.is_no_records_found() => Ok(Vec::new()),
                Err(why) => Err(why.to_string()),
            }
        };
        answer.boxed()
    }

    fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<Srv>, String>> {
        let answer = async move {
            let found = match self.0.lookup(name, RecordType::SRV).await {
                Ok(found) => found,
                Err(why) if why.is_no_records_found() => return Ok(Vec::new()),
                Err(why) => return Err(why.to_string()),
            };
            let service = |data: &RData| match data {
                RData::SRV(srv) => Some(Srv { target: srv.target.to_utf8(), port: srv.port }),
                _ => None,
            };
            Ok(found.answers().iter().filter_map(|record| service(&record.data)).collect())
        };
        answer.boxed()
    }
}

impl fmt::Debug for SystemDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemDns")
    }
}
