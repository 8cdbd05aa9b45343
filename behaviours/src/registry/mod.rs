//! Registries: actors by key, with a value beside each. Source: Elixir's `Registry`.
//!
//! A [`Registry`] is a value that you make before the tree and hand to whoever needs it; its [`Janitor`] is a child of
//! the tree, before those who register. Keys are [unique](Registry::unique) or [duplicate](Registry::duplicate), which
//! is part of the type.
//!
//! What holds:
//! * **Unique.** A key of a unique registry has at most one living owner at any time. Of two that register it at once
//!   exactly one gets it, and the other one is told who has it.
//! * **The dead are not found.** No question gives an entry whose owner had ended when it was asked: whoever has
//!   learned of the end, by a `Down`, an exit signal or a wait, does not find it any more. This does not wait for
//!   anybody. The janitor takes such entries out for good, so that they cost nothing; a key is free before that.
//! * **Order.** Entries come in the order in which they were registered.
//! * **The table outlives its janitor.** Entries, look-ups and registrations are not touched when the janitor is
//!   restarted. In Elixir a registry is linked with those registered in it and they die with it, because its tables do;
//!   here the table belongs to the value, and a new janitor finds the owners there.
//! * **One system.** A registry belongs to the system where its janitor was first started.
//!
//! `Hash`, `Eq` and `Clone` of keys and values run under a lock, and must not use the registry.

mod janitor;
mod shared;
mod table;
mod via;

pub use janitor::{Janitor, JanitorArgs};
pub use via::{Reach, Via, ViaCall};

use ravelin_core::{ActorRef, Cx, Exit, Message, Pid, Recipient, StartError, System};
use shared::Shared;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use table::Rule;

/// Actors by key, each with a value; a value itself, cheap to clone. Source: Elixir's `Registry`.
///
/// ```
/// # use ravelin_core::{Actor, ActorRef, Cx, Exit, Handle, Message, System, SendError, runtimes::Local};
/// use ravelin_behaviours::registry::{Registry, RegistryError};
/// # struct Say(&'static str); impl Message for Say { type Reply = usize; }
/// type Rooms = Registry<String, ActorRef<Room>>;
/// struct Room;
/// impl Actor for Room {
///     type Args = (Rooms, &'static str);
///     async fn init((rooms, name): (Rooms, &'static str), cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         rooms.register(cx, name, cx.me())?; // taken: the start fails with `already_started`
///         Ok(Room)
///     }
/// }
/// # impl Handle<Say> for Room { async fn handle(&mut self, m: Say, _: &mut Cx<Self>) -> usize { m.0.len() } }
/// # let local = Local::new();
/// # let system = System::new(local.clone());
/// # local.block_on(async move {
/// let rooms = Rooms::unique("rooms");
/// rooms.start_in(&system).await.unwrap(); // in a tree: .child(child(rooms.janitor(), rooms.args()))
/// let kitchen = system.spawn::<Room>((rooms.clone(), "kitchen")).await.unwrap();
///
/// assert_eq!(rooms.whereis("kitchen"), kitchen.pid());
/// assert_eq!(rooms.via("kitchen").call(Say("hello")).await.unwrap(), 5);
/// assert!(matches!(rooms.via("attic").cast(Say("boo")), Err(SendError::NoProc(Say("boo")))));
/// assert!(system.spawn::<Room>((rooms.clone(), "kitchen")).await.is_err());
/// # system.shut_down_all(std::time::Duration::from_secs(1)).await;
/// assert_eq!(rooms.whereis("kitchen"), None);
/// # });
/// ```
pub struct Registry<K: Key, V: Value, Keys = Unique> {
    shared: Arc<Shared<K, V>>,
    _keys: PhantomData<fn() -> Keys>,
}

/// What can be a key.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + Send + Sync + 'static> Key for T {}

/// What can be a value.
pub trait Value: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> Value for T {}

/// A key of a registry, to be claimed for an actor before its `init` runs.
pub type Claim = Box<dyn Fn(&System, Pid) -> Result<(), Exit> + Send + Sync>;

/// The keys of a registry have one owner each. Source: `keys: :unique`.
#[derive(Debug)]
pub enum Unique {}

/// The keys of a registry may have many owners, and an owner a key many times. Source: `keys: :duplicate`.
#[derive(Debug)]
pub enum Duplicate {}

/// Who has a key, and the value beside it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry<V> {
    /// The owner: one incarnation.
    pub pid: Pid,
    /// The value.
    pub value: V,
}

/// What listeners are told. Source: `{:register, …}` and `{:unregister, …}`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change<K, V> {
    /// An entry came.
    Registered {
        /// Its key.
        key: K,
        /// Its owner.
        pid: Pid,
        /// Its value, as it was then.
        value: V,
    },
    /// An entry went: taken out by its owner, or the owner ended.
    Unregistered {
        /// Its key.
        key: K,
        /// Who was its owner.
        pid: Pid,
    },
}

impl<K: Send + 'static, V: Send + 'static> Message for Change<K, V> {
    type Reply = ();
}

/// Why a registry did not do it. Nothing changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistryError {
    /// The key belongs to this living actor, which may be the one that asked.
    AlreadyRegistered(Pid),
    /// The actor to be registered is dead.
    NoProc,
    /// The actor has no such entry.
    NotRegistered,
    /// The registry was never started: its janitor belongs into the tree, before those who register.
    NotRunning,
    /// The registry belongs to another system.
    OtherSystem,
}

impl<K: Key, V: Value> Registry<K, V, Unique> {
    /// A registry whose keys have one owner each. The name is that of the janitor's place, and its child id.
    pub fn unique(name: impl Into<Arc<str>>) -> Registry<K, V, Unique> {
        Registry::new(Rule::Unique, name.into())
    }

    /// The entry of this key.
    pub fn get<Q>(&self, key: &Q) -> Option<Entry<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shared.first(key)
    }

    /// Who has this key. Source: `Registry.whereis_name/1`.
    pub fn whereis<Q>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.get(key).map(|entry| entry.pid)
    }

    /// A reference to whoever has this key, looked up at each cast, send and call. Source: `{:via, Registry, _}`.
    pub fn via(&self, key: impl Into<K>) -> Via<K, V> {
        Via::new(self.clone(), key.into())
    }

    /// Changes the value of an entry, from its owner's own code; gives the new value and the old one. `change` runs
    /// without a lock. Listeners are not told. Source: `Registry.update_value/3`.
    ///
    /// # Errors
    /// [`RegistryError::NotRegistered`]: the key is not this actor's.
    pub fn update_value<A, Q>(
        &self,
        cx: &Cx<A>,
        key: &Q,
        change: impl FnOnce(&V) -> V,
    ) -> Result<(V, V), RegistryError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shared.check_system(cx.system())?;
        self.shared.update(cx.pid(), key, change).ok_or(RegistryError::NotRegistered)
    }
}

impl<K: Key, V: Value> Registry<K, V, Duplicate> {
    /// A registry whose keys may have many owners. The name is that of the janitor's place, and its child id.
    pub fn duplicate(name: impl Into<Arc<str>>) -> Registry<K, V, Duplicate> {
        Registry::new(Rule::Duplicate, name.into())
    }
}

impl<K: Key, V: Value, Keys> Registry<K, V, Keys> {
    fn new(rule: Rule, name: Arc<str>) -> Registry<K, V, Keys> {
        Registry { shared: Arc::new(Shared::new(rule, name)), _keys: PhantomData }
    }

    // ---- its life ----

    /// The place of its janitor: `.child(child(rooms.janitor(), rooms.args()))`, before those who register.
    pub fn janitor(&self) -> &ActorRef<Janitor<K, V>> {
        &self.shared.janitor
    }

    /// What its janitor is started with, again and again.
    pub fn args(&self) -> impl Fn() -> JanitorArgs<K, V> + Send + Sync + 'static {
        let shared = self.shared.clone();
        move || JanitorArgs(shared.clone())
    }

    /// Starts its janitor without a parent, for a program without a tree.
    ///
    /// # Errors
    /// It runs already, or belongs to another system.
    pub async fn start_in(&self, system: &System) -> Result<Pid, StartError> {
        system.start(self.janitor(), JanitorArgs(self.shared.clone())).await
    }

    /// Tells `listener` of each registration and each end of one, from now on and for good, in one order. Told by the
    /// janitor, a little later. A notice that the listener's mailbox refuses is lost, with an event
    /// `ravelin.registry_notice_lost`: give it one that is unbounded. Source: `:listeners`.
    pub fn listen(&self, listener: Recipient<Change<K, V>>) {
        self.shared.listen(listener);
    }

    // ---- changes ----

    /// Registers this actor, for as long as it lives. A key whose owner has ended is free at once.
    /// Source: `Registry.register/3`.
    ///
    /// # Errors
    /// The key of a unique registry is taken, also by this actor itself; or the registry was never started.
    pub fn register<A>(&self, cx: &Cx<A>, key: impl Into<K>, value: V) -> Result<(), RegistryError> {
        self.shared.check_system(cx.system())?;
        self.shared.register(cx.pid(), key.into(), value)
    }

    /// Registers an actor of the registry's system, for as long as it lives. For whoever starts one, and for tasks,
    /// which know their pid.
    ///
    /// # Errors
    /// As [`Registry::register`], and [`RegistryError::NoProc`] when it is dead.
    pub fn register_for(&self, pid: Pid, key: impl Into<K>, value: V) -> Result<(), RegistryError> {
        self.shared.register(pid, key.into(), value)
    }

    /// A key as a claim of a child, got before its `init` runs; taken, the start fails with
    /// [`Exit::AlreadyStarted`]. Source: `name: {:via, Registry, {registry, key, value}}`.
    ///
    /// ```
    /// # use ravelin_core::{Actor, ActorRef, Cx, Exit, System, StartError, runtimes::Local};
    /// # use ravelin_behaviours::registry::Registry;
    /// # struct Room; impl Actor for Room { type Args = ();
    /// #   async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> { Ok(Room) } }
    /// # let local = Local::new();
    /// # let system = System::new(local.clone());
    /// # local.block_on(async move {
    /// let rooms = Registry::<String, ActorRef<Room>>::unique("rooms");
    /// rooms.start_in(&system).await.unwrap();
    /// let (one, other) = (ActorRef::place("one"), ActorRef::place("other"));
    /// // In a tree: child(&one, || ()).claim(rooms.key("kitchen", one.clone()))
    /// let pid = system.start(&one, ()).claim(rooms.key("kitchen", one.clone())).await.unwrap();
    /// let second = system.start(&other, ()).claim(rooms.key("kitchen", other.clone())).await;
    /// assert_eq!(second, Err(StartError::Init(Exit::AlreadyStarted(pid))));
    /// # system.shut_down_all(std::time::Duration::from_secs(1)).await;
    /// # });
    /// ```
    pub fn key(&self, key: impl Into<K>, value: V) -> Claim {
        let (shared, key) = (self.shared.clone(), key.into());
        Box::new(move |system, pid| {
            shared.check_system(system)?;
            Ok(shared.register(pid, key.clone(), value.clone())?)
        })
    }

    /// Takes out this actor's entries under a key; gives how many there were. Source: `Registry.unregister/2`.
    pub fn unregister<A, Q>(&self, cx: &Cx<A>, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.unregister_matching(cx, key, |_| true)
    }

    /// Takes out an actor's entries under a key; gives how many there were.
    pub fn unregister_for<Q>(&self, pid: Pid, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shared.unregister(pid, key, |_| true)
    }

    /// Takes out those of this actor's entries under a key whose values match; gives how many there were. `matches`
    /// runs under a lock, and must not use the registry. Source: `Registry.unregister_match/4`.
    pub fn unregister_matching<A, Q>(&self, cx: &Cx<A>, key: &Q, matches: impl FnMut(&V) -> bool) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        match self.shared.check_system(cx.system()) {
            Ok(()) => self.shared.unregister(cx.pid(), key, matches),
            Err(_) => 0,
        }
    }

    // ---- questions ----

    /// The entries of a key, in the order of registration. Source: `Registry.lookup/2`.
    pub fn lookup<Q>(&self, key: &Q) -> Vec<Entry<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shared.lookup(key)
    }

    /// Those entries of a key that `matches` picks. Source: `Registry.match/4`.
    pub fn matching<Q>(&self, key: &Q, matches: impl FnMut(&Entry<V>) -> bool) -> Vec<Entry<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut entries = self.lookup(key);
        entries.retain(matches);
        entries
    }

    /// Calls `visit` with each entry of a key, in the order of registration and without a lock; gives how many there
    /// were. What it does happens in the caller, and so does its panic. Source: `Registry.dispatch/3`.
    pub fn dispatch<Q>(&self, key: &Q, visit: impl FnMut(Entry<V>)) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.lookup(key);
        let found = entries.len();
        entries.into_iter().for_each(visit);
        found
    }

    /// The keys of a living actor, in the order of registration; one that it has twice is there twice.
    /// Source: `Registry.keys/2`.
    pub fn keys(&self, owner: Pid) -> Vec<K> {
        self.shared.keys(owner)
    }

    /// All entries, in the order of registration. O(n), and no snapshot: partitions are read one after the other.
    /// Source: `Registry.select/2`.
    pub fn entries(&self) -> Vec<(K, Entry<V>)> {
        self.shared.entries()
    }

    /// How many entries there are. O(owners). Source: `Registry.count/1`.
    pub fn count(&self) -> usize {
        self.shared.count()
    }
}

impl<K: Key, V: Value, Keys> Clone for Registry<K, V, Keys> {
    fn clone(&self) -> Registry<K, V, Keys> {
        Registry { shared: self.shared.clone(), _keys: PhantomData }
    }
}

impl<K: Key, V: Value, Keys> PartialEq for Registry<K, V, Keys> {
    /// The same registry.
    fn eq(&self, other: &Registry<K, V, Keys>) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<K: Key, V: Value, Keys> fmt::Debug for Registry<K, V, Keys> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.shared.janitor.name().map_or("", |name| name);
        write!(f, "Registry({name:?}, {:?})", self.shared.rule)
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryError::AlreadyRegistered(pid) => write!(f, "the key belongs to {pid}"),
            RegistryError::NoProc => f.write_str("noproc: no such actor"),
            RegistryError::NotRegistered => f.write_str("the actor has no such entry"),
            RegistryError::NotRunning => f.write_str(
                "the registry was never started: put its janitor into the tree, before those who register",
            ),
            RegistryError::OtherSystem => f.write_str("the registry belongs to another system"),
        }
    }
}

impl std::error::Error for RegistryError {}

impl From<RegistryError> for Exit {
    /// What `init` gives when it could not register: OTP's `{already_started, Pid}` for a key that is taken.
    fn from(error: RegistryError) -> Exit {
        match error {
            RegistryError::AlreadyRegistered(pid) => Exit::AlreadyStarted(pid),
            RegistryError::NoProc => Exit::NoProc,
            error => Exit::error(error),
        }
    }
}
