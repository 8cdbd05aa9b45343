//! Those who make trouble from outside: one that kills, and some that ask supervisors for things.

use super::part::stand_in;
use super::tape::{Path, Said, Tape};
use crate::model::{Answer, Request};
use crate::seed::Random;
use ravelin_core::{Pid, Runtime, Time, sleep};
use ravelin_supervisor::policy::{AutoShutdown, ChildPolicy, Restart, Shutdown};
use ravelin_supervisor::{Backoff, SupervisorError, SupervisorRef};
use std::time::Duration;

/// Kills somebody, worker or supervisor, when the named point says so.
pub(crate) async fn kill_now_and_then(tape: &Tape, runtime: &dyn Runtime, mut random: Random, until: Time) {
    while runtime.now() < until {
        sleep(runtime, Duration::from_micros(random.below(40_000) + 1)).await;
        let paths: Vec<Path> = tape.book().pids.keys().cloned().collect();
        let victim = random.below(paths.len() as u64) as usize;
        if tape.system.buggify("somebody is killed")
            && let Some(path) = paths.get(victim)
        {
            tape.kill(path);
        }
    }
}

/// Asks a supervisor for something when the named point says so, and waits for the answer.
pub(crate) async fn ask_now_and_then(tape: &Tape, runtime: &dyn Runtime, mut random: Random, until: Time) {
    while runtime.now() < until {
        sleep(runtime, Duration::from_micros(random.below(60_000) + 1)).await;
        let supervisors: Vec<Path> = tape.book().laws.keys().cloned().collect();
        let path = supervisors[random.below(supervisors.len() as u64) as usize].clone();
        let request = draw(tape, &path, &mut random);
        if tape.system.buggify("somebody asks for something") {
            ask(tape, &path, request).await;
        }
    }
}

/// A policy of any kind.
pub(crate) fn any_policy(random: &mut Random, auto_shutdown: AutoShutdown) -> ChildPolicy {
    let ms = |n| Duration::from_millis(n);
    let mut policy = ChildPolicy::worker();
    policy.restart = [Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary]
        [random.below(4) as usize];
    policy.shutdown = match random.below(4) {
        0 => Shutdown::BrutalKill,
        1 => Shutdown::Infinity,
        _ => Shutdown::Timeout(ms(random.below(200) + 1)),
    };
    policy.significant = auto_shutdown != AutoShutdown::Never
        && policy.restart != Restart::Permanent
        && random.chance(600_000);
    policy.backoff = match random.below(6) {
        0 => Backoff::exponential(ms(random.below(50) + 2), ms(400)),
        1 => Backoff::exponential(ms(random.below(50) + 2), ms(900)).factor(3).jitter(0.5),
        2 => Backoff::linear(ms(random.below(50) + 2), ms(100)),
        _ => Backoff::Immediate,
    };
    policy.tries = random.chance(150_000).then(|| random.below(4) as u32 + 1);
    policy
}

fn draw(tape: &Tape, path: &Path, random: &mut Random) -> Request {
    let book = tape.book();
    let law = &book.laws[path];
    let below: Vec<(&Path, &u32)> = book
        .attempts
        .iter()
        .filter(|(other, _)| other.rsplit_once('/').is_some_and(|(parent, _)| *parent == **path))
        .collect();
    let (kind, fresh) = (random.below(8), random.next() % 100_000);
    let which = below.get(random.below(below.len() as u64) as usize);
    let id = |path: &str| path.rsplit('/').next().unwrap_or(path).into();
    match (kind, which) {
        (1, Some((path, _))) => Request::Delete(id(path)),
        (2 | 3, Some((path, _))) => Request::Restart(id(path)),
        (4, Some((path, _))) => Request::Terminate(id(path)),
        (5 | 6, Some((path, n))) => Request::TerminatePid(id(path), **n),
        _ => Request::Start(format!("x{fresh}").into(), any_policy(random, law.auto_shutdown)),
    }
}

/// The incarnation `n` at this path, as far as it was seen.
fn pid_of(tape: &Tape, path: &Path, id: &str, n: u32) -> Option<Pid> {
    let path: Path = format!("{path}/{id}").into();
    let book = tape.book();
    book.pids.get(&path).copied().filter(|_| book.attempts.get(&path) == Some(&n))
}

async fn ask(tape: &Tape, path: &Path, request: Request) {
    let place: SupervisorRef = tape.place(path);
    let target = match &request {
        Request::TerminatePid(id, n) => match pid_of(tape, path, id, *n) {
            Some(pid) => Some(pid),
            None => return,
        },
        _ => None,
    };
    let asker = tape.book().pids.get(path).copied();
    if place.pid().is_none() || place.pid() != asker {
        return; // nobody there, or it is not up yet
    }
    let n = tape.attempts(path);
    let number = {
        let mut book = tape.book();
        book.asked += 1;
        book.asked
    };
    tape.say(path, n, Said::Asked(number, request.clone()));
    let answer = match request {
        Request::Start(id, policy) => {
            let below: Path = format!("{path}/{id}").into();
            let spec = stand_in(tape, &below, &policy, number % 2 == 0);
            started(place.start_child(tape.recorded(spec, &below, &id, &policy)).await)
        }
        Request::Restart(id) => started(place.restart_child(id).await),
        Request::Terminate(id) => done(place.terminate_child(id).await),
        Request::TerminatePid(..) => match target {
            Some(pid) => done(place.terminate_pid(pid).await),
            None => None,
        },
        Request::Delete(id) => done(place.delete_child(id).await),
    };
    if let Some(answer) = answer {
        tape.say(path, n, Said::Answered(number, answer));
    }
}

fn refused(error: SupervisorError) -> Option<Answer> {
    match error {
        SupervisorError::Child(ravelin_supervisor::ChildError::StartFailed(_)) => Some(Answer::StartFailed),
        SupervisorError::Child(_) => Some(Answer::Refused),
        _ => None,
    }
}

fn started(result: Result<Option<Pid>, SupervisorError>) -> Option<Answer> {
    match result {
        Ok(Some(_)) => Some(Answer::Started),
        Ok(None) => Some(Answer::Ignored),
        Err(error) => refused(error),
    }
}

fn done(result: Result<(), SupervisorError>) -> Option<Answer> {
    result.map_or_else(refused, |()| Some(Answer::Done))
}
