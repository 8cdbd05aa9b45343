//! The course of a coordinated shutdown: phases in order, each with tasks and a deadline. `[pure]`
//!
//! Source: Akka's `CoordinatedShutdown`. Time and the ends of tasks come in, actions go out. The tasks of a phase run
//! side by side; it is left when they are over. At its deadline those that are left are killed; it is left when they are
//! gone, or a second later. When the time of the whole is up, or somebody is in a hurry, what runs is killed, tasks that
//! have not begun do not run, and what must end is killed.

use ravelin_core::{Exit, Time};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long one who was killed may take to come to its next await.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// A phase of a shutdown, with its deadline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Phase {
    pub(crate) name: Arc<str>,
    pub(crate) deadline: Duration,
    pub(crate) duty: Duty,
}

/// What a phase does beside its tasks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Duty {
    /// Nothing.
    None,
    /// It stops the trees.
    Trees,
    /// It ends the actors that are left.
    Rest,
}

impl Phase {
    /// A phase with tasks.
    pub fn new(name: impl Into<Arc<str>>, deadline: Duration) -> Phase {
        Phase { name: name.into(), deadline, duty: Duty::None }
    }

    /// The phase in which the trees stop, applications in reverse order; it may have tasks too, which run beside that.
    pub fn trees(name: impl Into<Arc<str>>, deadline: Duration) -> Phase {
        Phase { duty: Duty::Trees, ..Phase::new(name, deadline) }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How long it may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// What became of a task.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TaskOutcome {
    /// It did what it had to.
    Done,
    /// It ended with an error, or panicked. The shutdown goes on.
    Failed(Exit),
    /// It was not done at the deadline, and was killed.
    Late,
    /// The time of the whole was up before its turn.
    NotRun,
    /// As `Late`, and a second later it had still not come to an await, where a kill takes effect.
    Stuck,
}

/// A task of a shutdown, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TaskReport {
    /// Its name.
    pub name: Arc<str>,
    /// What became of it.
    pub outcome: TaskOutcome,
    /// How long it took.
    pub took: Duration,
}

/// A phase of a shutdown, and what became of its tasks.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Its name.
    pub name: Arc<str>,
    /// How long it could have taken.
    pub deadline: Duration,
    /// How long it took.
    pub took: Duration,
    /// Its tasks, in the order in which they were registered.
    pub tasks: Vec<TaskReport>,
}

impl PhaseReport {
    /// Whether each task did what it had to, in time.
    pub fn is_orderly(&self) -> bool {
        self.tasks.iter().all(|task| task.outcome == TaskOutcome::Done)
    }
}

/// Names a task of a course.
pub(crate) type TaskKey = usize;

/// What the shell does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the course counts on it that this is done"]
pub(crate) enum Action {
    /// Begin the task. Answered by `handle_done` when it is over.
    Run(TaskKey),
    /// Kill the task, which runs. Answered by `handle_done` when it is gone.
    Kill(TaskKey),
}

struct Task {
    phase: usize,
    name: Arc<str>,
    /// It is to be done, whatever the time: it ends somebody.
    is_duty: bool,
    state: State,
}

enum State {
    Waiting,
    Running(Time),
    Ending(Time),
    Over(TaskOutcome, Duration),
}

/// The course of one shutdown.
pub(crate) struct Course {
    phases: Vec<Phase>,
    tasks: Vec<Task>,
    took: Vec<Duration>,
    actions: VecDeque<Action>,
    /// The present phase.
    at: usize,
    entered: Time,
    /// When something is to be decided about the present phase.
    due: Time,
    is_killing: bool,
    /// When the time of the whole is up.
    ends: Option<Time>,
    total: Option<Duration>,
}

impl Course {
    /// Tasks come with the position of their phase, and whether they are duties.
    pub(crate) fn new(
        phases: Vec<Phase>,
        total: Option<Duration>,
        tasks: impl IntoIterator<Item = (usize, Arc<str>, bool)>,
    ) -> Course {
        let task = |(phase, name, is_duty)| Task { phase, name, is_duty, state: State::Waiting };
        Course {
            phases,
            tasks: tasks.into_iter().map(task).collect(),
            took: Vec::new(),
            actions: VecDeque::new(),
            at: 0,
            entered: Time::EPOCH,
            due: Time::EPOCH,
            is_killing: false,
            ends: None,
            total,
        }
    }

    // ---- in ----

    pub(crate) fn begin(&mut self, now: Time) {
        self.ends = self.total.map(|total| now + total);
        self.enter(now);
    }

    pub(crate) fn handle_done(&mut self, now: Time, key: TaskKey, outcome: Result<(), Exit>) {
        let task = &mut self.tasks[key];
        task.state = match (&task.state, outcome) {
            (State::Running(since), Ok(())) => State::Over(TaskOutcome::Done, now - *since),
            (State::Running(since), Err(exit)) => State::Over(TaskOutcome::Failed(exit), now - *since),
            (State::Ending(since), _) => State::Over(TaskOutcome::Late, now - *since),
            // It was stuck, and its phase was left.
            (State::Waiting | State::Over(..), _) => return,
        };
        self.go_on(now);
    }

    /// The time that `wake_at` said has come, or another one.
    pub(crate) fn handle_time(&mut self, now: Time) {
        if self.is_over() || now < self.due {
            return;
        }
        if self.is_killing {
            for task in self.tasks.iter_mut().filter(|task| task.phase == self.at) {
                if let State::Ending(since) = task.state {
                    task.state = State::Over(TaskOutcome::Stuck, now - since);
                }
            }
            self.go_on(now);
        } else {
            self.kill(now);
        }
    }

    /// Somebody is in a hurry: the time of the whole is up now.
    pub(crate) fn cut_short(&mut self, now: Time) {
        self.ends = Some(now);
        if !self.is_over() && !self.is_killing {
            self.kill(now);
        }
    }

    // ---- out ----

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call `handle_time`.
    pub(crate) fn wake_at(&self) -> Time {
        self.due
    }

    pub(crate) fn is_over(&self) -> bool {
        self.at == self.phases.len()
    }

    /// What became of it.
    pub(crate) fn report(self) -> Vec<PhaseReport> {
        let mut reports: Vec<PhaseReport> = (self.phases.into_iter().zip(self.took))
            .map(|(phase, took)| PhaseReport {
                name: phase.name,
                deadline: phase.deadline,
                took,
                tasks: Vec::new(),
            })
            .collect();
        for task in self.tasks {
            if let (State::Over(outcome, took), Some(phase)) = (task.state, reports.get_mut(task.phase)) {
                phase.tasks.push(TaskReport { name: task.name, outcome, took });
            }
        }
        reports
    }

    // ---- inside ----

    /// Enters the present phase, and those after it while nothing is to be waited for.
    fn enter(&mut self, now: Time) {
        while let Some(phase) = self.phases.get(self.at) {
            let is_late = self.ends.is_some_and(|ends| ends <= now);
            self.entered = now;
            self.due = self.ends.map_or(now + phase.deadline, |ends| ends.min(now + phase.deadline));
            self.is_killing = false;
            for (key, task) in self.tasks.iter_mut().enumerate().filter(|(_, task)| task.phase == self.at) {
                if is_late && !task.is_duty {
                    task.state = State::Over(TaskOutcome::NotRun, Duration::ZERO);
                } else {
                    task.state = State::Running(now);
                    self.actions.push_back(Action::Run(key));
                }
            }
            if is_late {
                self.kill(now);
            }
            if self.is_busy() {
                return;
            }
            self.leave(now);
        }
    }

    fn leave(&mut self, now: Time) {
        self.took.push(now - self.entered);
        self.at += 1;
    }

    /// Leaves the phase if nothing is left in it.
    fn go_on(&mut self, now: Time) {
        if !self.is_busy() {
            self.leave(now);
            self.enter(now);
        }
    }

    fn kill(&mut self, now: Time) {
        for (key, task) in self.tasks.iter_mut().enumerate().filter(|(_, task)| task.phase == self.at) {
            if let State::Running(since) = task.state {
                task.state = State::Ending(since);
                self.actions.push_back(Action::Kill(key));
            }
        }
        self.is_killing = true;
        self.due = now + KILL_GRACE;
    }

    fn is_busy(&self) -> bool {
        let runs = |task: &Task| matches!(task.state, State::Running(_) | State::Ending(_));
        self.tasks.iter().any(|task| task.phase == self.at && runs(task))
    }
}

impl fmt::Display for TaskOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskOutcome::Done => f.write_str("done"),
            TaskOutcome::Failed(exit) => write!(f, "failed: {exit}"),
            TaskOutcome::Late => f.write_str("not done in time, killed"),
            TaskOutcome::NotRun => f.write_str("not run, the time was up"),
            TaskOutcome::Stuck => f.write_str("not done in time, and it comes to no await to be killed at"),
        }
    }
}

#[cfg(test)]
mod tests;
