//! Words that may not stand where they would break a promise: purity, determinism, safety.

use crate::lists;
use crate::source::{File, Tree, find_word};

/// Pure files name no clock, thread, executor, randomness or lock.
pub(crate) fn pure(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for place in lists::PURE {
        if !tree.files.iter().any(|file| file.is_in(&[place])) {
            faults.push(format!("tests/tidy/lists.rs:1: `{place}` is gone, correct PURE"));
        }
    }
    let says_so = |file: &File| file.text.lines().next().is_some_and(|line| line.contains("[pure]"));
    for file in tree.library().filter(|file| file.is_in(lists::PURE) || says_so(file)) {
        let words: Vec<_> = lists::IMPURE.iter().filter(|(word, _)| file.mentions(word)).collect();
        for (number, line) in file.logic() {
            for (word, fix) in words.iter().filter(|(word, _)| find_word(line, word).is_some()) {
                let word = word.trim_end_matches('*');
                faults.push(format!("{}:{number}: `{word}` is banned in a pure file, {fix}", file.path));
            }
        }
    }
    faults
}

/// Outside the adapters nothing in the library names a clock, a thread, an executor or a source of luck.
pub(crate) fn banned(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.library().filter(|file| !file.is_in(lists::ADAPTERS)) {
        let words: Vec<_> = lists::BANNED.iter().filter(|(word, _)| file.mentions(word)).collect();
        for (number, line) in file.logic() {
            for (word, fix) in words.iter().filter(|(word, _)| find_word(line, word).is_some()) {
                let allowed =
                    lists::BANNED_ALLOWED.iter().any(|(path, name)| name == word && file.is_in(&[path]));
                if !allowed {
                    faults.push(format!(
                        "{}:{number}: `{word}` is banned outside the adapters, {fix}",
                        file.path
                    ));
                }
            }
        }
    }
    faults
}

/// Everything hangs off a System: no `static`, and `thread_local!` only for what a thread is doing just now.
pub(crate) fn statics(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.library() {
        let locals = file.is_in(lists::THREAD_LOCALS_ALLOWED);
        for (number, line) in file.logic() {
            if !locals && find_word(line, "thread_local!").is_some() {
                let fix = "keep it in the System, or add the file to THREAD_LOCALS_ALLOWED with a reason";
                faults.push(format!("{}:{number}: `thread_local!`, {fix}", file.path));
            }
            if !locals && !file.is_in(lists::STATICS_ALLOWED) && find_word(line, "static").is_some() {
                let fix = "keep it in the System, so that a process can have ten of it";
                faults.push(format!("{}:{number}: a `static`, {fix}", file.path));
            }
        }
    }
    faults
}

/// `unsafe` stands only where the list says, each use under its reason, in a file that opens with its proof.
pub(crate) fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        let allowed = file.is_in(lists::UNSAFE_ALLOWED);
        let mut used = false;
        for (number, line) in file.numbered() {
            let Some(at) = find_word(line, "unsafe") else { continue };
            let here = format!("{}:{number}", file.path);
            used |= !file.tests[number - 1];
            if !allowed {
                faults.push(format!(
                    "{here}: `unsafe` outside mailbox/ and core/src/cell/, write it in safe Rust"
                ));
            } else if needs_reason(&line[at..]) && !has_reason(file, number) {
                faults.push(format!("{here}: put a `// SAFETY:` comment above it that says why it is sound"));
            }
        }
        if allowed && used && !opens_with_proof(file) {
            let fix = "let its `//!` header say why it is sound, in lines that begin with `Proof`";
            faults.push(format!("{}:1: the file has `unsafe` but no proof, {fix}", file.path));
        }
    }
    faults
}

/// Tests wait for events, not for the clock.
pub(crate) fn sleeps(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in file.test_code().filter(|(_, line)| find_word(line, "sleep(").is_some()) {
            let is_marked = |line: &&str| lists::SLEEP_MARKS.iter().any(|mark| line.contains(mark));
            let marked = lines[number.saturating_sub(2)..number].iter().any(is_marked);
            if !marked && !line.contains("fn sleep(") {
                let fix = format!("wait for the event, or say why not: {:?}", lists::SLEEP_MARKS);
                faults.push(format!("{}:{number}: a sleep in a test, {fix}", file.path));
            }
        }
    }
    faults
}

/// Nothing says of itself that it is not finished.
pub(crate) fn leftovers(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for file in tree.rust() {
        let words: Vec<_> = lists::LEFTOVERS.iter().filter(|word| file.text.contains(**word)).collect();
        let marks: Vec<_> = lists::LEFTOVER_CODE.iter().filter(|mark| file.mentions(mark)).collect();
        for (index, line) in file.text.lines().enumerate().filter(|_| !words.is_empty()) {
            for word in words.iter().filter(|word| find_word(line, word).is_some()) {
                faults.push(format!("{}:{}: `{word}`, finish it or open an issue", file.path, index + 1));
            }
        }
        for (number, line) in file.numbered().filter(|_| !marks.is_empty()) {
            for mark in marks.iter().filter(|mark| find_word(line, mark).is_some()) {
                faults.push(format!("{}:{number}: `{mark}`, finish it or remove it", file.path));
            }
        }
    }
    faults
}

/// Blocks and impls need a reason here. A function or a trait states its demands in its docs, a type promises nothing.
fn needs_reason(tail: &str) -> bool {
    let next = tail["unsafe".len()..].trim_start();
    next.is_empty() || next.starts_with('{') || next.starts_with("impl")
}

/// Is there a SAFETY comment on the line, or in the comment that ends at most three lines above it?
fn has_reason(file: &File, number: usize) -> bool {
    let above: Vec<&str> = file.text.lines().take(number).collect();
    let mut rest = above.iter().rev().copied();
    if rest.next().is_some_and(|own| own.contains("SAFETY:")) {
        return true;
    }
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let lines: Vec<&str> = rest.collect();
    let Some(from) = lines.iter().take(3).position(is_comment) else { return false };
    lines[from..].iter().take_while(|line| is_comment(line)).any(|line| line.contains("SAFETY:"))
}

/// Has the header a line `Proof …`, or a heading about safety or soundness?
fn opens_with_proof(file: &File) -> bool {
    let header = file.text.lines().take_while(|line| line.starts_with("//!"));
    let mut headings = header.map(|line| line[3..].trim_start().to_lowercase());
    let says = |line: String| {
        let about = ["proof", "safe", "sound"].iter().any(|word| line.contains(word));
        line.starts_with("proof") || (line.starts_with('#') && about)
    };
    headings.any(says)
}
