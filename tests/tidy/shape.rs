//! The shape of files: how they open, how long they and their functions are.

use crate::lists;
use crate::source::{File, Tree, end_of_item, first_word, is_word};

/// Every Rust file says in its first line what it is for.
pub(crate) fn first_lines(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}:1: begin with a `//! ` line that says what the file is for", file.path))
        .collect()
}

/// No file is over the limits but those on the list, and those only shrink.
pub(crate) fn files(tree: &Tree, exceptions: &[(&str, usize, usize)]) -> Vec<String> {
    let mut faults = gone(tree, exceptions.iter().map(|(path, ..)| *path), "LONG_FILES");
    for file in tree.rust() {
        let logic = file.logic().filter(|(_, line)| !line.trim().is_empty()).count();
        let all = file.text.lines().count();
        let exception = exceptions.iter().find(|(path, ..)| *path == file.path);
        let (logic_max, all_max) = exception
            .map_or((lists::FILE_LOGIC_MAX, lists::FILE_MAX), |(_, logic, all)| {
                ((*logic).max(lists::FILE_LOGIC_MAX), (*all).max(lists::FILE_MAX))
            });
        let path = &file.path;
        if logic > logic_max {
            faults.push(format!(
                "{path}:1: {logic} lines of logic, the limit is {logic_max}; split it by subject"
            ));
        }
        if all > all_max {
            faults.push(format!("{path}:1: {all} lines, the limit is {all_max}; split it by subject"));
        }
        if let Some((_, was_logic, was_all)) = exception
            && ((logic, all) != (*was_logic, *was_all) && logic <= *was_logic && all <= *was_all)
        {
            faults.push(format!(
                "{path}:1: it shrank, set its entry in LONG_FILES to ({logic}, {all}) or remove it"
            ));
        }
    }
    faults
}

/// No function is over the limit but those on the list, and those only shrink.
pub(crate) fn functions(tree: &Tree, exceptions: &[(&str, &str, usize)]) -> Vec<String> {
    let mut faults = gone(tree, exceptions.iter().map(|(path, ..)| *path), "LONG_FUNCTIONS");
    for file in tree.rust() {
        for (line, name, length) in functions_of(file) {
            let at = format!("{}:{line}", file.path);
            match exceptions.iter().find(|(path, entry, _)| *path == file.path && *entry == name) {
                Some((_, _, was)) if length < *was => {
                    faults.push(format!(
                        "{at}: `{name}` shrank, set its entry in LONG_FUNCTIONS to {length} or remove it"
                    ));
                }
                Some((_, _, was)) if length == *was => (),
                _ if length > lists::FUNCTION_MAX => faults.push(format!(
                    "{at}: `{name}` has {length} lines, the limit is {}; take a step out of it",
                    lists::FUNCTION_MAX
                )),
                _ => (),
            }
        }
    }
    faults
}

/// The exceptions whose files are gone.
fn gone<'a>(tree: &Tree, paths: impl Iterator<Item = &'a str>, list: &str) -> Vec<String> {
    paths
        .filter(|path| tree.get(path).is_none())
        .map(|path| format!("tests/tidy/lists.rs:1: `{path}` is gone, remove it from {list}"))
        .collect()
}

/// Every function with a body: its line, name and length.
pub(crate) fn functions_of(file: &File) -> Vec<(usize, &str, usize)> {
    let code = &file.code;
    let ends: Vec<usize> = code.match_indices('\n').map(|(at, _)| at).collect();
    let line_of = |at: usize| ends.partition_point(|end| *end < at) + 1;
    let mut found = Vec::new();
    for (at, mark) in code.match_indices("fn ") {
        let name = first_word(&code[at + mark.len()..]);
        let in_word = at > 0 && is_word(code.as_bytes()[at - 1]);
        if in_word || name.is_empty() {
            continue;
        }
        let end = end_of_item(code, at);
        if code[..end].ends_with('}') {
            let line = line_of(at);
            found.push((line, name, line_of(end) - line + 1));
        }
    }
    found
}
