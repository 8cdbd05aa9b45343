//! What is written around the code: decisions, the README's list of examples, titles, links, promises.

use crate::lists;
use crate::source::{File, Tree, find_word, is_word};
use std::collections::BTreeSet;

const DECISIONS: &str = "docs/adr/";

/// Every decision record is in the index and has its sections, in order.
pub(crate) fn decisions(tree: &Tree) -> Vec<String> {
    let index = tree.get("docs/adr/README.md").map_or("", |file| file.text.as_str());
    let mut faults = Vec::new();
    for file in
        tree.markdown().filter(|file| file.path.starts_with(DECISIONS) && !file.path.ends_with("README.md"))
    {
        if !index.contains(&format!("({})", &file.path[DECISIONS.len()..])) {
            faults.push(format!("{}:1: docs/adr/README.md does not link to it, add a line", file.path));
        }
        let mut lines = file.text.lines();
        for section in lists::DECISION_SECTIONS {
            if !lines.any(|line| line == *section) {
                faults.push(format!(
                    "{}:1: the section `{section}` is missing or out of order, write it",
                    file.path
                ));
                break;
            }
        }
    }
    faults
}

/// Every example is named in README.md.
pub(crate) fn examples(tree: &Tree) -> Vec<String> {
    let readme = tree.get("README.md").map_or("", |file| file.text.as_str());
    let names: BTreeSet<&str> = tree.rust().filter_map(example_name).collect();
    names
        .into_iter()
        .filter(|name| find_word(readme, name).is_none())
        .map(|name| {
            format!("README.md:1: the example `{name}` is not named, add it with the lesson it teaches")
        })
        .collect()
}

/// Every page has exactly one `# Title`, in its first line.
pub(crate) fn titles(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.markdown() {
        let titles: Vec<usize> =
            prose(file).filter(|(_, line)| line.starts_with("# ")).map(|(at, _)| at).collect();
        if titles != [1] {
            let path = &file.path;
            let count = titles.len();
            faults.push(format!(
                "{path}:1: {count} lines begin with `# `, have one, as the first line of the page"
            ));
        }
    }
    faults
}

/// Relative links of a page lead to a file or a folder of the tree.
pub(crate) fn links(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.markdown() {
        for (number, line) in prose(file) {
            for target in line.split("](").skip(1).filter_map(|tail| tail.split([')', '#', ' ']).next()) {
                let outside = target.is_empty() || target.contains(':');
                if !outside && !leads(tree, &resolve(&file.path, target)) {
                    faults.push(format!(
                        "{}:{number}: the link `{target}` leads nowhere, correct it",
                        file.path
                    ));
                }
            }
        }
    }
    faults
}

/// CHANGELOG.md has a section for what is not released.
pub(crate) fn changelog(tree: &Tree) -> Vec<String> {
    let has = tree.get("CHANGELOG.md").is_some_and(|file| {
        file.text.lines().any(|line| line.starts_with("## ") && line.contains("Unreleased"))
    });
    if has { Vec::new() } else { vec!["CHANGELOG.md:1: no `## … Unreleased` section, add one".to_owned()] }
}

/// The tests that docs/guarantees.md names exist.
pub(crate) fn promises(tree: &Tree) -> Vec<String> {
    let Some(page) = tree.get("docs/guarantees.md") else { return Vec::new() };
    let mut named = Vec::new();
    for (number, line) in prose(page) {
        let names = line.split('`').skip(1).step_by(2).filter(|name| is_test_name(name));
        named.extend(names.map(|name| (number, name)));
    }
    let wanted: BTreeSet<&[u8]> = named.iter().map(|(_, name)| name.as_bytes()).collect();
    let shortest = wanted.iter().map(|name| name.len()).min().unwrap_or_default();
    let words = tree.rust().flat_map(|file| file.code.as_bytes().split(|byte| !is_word(*byte)));
    let found: BTreeSet<&[u8]> =
        words.filter(|word| word.len() >= shortest && wanted.contains(word)).collect();
    let missing = named.iter().filter(|(_, name)| !found.contains(name.as_bytes()));
    let fault = |(number, name): &(usize, &str)| {
        format!("{}:{number}: there is no test `{name}`, name the one that holds this", page.path)
    };
    missing.map(fault).collect()
}

/// No committed text names a folder of one machine.
pub(crate) fn machine_paths(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (index, line) in file.text.lines().enumerate() {
            for path in lists::MACHINE_PATHS {
                let begins = |at: usize| {
                    !line[..at]
                        .bytes()
                        .next_back()
                        .is_some_and(|b| is_word(b) || matches!(b, b'.' | b'-' | b'}' | b'/'))
                };
                if line.match_indices(path).any(|(at, _)| begins(at)) {
                    let at = format!("{}:{}", file.path, index + 1);
                    faults.push(format!("{at}: `{path}…` is a path of one machine, make it relative"));
                }
            }
        }
    }
    faults
}

/// `examples/NAME.rs` and `examples/NAME/main.rs` are examples, and so is a package `examples/NAME/`.
fn example_name(file: &File) -> Option<&str> {
    let path = file.path.strip_prefix("examples/")?;
    Some(path.split_once('/').map_or_else(|| path.trim_end_matches(".rs"), |(folder, _)| folder))
}

/// A name of several lower-case words: that of a test, if it stands among promises.
fn is_test_name(name: &str) -> bool {
    name.matches('_').count() >= 2
        && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The lines of a page with their numbers, without its blocks of code.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    file.text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        (!code && !fence).then_some((index + 1, line))
    })
}

/// The path from the root of what a page at `page` links to.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => (),
            ".." if parts.pop().is_none() => parts.push(".."),
            ".." => (),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn leads(tree: &Tree, path: &str) -> bool {
    let folder = format!("{path}/");
    path.is_empty() || tree.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
}
