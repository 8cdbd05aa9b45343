//! The programs of the guide, of the README, of the pages beside it and of the tour in `src/lib.rs`, each by a name: its page and its line there.
//! `build.rs` takes them out of the pages; cargo compiles them once. `pages.rs` runs each of them as a test.

use std::env;
use std::process::ExitCode;

type Program = fn() -> ExitCode;

// Their modules, and `PROGRAMS`.
include!(concat!(env!("OUT_DIR"), "/programs.rs"));

fn main() -> ExitCode {
    let wanted = env::args().nth(1).unwrap_or_default();
    let Some((_, program)) = PROGRAMS.iter().find(|(name, _)| *name == wanted) else {
        let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        eprintln!("give the name of a program:\n{}", names.join("\n"));
        return ExitCode::FAILURE;
    };
    program()
}
