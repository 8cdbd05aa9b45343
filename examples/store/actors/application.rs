//! The store as an application, and its end: clients first, the file last.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ravelin::application::Phase;
use ravelin::{Application, Applications, CoordinatedShutdown, Exit, blocking, within};

use super::{House, tree::tree};

/// How long the end waits for actors that are restarted just then.
const RESTART_WAIT: Duration = Duration::from_millis(200);

/// What runs, and what is done at the end.
pub fn store(house: &Arc<House>) -> Result<Applications, Box<dyn Error + Send + Sync>> {
    let shutdown = CoordinatedShutdown::with_phases([
        Phase::new("stop accepting", Duration::from_secs(1)),
        Phase::new("drain connections", Duration::from_secs(5)),
        Phase::trees("stop trees", Duration::from_secs(20)),
        // The disk may be slow, and much may wait for it.
        Phase::new("close the journal", Duration::from_secs(60)),
    ])?;
    let front = house.front.clone();
    // A front that is not there accepts nobody either.
    shutdown.task("stop accepting", "close the door", async move || {
        drop(front.terminate_child("acceptor").await)
    })?;
    let clients = house.clone();
    shutdown.task("drain connections", "see clients out", async move || {
        // A store that gave up has nobody who could answer.
        let ready = clients.connections.ready();
        if within(clients.runtime(), RESTART_WAIT, ready).await.is_some() {
            clients.lines.drain().await;
        }
    })?;
    if let Some(node) = house.node.clone() {
        shutdown.task("close the journal", "leave the cluster", async move || node.leave().await)?;
    }
    let file = house.clone();
    shutdown.task("close the journal", "close the file", async move || {
        let store = file.store.clone();
        blocking(file.runtime(), move || store.close()).await?.map_err(Exit::error)
    })?;
    Ok(Applications::new().application(Application::new("store", tree(house))).shutdown(shutdown))
}
