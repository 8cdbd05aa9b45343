//! Two processes, a node in each; or several nodes in one.

use crate::cast::Sink;
use crate::run::{Run, usage};
use ravelin_cluster::tls::dev_ca::DevCa;
use ravelin_cluster::tls::{CertificateFiles, Certificates};
use ravelin_cluster::transport::{Quic, Tcp, Transport};
use ravelin_cluster::{Addr, Config, Endpoint, Node, NodeName};
use ravelin_core::runtimes::Tokio;
use ravelin_core::{ActorRef, System, Unbounded};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The workload of the other process.
pub(crate) const OTHER: &str = "other-process";

const DAY: Duration = Duration::from_secs(86_400);

/// What a workload has to work with.
pub(crate) struct World {
    pub(crate) run: Run,
    tokio: tokio::runtime::Handle,
}

/// A process of its own, with a node that has a [`Sink`] called `sink`. Killed when this is dropped.
pub(crate) struct Other {
    pub(crate) name: NodeName,
    process: Child,
    endpoint: Endpoint,
}

impl World {
    pub(crate) fn new(run: Run, tokio: tokio::runtime::Handle) -> World {
        World { run, tokio }
    }

    /// A node of this process.
    pub(crate) async fn node(&self, name: &str, seeds: Vec<Endpoint>, folder: &Path) -> Node {
        let name: NodeName = name.parse().expect("a name");
        let certificates = || {
            let files = CertificateFiles::in_folder(folder, &name);
            Certificates::from_files(files).expect("certificates")
        };
        let transport: Arc<dyn Transport> = match self.run.transport.as_str() {
            "tls" => Arc::new(Tcp::tls(certificates())),
            "tcp" => Arc::new(Tcp::plaintext_without_any_protection()),
            "quic" => Arc::new(Quic::new(certificates())),
            _ => usage(),
        };
        let system = System::new(Tokio::new(self.tokio.clone()));
        let config = Config { seeds, ..Config::new(name.clone(), "127.0.0.1:0") };
        Node::start(&system, config, transport).await.expect("the node starts")
    }

    /// Certificates for these nodes.
    pub(crate) fn certificates(&self, names: &[String]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cluster-bench-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let authority = DevCa::in_folder(&folder, SystemTime::now()).expect("an authority");
        for name in names {
            authority.issue_into(&folder, &name.parse().expect("a name"), DAY).expect("a certificate");
        }
        folder
    }

    /// What the other process does: it has a node, until its input ends.
    pub(crate) async fn be_the_other(&self) {
        let folder = PathBuf::from(self.run.certificates.clone().unwrap_or_else(|| usage()));
        let node = self.node("b", Vec::new(), &folder).await;
        let sink = ActorRef::<Sink>::place("sink");
        let pid = node.system().start(&sink, ()).mailbox(Unbounded).await.expect("it starts");
        node.system().register("sink", pid).expect("a free name");
        node.accept::<Sink>();
        println!("{}", node.endpoint());
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
        let _ = ended.await;
    }

    /// Starts the other process.
    pub(crate) fn other(&self, folder: &Path) -> Other {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args([OTHER, "--transport", &self.run.transport, "--certificates"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("its endpoint");
        Other { name: "b".parse().expect("a name"), process, endpoint: Endpoint(line.trim().into()) }
    }

    /// A node of this process that reaches one of another one.
    pub(crate) async fn pair(&self) -> (Node, Other, Addr<Sink>) {
        let folder = self.certificates(&["a".to_owned(), "b".to_owned()]);
        let other = self.other(&folder);
        let node = self.node("a", vec![other.endpoint.clone()], &folder).await;
        reach(&node, 1).await;
        let _ = std::fs::remove_dir_all(&folder);
        let sink = node.named::<Sink>(&other.name, "sink");
        (node, other, sink)
    }
}

/// Waits until the node reaches so many others.
pub(crate) async fn reach(node: &Node, others: usize) {
    let begun = Instant::now();
    while node.nodes().await.len() < others {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?} are not reached", node.id());
        ravelin_core::sleep(&**node.system().runtime(), Duration::from_millis(1)).await;
    }
}

impl Other {
    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
