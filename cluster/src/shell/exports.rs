//! The places that other nodes can name, and the types of actors whose lists are known.

use crate::accepts::{Remote, Table};
use ravelin_core::{ActorRef, Pid, System};
use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Places that nobody else needs are looked for when there are so many more than after the last look.
const SWEEP_EVERY: usize = 1024;

/// A place that was named to another node.
pub(crate) struct Export {
    /// Its [`ActorRef`].
    pub(crate) place: Box<dyn Any + Send + Sync>,
    /// Its type of actor, whose list is known.
    pub(crate) of: TypeId,
    is_last: fn(&dyn Any) -> bool,
    pid: fn(&dyn Any) -> Option<Pid>,
}

impl Export {
    /// Who lives there.
    pub(crate) fn pid(&self) -> Option<Pid> {
        (self.pid)(&*self.place)
    }
}

#[derive(Default)]
pub(crate) struct Exports {
    places: RwLock<Places>,
    tables: RwLock<BTreeMap<TypeId, Arc<Table>>>,
}

#[derive(Default)]
struct Places {
    by_number: BTreeMap<u64, Arc<Export>>,
    sweep_at: usize,
}

impl Exports {
    /// The list of this type of actor is known from now on.
    pub(crate) fn know<A: Remote>(&self) -> Arc<Table> {
        if let Some(table) = self.table(TypeId::of::<A>()) {
            return table;
        }
        let (of, table) = Table::of::<A>();
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.entry(of).or_insert_with(|| Arc::new(table)).clone()
    }

    /// The list of the actors of this type.
    pub(crate) fn table(&self, of: TypeId) -> Option<Arc<Table>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&of).cloned()
    }

    /// Other nodes may name this place from now on. Its number; `None`: it belongs to another system.
    pub(crate) fn export<A: Remote>(&self, system: &System, place: &ActorRef<A>) -> Option<u64> {
        let number = system.number_of(place)?;
        let is_there =
            self.places.read().unwrap_or_else(PoisonError::into_inner).by_number.contains_key(&number);
        if !is_there {
            self.know::<A>();
            let export = Export {
                place: Box::new(place.clone()),
                of: TypeId::of::<A>(),
                is_last: |place| place.downcast_ref::<ActorRef<A>>().is_some_and(ActorRef::is_last),
                pid: |place| place.downcast_ref::<ActorRef<A>>().and_then(ActorRef::pid),
            };
            let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
            places.by_number.entry(number).or_insert_with(|| Arc::new(export));
            if places.by_number.len() >= places.sweep_at + SWEEP_EVERY {
                places.by_number.retain(|_, export| !(export.is_last)(&*export.place));
                places.sweep_at = places.by_number.len();
            }
        }
        Some(number)
    }

    /// The place of this number.
    pub(crate) fn place(&self, number: u64) -> Option<Arc<Export>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner).by_number.get(&number).cloned()
    }
}
