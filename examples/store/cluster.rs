//! The other stores: one that is told of them is a node of a cluster, and what is published is heard on all. Keys
//! stay where they are.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ravelin::System;
use ravelin::cluster::tls::dev_ca::DevCa;
use ravelin::cluster::transport::Tcp;
use ravelin::cluster::{self, Endpoint, Node};

use crate::config::Config;

/// How long the certificate of a run is good.
const VALID: Duration = Duration::from_secs(365 * 86_400);

/// Joins, if the command line says so. The sockets are on tokio, whatever the actors run on.
pub async fn join(
    config: &Config,
    system: &System,
    tokio: tokio::runtime::Handle,
) -> Result<Option<Node>, Box<dyn Error + Send + Sync>> {
    let peers = &config.peers;
    if peers.port.is_none() && peers.join.is_empty() {
        return Ok(None);
    }
    let name = peers.node.clone().unwrap_or_else(|| format!("store-{}", config.port)).parse()?;
    let certs = match &peers.certs {
        Some(certs) => certs.clone(),
        None => std::env::current_exe()?.with_file_name("store-certs"),
    };
    let authority = DevCa::in_folder(certs, system.runtime().system_time())?;
    let transport = Tcp::tls(authority.certificates(&name, VALID)?).on(tokio);
    let seeds = peers.join.iter().map(|join| Endpoint(join.as_str().into())).collect();
    let listen = format!("127.0.0.1:{}", peers.port.unwrap_or(0));
    let config = cluster::Config { cluster: "store".into(), seeds, ..cluster::Config::new(name, &listen) };
    let node = Node::start(system, config, Arc::new(transport)).await?;
    println!("{} of the cluster at {}", node.id().name, node.endpoint());
    Ok(Some(node))
}
