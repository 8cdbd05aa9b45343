//! What the handles of a registry and its janitor share: the partitions, each under a lock of its own.
//!
//! No lock is held while anything is sent, and none across an await. Under a partition's lock run `Hash`, `Eq` and
//! `Clone` of keys and values, and nothing else of the user's: what is taken out is dropped outside.

use super::janitor::{Janitor, Look};
use super::table::{Rule, Table, gone};
use super::{Change, Entry, Key, RegistryError, Value};
use ravelin_core::{ActorRef, Exit, Pid, Recipient, System};
use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many partitions. A bit for each is in a `u16`.
const PARTITIONS: u8 = 16;

/// One of the partitions.
#[derive(Clone, Copy)]
pub(super) struct Partition(u8);

impl Partition {
    pub(super) fn all() -> impl Iterator<Item = Partition> {
        (0..PARTITIONS).map(Partition)
    }

    pub(super) fn bit(self) -> u16 {
        1 << self.0
    }

    /// Where this key lies; the same in each run.
    fn of<Q: Hash + ?Sized>(key: &Q) -> Partition {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Partition((hasher.finish() % u64::from(PARTITIONS)) as u8)
    }
}

/// What a registry is a handle of.
pub(super) struct Shared<K: Key, V: Value> {
    pub(super) rule: Rule,
    pub(super) janitor: ActorRef<Janitor<K, V>>,
    system: OnceLock<System>,
    tables: Vec<RwLock<Table<K, V>>>,
    serials: AtomicU64,
    /// Owners that the janitor has not been told of, or has not watched yet.
    unwatched: Mutex<Vec<(Pid, Partition)>>,
    listeners: Mutex<Vec<Recipient<Change<K, V>>>>,
    has_listeners: AtomicBool,
    /// What listeners have not been told yet.
    changes: Mutex<VecDeque<Change<K, V>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Key, V: Value> Shared<K, V> {
    pub(super) fn new(rule: Rule, name: Arc<str>) -> Shared<K, V> {
        Shared {
            rule,
            janitor: ActorRef::place(name),
            system: OnceLock::new(),
            tables: Partition::all().map(|_| RwLock::new(Table::new())).collect(),
            serials: AtomicU64::new(0),
            unwatched: Mutex::new(Vec::new()),
            listeners: Mutex::new(Vec::new()),
            has_listeners: AtomicBool::new(false),
            changes: Mutex::new(VecDeque::new()),
        }
    }

    /// The registry is of this system, for good.
    pub(super) fn bind(&self, system: &System) -> Result<(), Exit> {
        if self.system.get_or_init(|| system.clone()) == system {
            Ok(())
        } else {
            Err(Exit::from(RegistryError::OtherSystem))
        }
    }

    pub(super) fn check_system(&self, system: &System) -> Result<(), RegistryError> {
        if self.system()? == system { Ok(()) } else { Err(RegistryError::OtherSystem) }
    }

    fn system(&self) -> Result<&System, RegistryError> {
        self.system.get().ok_or(RegistryError::NotRunning)
    }

    fn is_alive(&self, pid: Pid) -> bool {
        self.system.get().is_some_and(|system| system.is_alive(pid))
    }

    fn read(&self, partition: Partition) -> RwLockReadGuard<'_, Table<K, V>> {
        self.tables[usize::from(partition.0)].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, partition: Partition) -> RwLockWriteGuard<'_, Table<K, V>> {
        self.tables[usize::from(partition.0)].write().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- changes ----

    pub(super) fn register(&self, pid: Pid, key: K, value: V) -> Result<(), RegistryError> {
        if !self.system()?.is_alive(pid) {
            return Err(RegistryError::NoProc);
        }
        let partition = Partition::of(&key);
        let told = self.has_listeners.load(Relaxed).then(|| (key.clone(), value.clone()));
        let has_told = told.is_some();
        let inserted = {
            let mut table = self.write(partition);
            let serial = self.serials.fetch_add(1, Relaxed);
            let inserted = table
                .insert(self.rule, key, Entry { pid, value }, serial, &|pid| self.is_alive(pid))
                .map_err(RegistryError::AlreadyRegistered)?;
            if let Some((key, value)) = told {
                let mut changes = locked(&self.changes);
                changes.extend(gone(&inserted.displaced));
                changes.push_back(Change::Registered { key, pid, value });
            }
            if inserted.is_first_of_owner {
                locked(&self.unwatched).push((pid, partition));
            }
            inserted
        };
        if inserted.is_first_of_owner || has_told {
            self.wake_janitor();
        }
        Ok(())
    }

    pub(super) fn unregister<Q>(&self, pid: Pid, key: &Q, wanted: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let removed = self.take_out(Partition::of(key), |table| table.remove(pid, key, wanted));
        if removed > 0 && self.has_listeners.load(Relaxed) {
            self.wake_janitor();
        }
        removed
    }

    pub(super) fn remove_owner(&self, owner: Pid, partition: Partition) {
        self.take_out(partition, |table| table.remove_owner(owner));
    }

    /// Gives how many entries were taken out; they are dropped after the lock is released.
    fn take_out(
        &self,
        partition: Partition,
        take: impl FnOnce(&mut Table<K, V>) -> Vec<(K, Entry<V>)>,
    ) -> usize {
        let removed = {
            let mut table = self.write(partition);
            let removed = take(&mut table);
            if self.has_listeners.load(Relaxed) {
                locked(&self.changes).extend(gone(&removed));
            }
            removed
        };
        removed.len()
    }

    /// Gives the new value and the old one, unless the entry is not, or no more, this owner's.
    pub(super) fn update<Q>(&self, pid: Pid, key: &Q, change: impl FnOnce(&V) -> V) -> Option<(V, V)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let partition = Partition::of(key);
        let (serial, old) = {
            let table = self.read(partition);
            let (serial, entry) = table.entries_of(key).find(|(_, entry)| entry.pid == pid)?;
            (serial, entry.value.clone())
        };
        let new = change(&old);
        let replaced = self.write(partition).replace(key, serial, new.clone());
        replaced.ok().map(|old| (new, old))
    }

    // ---- questions ----

    /// The oldest entry of a living owner.
    pub(super) fn first<Q>(&self, key: &Q) -> Option<Entry<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let table = self.read(Partition::of(key));
        let entry = table.entries_of(key).map(|(_, entry)| entry).find(|entry| self.is_alive(entry.pid));
        entry.cloned()
    }

    pub(super) fn lookup<Q>(&self, key: &Q) -> Vec<Entry<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let table = self.read(Partition::of(key));
        table.entries_of(key).filter(|(_, entry)| self.is_alive(entry.pid)).map(|(_, e)| e.clone()).collect()
    }

    pub(super) fn keys(&self, owner: Pid) -> Vec<K> {
        if !self.is_alive(owner) {
            return Vec::new();
        }
        let mut keys = Vec::new();
        for partition in Partition::all() {
            keys.extend(self.read(partition).keys_of(owner).map(|(serial, key)| (serial, key.clone())));
        }
        in_order(keys)
    }

    pub(super) fn entries(&self) -> Vec<(K, Entry<V>)> {
        let mut all = Vec::new();
        for partition in Partition::all() {
            let table = self.read(partition);
            for owner in table.owners().into_iter().filter(|owner| self.is_alive(*owner)) {
                let entry = |(serial, key): (u64, &K)| {
                    Some((serial, (key.clone(), table.entry(key, serial)?.clone())))
                };
                all.extend(table.keys_of(owner).filter_map(entry));
            }
        }
        in_order(all)
    }

    pub(super) fn count(&self) -> usize {
        let count = |partition| {
            let table = self.read(partition);
            let living = table.owners().into_iter().filter(|owner| self.is_alive(*owner));
            living.map(|owner| table.count_of(owner)).sum::<usize>()
        };
        Partition::all().map(count).sum()
    }

    pub(super) fn owners(&self, partition: Partition) -> Vec<Pid> {
        self.read(partition).owners()
    }

    // ---- the janitor and the listeners ----

    /// A janitor that is full will look anyway; one that is not there looks at all when it comes.
    fn wake_janitor(&self) {
        let _ = self.janitor.cast(Look);
    }

    pub(super) fn take_unwatched(&self) -> Vec<(Pid, Partition)> {
        std::mem::take(&mut *locked(&self.unwatched))
    }

    pub(super) fn listen(&self, listener: Recipient<Change<K, V>>) {
        locked(&self.listeners).push(listener);
        self.has_listeners.store(true, Relaxed);
    }

    /// Called by the janitor only, so that listeners are told in order.
    pub(super) fn tell_listeners(&self) {
        if !self.has_listeners.load(Relaxed) {
            return;
        }
        let changes = std::mem::take(&mut *locked(&self.changes));
        let listeners = locked(&self.listeners).clone();
        for change in changes {
            for listener in &listeners {
                if let Err(error) = listener.cast(change.clone()) {
                    let registry = self.janitor.name().map(|name| &**name);
                    tracing::warn!(target: "ravelin", registry, listener = ?listener.pid(), %error, "ravelin.registry_notice_lost");
                }
            }
        }
    }
}

/// Without the serial numbers, by which they are put in order.
fn in_order<T>(mut numbered: Vec<(u64, T)>) -> Vec<T> {
    numbered.sort_by_key(|(serial, _)| *serial);
    numbered.into_iter().map(|(_, each)| each).collect()
}
