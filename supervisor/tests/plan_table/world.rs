//! The reader and player of scenarios.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ravelin_core::{Exit, Pid, Time};
use ravelin_supervisor::backoff::Backoff;
use ravelin_supervisor::plan::{Action, ChildError, ChildInfo, ChildKey, Event, Plan, Reply, Status, Ticket};
use ravelin_supervisor::policy::{
    AutoShutdown, ChildKind, ChildPolicy, DynamicFlags, Flags, Intensity, Restart, Shutdown, Strategy,
};

/// Plays a scenario; its lines must be exactly what happened.
#[track_caller]
pub(crate) fn check(scenario: &str) {
    let lines: Vec<(&str, &str)> = scenario
        .lines()
        .map(|line| line.trim().split_once(" :").unwrap_or_else(|| panic!("no ` :` in {line:?}")))
        .map(|(step, expect)| (step.trim(), expect.trim()))
        .collect();
    let mut world = World::new(lines[0].0, lines[0].1);
    for (number, (step, expect)) in lines.iter().enumerate().skip(1) {
        let did = world.step(step);
        assert_eq!(did, *expect, "line {number}: {step}\nin {scenario}");
    }
}

/// A plan in a world of its own, where inits and ends follow a script.
struct World {
    plan: Plan<ChildPolicy>,
    now: Time,
    /// What becomes of the start attempts at an id; the last entry stands for all further ones.
    inits: BTreeMap<String, Vec<String>>,
    attempts: BTreeMap<String, u32>,
    /// With what reason a child will end when it is stopped; else as its policy has it.
    will: BTreeMap<String, Exit>,
    /// Pids by `id#attempt`, and back.
    pids: BTreeMap<String, Pid>,
    names: BTreeMap<Pid, String>,
    /// Tickets that will come back, oldest first.
    tickets: VecDeque<Ticket>,
}

impl World {
    fn new(head: &str, children: &str) -> World {
        let mut flags = Flags::default();
        let (mut dynamic, mut max_children) = (false, None);
        for word in head.split_whitespace() {
            match word {
                "one_for_one" => flags.strategy = Strategy::OneForOne,
                "one_for_all" => flags.strategy = Strategy::OneForAll,
                "rest_for_one" => flags.strategy = Strategy::RestForOne,
                "dynamic" => dynamic = true,
                "any_significant" => flags.auto_shutdown = AutoShutdown::AnySignificant,
                "all_significant" => flags.auto_shutdown = AutoShutdown::AllSignificant,
                "never" => flags.auto_shutdown = AutoShutdown::Never,
                word => match (word.strip_prefix("max="), word.split_once('/')) {
                    (Some(max), _) => max_children = Some(max.parse().unwrap()),
                    (None, Some((restarts, seconds))) => {
                        let period = Duration::from_secs(seconds.parse().unwrap());
                        flags.intensity = Intensity { restarts: restarts.parse().unwrap(), period };
                    }
                    (None, None) => panic!("unknown flag {word:?}"),
                },
            }
        }
        let mut inits = BTreeMap::new();
        let children: Vec<_> = specs(children).into_iter().map(|spec| read_spec(&spec, &mut inits)).collect();
        let Flags { intensity, auto_shutdown, .. } = flags;
        let plan = if dynamic {
            Plan::dynamic(DynamicFlags { intensity, auto_shutdown, max_children }, 0).unwrap()
        } else {
            Plan::fixed(flags, 0, children).unwrap()
        };
        World {
            plan,
            now: Time::EPOCH,
            inits,
            attempts: BTreeMap::new(),
            will: BTreeMap::new(),
            pids: BTreeMap::new(),
            names: BTreeMap::new(),
            tickets: VecDeque::new(),
        }
    }

    fn step(&mut self, step: &str) -> String {
        let (op, rest) = step.split_once(' ').unwrap_or((step, ""));
        let answer = match op {
            "boot" => String::new(),
            "exit" => {
                let (key, why) = rest.split_once(' ').unwrap();
                self.plan.handle_exit(self.now, self.pid(key), &reason(why));
                String::new()
            }
            "retry" => {
                let ticket = self.tickets.pop_front().expect("no ticket is out");
                self.plan.handle_retry(self.now, ticket);
                String::new()
            }
            "wait" => {
                self.now = self.now + Duration::from_millis(rest.parse().unwrap());
                String::new()
            }
            "will" => {
                let (id, why) = rest.split_once(' ').unwrap();
                self.will.insert(id.into(), reason(why));
                String::new()
            }
            "start" => {
                let (id, policy) = read_spec(rest, &mut self.inits);
                let refused = self.plan.start_child(id, policy).err();
                self.refusal(refused)
            }
            "restart" => {
                let refused = self.plan.restart_child(rest).err();
                self.refusal(refused)
            }
            "terminate" => {
                let by_pid = rest.contains('#') || rest == "stranger";
                let refused = match by_pid {
                    true => self.plan.terminate_child_pid(self.pid(rest)).err(),
                    false => self.plan.terminate_child(rest).err(),
                };
                self.refusal(refused)
            }
            "delete" => match self.plan.delete_child(rest) {
                Ok(()) => "ok".into(),
                Err(error) => self.refusal(Some(error)),
            },
            "which" => self.which(),
            "count" => {
                let c = self.plan.count_children();
                let (specs, active) = (c.specs, c.active);
                format!("specs={specs} active={active} supervisors={} workers={}", c.supervisors, c.workers)
            }
            "stop" => {
                self.plan.handle_stop(reason(rest));
                String::new()
            }
            op => panic!("unknown step {op:?}"),
        };
        let mut did = if answer.is_empty() { vec![] } else { vec![answer] };
        while let Some(action) = self.plan.poll_action() {
            did.extend(self.perform(action));
        }
        did.join("; ")
    }

    /// Does what the plan says, and says so.
    fn perform(&mut self, action: Action) -> Option<String> {
        match action {
            Action::Start { key } => Some(self.start(key)),
            Action::Stop { key, pid } => {
                self.stop(key);
                Some(format!("stop {}", self.names[&pid]))
            }
            Action::StopAll { children } => {
                children.iter().for_each(|(key, _)| self.stop(*key));
                let names: Vec<&str> = children.iter().map(|(_, pid)| self.names[pid].as_str()).collect();
                Some(format!("stop_all {}", names.join(" ")))
            }
            Action::Retry { key, ticket } => {
                self.tickets.push_back(ticket);
                Some(format!("retry {}", self.id(key)))
            }
            Action::RetryAfter { key, ticket, delay } => {
                self.tickets.push_back(ticket);
                Some(format!("retry {} in {delay:?}", self.id(key)))
            }
            Action::Reply(Ok(Reply::Started(pid))) => Some(format!("ok {}", self.names[&pid])),
            Action::Reply(Ok(Reply::Ignored)) => Some("ok undefined".into()),
            Action::Reply(Ok(Reply::Terminated)) => Some("ok terminated".into()),
            Action::Reply(Err(error)) => Some(self.refusal(Some(error))),
            Action::Shutdown(reason) => Some(format!("end {reason}")),
            Action::Report(event) => match event {
                Event::ChildTerminated { .. } | Event::StartFailed { .. } => None,
                Event::AutoShutdown { id } => Some(format!("!auto_shutdown {id}")),
                Event::GaveUp { id, .. } => Some(format!("!gave_up {id}")),
                Event::IntensityReached { id } => Some(format!("!intensity {id}")),
                Event::ShutdownError { id, .. } => Some(format!("!shutdown_error {id}")),
                event => panic!("unknown event {event}"),
            },
        }
    }

    fn start(&mut self, key: ChildKey) -> String {
        let id = self.id(key);
        let attempt = self.attempts.entry(id.clone()).or_default();
        *attempt += 1;
        let (name, n) = (format!("{id}#{attempt}"), *attempt);
        let inits = &self.inits[&id];
        let outcome = inits[(n as usize - 1).min(inits.len() - 1)].clone();
        match outcome.as_str() {
            "ok" => {
                let pid = Pid::from_parts(0, self.pids.len() as u32 + 1, 1);
                self.pids.insert(name.clone(), pid);
                self.names.insert(pid, name.clone());
                self.plan.handle_started(self.now, key, pid);
                return format!("start {name}");
            }
            "ignore" => self.plan.handle_ignored(key),
            fail => self.plan.handle_start_failed(key, reason(fail.strip_prefix("fail:").unwrap())),
        }
        format!("start {name} {outcome}")
    }

    fn stop(&mut self, key: ChildKey) {
        let own = match self.plan.spec(key).unwrap().shutdown {
            Shutdown::BrutalKill => Exit::Killed,
            Shutdown::Infinity | Shutdown::Timeout(_) => Exit::Shutdown,
        };
        let reason = self.will.remove(&self.id(key)).unwrap_or(own);
        self.plan.handle_stopped(self.now, key, &reason);
    }

    fn which(&self) -> String {
        let row = |info: ChildInfo| match info.status {
            Status::Running(pid) => self.names[&pid].clone(),
            Status::Restarting => format!("{}=restarting", info.id),
            Status::Stopped => format!("{}=-", info.id),
        };
        self.plan.which_children().map(row).collect::<Vec<_>>().join(" ")
    }

    fn refusal(&self, refused: Option<ChildError>) -> String {
        match refused {
            None => String::new(),
            Some(ChildError::AlreadyStarted(pid)) => format!("error already_started {}", self.names[&pid]),
            Some(error) => format!("error {error}"),
        }
    }

    fn id(&self, key: ChildKey) -> String {
        self.plan.child(key).unwrap().id.to_string()
    }

    fn pid(&self, name: &str) -> Pid {
        self.pids.get(name).copied().unwrap_or(Pid::from_parts(9, 9, 9))
    }
}

/// Splits `a b(x y) c` at the blanks outside parentheses.
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

fn read_spec(text: &str, inits: &mut BTreeMap<String, Vec<String>>) -> (Arc<str>, ChildPolicy) {
    let (id, words) = text.split_once('(').unwrap_or((text, ")"));
    let mut policy = ChildPolicy::worker();
    let mut init = vec!["ok".to_string()];
    for word in words.trim_end_matches(')').split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("transient", "") => policy.restart = Restart::Transient,
            ("temporary", "") => policy.restart = Restart::Temporary,
            ("significant", "") => policy.significant = true,
            ("supervisor", "") => {
                (policy.kind, policy.shutdown) = (ChildKind::Supervisor, Shutdown::Infinity)
            }
            ("kill", "") => policy.shutdown = Shutdown::BrutalKill,
            ("tries", n) => policy.tries = Some(n.parse().unwrap()),
            ("backoff", range) => {
                let (first, cap) = range.split_once("..").unwrap();
                let ms = |n: &str| Duration::from_millis(n.parse().unwrap());
                policy.backoff = Backoff::exponential(ms(first), ms(cap));
            }
            ("init", outcomes) => init = outcomes.split('/').map(str::to_string).collect(),
            (word, _) => panic!("unknown policy word {word:?}"),
        }
    }
    inits.entry(id.to_string()).or_insert(init);
    (id.into(), policy)
}

fn reason(text: &str) -> Exit {
    match text {
        "normal" => Exit::Normal,
        "shutdown" => Exit::Shutdown,
        "killed" => Exit::Killed,
        text => match text.strip_prefix("shutdown:") {
            Some(inner) => Exit::shutdown_with(reason(inner)),
            None => Exit::error(text),
        },
    }
}
