//! What `ADMIN` answers: what the actors do, as `ravelin::sys` sees it from outside. It asks nobody who could be stuck.

use std::time::Duration;

use ravelin::sys::{By, Limit, Status, Sys, SysError, Whose};
use ravelin::{System, within};

use super::House;
use crate::command::Admin;
use crate::reply::Reply;

/// How long a trace waits for events.
const TRACED: Duration = Duration::from_secs(5);

const HELP: &str = "\
ADMIN <subcommand>. Actors are named as in the tree: journal, partition-0, hub, connection-1. Subcommands are:
STATUS [name]     What actors do whose names begin so; what all do.
TOP <n>           Those with the longest mailboxes.
TRACE <name> <n>  The next n events of actors whose names begin so, within five seconds.
SUSPEND <name>    Lets an actor handle no message.
RESUME <name>     Lets it go on.
STATE <name>      What it shows of its state.
WAITS             Who waits for whose answer.
HELP              This text.";

/// Answers, if the store was started so.
pub async fn answer(house: &House, asked: Admin) -> Reply {
    if !house.config.admin {
        return Reply::error("ERR ADMIN is not enabled: start the store with --admin");
    }
    let answered = perform(&house.system, asked).await;
    answered.unwrap_or_else(|error| Reply::error(format!("ERR {error}")))
}

async fn perform(system: &System, asked: Admin) -> Result<Reply, SysError> {
    Ok(match asked {
        Admin::Help => list(HELP.lines()),
        Admin::Status(name) => {
            let statuses = system.statuses();
            list(statuses.iter().filter(|status| place(status).starts_with(&name)).map(Status::to_string))
        }
        Admin::Top(n) => list(system.top(n, By::MailboxLen).iter().map(Status::to_string)),
        Admin::Trace(name, n) => {
            let (mut trace, mut events) = (system.trace(Whose::place(name), Limit::count(n)), Vec::new());
            let all = async {
                while let Some(event) = trace.next().await {
                    events.push(event.to_string());
                }
            };
            within(&**system.runtime(), TRACED, all).await;
            list(events)
        }
        Admin::Suspend(name) => sys(system, &name)?.suspend().await.map(|()| Reply::OK)?,
        Admin::Resume(name) => sys(system, &name)?.resume().map(|()| Reply::OK)?,
        Admin::State(name) => Reply::bulk(sys(system, &name)?.get_state().await?),
        Admin::Waits => list(system.waits().into_iter().map(|(waiter, whom)| {
            let whom: Vec<String> = whom.iter().map(ToString::to_string).collect();
            format!("{waiter} waits for {}", whom.join(", "))
        })),
    })
}

/// The actor of this name.
fn sys(system: &System, name: &str) -> Result<Sys, SysError> {
    let status = system.statuses().into_iter().find(|status| place(status) == name);
    status.map(|status| system.sys(status.pid)).ok_or(SysError::NoProc)
}

fn place(status: &Status) -> &str {
    status.place.as_deref().unwrap_or_default()
}

fn list<T: AsRef<[u8]>>(lines: impl IntoIterator<Item = T>) -> Reply {
    Reply::Array(lines.into_iter().map(Reply::bulk).collect())
}
