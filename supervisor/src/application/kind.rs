//! What the end of an application means for the node. OTP's start types. `[pure]`

use ravelin_core::Exit;
use std::fmt;

/// What the end of an application means for the others. Source: `application:start/2`.
///
/// It is about an end that nobody asked for: one that [`Node::stop`](super::Node::stop) stops ends no other.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ApplicationKind {
    /// Any end takes the node down. The default, as in a release.
    #[default]
    Permanent,
    /// An end with any reason but `normal` takes the node down, also `shutdown`, which is what a supervisor ends with
    /// when it gives up; so is OTP's. `normal` is reported.
    Transient,
    /// Its end is reported, and the others go on.
    Temporary,
}

/// What follows from the end of an application.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AfterEnd {
    /// The log is told.
    Report,
    /// The node shuts down.
    ShutDown,
}

impl ApplicationKind {
    /// The table. OTP: `application_controller`, an application's end.
    pub(crate) fn after_end(self, exit: &Exit) -> AfterEnd {
        match (self, exit) {
            (ApplicationKind::Permanent, _) => AfterEnd::ShutDown,
            (ApplicationKind::Transient, Exit::Normal) => AfterEnd::Report,
            (ApplicationKind::Transient, _) => AfterEnd::ShutDown,
            (ApplicationKind::Temporary, _) => AfterEnd::Report,
        }
    }
}

impl fmt::Display for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApplicationKind::Permanent => "permanent",
            ApplicationKind::Transient => "transient",
            ApplicationKind::Temporary => "temporary",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{AfterEnd, ApplicationKind};
    use ravelin_core::Exit;

    #[test]
    fn the_kind_says_whose_end_takes_the_node_down() {
        let ends = [Exit::Normal, Exit::Shutdown, Exit::Killed, Exit::error("no disk")];
        let rows = [
            (ApplicationKind::Permanent, [true, true, true, true]),
            (ApplicationKind::Transient, [false, true, true, true]),
            (ApplicationKind::Temporary, [false, false, false, false]),
        ];
        for (kind, down) in rows {
            let found = ends.each_ref().map(|exit| kind.after_end(exit) == AfterEnd::ShutDown);
            assert_eq!(found, down, "{kind}");
        }
    }
}
