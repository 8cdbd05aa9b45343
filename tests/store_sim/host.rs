//! The machine that the store runs on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ravelin::sim::disk::Settings;
use ravelin::sim::{Node, NodeDisk, World};
use ravelin::{CoordinatedShutdown, ShutdownReport, blocking, sleep};

use crate::actors::{House, application};
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
    /// The end of the store that runs.
    shutdown: Arc<Mutex<Option<CoordinatedShutdown>>>,
    ends: Arc<Mutex<Vec<ShutdownReport>>>,
}

impl Host {
    /// A node `store`, on which the store is started at each boot, and again when it gave up.
    pub(crate) fn boot(world: &World, config: Config, settings: Settings) -> Host {
        let host = Host {
            disk: NodeDisk::new(settings),
            port: Port::default(),
            config,
            notes: Arc::default(),
            shutdown: Arc::default(),
            ends: Arc::default(),
        };
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
        // It holds what a predecessor had that was cut off.
        drop(lock(&self.shutdown).take());
        let (runtime, mount) = (node.runtime().clone(), self.disk.mount(node));
        let opened = blocking(&*runtime, move || Store::on("sim", mount)).await;
        let store = match opened {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => return self.note(error.to_string()),
            Err(exit) => return self.note(exit.to_string()),
        };
        let (system, listener) = (node.system(), self.port.listen(node.incarnation()));
        let house = House::new(self.config.clone(), (system.clone(), None, None), store, listener);
        let applications = application::store(&house).expect("its phases make sense");
        if let Ok(running) = applications.start_in(system).await {
            *lock(&self.shutdown) = Some(running.shutdown().clone());
            let report = running.ended().await;
            if report.reason.is_asked_for() {
                lock(&self.ends).push(report);
            } else {
                self.note(report.to_string());
            }
            // The file is not closed by this being over: it was, or it will not be.
            sleep(&**node.runtime(), Duration::from_millis(1)).await; // tidy: virtual time
            drop(house);
        }
    }

    /// As Ctrl-C does it: the store that runs ends, if one does, and is started again.
    pub(crate) fn end(&self) {
        if let Some(shutdown) = lock(&self.shutdown).take() {
            shutdown.begin();
        }
    }

    /// How stores ended that somebody ended.
    pub(crate) fn reports(&self) -> Vec<ShutdownReport> {
        lock(&self.ends).clone()
    }

    fn note(&self, why: String) {
        let mut notes = lock(&self.notes);
        if notes.last() != Some(&why) {
            notes.push(why);
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
