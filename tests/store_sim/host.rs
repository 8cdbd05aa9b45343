//! The machine that the store runs on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ravelin::sim::disk::Settings;
use ravelin::sim::{Node, NodeDisk, World};
use ravelin::{blocking, sleep, start_in};

use crate::actors::{House, tree::tree};
use crate::config::Config;
use crate::journal::Store;
use crate::net::Port;

/// What outlives the store: its disk and its address.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) disk: NodeDisk,
    pub(crate) port: Port,
    config: Config,
    /// Why the store was not there.
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
}

impl Host {
    /// A node `store`, on which the store is started at each boot, and again when it gave up.
    pub(crate) fn boot(world: &World, config: Config, settings: Settings) -> Host {
        let host =
            Host { disk: NodeDisk::new(settings), port: Port::default(), config, notes: Arc::default() };
        let at_boot = host.clone();
        world.node("store", move |node| {
            let host = at_boot.clone();
            async move {
                loop {
                    host.serve(&node).await;
                    host.port.cut();
                    sleep(&**node.runtime(), Duration::from_millis(50)).await; // tidy: virtual time
                }
            }
        });
        host
    }

    /// As the program does it, until the tree gives up.
    async fn serve(&self, node: &Node) {
        self.port.cut();
        let (runtime, mount) = (node.runtime().clone(), self.disk.mount(node));
        let opened = blocking(&*runtime, move || Store::on("sim", mount)).await;
        let store = match opened {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => return self.note(error.to_string()),
            Err(exit) => return self.note(exit.to_string()),
        };
        let house = House::new(self.config.clone(), runtime, store, self.port.listen(node.incarnation()));
        if let Ok(app) = start_in(node.system(), tree(&house)).await {
            let why = app.ended().await;
            self.note(format!("the tree gave up: {why}"));
        }
    }

    fn note(&self, why: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.last() != Some(&why) {
            notes.push(why);
        }
    }
}
