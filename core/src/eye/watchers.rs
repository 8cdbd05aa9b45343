//! What is wanted of actors that are not there yet.

use super::{Eye, Tap};
use ravelin_mailbox::Lock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Which actors a trace is of.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Whose {
    /// All of them.
    All,
    /// Those at a place whose name begins so.
    Place(String),
    /// Those of the type of this name: its last part, or all of its path.
    Type(String),
}

impl Whose {
    /// Those at a place whose name begins so.
    pub fn place(prefix: impl Into<String>) -> Whose {
        Whose::Place(prefix.into())
    }

    /// Those of this type.
    pub fn actor<A>() -> Whose {
        Whose::Type(std::any::type_name::<A>().to_owned())
    }

    pub(crate) fn is(&self, place: Option<&str>, actor: &str) -> bool {
        match self {
            Whose::All => true,
            Whose::Place(prefix) => place.is_some_and(|place| place.starts_with(&**prefix)),
            Whose::Type(name) => {
                actor.strip_suffix(&**name).is_some_and(|path| path.is_empty() || path.ends_with("::"))
            }
        }
    }
}

/// What is wanted of the actors of a system that are started from now on.
pub(crate) struct Watchers {
    is_wanted: AtomicBool,
    wants: Lock<Wants>,
}

#[derive(Default)]
struct Wants {
    /// The size of their recorders; 0: they have none.
    kept_max: usize,
    taps: Vec<(Whose, Arc<Tap>)>,
}

impl Watchers {
    pub(crate) fn new() -> Watchers {
        Watchers { is_wanted: AtomicBool::new(false), wants: Lock::new(Wants::default()) }
    }

    pub(crate) fn trace(&self, whose: &Whose, tap: &Arc<Tap>) {
        let mut wants = self.wants.lock();
        wants.taps.push((whose.clone(), tap.clone()));
        self.is_wanted.store(true, Relaxed);
    }

    pub(crate) fn record(&self, kept_max: usize) {
        let mut wants = self.wants.lock();
        wants.kept_max = kept_max;
        self.is_wanted.store(true, Relaxed);
    }

    /// Whether anything may be wanted of an actor that begins.
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Relaxed)
    }

    /// What is wanted of an actor that begins. `None`: nothing.
    pub(crate) fn wanted_of(&self, place: Option<&str>, actor: &str) -> Option<impl FnOnce(&Eye) + use<>> {
        let mut wants = self.wants.lock();
        let kept_max = wants.kept_max;
        wants.taps.retain(|(_, tap)| !tap.is_over());
        let wanted = wants.taps.iter().filter(|(whose, _)| whose.is(place, actor));
        let wanted: Vec<_> = wanted.map(|(_, tap)| tap.clone()).collect();
        let is_wanted = kept_max > 0 || !wanted.is_empty();
        if wants.taps.is_empty() && kept_max == 0 {
            self.is_wanted.store(false, Relaxed);
        }
        drop(wants);
        let look = move |eye: &Eye| {
            if kept_max > 0 {
                eye.record_unless(kept_max);
            }
            wanted.iter().for_each(|tap| eye.add_tap(tap));
        };
        is_wanted.then_some(look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_a_type_is_of_the_whole_name_or_its_last_parts() {
        for (whose, place, actor, expect) in [
            (Whose::All, None, "a::B", true),
            (Whose::Type("B".into()), None, "a::B", true),
            (Whose::Type("a::B".into()), None, "x::a::B", true),
            (Whose::Type("B".into()), None, "a::AB", false),
            (Whose::Type("a::B".into()), None, "a::B", true),
            (Whose::place("ses"), Some("session-1"), "a::B", true),
            (Whose::place("ses"), Some("a-session"), "a::B", false),
            (Whose::place(""), None, "a::B", false),
            (Whose::actor::<Watchers>(), None, std::any::type_name::<Watchers>(), true),
        ] {
            assert_eq!(whose.is(place, actor), expect, "{whose:?} of {place:?} {actor}");
        }
    }
}
