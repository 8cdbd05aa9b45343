//! Ports in the simulator, over processes from a script.

use crate::fake::{Flood, Kernel, MS, PipeAfter, Script, Stdin};
use ravelin_bridges::port::{Command, Framing, Input, Output, PortRef, Signal, Status};
use ravelin_core::{Actor, ActorRef, Bounded, CallError, Cx, Exit, Handle, Pid, StartError, within};
use ravelin_sim::{Faults, Sim, World};
use ravelin_supervisor::{ChildSpec, Supervisor, child};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

type Got = Arc<Mutex<Vec<String>>>;

/// Takes lines, each in its time.
struct Listener {
    got: Got,
    pace: Duration,
}

impl Actor for Listener {
    type Args = (Got, Duration);
    async fn init((got, pace): Self::Args, _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Listener { got, pace })
    }
}

impl Handle<Output> for Listener {
    async fn handle(&mut self, output: Output, cx: &mut Cx<Self>) {
        cx.sleep(self.pace).await; // tidy: virtual time
        self.got.lock().unwrap().push(output.text().into_owned());
    }
}

struct Scene {
    kernel: Kernel,
    got: Got,
    listener: ActorRef<Listener>,
    port: PortRef,
}

impl Scene {
    fn new(kernel: Kernel) -> Scene {
        let got = Got::default();
        Scene { kernel, got, listener: ActorRef::place("listener"), port: PortRef::place("port") }
    }

    fn listener(&self, pace: Duration) -> ChildSpec {
        let got = self.got.clone();
        child(&self.listener, move || (got.clone(), pace)).mailbox(Bounded(2))
    }

    fn port(&self) -> ChildSpec {
        let command = Command::new("scripted").framing(Framing::lines()).grace(100 * MS);
        let processes = Arc::new(self.kernel.clone());
        let args = self.port.args(command, &self.listener.recipient(), processes);
        self.port.child_with(args.stdin_mailbox(Bounded(2)))
    }

    /// The listener and the port, without a supervisor.
    async fn start(&self, world: &World, pace: Duration) -> Result<Pid, StartError> {
        let system = world.system();
        let args = (self.got.clone(), pace);
        system.start(&self.listener, args).mailbox(Bounded(2)).await.unwrap();
        let command = Command::new("scripted").framing(Framing::lines()).grace(100 * MS);
        let args = self.port.args(command, &self.listener.recipient(), Arc::new(self.kernel.clone()));
        system.start(self.port.actor(), args.stdin_mailbox(Bounded(2))).await
    }

    fn tree(&self, pace: Duration) -> Supervisor {
        Supervisor::rest_for_one("app").intensity(1000, SECOND).child(self.listener(pace)).child(self.port())
    }
}

/// A process that the seed made up.
fn made_up(runtime: &dyn ravelin_core::Runtime) -> io::Result<Script> {
    let pick = |of: u64| runtime.entropy() % of;
    if pick(8) == 0 {
        return Err(io::Error::other("no more processes"));
    }
    let lines = |count| (0..count).map(|n| format!("line {n}\n")).collect::<String>().into_bytes();
    Ok(Script {
        prints: lines(pick(6)),
        flood: if pick(4) == 0 { Flood::Yes } else { Flood::No },
        ends: (pick(2) == 0).then(|| (MS * pick(60) as u32, pick(3) as i32)),
        obeys: (pick(3) > 0).then(|| MS * pick(30) as u32),
        lingers: MS * pick(10) as u32,
        stdin: if pick(2) == 0 { Stdin::Read } else { Stdin::Unread },
        pipe_after: if pick(4) == 0 { PipeAfter::KeptOpen } else { PipeAfter::Closed },
    })
}

#[test]
fn two_processes_of_a_port_never_overlap_and_none_is_left_whatever_befalls_it() {
    let anywhere = Faults::none()
        .kills("port", 3)
        .at_awaits_of("port", 3)
        .kills("listener", 2)
        .kills("stdout", 2)
        .kills("app", 1)
        .over(SECOND);
    // A guardian that is killed by itself; with its port killed at the same time there is only the last resort.
    let guardian = Faults::none().kills("guardian", 3).at_awaits_of("stdout", 2).over(SECOND);
    for faults in [anywhere, guardian] {
        Sim::new().seeds(30).faults(faults).check(async |world| {
            let scene = Scene::new(Kernel::new(made_up));
            let Ok(app) = world.start(scene.tree(MS)).await else {
                return assert_eq!(scene.kernel.living(), 0, "a start that failed leaves nothing");
            };
            for _ in 0..40 {
                let _ = scene.port.stdin().cast(Input::bytes("hello"));
                world.advance(SECOND / 40).await;
            }
            app.stop().await;
            assert_eq!((scene.kernel.living(), scene.kernel.overlaps()), (0, 0));
        });
    }
}

#[test]
fn all_that_a_process_prints_is_delivered_in_order_before_its_port_ends() {
    for pipe_after in [PipeAfter::Closed, PipeAfter::KeptOpen] {
        Sim::new().seeds(20).check(async |world| {
            let prints = (0..50).map(|n| format!("{n}\n")).collect::<String>().into_bytes();
            let ends = Some((3 * MS, 7));
            let scene = Scene::new(Kernel::of(Script { prints, ends, pipe_after, ..Script::idle() }));
            let port = scene.start(world, 5 * MS).await.unwrap();
            let end = world.system().ended(port).await;
            assert_eq!(Status::of(&end), Some(Status::Code(7)));
            // Two wait in the mailbox, one is being taken.
            assert!(scene.got.lock().unwrap().len() >= 47, "{:?}", scene.got);
            world.advance(20 * MS).await;
            let expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
            assert_eq!(*scene.got.lock().unwrap(), expected);
        });
    }
}

#[test]
fn a_slow_recipient_slows_the_process_down() {
    Sim::new().seeds(20).check(async |world| {
        let flood = Script { prints: b"tick\n".to_vec(), flood: Flood::Yes, ..Script::idle() };
        let scene = Scene::new(Kernel::of(flood));
        scene.start(world, 10 * MS).await.unwrap();
        for taken in 0..20 {
            world.advance(10 * MS).await;
            let lines = scene.kernel.bytes_read() / 5;
            // Those in the mailbox, the one in the hand, and what one read brings.
            assert!(lines <= taken + 8, "{lines} lines read, when {taken} were taken");
        }
    });
}

/// How a port is ended.
#[derive(Clone, Copy, Debug)]
enum Way {
    Stop,
    Kill,
}

#[test]
fn a_stop_is_gentle_for_as_long_as_the_grace_and_a_kill_is_not() {
    let term = Signal::Terminate;
    // What it does on SIGTERM; how it is ended; the signals it gets; the least and most that its end takes.
    let rows = [
        (Some(20 * MS), Way::Stop, vec![term, Signal::Kill], 20, 60),
        (None, Way::Stop, vec![term, Signal::Kill], 100, 140),
        (Some(20 * MS), Way::Kill, vec![Signal::Kill], 1, 40),
        (None, Way::Kill, vec![Signal::Kill], 1, 40),
    ];
    for (obeys, way, signals, least, most) in rows {
        Sim::new().seeds(10).check(async |world| {
            let lingers = 5 * MS;
            let scene =
                Scene::new(Kernel::of(Script { obeys, lingers, stdin: Stdin::Unread, ..Script::idle() }));
            let port = scene.start(world, MS).await.unwrap();
            // What waits to be written holds nothing up.
            while scene.port.stdin().cast(Input::bytes("hello")).is_ok() {}
            let (from, end) = (world.elapsed(), world.system().ended(port));
            match way {
                Way::Stop => world.system().stop(port, Exit::Shutdown).await.unwrap(),
                Way::Kill => assert!(world.system().kill(port)),
            }
            let why = end.await;
            assert_eq!(why, if let Way::Stop = way { Exit::Shutdown } else { Exit::Killed });
            assert_eq!(scene.kernel.living(), 0, "the end is told when all is gone");
            let took = world.elapsed() - from;
            assert!(took >= MS * least && took <= MS * most, "{obeys:?} {way:?}: {took:?}");
            assert_eq!(scene.kernel.signals(), signals, "{obeys:?} {way:?}");
        });
    }
}

#[test]
fn input_waits_until_the_process_reads_and_its_senders_learn_of_the_end() {
    Sim::new().seeds(20).check(async |world| {
        let ends = Some((50 * MS, 0));
        let scene = Scene::new(Kernel::of(Script { ends, stdin: Stdin::Unread, ..Script::idle() }));
        scene.start(world, MS).await.unwrap();
        let stdin = scene.port.stdin();
        let write = stdin.call(Input::bytes("a"));
        let rest = async {
            let mut taken = 0;
            while within(&**world.runtime(), 10 * MS, stdin.send(Input::bytes("b"))).await.is_some() {
                taken += 1;
            }
            taken
        };
        let (first, rest) = futures::future::join(write, rest).await;
        assert!(matches!(first, Err(CallError::Exited(_))), "{first:?}");
        assert!((1..=3).contains(&rest), "{rest} were taken");
        assert!(stdin.cast(Input::bytes("c")).is_err());
    });
}

#[test]
fn a_port_whose_recipient_is_gone_ends_and_takes_its_process_with_it() {
    Sim::new().seeds(20).check(async |world| {
        let flood = Script { prints: b"tick\n".to_vec(), flood: Flood::Yes, ..Script::idle() };
        let scene = Scene::new(Kernel::of(flood));
        let port = scene.start(world, 10 * MS).await.unwrap();
        let end = world.system().ended(port);
        world.system().kill(scene.listener.pid().unwrap());
        assert_eq!(end.await, Exit::error("stdout: nobody lives at the recipient's place"));
        assert_eq!((scene.kernel.living(), scene.kernel.started()), (0, 1));
    });
}

#[test]
fn a_process_that_cannot_be_started_is_a_failed_start_that_says_why() {
    Sim::new().seeds(10).check(async |world| {
        let scene = Scene::new(Kernel::new(|_| Err(io::Error::from(io::ErrorKind::NotFound))));
        let told = scene.start(world, MS).await.unwrap_err();
        assert_eq!(told, StartError::Init(Exit::error("can't start scripted: entity not found")));
        assert!(!scene.port.actor().is_alive() && !scene.port.stdin().is_alive());
    });
}
