//! Cargo.lock: which crates the default build of the facade brings in.

use crate::lists;
use crate::manifest::{self, Kind};
use crate::source::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Every crate that the facade's default build may bring in is on the list, and nothing else is.
///
/// The lock file does not say which features of a crate need which other crate, or on which system, so this set
/// is larger than what `cargo tree` prints: it has the Windows crates, for one.
pub(crate) fn known_crates(tree: &Tree) -> Vec<String> {
    let Some(lock) = tree.get("Cargo.lock") else {
        return vec![
            "Cargo.lock:1: the file is missing, commit it: every build of the gate is `--locked`".to_owned(),
        ];
    };
    let locked = dependencies(&lock.text);
    let mut reached = BTreeSet::new();
    let mut open = own_dependencies(tree);
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(locked.get(name).into_iter().flatten());
        }
    }
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

/// For each package of the lock file, by name, the names of what it depends on. Several versions count as one.
fn dependencies(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = value.trim_matches('"');
            packages.entry(name).or_default();
        } else if let Some(value) = line.strip_prefix(" \"") {
            let dependency = value.split([' ', '"']).next().unwrap_or_default();
            packages.entry(name).or_default().insert(dependency);
        }
    }
    packages
}
