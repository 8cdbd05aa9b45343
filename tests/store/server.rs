//! A store in a process of its own, and clients of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use redis::{Connection, RedisError, Value};

/// Far more than any step takes; a test that needs it fails.
const LIMIT: Duration = Duration::from_secs(30);

/// A running store; killed if it still runs at the end of the test.
pub(crate) struct Server {
    child: Child,
    port: u16,
    endpoint: Option<String>,
    lines: mpsc::Receiver<String>,
}

/// The program, beside the folder that this test was built into.
pub(crate) fn program() -> Command {
    let test = std::env::current_exe().expect("a test knows where it is");
    let built = test.ancestors().nth(2).expect("target/<profile>/deps/<test>").join("examples/store");
    assert!(built.exists(), "{} is not built: cargo build --example store", built.display());
    Command::new(built)
}

/// A folder for the data of one test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

impl Server {
    /// Starts a store on a free port; it is ready when this returns.
    pub(crate) fn start(data: &tempfile::TempDir, options: &str) -> Server {
        Server::start_as(program(), data, options)
    }

    /// As `start`, where no file can get larger than this.
    pub(crate) fn start_with_file_limit(data: &tempfile::TempDir, kilobytes: usize, options: &str) -> Server {
        let mut command = Command::new("bash");
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(program().get_program());
        Server::start_as(command, data, options)
    }

    fn start_as(mut command: Command, data: &tempfile::TempDir, options: &str) -> Server {
        command.args(["--port", "0", "--data"]).arg(data.path().join("data"));
        command.args(options.split_whitespace()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it can be run");
        let lines = lines(child.stdout.take().expect("it is piped"));
        let mut server = Server { child, port: 0, endpoint: None, lines };
        server.port = loop {
            let line = server.line();
            if let Some(address) = line.strip_prefix("ready on 127.0.0.1:") {
                break address.parse().expect("a port");
            }
            if let Some((_, endpoint)) = line.split_once(" of the cluster at ") {
                server.endpoint = Some(endpoint.to_owned());
            }
        };
        server
    }

    /// The next line that it prints.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    pub(crate) fn client(&self) -> Connection {
        self.client_of("")
    }

    /// A client that speaks RESP3.
    pub(crate) fn client_of_resp3(&self) -> Connection {
        self.client_of("?protocol=resp3")
    }

    fn client_of(&self, options: &str) -> Connection {
        let url = format!("redis://127.0.0.1:{}/{options}", self.port);
        let client = redis::Client::open(url).expect("a client");
        // Without a time limit for reads: a read with one fails when the machine stops the process for a moment (signal(7)).
        client.get_connection_with_timeout(LIMIT).expect("a connection")
    }

    /// A client that sends what it likes.
    pub(crate) fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        stream
    }

    /// Where other stores reach it.
    pub(crate) fn endpoint(&self) -> &str {
        self.endpoint.as_deref().expect("it is of a cluster")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM, and waits for the end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("-TERM")
    }

    /// Sends a signal, and waits for the end.
    pub(crate) fn signal(&mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(sent.expect("kill can be run").success());
        self.child.wait().expect("it ends")
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stdout: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (to, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens any more, but the pipe is emptied all the same.
            let _ = to.send(line);
        }
    });
    lines
}

/// Asks, and writes the answer down as a row of a table can have it.
pub(crate) fn ask(client: &mut Connection, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match redis::cmd(words[0]).arg(&words[1..]).query::<Value>(client) {
        Ok(value) => told(&value),
        Err(error) => error_told(&error),
    }
}

pub(crate) fn error_told(error: &RedisError) -> String {
    format!("-{} {}", error.code().unwrap_or("?"), error.detail().unwrap_or_default())
}

pub(crate) fn told(value: &Value) -> String {
    let list = |values: &[Value]| values.iter().map(told).collect::<Vec<_>>().join(" ");
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Int(n) => format!(":{n}"),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => format!("+{text}"),
        Value::Okay => "+OK".to_owned(),
        Value::Array(values) => format!("[{}]", list(values)),
        Value::Set(values) => format!("{{{}}}", list(values)),
        Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}={}", told(key), told(value)));
            format!("({})", pairs.collect::<Vec<_>>().join(" "))
        }
        Value::ServerError(error) => format!("-{} {}", error.code(), error.details().unwrap_or_default()),
        other => format!("{other:?}"),
    }
}

/// Sends bytes, and reads until the server closes the connection.
pub(crate) fn converse(mut stream: TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).expect("a server reads to the end, even if it has seen enough");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The most memory that a process had, in bytes.
pub(crate) fn peak_memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("kilobytes") * 1024
}
