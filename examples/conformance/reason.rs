//! Reasons: a scenario's words, ravelin's values, a trace's words.

use crate::hub::Hub;
use ravelin::Exit;

/// The reason that a scenario names.
pub(crate) fn read(text: &str) -> Exit {
    match text {
        "normal" => Exit::Normal,
        "shutdown" => Exit::Shutdown,
        "killed" => Exit::Killed,
        "noproc" => Exit::NoProc,
        word => match word.strip_prefix("shutdown:") {
            Some(rest) => Exit::shutdown_with(read(rest)),
            None => Exit::error(word),
        },
    }
}

/// The reason as a trace has it.
pub(crate) fn show(exit: &Exit, hub: &Hub) -> String {
    match exit {
        Exit::Normal => "normal".into(),
        Exit::Shutdown => "shutdown".into(),
        Exit::ShutdownWith(why) => format!("shutdown:{}", show(why, hub)),
        Exit::Killed => "killed".into(),
        Exit::NoProc => "noproc".into(),
        Exit::Panic(panic) => format!("crash:{}", panic.message),
        Exit::Error(word) => word.to_string(),
        Exit::StartFailed(failed) => format!("failed({},{})", failed.child, show(&failed.reason, hub)),
        Exit::AlreadyStarted(pid) => format!("already_started({})", hub.name(*pid)),
        Exit::InvalidSpec(_) => "invalid_spec".into(),
        other => format!("?{other}"),
    }
}
