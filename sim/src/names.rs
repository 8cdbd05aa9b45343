//! [pure] What happens to actors, in words and by their names: lines of the story.

use crate::invariants::{Home, Who};
use crate::log::Name;
use ravelin_core::{Pid, Seen, Signalled};
use std::collections::BTreeMap;
use std::fmt;

/// Actors by their names.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<Who, Name>);

impl Names {
    /// This actor is called so from now on.
    pub(crate) fn add(&mut self, who: Who, name: &str) {
        self.0.insert(who, name.into());
    }

    /// What a person wants to read of it.
    pub(crate) fn line(&self, Who { home, pid }: Who, seen: &Seen<'_>) -> Option<String> {
        let who = self.named(home, Some(pid));
        let of = |pid: Pid| self.named(home, Some(pid));
        Some(match seen {
            Seen::Accepted { message, from, is_exempt: false, .. } => {
                format!("{} sends {who} a {}", self.named(home, *from), short(message))
            }
            Seen::Begun { message } => format!("{who} handles a {}", short(message)),
            Seen::CallBegun { message, from, .. } => {
                format!("{} calls {who} with a {}", self.named(home, *from), short(message))
            }
            Seen::Delayed { message } => format!("{who}: a {} is put off", short(message)),
            Seen::Returned { message } => format!("{who}: a {} that was put off is back", short(message)),
            Seen::Discarded { message } => format!("{who}: a {} is discarded", short(message)),
            Seen::Down { target, .. } => format!("{who} is told of the end of {}", of(*target)),
            Seen::Ended { exit, .. } => format!("{who} ends: {exit}"),
            Seen::MonitorSet { target, .. } => format!("{who} monitors {}", of(*target)),
            Seen::Signalled(Signalled::Kill) => format!("{who} is to be killed"),
            Seen::Signalled(Signalled::Stop) => format!("{who} is to stop"),
            Seen::Signalled(_) => format!("{who} is to end"),
            Seen::Starting { parent: Some(parent), .. } => format!("{} starts {who}", of(*parent)),
            Seen::Starting { parent: None, .. } => format!("{who} starts"),
            Seen::Up => format!("{who} is up"),
            _ => return None,
        })
    }

    fn named(&self, home: Home, pid: Option<Pid>) -> Named<'_> {
        let name = pid.and_then(|pid| self.0.get(&Who { home, pid }));
        Named { pid, name: name.map(|name| &**name) }
    }
}

/// An actor in a line of the story.
struct Named<'a> {
    pid: Option<Pid>,
    name: Option<&'a str>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, self.name) {
            (Some(pid), Some(name)) => write!(f, "`{name}` {pid}"),
            (Some(pid), None) => write!(f, "{pid}"),
            (None, _) => f.write_str("no actor"),
        }
    }
}

/// The last part of a type's path.
pub(crate) fn short(path: &str) -> &str {
    let end = path.find('<').unwrap_or(path.len());
    path[..end].rfind("::").map_or(path, |at| &path[at + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_the_end_of_its_path() {
        let rows = [("a::b::Add", "Add"), ("Add", "Add"), ("a::Task<b::M>", "Task<b::M>")];
        rows.iter().for_each(|(path, expect)| assert_eq!(short(path), *expect));
    }
}
