//! The order of modules inside a crate, and the size of the facade's prelude.

use crate::lists;
use crate::source::{File, Tree, end_of_item, find_word, first_word, is_word, line_of};
use std::collections::BTreeSet;

/// The `mod` lines of a lib.rs are in layer order: a module uses only what stands above it, and names its home.
pub(crate) fn modules(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for lib in tree.library().filter(|file| file.path.ends_with("src/lib.rs")) {
        let folder = lib.path.trim_end_matches("lib.rs");
        let layers = declared(lib);
        let inside = |file: &&File| file.path.starts_with(folder) && file.path != lib.path;
        let macros: BTreeSet<&str> =
            tree.rust().filter(|file| file.path.starts_with(folder)).flat_map(macros_of).collect();
        for file in tree.library().filter(inside) {
            upward(file, folder, &layers, &macros, &mut faults);
        }
    }
    faults
}

/// The prelude has at most so many names.
pub(crate) fn prelude(tree: &Tree) -> Vec<String> {
    let inline = tree.get("src/lib.rs").and_then(|lib| {
        let at = find_word(&lib.code, "mod prelude {")?;
        Some((lib, at, &lib.code[at..end_of_item(&lib.code, at)]))
    });
    let own_file = || tree.get("src/prelude.rs").map(|file| (file, 0, &file.code[..]));
    let Some((file, at, text)) = inline.or_else(own_file) else { return Vec::new() };
    let names = text.split("use ").skip(1).map(names_of_use).sum::<usize>();
    let max = lists::PRELUDE_MAX;
    let line = line_of(&file.code, at);
    let fault =
        format!("{}:{line}: the prelude has {names} names, keep the {max} that most programs use", file.path);
    if names > max { vec![fault] } else { Vec::new() }
}

/// How many names a `use` brings: as many as there are ends of paths.
fn names_of_use(tail: &str) -> usize {
    let tree = &tail[..tail.find(';').unwrap_or(tail.len())];
    tree.split([',', '{', '}']).map(str::trim).filter(|end| !end.is_empty() && !end.ends_with("::")).count()
}

/// The modules that `lib` declares, in order.
fn declared(lib: &File) -> Vec<&str> {
    let name = |line| {
        let line = strip_visibility(line).strip_prefix("mod ")?;
        Some(first_word(line))
    };
    lib.logic().filter_map(|(_, line)| name(line)).collect()
}

fn strip_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = if rest.starts_with('(') { rest.split_once(')').map_or(rest, |(_, rest)| rest) } else { rest };
    rest.trim_start()
}

/// The macros by example of a file: they live at the crate's root, wherever they stand.
fn macros_of(file: &File) -> impl Iterator<Item = &str> {
    file.code.split("macro_rules! ").skip(1).map(first_word)
}

/// Finds what `file` uses of the modules below its own, and what it takes from the crate's root.
fn upward(file: &File, folder: &str, layers: &[&str], macros: &BTreeSet<&str>, faults: &mut Vec<String>) {
    let stem = file.path[folder.len()..].trim_end_matches(".rs").trim_end_matches("/mod");
    let path: Vec<&str> = stem.split('/').collect();
    let Some(own) = layers.iter().position(|layer| *layer == path[0]) else {
        if path[0] != "bin" && path[0] != "main" && !file.tests[0] {
            faults.push(format!(
                "{}:1: lib.rs has no line `mod {};`, add it or remove the file",
                file.path, path[0]
            ));
        }
        return;
    };
    let mut offset = 0;
    for (index, line) in file.code.split_inclusive('\n').enumerate() {
        let uses =
            if file.tests[index] { Vec::new() } else { roots(&file.code, offset, line.len(), path.len()) };
        offset += line.len();
        for (used, by_super) in uses {
            let at = format!("{}:{}", file.path, index + 1);
            match layers.iter().position(|layer| *layer == used) {
                Some(layer) if layer > own => faults.push(format!(
                    "{at}: `{}` uses `{used}`, which lib.rs declares below it; move the `mod` line or the code",
                    path[0]
                )),
                None if !by_super && !macros.contains(used) && !file.is_in(lists::FRONT_DOOR_ALLOWED) => faults
                    .push(format!("{at}: `crate::{used}` goes through the crate's front door, name the module it lives in")),
                _ => (),
            }
        }
    }
}

/// What the line at `offset` takes from the root of its crate, and whether it says so by `super::`.
fn roots(code: &str, offset: usize, length: usize, depth: usize) -> Vec<(&str, bool)> {
    let line = &code[offset..offset + length];
    let mut found = Vec::new();
    for (at, mark) in line.match_indices("crate::") {
        let before = line[..at].bytes().next_back();
        if !before.is_some_and(|byte| byte == b'$' || byte == b':' || is_word(byte)) {
            found.extend(heads(&code[offset + at + mark.len()..]).into_iter().map(|name| (name, false)));
        }
    }
    for (at, _) in line.match_indices("super::") {
        let tail = line[at..].trim_start_matches("super::");
        let steps = (line.len() - at - tail.len()) / "super::".len();
        if steps == depth && !line[..at].ends_with(':') {
            found.extend(
                heads(&code[offset + line.len() - tail.len()..]).into_iter().map(|name| (name, true)),
            );
        }
    }
    found
}

/// The first name of each path in `a::b` or `{a::b, c}`.
fn heads(tail: &str) -> Vec<&str> {
    let Some(group) = tail.strip_prefix('{') else { return vec![first_word(tail)] };
    let (mut depth, mut from, mut heads) = (0, 0, Vec::new());
    for (at, byte) in group.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => {
                heads.push(first_word(group[from..at].trim_start()));
                from = at + 1;
                if byte == b'}' {
                    break;
                }
            }
            _ => (),
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}
