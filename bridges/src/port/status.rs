//! How a process ended, and the exit reason that it is.

use ravelin_core::Exit;
use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// It returned this; 0 says that all is well.
    Code(i32),
    /// A signal of this number ended it.
    Signal(i32),
    /// Somebody else in this program waited for it, and has its status.
    Unknown,
}

/// The names of those that end a process and that one meets.
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

const CODE: &str = "the process ended with status ";
const SIGNAL: &str = "the process was ended by signal ";

impl Status {
    /// The exit reason of its port: `Normal` for 0, an error that says it otherwise.
    pub fn into_exit(self) -> Exit {
        match self {
            Status::Code(0) => Exit::Normal,
            status => Exit::error(status),
        }
    }

    /// The status that an exit reason of a port says; `None` when the port ended for a reason of its own.
    pub fn of(exit: &Exit) -> Option<Status> {
        match exit {
            Exit::Normal => Some(Status::Code(0)),
            Exit::Error(what) => {
                let first = |rest: &str| rest.split(' ').next().and_then(|number| number.parse().ok());
                let code = what.strip_prefix(CODE).and_then(first).map(Status::Code);
                code.or_else(|| what.strip_prefix(SIGNAL).and_then(first).map(Status::Signal))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Code(code) => write!(f, "{CODE}{code}"),
            Status::Signal(signal) => {
                write!(f, "{SIGNAL}{signal}")?;
                let name = SIGNALS.iter().find(|(number, _)| number == signal);
                name.map_or(Ok(()), |(_, name)| write!(f, " ({name})"))
            }
            Status::Unknown => f.write_str("the process ended, and its status is not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_can_be_read_off_the_exit_reason() {
        for (status, text) in [
            (Status::Code(0), "normal"),
            (Status::Code(3), "the process ended with status 3"),
            (Status::Signal(9), "the process was ended by signal 9 (SIGKILL)"),
            (Status::Signal(64), "the process was ended by signal 64"),
        ] {
            assert_eq!(status.into_exit().to_string(), text);
            assert_eq!(Status::of(&status.into_exit()), Some(status));
        }
        assert_eq!(Status::of(&Exit::error("no such file")), None);
        assert_eq!(Status::of(&Exit::Shutdown), None);
    }
}
