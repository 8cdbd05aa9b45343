//! The rules of the house as tests: a rule that is not a test is a wish.
//!
//! Each test below is one rule, and fails with lines of the form `file:line: what is wrong, and the fix`.
//! What the rules hold for (crates, layers, pure files, banned names, exceptions) stands in `lists.rs` and nowhere
//! else. The rules read the files themselves, so they need neither git nor cargo, and `proof.rs` plants a fault for
//! each of them to show that it is seen.

mod lists;
mod source;

mod layers;
mod lock;
mod manifest;
mod papers;
mod shape;
mod words;

mod proof;

use source::Tree;
use std::sync::LazyLock;

static TREE: LazyLock<Tree> = LazyLock::new(Tree::read);

#[track_caller]
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "the rules of the house are broken:\n\n{}\n", faults.join("\n"));
}

#[test]
fn the_tree_is_found() {
    let found = |path: &str| TREE.files.iter().any(|file| file.path == path);
    assert!(found("Cargo.toml") && found("tests/tidy/main.rs"), "run me from the root of the workspace");
}

#[test]
fn crates_stand_in_a_line() {
    none(manifest::line_of_crates(&TREE));
}

#[test]
fn modules_use_only_what_stands_above_them() {
    none(layers::modules(&TREE));
}

#[test]
fn the_prelude_stays_small() {
    none(layers::prelude(&TREE));
}

#[test]
fn pure_files_name_no_world() {
    none(words::pure(&TREE));
}

#[test]
fn clocks_threads_and_executors_stay_in_the_adapters() {
    none(words::banned(&TREE));
}

#[test]
fn there_are_no_statics() {
    none(words::statics(&TREE));
}

#[test]
fn unsafe_stays_in_its_places_and_gives_its_reason() {
    none(words::unsafe_code(&TREE));
}

#[test]
fn no_test_waits_for_the_clock() {
    none(words::sleeps(&TREE));
}

#[test]
fn nothing_is_left_half_done() {
    none(words::leftovers(&TREE));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    none(shape::first_lines(&TREE));
}

#[test]
fn files_stay_short() {
    none(shape::files(&TREE, lists::LONG_FILES));
}

#[test]
fn functions_stay_short() {
    none(shape::functions(&TREE, lists::LONG_FUNCTIONS));
}

#[test]
fn every_decision_is_in_the_index_and_complete() {
    none(papers::decisions(&TREE));
}

#[test]
fn every_example_is_in_the_readme() {
    none(papers::examples(&TREE));
}

#[test]
fn every_page_has_one_title() {
    none(papers::titles(&TREE));
}

#[test]
fn every_link_leads_somewhere() {
    none(papers::links(&TREE));
}

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    none(papers::changelog(&TREE));
}

#[test]
fn every_promise_names_tests_that_exist() {
    none(papers::promises(&TREE));
}

#[test]
fn no_path_of_one_machine_is_committed() {
    none(papers::machine_paths(&TREE));
}

#[test]
fn the_default_build_brings_in_only_known_crates() {
    none(lock::known_crates(&TREE));
}
