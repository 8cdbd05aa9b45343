//! The player of scenarios.

use crate::host::{self, on_paused_time};
use crate::part::{Crash, End, Log, auto_shutdown, millis, reason, spec};
use ravelin_core::{Activity, Exit, Inbox, NoMessage, Runtime, System, sleep};
use ravelin_supervisor::{ChildError, Counts, Status, Supervisor, SupervisorError, SupervisorRef};
use std::sync::Arc;
use std::time::Duration;

/// Plays a scenario; its lines must be exactly what happened.
///
/// The first line is the root, `strategy restarts/seconds : children`; each further one a step and what happens in it:
/// `+a#1` a is up, in its first attempt, `!a#1 x` its init failed, `-a#1 x` it ended with the last word x, `cut` when
/// it had none; `= x` is an answer. A step that begins with `&` has a client of its own, and is not waited for.
#[track_caller]
pub(crate) fn check(scenario: &str) {
    let lines: Vec<(&str, &str)> = scenario
        .lines()
        .map(|line| line.trim().split_once(" :").unwrap_or_else(|| panic!("no ` :` in {line:?}")))
        .map(|(step, expect)| (step.trim(), expect.trim()))
        .collect();
    on_paused_time(async || {
        let world = World::new();
        let mut root = Some(world.root(lines[0].0, lines[0].1));
        for (number, (step, expect)) in lines.iter().enumerate().skip(1) {
            match step.strip_prefix('&') {
                _ if *step == "boot" => world.boot(root.take().expect("one boot")).await,
                Some(step) => world.client(step).await,
                None => world.act(step).await,
            }
            world.settle().await;
            assert_eq!(world.log.take(), *expect, "line {number}: {step}\nin {scenario}");
        }
    });
}

/// A system with a supervisor in it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) log: Log,
    pub(crate) root: SupervisorRef,
}

impl World {
    pub(crate) fn new() -> World {
        World {
            system: System::new(host::runtime()),
            log: Log::default(),
            root: SupervisorRef::place("root"),
        }
    }

    fn root(&self, head: &str, children: &str) -> Supervisor {
        let mut words = head.split_whitespace();
        let tree = match words.next() {
            Some("one_for_one") => Supervisor::one_for_one("root"),
            Some("one_for_all") => Supervisor::one_for_all("root"),
            Some("rest_for_one") => Supervisor::rest_for_one("root"),
            Some("dynamic") => Supervisor::dynamic("root"),
            word => panic!("unknown strategy {word:?}"),
        };
        let tree = words.fold(tree, |tree, word| match word.split_once('/') {
            Some((restarts, seconds)) => {
                tree.intensity(restarts.parse().expect("a number"), millis(seconds) * 1000)
            }
            None => tree.auto_shutdown(auto_shutdown(word)),
        });
        specs(children).iter().fold(tree, |tree, text| tree.child(spec(text, &self.log)))
    }

    /// Starts the root; notes its end.
    pub(crate) async fn boot(&self, tree: Supervisor) {
        match tree.start_at(&self.system, &self.root).await {
            Ok(pid) => {
                let (system, log) = (self.system.clone(), self.log.clone());
                let end = async move {
                    let why = system.ended(pid).await;
                    log.add(format!("end {why}"));
                };
                self.system.runtime().spawn("end", Box::pin(end));
            }
            Err(error) => self.log.add(format!("no start: {}", error.into_exit())),
        }
    }

    async fn client(&self, step: &str) {
        let (world, step) = (self.clone(), step.to_string());
        let client = self.system.spawn_task(move |_: Inbox<NoMessage>| async move { world.act(&step).await });
        client.await.expect("a task starts");
    }

    pub(crate) async fn act(&self, step: &str) {
        let (op, rest) = step.split_once(' ').unwrap_or((step, ""));
        let (id, why) = rest.split_once(' ').unwrap_or((rest, ""));
        let pid = || self.log.place(id).pid().unwrap_or_else(|| panic!("{id} is dead"));
        let root = &self.root;
        let answer = match op {
            "exit" => return self.log.place(id).cast(End(reason(why))).expect("it lives"),
            "crash" => return self.log.place(id).cast(Crash).expect("it lives"),
            "kill" if id == "root" => return assert!(self.system.kill(root.pid().expect("it lives"))),
            "kill" => return assert!(self.system.kill(pid())),
            "release" => return self.log.release(id),
            // tidy: virtual time
            "wait" => return sleep(&**self.system.runtime(), millis(rest)).await,
            "down" => {
                let Some(root) = root.pid() else { return self.log.add("dead") };
                return drop(self.system.shut_down(root, Exit::Shutdown, None).await);
            }
            "stop" => {
                let root = root.pid().expect("it lives");
                return self.system.stop(root, reason(rest)).await.expect("it ends with that reason");
            }
            "start" => root.start_child(spec(rest, &self.log)).await.map(|pid| self.started(pid)),
            "restart" => root.restart_child(id).await.map(|pid| self.started(pid)),
            "terminate" => root.terminate_child(id).await.map(|()| "ok".into()),
            "terminate_pid" => root.terminate_pid(pid()).await.map(|()| "ok".into()),
            "delete" => root.delete_child(id).await.map(|()| "ok".into()),
            "which" => self.which().await,
            "count" => root.count_children().await.map(|Counts { specs, active, supervisors, workers }| {
                format!("{specs} specs, {active} active, {supervisors} supervisors, {workers} workers")
            }),
            "spec" => root.get_childspec(id).await.map(|spec| spec.to_string()),
            op => panic!("unknown step {op:?}"),
        };
        let answer = answer.unwrap_or_else(|error| match error {
            SupervisorError::Child(ChildError::AlreadyStarted(pid)) => {
                format!("already_started {}", self.log.name(pid))
            }
            SupervisorError::Child(ChildError::StartFailed(Exit::AlreadyStarted(pid))) => {
                format!("start_failed: the name belongs to {}", self.log.name(pid))
            }
            error => error.to_string(),
        });
        self.log.answer(&answer);
    }

    fn started(&self, pid: Option<ravelin_core::Pid>) -> String {
        pid.map_or("ignored".into(), |pid| self.log.name(pid))
    }

    async fn which(&self) -> Result<String, SupervisorError> {
        let children = self.root.which_children().await?;
        let rows = children.iter().map(|info| match info.status {
            Status::Running(pid) => self.log.name(pid),
            Status::Restarting => format!("{}=restarting", info.id),
            Status::Stopped => format!("{}=-", info.id),
        });
        let rows: Vec<_> = rows.collect();
        Ok(if rows.is_empty() { "nobody".into() } else { rows.join(" ") })
    }

    /// Waits until nobody is at work, but for those who are held and who wait for them.
    pub(crate) async fn settle(&self) {
        let mut quiet = 0;
        while quiet < 3 {
            let doing = |pid| self.system.describe(pid).map(|who| who.activity);
            let doings: Vec<_> = self.system.pids().into_iter().filter_map(doing).collect();
            let is = |activity| doings.contains(&activity);
            if is(Activity::Runnable) || is(Activity::Running) {
                quiet = 0;
            } else if is(Activity::Waiting) && !self.log.is_held() {
                quiet = 0;
                sleep(&**self.system.runtime(), Duration::from_millis(1)).await; // tidy: virtual time
            } else {
                quiet += 1;
            }
            host::turn().await;
        }
    }
}

/// Splits at blanks outside of parentheses.
fn specs(text: &str) -> Vec<String> {
    let mut specs = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => (),
        }
        match specs.last_mut() {
            Some(spec) if c != ' ' || depth > 0 => spec.push(c),
            _ => specs.push(String::new()),
        }
    }
    specs.retain(|spec| !spec.is_empty());
    specs
}

/// The clock of the world's system, in milliseconds since `since`.
pub(crate) fn elapsed(runtime: &Arc<dyn Runtime>, since: ravelin_core::Time) -> u128 {
    (runtime.now() - since).as_millis()
}
