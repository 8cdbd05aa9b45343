//! Cargo.lock: which crates the default build of the facade brings in.

use crate::lists;
use crate::manifest::{self, Kind};
use crate::source::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Every crate that the facade's default build may bring in is on the list, and nothing else is.
///
/// The lock file does not say which features of a crate need which other crate, or on which system, so this set
/// is larger than what `cargo tree` prints: it has the Windows crates, for one, and macros that a feature brings in.
pub(crate) fn known_crates(tree: &Tree) -> Vec<String> {
    let Some(lock) = tree.get("Cargo.lock") else {
        return vec![
            "Cargo.lock:1: the file is missing, commit it: every build of the gate is `--locked`".to_owned(),
        ];
    };
    let locked = Lock::read(&lock.text);
    let mut seen = BTreeSet::new();
    let mut open = own_dependencies(tree).into_iter().map(|name| locked.of_ours(name)).collect::<Vec<_>>();
    while let Some(package) = open.pop() {
        if seen.insert(package) {
            open.extend(locked.needs.get(&package).into_iter().flatten().map(|text| locked.package(text)));
        }
    }
    let reached: BTreeSet<&str> = seen.into_iter().map(|(name, _)| name).collect();
    let known: BTreeSet<&str> = lists::CRATES.iter().copied().collect();
    let unknown = reached.difference(&known).map(|name| {
        format!("Cargo.lock:1: `{name}` is new in the default build, say why in docs/adr/0006 and add it to CRATES")
    });
    let gone = known.difference(&reached).map(|name| {
        format!("tests/tidy/lists.rs:1: the default build no longer needs `{name}`, remove it from CRATES")
    });
    unknown.chain(gone).collect()
}

/// What the crates of the line need from outside with their default features. Those that the facade has only behind
/// a feature are no part of it.
fn own_dependencies(tree: &Tree) -> Vec<&str> {
    let ours = |name: &str| lists::LINE.contains(&name) || name == lists::ALONE;
    let by_default = |name: &str| lists::DEFAULT_FEATURES.contains(&name);
    let manifests = manifest::all(tree);
    let facade = manifests.iter().filter(|manifest| lists::LINE.last() == Some(&manifest.name));
    let optional: BTreeSet<&str> = facade
        .flat_map(|manifest| &manifest.dependencies)
        .filter(|dependency| dependency.optional && !by_default(dependency.name))
        .map(|dependency| dependency.name)
        .collect();
    let mut names = Vec::new();
    let is_built = |name: &str| ours(name) && !optional.contains(name);
    for manifest in manifests.into_iter().filter(|manifest| is_built(manifest.name)) {
        let needed = manifest.dependencies.into_iter().filter(|dependency| {
            dependency.kind == Kind::Normal && (!dependency.optional || by_default(dependency.name))
        });
        names.extend(needed.map(|dependency| dependency.name).filter(|name| !ours(name)));
    }
    names
}

/// A package, by name and version.
type Package<'a> = (&'a str, &'a str);

/// The lock file: for each package what it depends on, as the file says it, `name` or `name version`.
struct Lock<'a> {
    needs: BTreeMap<Package<'a>, BTreeSet<&'a str>>,
}

impl<'a> Lock<'a> {
    fn read(lock: &'a str) -> Lock<'a> {
        let mut needs: BTreeMap<Package<'_>, BTreeSet<&str>> = BTreeMap::new();
        let mut package = ("", "");
        for line in lock.lines() {
            if let Some(value) = line.strip_prefix("name = ") {
                package.0 = value.trim_matches('"');
            } else if let Some(value) = line.strip_prefix("version = ") {
                package.1 = value.trim_matches('"');
                needs.entry(package).or_default();
            } else if let Some(value) = line.strip_prefix(" \"") {
                needs.entry(package).or_default().insert(value.trim_end_matches(['"', ',']));
            }
        }
        Lock { needs }
    }

    /// The package that a line means; the version is there where there are several.
    fn package(&self, text: &'a str) -> Package<'a> {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let locked = || self.needs.keys().find(|(of, _)| *of == name).map_or("", |(_, version)| *version);
        (name, words.next().unwrap_or_else(locked))
    }

    /// The package of this name that ours depend on.
    fn of_ours(&self, name: &'a str) -> Package<'a> {
        let is_ours = |of: &str| lists::LINE.contains(&of) || of == lists::ALONE;
        let ours = self.needs.iter().filter(|((of, _), _)| is_ours(of)).flat_map(|(_, needs)| needs);
        let text = ours.into_iter().find(|text| text.split(' ').next() == Some(name));
        self.package(text.copied().unwrap_or(name))
    }
}
