//! `examples/cluster`: terminals that talk, one that is killed, two that leave.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Far more than any step takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

/// A terminal; killed if it still runs at the end of the test.
struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    endpoint: String,
}

impl Terminal {
    fn open(name: &str, certs: &Path, join: Option<&Terminal>) -> Terminal {
        let test = std::env::current_exe().expect("a test knows where it is");
        let program = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("examples/cluster");
        assert!(program.exists(), "{} is not built: cargo build --example cluster", program.display());
        let mut command = Command::new(program);
        command.args(["--name", name, "--listen", "127.0.0.1:0", "--certs"]).arg(certs);
        if let Some(other) = join {
            command.args(["--join", &other.endpoint]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be run");
        let lines = lines(BufReader::new(child.stdout.take().expect("it is piped")));
        let keys = child.stdin.take();
        let mut terminal = Terminal { child, keys, lines, endpoint: String::new() };
        let line = terminal.line();
        let endpoint = line.strip_prefix(&format!("* {name} at ")).and_then(|rest| rest.split_once(';'));
        terminal.endpoint = endpoint.unwrap_or_else(|| panic!("{line}")).0.to_owned();
        terminal
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    #[track_caller]
    fn expect(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    fn type_in(&mut self, line: &str) {
        writeln!(self.keys.as_mut().expect("it is open"), "{line}").expect("it reads");
    }

    /// Asks who is there until these are.
    fn await_people(&mut self, people: &str) {
        loop {
            self.type_in("/who");
            if self.line() == format!("* here: {people}") {
                return;
            }
        }
    }

    fn interrupt(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.expect("kill can be run").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl BufRead + Send + 'static) -> mpsc::Receiver<String> {
    let (to, lines) = mpsc::channel();
    #[expect(clippy::disallowed_methods, reason = "a test that reads what processes print, with a limit")]
    std::thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            // Nobody listens any more, but the pipe is emptied all the same.
            let _ = to.send(line);
        }
    });
    lines
}

#[test]
fn a_line_reaches_all_and_who_is_killed_is_lost_and_who_leaves_has_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let certs = folder.path().join("certs");
    let mut anna = Terminal::open("anna", &certs, None);
    let mut bert = Terminal::open("bert", &certs, Some(&anna));
    anna.expect("* bert is here");
    bert.expect("* anna is here");
    anna.await_people("anna, bert");
    bert.await_people("anna, bert");

    bert.type_in("hello all");
    anna.expect("bert: hello all");
    anna.type_in("/to bert psst");
    bert.expect("anna, to you: psst");
    bert.type_in("/to carl psst");
    bert.expect("* nobody here is called carl");

    bert.child.kill().expect("it runs");
    anna.expect("* bert is lost");
    anna.await_people("anna");

    let mut carl = Terminal::open("carl", &certs, Some(&anna));
    anna.expect("* carl is here");
    assert!(carl.interrupt().success());
    anna.expect("* carl left");

    // The end of the input is a goodbye too, and what was typed before it is heard.
    let mut dora = Terminal::open("dora", &certs, Some(&anna));
    anna.expect("* dora is here");
    dora.expect("* anna is here");
    dora.await_people("anna, dora");
    dora.type_in("bye");
    drop(dora.keys.take());
    anna.expect("dora: bye");
    anna.expect("* dora left");
    assert!(dora.child.wait().expect("it ends").success());
}
