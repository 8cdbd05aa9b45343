//! `ravelin-ca --dir certs node-a node-b`: an authority and certificates of nodes, for development.

use ravelin_cluster::NodeName;
use ravelin_cluster::tls::dev_ca::DevCa;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

const USAGE: &str = "\
ravelin-ca [--dir FOLDER] [--days DAYS] NODE...

Makes certificates for nodes of a cluster, for development: FOLDER (at first `certs`) gets
  ca.pem, ca-key.pem        the authority, unless it is there already
  NODE.pem, NODE-key.pem    a certificate for each node, valid for DAYS (at first 365), and its key
Nothing is written over. Keys are only for their owner to read.";

/// What the command line asks for.
struct Wanted {
    folder: PathBuf,
    days: u64,
    nodes: Vec<NodeName>,
}

fn main() -> ExitCode {
    match wanted(std::env::args().skip(1)).and_then(|wanted| wanted.map_or(Ok(USAGE.to_owned()), make)) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("ravelin-ca: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `None`: it asks how to ask.
fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Option<Wanted>, String> {
    let mut wanted = Wanted { folder: "certs".into(), days: 365, nodes: Vec::new() };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "-h" | "--help" => return Ok(None),
            "--dir" => wanted.folder = value()?.into(),
            "--days" => {
                let text = value()?;
                wanted.days = text.parse().map_err(|_| format!("--days {text}: it is no number"))?;
            }
            flag if flag.starts_with('-') => return Err(format!("{flag} is unknown\n\n{USAGE}")),
            node => wanted.nodes.push(node.parse().map_err(|error| format!("`{node}`: {error}"))?),
        }
    }
    if wanted.nodes.is_empty() { Err(format!("no node is named\n\n{USAGE}")) } else { Ok(Some(wanted)) }
}

/// Makes them, and says what to do next.
fn make(Wanted { folder, days, nodes }: Wanted) -> Result<String, String> {
    let valid = Duration::from_secs(days.saturating_mul(86_400));
    #[allow(clippy::disallowed_methods, reason = "a program may look at the clock")]
    let now = SystemTime::now();
    let authority = DevCa::in_folder(&folder, now).map_err(|error| error.to_string())?;
    let mut said = String::new();
    for node in &nodes {
        let files = authority.issue_into(&folder, node, valid).map_err(|error| error.to_string())?;
        said += &format!("{node}: {}, {}\n", files.certificate.display(), files.key.display());
    }
    let folder = folder.display();
    Ok(said
        + &format!(
            "\nGive each node its two files and {folder}/ca.pem, and let it read them:\n    \
             Certificates::from_files(CertificateFiles::in_folder(\"{folder}\", &name))\n\
             Keep {folder}/ca-key.pem from all nodes: who has it makes nodes. More nodes, later: run this again with \
             their names."
        ))
}
