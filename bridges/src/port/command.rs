//! What to run, as a value.

use super::framing::Framing;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// An OS process to run: a value, that can be printed, compared and used for each incarnation. What is printed has no
/// values of the environment: these are where secrets are handed over.
///
/// ```
/// use ravelin_bridges::port::{Command, Framing};
///
/// let tail = Command::new("tail").args(["-f", "my log"]).env("LC_ALL", "C").framing(Framing::lines());
/// assert_eq!(tail.to_string(), "tail -f 'my log'");
/// assert_eq!(tail, tail.clone());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Command {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, Option<OsString>)>,
    pub(crate) inherits_env: bool,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) framing: Framing,
    pub(crate) stderr: Stderr,
    pub(crate) grace: Duration,
}

/// Where the standard error of a process goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stderr {
    /// Where that of this process goes. The default, as in OTP.
    #[default]
    Inherit,
    /// Nowhere.
    Null,
    /// To the recipient, as messages of its own; in lines, if standard output is in packets.
    Messages,
    /// Into standard output. Source: `stderr_to_stdout`.
    WithStdout,
}

impl Command {
    /// This program, looked up in `PATH` if it has no slash; no shell comes between. It gets the environment and the
    /// working folder of this process.
    pub fn new(program: impl Into<OsString>) -> Command {
        Command {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherits_env: true,
            folder: None,
            framing: Framing::Stream,
            stderr: Stderr::Inherit,
            grace: Duration::from_secs(2),
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Takes a variable out of its environment.
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Gives it no variable of this process, only those that were set here.
    pub fn env_clear(mut self) -> Self {
        self.inherits_env = false;
        self.env.clear();
        self
    }

    /// Its working folder.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How its bytes become messages; [`Framing::Stream`] if nothing is said.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Where its standard error goes.
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.stderr = stderr;
        self
    }

    /// How long it may take to end after SIGTERM, when the port is told to stop; then it is killed. Two seconds if
    /// nothing is said.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long it may take to end after SIGTERM.
    pub fn grace_time(&self) -> Duration {
        self.grace
    }

    /// The program.
    pub fn program(&self) -> &OsString {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[OsString] {
        &self.args
    }
}

/// As one would type it, without its environment.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.program.to_string_lossy()))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(&arg.to_string_lossy())))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command")
            .field("command", &self.to_string())
            .field("env", &names)
            .field("inherits_env", &self.inherits_env)
            .field("folder", &self.folder)
            .field("framing", &self.framing)
            .field("stderr", &self.stderr)
            .field("grace", &self.grace)
            .finish()
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_printed_as_one_would_type_it_and_without_secrets() {
        let command = Command::new("psql").args(["-c", "it's"]).env("PASSWORD", "hunter2").env_remove("HOME");
        assert_eq!(command.to_string(), r"psql -c 'it'\''s'");
        let debug = format!("{command:?}");
        assert!(
            debug.contains("PASSWORD") && debug.contains("HOME") && !debug.contains("hunter2"),
            "{debug}"
        );
        assert_ne!(command, command.clone().env("PASSWORD", "hunter3"));
    }
}
