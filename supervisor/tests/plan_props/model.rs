//! The model: supervisor.erl, told naively.

use std::collections::{BTreeMap, VecDeque};

use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy, Intensity, Restart, Strategy};

use crate::life::{IDS, Life, Outcome, Step, outcome};

#[derive(Clone, Debug, PartialEq)]
enum Process {
    /// With the incarnation before, under a dynamic supervisor.
    Restarting(String),
    Undefined,
    Up(String),
}

#[derive(Clone, Debug)]
struct Row {
    id: &'static str,
    policy: ChildPolicy,
    process: Process,
    /// Tells rows of the same id apart.
    uid: u32,
}

pub(crate) struct Model {
    life: Life,
    rows: Vec<Row>,
    uids: u32,
    now: u64,
    restarts: Vec<u64>,
    attempts: BTreeMap<&'static str, u32>,
    last: BTreeMap<&'static str, String>,
    /// `try_again_restart` messages to itself.
    casts: VecDeque<u32>,
    pub(crate) log: Vec<String>,
    pub(crate) down: bool,
}

impl Model {
    pub(crate) fn new(life: &Life) -> Model {
        let mut model = Model {
            life: life.clone(),
            rows: Vec::new(),
            uids: 0,
            now: 0,
            restarts: Vec::new(),
            attempts: BTreeMap::new(),
            last: BTreeMap::new(),
            casts: VecDeque::new(),
            log: Vec::new(),
            down: false,
        };
        for (id, policy) in IDS.iter().zip(&life.children) {
            model.add(id, *policy);
        }
        model
    }

    pub(crate) fn boot(&mut self) {
        if let Err(failed) = self.start_children(0) {
            let id = self.rows[failed].id;
            self.shut_down(&format!("shutdown: child {id} failed to start: bad"));
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        match *step {
            Step::Exit(n, normal) => {
                let up: Vec<usize> = (0..self.rows.len()).filter(|i| self.is_up(*i)).collect();
                if !up.is_empty() {
                    self.do_restart(up[n % up.len()], normal);
                }
            }
            Step::Retry => {
                let cast = self.casts.pop_front();
                let waiting =
                    |row: &Row| Some(row.uid) == cast && matches!(row.process, Process::Restarting(_));
                if let Some(i) = self.rows.iter().position(waiting) {
                    self.restart(i);
                }
            }
            Step::Sleep(ns) => self.now += ns,
            Step::Start(n, policy) => self.start_child(IDS[n], policy),
            Step::Restart(n) => match self.find(IDS[n]) {
                Ok(i) => match &self.rows[i].process {
                    Process::Restarting(_) => self.say("error restarting"),
                    Process::Up(_) => self.say("error running"),
                    Process::Undefined => {
                        let outcome = self.start(i);
                        self.answer(i, outcome);
                    }
                },
                Err(error) => self.say(error),
            },
            Step::Terminate(n) => match self.find_to_terminate(IDS[n]) {
                Ok(i) => {
                    self.terminate(i);
                    self.del_child(i);
                    self.say("ok");
                }
                Err(error) => self.say(error),
            },
            Step::Delete(n) => match self.find(IDS[n]) {
                Ok(i) => match &self.rows[i].process {
                    Process::Restarting(_) => self.say("error restarting"),
                    Process::Up(_) => self.say("error running"),
                    Process::Undefined => {
                        self.rows.remove(i);
                        self.say("ok");
                    }
                },
                Err(error) => self.say(error),
            },
            Step::Stop => self.shut_down("shutdown"),
        }
    }

    fn start_child(&mut self, id: &'static str, policy: ChildPolicy) {
        match self.find(id).map(|i| self.rows[i].process.clone()) {
            Ok(Process::Up(name)) => self.say(&format!("error already_started {name}")),
            Ok(Process::Restarting(_) | Process::Undefined) => self.say("error already_present"),
            Err(_) => {
                let i = self.add(id, policy);
                let outcome = self.start(i);
                self.answer(i, outcome);
                let gone = match outcome {
                    Outcome::Fail => true,
                    Outcome::Ignore => policy.restart == Restart::Temporary || self.life.strategy.is_none(),
                    Outcome::Ok => false,
                };
                if gone {
                    self.rows.remove(i);
                }
            }
        }
    }

    fn do_restart(&mut self, i: usize, normal: bool) {
        match (self.rows[i].policy.restart, normal) {
            (Restart::Permanent, _) | (Restart::Transient, false) => self.restart(i),
            (Restart::Transient, true) | (Restart::Temporary, _) => {
                let significant = self.rows[i].policy.significant;
                self.del_child(i);
                let alive = |row: &Row| row.policy.significant && row.process != Process::Undefined;
                let over = match self.life.auto_shutdown {
                    AutoShutdown::Never => false,
                    AutoShutdown::AnySignificant => significant,
                    AutoShutdown::AllSignificant => significant && !self.rows.iter().any(alive),
                };
                if over {
                    self.shut_down("shutdown");
                }
            }
        }
    }

    fn restart(&mut self, i: usize) {
        let Intensity { restarts, period } = self.life.intensity;
        self.restarts.push(self.now);
        let recent = self.restarts.iter().filter(|then| u128::from(self.now - **then) <= period.as_nanos());
        if recent.count() > restarts as usize {
            self.del_child(i);
            return self.shut_down("shutdown");
        }
        let from = match self.life.strategy {
            None | Some(Strategy::OneForOne) => return self.restart_one(i),
            Some(Strategy::RestForOne) => i,
            Some(Strategy::OneForAll) => 0,
        };
        self.rows[i].process = Process::Undefined;
        self.terminate_children(from);
        if let Err(failed) = self.start_children(from) {
            self.try_again(failed, String::new());
        }
    }

    fn restart_one(&mut self, i: usize) {
        let old = match std::mem::replace(&mut self.rows[i].process, Process::Undefined) {
            Process::Restarting(old) | Process::Up(old) => old,
            Process::Undefined => unreachable!(),
        };
        match self.start(i) {
            Outcome::Fail => self.try_again(i, old),
            Outcome::Ignore if self.life.strategy.is_none() => drop(self.rows.remove(i)),
            Outcome::Ignore | Outcome::Ok => (),
        }
    }

    fn try_again(&mut self, i: usize, old: String) {
        self.rows[i].process = Process::Restarting(old);
        self.casts.push_back(self.rows[i].uid);
    }

    fn start_children(&mut self, from: usize) -> Result<(), usize> {
        let mut i = from;
        while i < self.rows.len() {
            match self.start(i) {
                Outcome::Fail => return Err(i),
                Outcome::Ignore if self.rows[i].policy.restart == Restart::Temporary => {
                    drop(self.rows.remove(i))
                }
                Outcome::Ignore | Outcome::Ok => i += 1,
            }
        }
        Ok(())
    }

    fn terminate_children(&mut self, from: usize) {
        for i in (from..self.rows.len()).rev() {
            self.terminate(i);
            self.del_child(i);
        }
    }

    fn shut_down(&mut self, reason: &str) {
        for i in (0..self.rows.len()).rev() {
            self.terminate(i);
        }
        self.rows.clear();
        self.say(&format!("end {reason}"));
        self.down = true;
    }

    fn start(&mut self, i: usize) -> Outcome {
        let id = self.rows[i].id;
        let n = *self.attempts.entry(id).and_modify(|n| *n += 1).or_insert(1);
        let outcome = outcome(self.life.seed, id, n);
        self.say(&format!("start {id}#{n} {outcome:?}"));
        if outcome == Outcome::Ok {
            self.rows[i].process = Process::Up(format!("{id}#{n}"));
            self.last.insert(id, format!("{id}#{n}"));
        }
        outcome
    }

    fn terminate(&mut self, i: usize) {
        if let Process::Up(name) = self.rows[i].process.clone() {
            self.say(&format!("stop {name}"));
        }
    }

    fn del_child(&mut self, i: usize) {
        if self.life.strategy.is_none() || self.rows[i].policy.restart == Restart::Temporary {
            self.rows.remove(i);
        } else {
            self.rows[i].process = Process::Undefined;
        }
    }

    fn add(&mut self, id: &'static str, policy: ChildPolicy) -> usize {
        self.uids += 1;
        self.rows.push(Row { id, policy, process: Process::Undefined, uid: self.uids });
        self.rows.len() - 1
    }

    fn find(&self, id: &str) -> Result<usize, &'static str> {
        if self.life.strategy.is_none() {
            return Err("error simple_one_for_one");
        }
        self.rows.iter().position(|row| row.id == id).ok_or("error not_found")
    }

    /// By id, or by pid under a dynamic supervisor.
    fn find_to_terminate(&self, id: &'static str) -> Result<usize, &'static str> {
        if self.life.strategy.is_some() {
            return self.find(id);
        }
        let last = self.last.get(id).ok_or("error not_found")?;
        let known = |row: &Row| match &row.process {
            Process::Restarting(name) | Process::Up(name) => name == last,
            Process::Undefined => false,
        };
        self.rows.iter().position(known).ok_or("error not_found")
    }

    fn is_up(&self, i: usize) -> bool {
        matches!(self.rows[i].process, Process::Up(_))
    }

    fn answer(&mut self, i: usize, outcome: Outcome) {
        match (outcome, &self.rows[i].process) {
            (Outcome::Ok, Process::Up(name)) => self.say(&format!("ok {name}")),
            (Outcome::Ignore, _) => self.say("ok undefined"),
            (Outcome::Fail | Outcome::Ok, _) => self.say("error start_failed: bad"),
        }
    }

    fn say(&mut self, line: &str) {
        self.log.push(line.to_string());
    }

    pub(crate) fn which(&self) -> String {
        let row = |row: &Row| match &row.process {
            Process::Restarting(_) => format!("{}=restarting", row.id),
            Process::Undefined => format!("{}=-", row.id),
            Process::Up(name) => name.clone(),
        };
        self.rows.iter().map(row).collect::<Vec<_>>().join(" ")
    }
}
