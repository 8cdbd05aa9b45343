//! Every lesson in `examples/` ends by itself, well, and with the line that it promises.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The lessons, each with its last line.
const LESSONS: &[(&str, &str)] = &[
    ("01_hello", "stopped: shutdown"),
    ("02_call_and_cast", "every message had one fate: true"),
    ("03_trees", "the root ended: shutdown"),
    ("04_backoff", "the tree ended: shutdown"),
    ("05_closure_actor", "total: 15"),
    ("06_any_executor", "one thread, no dependency: local"),
    ("07_door", "the last one found the door locked: true"),
    ("08_pool", "every job had one fate: true"),
    ("09_application", "requested, orderly: true, exit code 0"),
    ("fault_injection", "steps left: 2"),
];

/// Long enough for any machine; a lesson takes a fraction of a second.
const LIMIT: Duration = Duration::from_secs(60);

/// `target/<profile>/examples`, beside the folder that this test was built into.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("examples")
}

#[track_caller]
fn check(name: &str) {
    let last = LESSONS.iter().find(|(lesson, _)| *lesson == name).expect("it is on the list").1;
    let path = built().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: cargo build --examples", path.display());
    let mut child =
        Command::new(&path).env("RUST_BACKTRACE", "0").stdout(Stdio::piped()).spawn().expect("it can be run");
    let mut stdout = child.stdout.take().expect("it is piped");
    let (told, output) = mpsc::channel();
    #[expect(clippy::disallowed_methods, reason = "a test that waits for a process, with a limit")]
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        told.send(read).expect("somebody listens");
    });
    let Ok(text) = output.recv_timeout(LIMIT) else {
        child.kill().expect("it can be killed");
        panic!("{name} does not end");
    };
    let text = text.expect("a lesson prints text");
    let status = child.wait().expect("it has ended");
    assert!(status.success(), "{name}: {status}\n{text}");
    assert_eq!(text.lines().last(), Some(last), "{name} printed:\n{text}");
}

#[test]
fn lesson_01_hello() {
    check("01_hello");
}

#[test]
fn lesson_02_call_and_cast() {
    check("02_call_and_cast");
}

#[test]
fn lesson_03_trees() {
    check("03_trees");
}

#[test]
fn lesson_04_backoff() {
    check("04_backoff");
}

#[test]
fn lesson_05_closure_actor() {
    check("05_closure_actor");
}

#[test]
fn lesson_06_any_executor() {
    check("06_any_executor");
}

#[test]
fn lesson_07_door() {
    check("07_door");
}

#[test]
fn lesson_08_pool() {
    check("08_pool");
}

#[test]
fn lesson_09_application() {
    check("09_application");
}

#[test]
fn the_lost_update_is_found_and_shrunk() {
    check("fault_injection");
}

#[test]
fn every_lesson_is_on_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).expect("there are examples");
    let names =
        entries.map(|entry| entry.expect("it can be read").file_name().into_string().expect("a plain name"));
    let mut lessons: Vec<_> = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect();
    lessons.sort();
    let has_number = |(name, _): &&(&str, &str)| name.starts_with(|c: char| c.is_ascii_digit());
    let listed: Vec<_> = LESSONS.iter().filter(has_number).map(|(name, _)| format!("{name}.rs")).collect();
    assert_eq!(lessons, listed);
}
