//! The janitor: an ordinary actor that watches the owners of entries, takes out those of the dead, and tells listeners.

use super::shared::{Partition, Shared};
use super::{Key, Value};
use ravelin_core::{Actor, Cx, Exit, Handle, Info, Message, Pid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The actor of a registry: a child of your tree, by [`Registry::janitor`](super::Registry::janitor).
///
/// Nobody sends to it but the registry. What it knows it finds in the table: when it is restarted it watches the
/// living owners anew, and takes out what the dead have left meanwhile.
pub struct Janitor<K: Key, V: Value> {
    shared: Arc<Shared<K, V>>,
    /// The owners that are watched, each with the partitions where it may have entries.
    watched: BTreeMap<Pid, u16>,
}

/// What a janitor is started with.
pub struct JanitorArgs<K: Key, V: Value>(pub(super) Arc<Shared<K, V>>);

/// There is something to see to.
pub(super) struct Look;

impl Message for Look {
    type Reply = ();
}

impl<K: Key, V: Value> Actor for Janitor<K, V> {
    type Args = JanitorArgs<K, V>;

    async fn init(JanitorArgs(shared): JanitorArgs<K, V>, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        shared.bind(cx.system())?;
        let mut janitor = Janitor { shared, watched: BTreeMap::new() };
        // Whoever registers from here on says so; those of before are found in the table.
        drop(janitor.shared.take_unwatched());
        for partition in Partition::all() {
            for owner in janitor.shared.owners(partition) {
                janitor.watch(owner, partition, cx);
            }
        }
        janitor.shared.tell_listeners();
        Ok(janitor)
    }

    async fn handle_info(&mut self, info: Info, _: &mut Cx<Self>) {
        if let Info::Down { pid, .. } = info {
            let partitions = self.watched.remove(&pid).unwrap_or(0);
            for partition in Partition::all().filter(|partition| partitions & partition.bit() != 0) {
                self.shared.remove_owner(pid, partition);
            }
            self.shared.tell_listeners();
        }
    }
}

impl<K: Key, V: Value> Janitor<K, V> {
    fn watch(&mut self, owner: Pid, partition: Partition, cx: &mut Cx<Self>) {
        let partitions = self.watched.entry(owner).or_insert(0);
        if *partitions == 0 {
            cx.monitor(owner);
        }
        *partitions |= partition.bit();
    }
}

impl<K: Key, V: Value> Handle<Look> for Janitor<K, V> {
    async fn handle(&mut self, _: Look, cx: &mut Cx<Self>) {
        for (owner, partition) in self.shared.take_unwatched() {
            self.watch(owner, partition, cx);
        }
        self.shared.tell_listeners();
    }
}
