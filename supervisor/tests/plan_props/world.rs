//! The plan, driven.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Exit, Pid, Time};
use ravelin_supervisor::plan::{Action, ChildError, ChildInfo, ChildKey, Plan, Reply, Status, Ticket};
use ravelin_supervisor::policy::{ChildPolicy, DynamicFlags, Flags, Strategy};

use crate::life::{IDS, Life, Outcome, Step, outcome, reason};

/// Drives a plan and keeps watch: a child is never started while an incarnation of it is up, and not more often than
/// its tries allow.
pub(crate) struct World {
    pub(crate) plan: Plan<ChildPolicy>,
    /// Whether siblings restart each other.
    group: bool,
    /// Starts in the present life of a child.
    starts: BTreeMap<ChildKey, u32>,
    seed: u64,
    now: Time,
    attempts: BTreeMap<Arc<str>, u32>,
    pub(crate) up: BTreeMap<ChildKey, Pid>,
    pids: u32,
    names: BTreeMap<Pid, String>,
    /// The incarnation of an id that was started last.
    last: BTreeMap<Arc<str>, Pid>,
    tickets: VecDeque<Ticket>,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(life: &Life) -> World {
        let Life { strategy, intensity, auto_shutdown, .. } = life.clone();
        let children = life.children.iter().zip(IDS).map(|(policy, id)| (Arc::from(id), *policy));
        let plan = match strategy {
            Some(strategy) => Plan::fixed(Flags { strategy, intensity, auto_shutdown }, 7, children),
            None => Plan::dynamic(DynamicFlags { intensity, auto_shutdown, max_children: None }, 7),
        };
        World {
            plan: plan.unwrap(),
            group: !matches!(strategy, None | Some(Strategy::OneForOne)),
            starts: BTreeMap::new(),
            seed: life.seed,
            now: Time::EPOCH,
            attempts: BTreeMap::new(),
            up: BTreeMap::new(),
            pids: 0,
            names: BTreeMap::new(),
            last: BTreeMap::new(),
            tickets: VecDeque::new(),
            log: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match *step {
            Step::Exit(n, normal) => {
                let running: Vec<Pid> = self.up.values().copied().collect();
                if !running.is_empty() {
                    let pid = running[n % running.len()];
                    self.up.retain(|_, up| *up != pid);
                    self.plan.handle_exit(self.now, pid, &reason(normal));
                }
            }
            Step::Retry => {
                if let Some(ticket) = self.tickets.pop_front() {
                    self.plan.handle_retry(self.now, ticket);
                }
            }
            Step::Sleep(ns) => self.now = self.now + Duration::from_nanos(ns),
            Step::Start(n, policy) => {
                let refused = self.plan.start_child(IDS[n].into(), policy).err();
                self.refused(refused);
            }
            Step::Restart(n) => {
                let result = self.plan.restart_child(IDS[n]);
                if let Ok(key) = result {
                    self.starts.insert(key, 0);
                }
                self.refused(result.err());
            }
            Step::Terminate(n) => {
                let refused = match self.plan.terminate_child(IDS[n]) {
                    Err(ChildError::SimpleOneForOne) => {
                        let pid = self.last.get(IDS[n]).copied().unwrap_or(Pid::from_parts(9, 9, 9));
                        self.plan.terminate_child_pid(pid).err()
                    }
                    other => other.err(),
                };
                self.refused(refused);
            }
            Step::Delete(n) => match self.plan.delete_child(IDS[n]) {
                Ok(()) => self.log.push("ok".into()),
                Err(error) => self.refused(Some(error)),
            },
            Step::Stop => self.plan.handle_stop(Exit::Shutdown),
        }
        self.drive();
    }

    pub(crate) fn drive(&mut self) {
        while let Some(action) = self.plan.poll_action() {
            match action {
                Action::Start { key } => self.start(key),
                Action::Stop { key, pid } => {
                    self.log.push(format!("stop {}", self.names[&pid]));
                    self.stop(key, pid);
                }
                Action::StopAll { children } => {
                    for (key, pid) in children {
                        self.log.push(format!("stop {}", self.names[&pid]));
                        self.stop(key, pid);
                    }
                }
                Action::Retry { key: _, ticket } => self.tickets.push_back(ticket),
                Action::RetryAfter { key: _, ticket, delay } => {
                    assert!(!delay.is_zero());
                    self.tickets.push_back(ticket);
                }
                Action::Reply(Ok(Reply::Started(pid))) => self.log.push(format!("ok {}", self.names[&pid])),
                Action::Reply(Ok(Reply::Ignored)) => self.log.push("ok undefined".into()),
                Action::Reply(Ok(Reply::Terminated)) => self.log.push("ok".into()),
                Action::Reply(Err(error)) => self.refused(Some(error)),
                Action::Report(_) => (),
                Action::Shutdown(reason) => self.log.push(format!("end {reason}")),
            }
        }
        assert!(self.plan.is_idle() || self.plan.is_down());
        assert_eq!(self.plan.count_children().active, self.up.len());
    }

    fn start(&mut self, key: ChildKey) {
        assert!(!self.up.contains_key(&key), "two incarnations of {key:?}");
        let starts = self.starts.entry(key).and_modify(|n| *n += 1).or_insert(1);
        let tries = self.plan.spec(key).unwrap().tries;
        assert!(self.group || tries.is_none_or(|tries| *starts <= 1 + tries), "too many tries of {key:?}");
        let id = self.plan.child(key).unwrap().id;
        let n = *self.attempts.entry(id.clone()).and_modify(|n| *n += 1).or_insert(1);
        let outcome = outcome(self.seed, &id, n);
        self.log.push(format!("start {id}#{n} {outcome:?}"));
        match outcome {
            Outcome::Fail => self.plan.handle_start_failed(key, Exit::error("bad")),
            Outcome::Ignore => self.plan.handle_ignored(key),
            Outcome::Ok => {
                self.pids += 1;
                let pid = Pid::from_parts(0, self.pids, 1);
                self.names.insert(pid, format!("{id}#{n}"));
                self.last.insert(id, pid);
                self.up.insert(key, pid);
                self.plan.handle_started(self.now, key, pid);
            }
        }
    }

    fn stop(&mut self, key: ChildKey, pid: Pid) {
        assert_eq!(self.up.remove(&key), Some(pid));
        self.plan.handle_stopped(self.now, key, &Exit::Shutdown);
    }

    fn refused(&mut self, refused: Option<ChildError>) {
        match refused {
            None => (),
            Some(ChildError::AlreadyStarted(pid)) => {
                self.log.push(format!("error already_started {}", self.names[&pid]));
            }
            Some(error) => self.log.push(format!("error {error}")),
        }
    }

    pub(crate) fn which(&self) -> String {
        let row = |info: ChildInfo| match info.status {
            Status::Running(pid) => self.names[&pid].clone(),
            Status::Restarting => format!("{}=restarting", info.id),
            Status::Stopped => format!("{}=-", info.id),
        };
        self.plan.which_children().map(row).collect::<Vec<_>>().join(" ")
    }
}
