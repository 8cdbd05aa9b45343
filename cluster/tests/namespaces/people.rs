//! The nodes: processes that are told what to do, and what they say.

use crate::net::{HOSTS, Net, address};
use ravelin_cluster::tls::dev_ca::DevCa;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// A line that a node said, and when.
struct Said {
    who: &'static str,
    line: String,
    at: Instant,
}

struct Person {
    child: Child,
    ear: ChildStdin,
}

/// The nodes, each on its host.
pub(crate) struct People {
    net: Net,
    certificates: tempfile::TempDir,
    people: BTreeMap<&'static str, Person>,
    mouth: Sender<Said>,
    hears: Receiver<Said>,
    /// What was said since the last [`People::mark`].
    said: Vec<Said>,
    marked: Instant,
}

impl People {
    /// Starts one on each host.
    pub(crate) fn new(net: Net) -> People {
        let certificates = tempfile::tempdir().unwrap();
        let authority = DevCa::in_folder(certificates.path(), SystemTime::now()).unwrap();
        for host in HOSTS {
            let name = host.parse().unwrap();
            authority.issue_into(certificates.path(), &name, Duration::from_secs(3600)).unwrap();
        }
        let (mouth, hears) = channel();
        let (people, said) = (BTreeMap::new(), Vec::new());
        let mut all = People { net, certificates, people, mouth, hears, said, marked: Instant::now() };
        for host in HOSTS {
            all.start(host);
        }
        all
    }

    pub(crate) fn net(&self) -> &Net {
        &self.net
    }

    /// Starts the node of a host; its seed is the node of another.
    pub(crate) fn start(&mut self, host: &'static str) {
        let seed = if host == "a" { "b" } else { "a" };
        let program: PathBuf = std::env::current_exe().unwrap();
        let mut command = self.net.command(host, &program);
        command.args(["node", host, &format!("{}:4370", address(host)), &format!("{}:4370", address(seed))]);
        command.arg(self.certificates.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (ear, voice) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mouth = self.mouth.clone();
        thread::spawn(move || {
            for line in BufReader::new(voice).lines().map_while(Result::ok) {
                if mouth.send(Said { who: host, line, at: Instant::now() }).is_err() {
                    return;
                }
            }
        });
        self.people.insert(host, Person { child, ear });
    }

    /// A signal to a node, by its name.
    pub(crate) fn signal(&mut self, host: &str, signal: &str) {
        // `ip netns exec` becomes the program, so that it has its number.
        let process = self.people[host].child.id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }

    /// What is said from now on counts, and from now on it is timed.
    pub(crate) fn mark(&mut self) {
        self.listen(Duration::ZERO);
        self.said.clear();
        self.marked = Instant::now();
    }

    /// Hears whatever is said until so long after the mark.
    pub(crate) fn listen(&mut self, until: Duration) {
        loop {
            let left = (self.marked + until).saturating_duration_since(Instant::now());
            match self.hears.recv_timeout(left) {
                Ok(said) => self.said.push(said),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => unreachable!("it has a sender itself"),
            }
        }
    }

    /// When, after the mark, a node says a line that begins so. It must be within this time after the mark.
    pub(crate) fn hear(&mut self, who: &str, begin: &str, within: Duration) -> Duration {
        loop {
            let is_it = |said: &&Said| said.who == who && said.line.starts_with(begin);
            if let Some(said) = self.said.iter().find(is_it) {
                let after = said.at.saturating_duration_since(self.marked);
                assert!(
                    after <= within,
                    "{who} said `{}` {after:?} after the event, not within {within:?}",
                    said.line
                );
                return after;
            }
            let left = (self.marked + within).saturating_duration_since(Instant::now());
            match self.hears.recv_timeout(left) {
                Ok(said) => self.said.push(said),
                Err(_) => {
                    panic!("{who} did not say `{begin}` within {within:?}; what was said:\n{}", self.story())
                }
            }
        }
    }

    /// How often a node has said such a line since the mark.
    pub(crate) fn count(&self, who: &str, begin: &str) -> usize {
        self.said.iter().filter(|said| said.who == who && said.line.starts_with(begin)).count()
    }

    /// Tells a node to do something; what it says to that begins so.
    pub(crate) fn ask(&mut self, who: &str, command: &str, begin: &str) -> String {
        let before = self.count(who, begin);
        writeln!(self.people.get_mut(who).unwrap().ear, "{command}").unwrap();
        let asked = Instant::now();
        loop {
            let is_it = |said: &&Said| said.who == who && said.line.starts_with(begin);
            if let Some(said) = self.said.iter().filter(is_it).nth(before) {
                return said.line.clone();
            }
            assert!(asked.elapsed() < Duration::from_secs(5), "{who} answers `{command}`:\n{}", self.story());
            if let Ok(said) = self.hears.recv_timeout(Duration::from_secs(5)) {
                self.said.push(said);
            }
        }
    }

    fn story(&self) -> String {
        let line = |said: &Said| {
            let after = said.at.saturating_duration_since(self.marked).as_millis();
            format!("{after:6} ms  {}: {}\n", said.who, said.line)
        };
        self.said.iter().map(line).collect()
    }
}

impl Drop for People {
    fn drop(&mut self) {
        for person in self.people.values_mut() {
            // One that was killed before is gone.
            let _ = person.child.kill();
            let _ = person.child.wait();
        }
    }
}
