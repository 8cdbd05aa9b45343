//! The files of the tree, and a scanner that tells code from comments, strings and tests.

use crate::lists;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All files that the rules look at, sorted by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// One text file.
pub(crate) struct File {
    /// From the root of the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// For a Rust file its text with comments and literals turned to spaces, line by line the same; else empty.
    pub(crate) code: String,
    /// For each line, whether it belongs to a test.
    pub(crate) tests: Vec<bool>,
}

impl Tree {
    /// Reads the tree around the current folder, or around the package under test.
    pub(crate) fn read() -> Tree {
        let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let mut files = Vec::new();
        walk(&root, "", false, &mut files);
        for folder in lists::FOLDERS {
            walk(&root.join(folder), folder, true, &mut files);
        }
        Tree::new(files)
    }

    /// A tree of these files; for the proofs.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        Tree::new(
            files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect(),
        )
    }

    fn new(mut files: Vec<File>) -> Tree {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let declared: BTreeSet<String> = files.iter().flat_map(File::test_modules).collect();
        for file in &mut files {
            let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
            if declared.iter().any(|module| stem == module || stem.starts_with(&format!("{module}/"))) {
                file.tests.fill(true);
            }
        }
        Tree { files }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The Rust files that users link.
    pub(crate) fn library(&self) -> impl Iterator<Item = &File> {
        self.rust().filter(|file| file.is_in(lists::LIBRARY))
    }

    pub(crate) fn markdown(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".md"))
    }
}

impl File {
    fn new(path: String, text: String) -> File {
        let code = if path.ends_with(".rs") { code_of(&text) } else { String::new() };
        let is_test =
            path.starts_with("tests/") || path.contains("/tests/") || code.contains("#![cfg(test)]");
        let mut tests = vec![is_test; text.lines().count() + 1];
        for (from, to) in test_items(&code) {
            tests[line_of(&code, from) - 1..line_of(&code, to)].fill(true);
        }
        File { path, text, code, tests }
    }

    /// Is the file one of these, or under one of these that end in `/`?
    pub(crate) fn is_in(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }

    /// May `word`, of a list for [`find_word`], stand in the code? Cheaper than to ask each line for it.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.code.contains(word.trim_end_matches('*'))
    }

    /// Lines of code with their numbers, without those of tests.
    pub(crate) fn logic(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered().filter(|(number, _)| !self.tests[number - 1])
    }

    /// Lines of the code of tests with their numbers.
    pub(crate) fn test_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered().filter(|(number, _)| self.tests[number - 1])
    }

    /// All lines of code with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The paths, without `.rs`, of the modules that this file declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let home = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main" | "mod")) => folder,
            _ => stem,
        };
        test_items(&self.code)
            .into_iter()
            .filter_map(|(from, to)| self.code[from..to].trim_end().strip_suffix(';')?.rsplit_once("mod "))
            .map(|(_, name)| format!("{home}/{}", name.trim()))
            .collect()
    }
}

/// Reads the text files of `folder`, which is called `name` from the root.
fn walk(folder: &Path, name: &str, deep: bool, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let own = entry.file_name().to_string_lossy().into_owned();
        let path = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && deep && own != "target" {
            walk(&entry.path(), &path, true, files);
        } else if !is_folder
            && own != ".git"
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(File::new(path, text));
        }
    }
}

/// `text` with comments and literals turned to spaces. Line ends stay, so lines keep their numbers.
pub(crate) fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = end_of_opaque(bytes, at) else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("comments and literals begin and end at character boundaries")
}

/// If a comment or a literal begins at `at`: where it ends.
fn end_of_opaque(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let until = |end: usize| Some((at + end).min(bytes.len()));
    match rest {
        [b'/', b'/', ..] => until(rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => until(block_comment(rest)),
        [b'"', ..] => until(quoted(rest, b'"')),
        [b'r', b'"' | b'#', ..] if !continues_word(bytes, at) => until(raw_string(rest)?),
        [b'\'', b'\\', ..] => until(quoted(rest, b'\'')),
        [b'\'', first, ..] => {
            let width = first.leading_ones().max(1) as usize;
            (rest.get(1 + width) == Some(&b'\'')).then_some(at + 2 + width)
        }
        _ => None,
    }
}

/// Is the byte at `at` inside a word? The prefixes `b` and `c` of a raw string are no word.
fn continues_word(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| bytes[index]);
    match before(1) {
        Some(b'b' | b'c') => before(2).is_some_and(is_word),
        Some(byte) => is_word(byte),
        None => false,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string, or nothing where `r#` begins a raw identifier.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    let open = 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let length = rest[open + 1..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(rest.len(), |length| open + 1 + length + close.len()))
}

/// The items under `#[cfg(test)]` and the like: where each begins and ends in `code`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    for mark in ["#[cfg(test)]", "#[cfg(all(test,"] {
        items.extend(code.match_indices(mark).map(|(from, _)| (from, end_of_item(code, from))));
    }
    items
}

/// Where the item that begins, with its attributes, at `from` ends: after its `;` or its braces.
pub(crate) fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => (),
        }
    }
    code.len()
}

/// The number of the line that `at` is in.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Is `byte` part of a word of Rust?
pub(crate) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Where `word` stands in `line` as a whole word, no lifetime. A `*` at its end lets it go on.
pub(crate) fn find_word(line: &str, word: &str) -> Option<usize> {
    let (word, open) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
    let bytes = line.as_bytes();
    let joins = |left: u8, right: u8| (is_word(left) || left == b'\'') && is_word(right);
    line.match_indices(word).map(|(at, _)| at).find(|&at| {
        let end = at + word.len();
        let goes_on = !open && end < bytes.len() && joins(bytes[end - 1], bytes[end]);
        !goes_on && (at == 0 || !joins(bytes[at - 1], bytes[at]))
    })
}

/// The word at the beginning of `text`.
pub(crate) fn first_word(text: &str) -> &str {
    &text[..text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len())]
}
