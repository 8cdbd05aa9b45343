//! Three namespaces on one bridge, and cuts between them.
//!
//! A cut is an entry in the table of neighbours that leads to nobody: what one host sends to another is lost without a
//! word, one way, and for this pair only. It needs nothing but iproute2.

use std::process::Command;

/// The hosts, in the order of their addresses.
pub(crate) const HOSTS: [&str; 3] = ["a", "b", "c"];

/// Three hosts, taken down when it is dropped.
pub(crate) struct Net {
    tag: String,
}

/// Runs `ip` with these words.
fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).output();
    let output = output.map_err(|error| format!("`ip` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`ip {words}` said: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Takes down what runs have left that were killed themselves.
fn sweep() {
    let listed = Command::new("ip").args(["netns", "list"]).output().map(|output| output.stdout);
    for line in String::from_utf8_lossy(&listed.unwrap_or_default()).lines() {
        let space = line.split(' ').next().unwrap_or_default();
        let maker = space.strip_prefix("rv").and_then(|rest| rest.split_once('-')?.0.parse::<u32>().ok());
        // One that was killed and nobody has asked after has no words left.
        let is_alive =
            |maker: u32| std::fs::read(format!("/proc/{maker}/cmdline")).is_ok_and(|words| !words.is_empty());
        if maker.is_some_and(|maker| !is_alive(maker)) {
            let _ = ip(&format!("netns del {space}"));
        }
    }
}

impl Net {
    /// Makes them.
    pub(crate) fn new() -> Result<Net, String> {
        sweep();
        let net = Net { tag: format!("rv{}", std::process::id()) };
        let switch = net.space("sw");
        ip(&format!("netns add {switch}"))?;
        ip(&format!("-n {switch} link add br0 type bridge"))?;
        ip(&format!("-n {switch} link set br0 up"))?;
        for host in HOSTS {
            let (space, address) = (net.space(host), address(host));
            ip(&format!("netns add {space}"))?;
            ip(&format!("link add port-{host} netns {switch} type veth peer name eth0 netns {space}"))?;
            ip(&format!("-n {switch} link set port-{host} master br0 up"))?;
            ip(&format!("-n {space} addr add {address}/24 dev eth0"))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(net)
    }

    fn space(&self, host: &str) -> String {
        format!("{}-{host}", self.tag)
    }

    /// A program on a host.
    pub(crate) fn command(&self, host: &str, program: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(host)]).arg(program);
        command
    }

    /// From now on nothing that `from` sends reaches `to`.
    pub(crate) fn cut(&self, from: &str, to: &str) {
        let (space, to) = (self.space(from), address(to));
        ip(&format!("-n {space} neigh replace {to} lladdr 02:00:00:00:00:99 dev eth0 nud permanent"))
            .unwrap();
    }

    /// It does again.
    pub(crate) fn heal(&self, from: &str, to: &str) {
        ip(&format!("-n {} neigh del {} dev eth0", self.space(from), address(to))).unwrap();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in ["a", "b", "c", "sw"] {
            // One that was not made is not there.
            let _ = ip(&format!("netns del {}", self.space(host)));
        }
    }
}

pub(crate) fn address(host: &str) -> String {
    let index = HOSTS.iter().position(|known| *known == host).expect("a host");
    format!("10.77.0.{}", index + 1)
}
