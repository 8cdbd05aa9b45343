//! The system's resolver: hickory, with the name servers that the operating system is set to.

use super::DiscoveryError;
use super::dns::{Resolve, Srv};

use futures::FutureExt;
use futures::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::fmt;
use std::net::IpAddr;

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
