//! The manifests: the line of crates, and what every package of the workspace inherits.

use crate::lists;
use crate::source::{File, Tree};

/// What a Cargo.toml says that the rules need.
pub(crate) struct Manifest<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) dependencies: Vec<Dependency<'a>>,
    inherits_lints: bool,
}

/// One line of a Cargo.toml's dependencies.
pub(crate) struct Dependency<'a> {
    pub(crate) line: usize,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// Who needs a dependency.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Tests, benches and examples.
    Dev,
    /// Only builds for some target.
    Target,
    /// All who link the crate.
    Normal,
}

/// A crate depends only on those to its left; the macros stand alone; every package takes the workspace's lints.
pub(crate) fn line_of_crates(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for manifest in all(tree) {
        if !manifest.inherits_lints {
            faults.push(format!("{}:1: add `[lints]` with `workspace = true`", manifest.path));
        }
        let is_known = manifest.name == lists::ALONE || rank(manifest.name).is_some();
        if is_program(&manifest) {
            continue;
        }
        if !is_known {
            faults.push(format!(
                "{}:1: `{}` has no place in LINE of tests/tidy/lists.rs",
                manifest.path, manifest.name
            ));
        }
        for dependency in &manifest.dependencies {
            if let Some(why) = refusal(&manifest, dependency) {
                let Dependency { line, name, .. } = dependency;
                faults.push(format!(
                    "{}:{line}: `{}` may not depend on `{name}`: {why}",
                    manifest.path, manifest.name
                ));
            }
        }
    }
    faults
}

/// The manifests of the tree that hold a package.
pub(crate) fn all(tree: &Tree) -> Vec<Manifest<'_>> {
    let is_manifest = |file: &&File| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml");
    tree.files.iter().filter(is_manifest).filter_map(parse).collect()
}

fn is_program(manifest: &Manifest<'_>) -> bool {
    lists::PROGRAMS.iter().any(|folder| manifest.path.starts_with(folder))
}

fn rank(name: &str) -> Option<usize> {
    lists::LINE.iter().position(|entry| *entry == name)
}

/// Why `manifest` may not have this dependency.
fn refusal(manifest: &Manifest<'_>, dependency: &Dependency<'_>) -> Option<&'static str> {
    let (own, other) = (rank(manifest.name), rank(dependency.name));
    let dev = dependency.kind == Kind::Dev;
    let facade = lists::LINE.len() - 1;
    if dependency.name == lists::ALONE {
        return (!dev && own != Some(facade)).then_some("only the facade depends on the macros");
    }
    if manifest.name == lists::ALONE {
        return (other.is_some() && !dev).then_some("the macros stand alone");
    }
    let is_left = other < own || (dev && other == own);
    (other.is_some() && !is_left).then_some("it stands to its right in the line of crates")
}

fn parse(file: &File) -> Option<Manifest<'_>> {
    let mut section = "";
    let mut manifest =
        Manifest { path: &file.path, name: "", dependencies: Vec::new(), inherits_lints: false };
    for (index, line) in file.text.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end().trim_end_matches(']');
            manifest
                .dependencies
                .extend(table(section).map(|(kind, name)| dependency(index, name, kind, "")));
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ' ', '\t'])) else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        match section {
            "package" if key == "name" => manifest.name = value.trim_matches('"'),
            "lints" => manifest.inherits_lints |= key == "workspace" && value == "true",
            _ => {
                let name = key.split('.').next().unwrap_or(key);
                manifest.dependencies.extend(kind(section).map(|kind| dependency(index, name, kind, value)));
            }
        }
    }
    (!manifest.name.is_empty()).then_some(manifest)
}

fn dependency<'a>(index: usize, name: &'a str, kind: Kind, value: &str) -> Dependency<'a> {
    Dependency {
        line: index + 1,
        name: name.trim_matches('"'),
        kind,
        optional: value.contains("optional = true"),
    }
}

/// Which dependencies a section lists.
fn kind(section: &str) -> Option<Kind> {
    match section {
        "dependencies" | "build-dependencies" => Some(Kind::Normal),
        "dev-dependencies" => Some(Kind::Dev),
        _ if section.starts_with("target.") && section.ends_with(".dev-dependencies") => Some(Kind::Dev),
        _ if section.starts_with("target.") && section.ends_with(".dependencies") => Some(Kind::Target),
        _ => None,
    }
}

/// The one dependency that a section such as `[dependencies.tokio]` is about.
fn table(section: &str) -> Option<(Kind, &str)> {
    let (parent, name) = section.rsplit_once('.')?;
    Some((kind(parent)?, name))
}
