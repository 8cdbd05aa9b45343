//! The rules proved on small trees: each sees its fault, names the line, and leaves what is right alone.

use crate::source::{Tree, code_of, find_word};
use crate::{layers, manifest, papers, shape, words};

/// Checks that `rule` finds these faults, given by their beginnings, in a tree of `files`.
#[track_caller]
fn finds(rule: fn(&Tree) -> Vec<String>, files: &[(&str, &str)], expected: &[&str]) {
    begin(rule(&Tree::of(files)), expected);
}

/// As [`finds`] for one file, without the faults of lists that name files which the small tree does not have.
#[track_caller]
fn finds_in(rule: fn(&Tree) -> Vec<String>, path: &str, text: &str, expected: &[&str]) {
    let faults = rule(&Tree::of(&[(path, text)])).into_iter();
    begin(faults.filter(|fault| !fault.starts_with("tests/tidy")).collect(), expected);
}

#[track_caller]
fn begin(faults: Vec<String>, expected: &[&str]) {
    let same = faults.len() == expected.len() && faults.iter().zip(expected).all(|(f, e)| f.starts_with(e));
    assert!(same, "found {faults:#?}\nexpected {expected:#?}");
}

#[test]
fn comments_and_literals_are_no_code() {
    let rows = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a \" b", c)"#, "f(        , c)"),
        (r##"f(r#"a " b"#, c)"##, "f(          , c)"),
        ("f(br\"a\\\", c)", "f(b     , c)"),
        ("let r#type = 1;", "let r#type = 1;"),
        (r"m('{', '\'', 'é', b'}')", "m(   ,     ,     , b   )"),
        ("fn f<'a>(x: &'a str, y: &'static str)", "fn f<'a>(x: &'a str, y: &'static str)"),
        ("\"never closed", "             "),
    ];
    for (text, code) in rows {
        assert_eq!(code_of(text), code, "of {text}");
    }
}

#[test]
fn words_are_whole() {
    assert_eq!(find_word("std::thread::spawn(f)", "thread::spawn"), Some(5));
    assert_eq!(find_word("respawn(f)", "spawn"), None);
    assert_eq!(find_word("spawner(f)", "spawn"), None);
    assert_eq!(find_word("AtomicU8", "Atomic*"), Some(0));
    assert_eq!(find_word("futures::select_biased! {", "select!"), None);
    assert_eq!(find_word("x: &'static u8, y: &'static u8", "static"), None);
    assert_eq!(find_word("x.sleep(1)", "sleep("), Some(2));
}

#[test]
fn a_module_may_not_use_what_stands_below_it() {
    let lib = "//! x\nmod id;\npub(crate) mod exit;\npub mod cell;\nmod actor;\n#[cfg(test)]\nmod tests;\nmacro_rules! m {}\n";
    let files = [
        ("core/src/lib.rs", lib),
        (
            "core/src/id.rs",
            "//! x\nuse crate::exit::Exit;\n// use crate::actor::A;\n#[cfg(test)]\nmod t { use crate::actor::A; }\n",
        ),
        (
            "core/src/exit.rs",
            "//! x\nuse crate::{\n    id::Pid,\n    actor::{A, B},\n};\nuse super::cell::C;\ncrate::m!();\n",
        ),
        ("core/src/cell/mod.rs", "//! x\nuse crate::id;\nuse crate::Pid;\npub(in crate::cell) fn f() {}\n"),
        (
            "core/src/cell/slot.rs",
            "//! x\nuse super::super::actor::A;\nuse super::actor;\nlet x = \"crate::actor\";\n",
        ),
        ("core/src/actor.rs", "//! x\nuse crate::cell::slot::S;\n$crate::Exit\n"),
        ("core/src/tests.rs", "//! x\nuse crate::Anything;\n"),
        ("core/src/lost.rs", "//! x\n"),
    ];
    let expected = [
        "core/src/cell/mod.rs:3: `crate::Pid` goes through the crate's front door",
        "core/src/cell/slot.rs:2: `cell` uses `actor`",
        "core/src/exit.rs:2: `exit` uses `actor`",
        "core/src/exit.rs:6: `exit` uses `cell`",
        "core/src/id.rs:2: `id` uses `exit`",
        "core/src/lost.rs:1: lib.rs has no line `mod lost;`",
    ];
    finds(layers::modules, &files, &expected);
}

#[test]
fn the_preludes_names_are_counted() {
    let many = "//! x\npub mod prelude {\n    pub use a::{A, B, c::{C, D, E}};\n    pub use b::{F, G as H};\n    pub use c::{I, J, K, L, M, N};\n}\n";
    finds(layers::prelude, &[("src/lib.rs", many)], &["src/lib.rs:2: the prelude has 13 names"]);
    finds(layers::prelude, &[("src/lib.rs", &many.replace(", N", ""))], &[]);
}

#[test]
fn a_crate_may_not_depend_on_one_to_its_right() {
    let lints = "[lints]\nworkspace = true\n";
    let mailbox = format!(
        "[package]\nname = \"ravelin-mailbox\"\n[dependencies]\nravelin-core = {{ path = \"x\" }}\n{lints}"
    );
    let core = "[package]\nname = \"ravelin-core\"\n[dependencies]\nravelin-mailbox.workspace = true\n[dev-dependencies.ravelin]\npath = \"x\"\n";
    let macros = format!(
        "[package]\nname = \"ravelin-macros\"\n[dependencies]\nravelin-core = \"1\"\n[dev-dependencies]\nravelin = \"1\"\n{lints}"
    );
    let root = format!(
        "[workspace.dependencies]\nravelin = \"1\"\n[package]\nname = \"ravelin\"\n[dependencies]\nravelin-core = \"1\"\nravelin-macros = \"1\"\n{lints}"
    );
    let odd = format!("[package]\nname = \"odd\"\n{lints}");
    let files = [
        ("mailbox/Cargo.toml", mailbox.as_str()),
        ("core/Cargo.toml", core),
        ("macros/Cargo.toml", macros.as_str()),
        ("Cargo.toml", root.as_str()),
        ("odd/Cargo.toml", odd.as_str()),
        ("benches/workloads/Cargo.toml", odd.as_str()),
    ];
    let expected = [
        "core/Cargo.toml:1: add `[lints]`",
        "core/Cargo.toml:5: `ravelin-core` may not depend on `ravelin`: it stands to its right",
        "macros/Cargo.toml:4: `ravelin-macros` may not depend on `ravelin-core`: the macros stand alone",
        "mailbox/Cargo.toml:4: `ravelin-mailbox` may not depend on `ravelin-core`: it stands to its right",
        "odd/Cargo.toml:1: `odd` has no place in LINE",
    ];
    finds(manifest::line_of_crates, &files, &expected);
}

#[test]
fn impure_words_are_seen_outside_tests_and_comments() {
    let text = "//! An async tale.\nfn f(now: Instant) {}\nfn g(x: &'static str) {}\nuse std::sync::atomic::AtomicBool;\n#[cfg(test)]\nmod tests {\n    use std::sync::Mutex;\n}\n";
    let expected = [
        "core/src/bonds.rs:2: `Instant` is banned in a pure file, take `now: Time` as an argument",
        "core/src/bonds.rs:4: `Atomic` is banned in a pure file",
    ];
    finds_in(words::pure, "core/src/bonds.rs", text, &expected);
    finds_in(words::pure, "core/src/registry.rs", text, &[]);
    let marked = "//! Decides. [pure]\ntokio::f();\n";
    finds_in(words::pure, "core/src/registry.rs", marked, &["core/src/registry.rs:2: `tokio`"]);
}

#[test]
fn clocks_and_executors_are_seen_outside_the_adapters() {
    let text = "//! x\nlet t = std::time::Instant::now();\ntokio::spawn(f);\n// tokio::spawn(f)\nuse crate::runtimes::tokio::Tokio;\n";
    let expected =
        ["core/src/timer.rs:2: `Instant::now` is banned", "core/src/timer.rs:3: `tokio::spawn` is banned"];
    finds_in(words::banned, "core/src/timer.rs", text, &expected);
    finds_in(words::banned, "core/src/runtimes/tokio.rs", text, &[]);
    finds_in(words::banned, "benches/workloads/src/main.rs", text, &[]);
}

#[test]
fn statics_are_seen() {
    let text = "//! x\nstatic A: &'static str = \"\";\nfn f(x: &'static str) -> &'static str {}\nthread_local! {\n    static B: u8 = 0;\n}\n";
    let expected = ["src/a.rs:2: a `static`", "src/a.rs:4: `thread_local!`", "src/a.rs:5: a `static`"];
    finds_in(words::statics, "src/a.rs", text, &expected);
    finds_in(words::statics, "core/src/cell/mod.rs", text, &[]);
}

#[test]
fn unsafe_needs_its_place_a_reason_and_a_proof() {
    let text = "//! x\n// SAFETY: because.\nunsafe { f() }\n\n\n\nlet x = unsafe { g() };\nunsafe impl Send for X {}\ntype F = unsafe fn(u8);\n";
    let proved = text.replacen("//! x", "//! # Safety", 1);
    let faults = [
        "mailbox/src/a.rs:7: put",
        "mailbox/src/a.rs:8: put",
        "mailbox/src/a.rs:1: the file has `unsafe` but no proof",
    ];
    finds_in(words::unsafe_code, "mailbox/src/a.rs", text, &faults);
    finds_in(words::unsafe_code, "mailbox/src/a.rs", &proved, &faults[..2]);
    finds_in(
        words::unsafe_code,
        "core/src/cell.rs",
        "//! x\nunsafe { f() }\n",
        &["core/src/cell.rs:2: `unsafe` outside"],
    );
}

#[test]
fn a_sleep_in_a_test_is_seen() {
    let text = "//! x\nfn f() { sleep(1) }\n// tidy: virtual time\nsleep(2);\n\nx.sleep(3);\n#[cfg(test)]\nmod tests {\n    fn g() { sleep(4) }\n}\n";
    finds_in(words::sleeps, "core/src/a.rs", text, &["core/src/a.rs:9: a sleep"]);
    finds_in(
        words::sleeps,
        "core/tests/a.rs",
        text,
        &["core/tests/a.rs:2:", "core/tests/a.rs:6:", "core/tests/a.rs:9:"],
    );
}

#[test]
fn leftovers_are_seen() {
    let text = ["//! x\nfn f() { to", "do!() }\n// a FIX", "ME here\n#[ig", "nore]\nfn g() {}\n"].concat();
    let expected = ["src/a.rs:3:", "src/a.rs:2:", "src/a.rs:4:"];
    finds_in(words::leftovers, "src/a.rs", &text, &expected);
}

#[test]
fn long_files_and_functions_are_seen_and_may_only_shrink() {
    let body = "    f();\n".repeat(410);
    let text = format!(
        "//! x\nfn long<const N: usize>(x: [u8; 3]) {{\n{body}}}\nfn short() {{ \"}}\"; }}\ntrait T {{ fn none(); }}\n"
    );
    let tree = Tree::of(&[("src/a.rs", &text)]);
    begin(shape::files(&tree, &[]), &["src/a.rs:1: 414 lines of logic, the limit is 400"]);
    begin(shape::files(&tree, &[("src/a.rs", 414, 415)]), &[]);
    begin(shape::files(&tree, &[("src/a.rs", 420, 450)]), &["src/a.rs:1: it shrank"]);
    begin(shape::functions(&tree, &[]), &["src/a.rs:2: `long` has 412 lines"]);
    begin(shape::functions(&tree, &[("src/a.rs", "long", 412)]), &[]);
    begin(shape::functions(&tree, &[("src/a.rs", "long", 500)]), &["src/a.rs:2: `long` shrank"]);
    begin(
        shape::functions(&tree, &[("src/b.rs", "long", 500)]),
        &["tests/tidy/lists.rs:1: `src/b.rs` is gone", "src/a.rs:2:"],
    );
    begin(shape::first_lines(&Tree::of(&[("src/b.rs", "use x;\n")])), &["src/b.rs:1: begin with"]);
}

#[test]
fn papers_are_read() {
    let whole = "# A\n\n## Status\n\n## Context\n\n## Decision\n\n## Alternatives\n\n## Consequences\n";
    let files = [
        ("docs/adr/README.md", "# Index\n\n- [A](0001-a.md)\n"),
        ("docs/adr/0001-a.md", whole),
        ("docs/adr/0002-b.md", "# B\n\n## Status\n\n## Decision\n"),
        (
            "docs/guide.md",
            "text\n```\n# no title\n```\n[a](adr/0001-a.md) [b](../gone.md#x) [c](https://example.org)\n",
        ),
        ("docs/guarantees.md", "# G\n\nHeld by `one_that_is` and `one_that_is_not`.\n"),
        ("examples/01_hello.rs", "//! x\nfn one_that_is() {}\n"),
        ("examples/store/main.rs", "//! x\n"),
        ("README.md", "# R\n\n`01_hello`\n"),
    ];
    finds(
        papers::decisions,
        &files,
        &["docs/adr/0002-b.md:1: docs/adr/README.md", "docs/adr/0002-b.md:1: the section `## Context`"],
    );
    finds(papers::titles, &files, &["docs/guide.md:1: 0 lines"]);
    finds(papers::links, &files, &["docs/guide.md:5: the link `../gone.md`"]);
    finds(papers::examples, &files, &["README.md:1: the example `store`"]);
    finds(papers::promises, &files, &["docs/guarantees.md:3: there is no test `one_that_is_not`"]);
    finds(papers::changelog, &files, &["CHANGELOG.md:1:"]);
    finds(papers::changelog, &[("CHANGELOG.md", "## [0.1.0] - Unreleased\n")], &[]);
    let path = [" /wo", "rk/x"].concat();
    finds(papers::machine_paths, &[("a.md", &path), ("b.md", &path.replace(' ', "../"))], &["a.md:1:"]);
}
