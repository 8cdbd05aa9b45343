//! The crossings that OTP's link protocol is about, one by one, and what strangers may send.

use super::model::{World, here, there};
use super::{Bonds, MonitorId, Output, Signal, TooManyBonds};
use ravelin_core::{Exit, Pid};

const A: usize = 0;
const B: usize = 1;

fn act(world: &mut World, steps: &str) {
    let (is_late, steps) = steps.strip_prefix("late ").map_or((false, steps), |steps| (true, steps));
    for step in steps.split_whitespace() {
        let side = if step.ends_with('a') { A } else { B };
        match &step[..step.len() - 2] {
            "link" => world.link(side, 0, 0),
            "unlink" => world.unlink(side, 0, 0),
            "monitor" => world.monitor(side, 0, 0),
            "demonitor" => world.demonitor(side, 0, 0),
            "die" => world.die(side, 0),
            "quiet" => world.quiet(),
            "carry" => world.carry(side),
            "arrive" => world.arrive(side),
            "break" => world.break_wire([0, 0]),
            "notice" => world.notice(side),
            "connect" => world.connect(),
            other => panic!("{other:?} is no step"),
        }
        if !is_late {
            world.carry(A);
            world.carry(B);
        }
    }
}

/// What happens (`-a`, `-b`: on which side); whether they are linked in the end; what the actors of each side learn.
#[test]
fn links_and_unlinks_that_cross_end_in_agreement() {
    let died = Exit::error("it died");
    let rows: [(&str, bool, &[Exit], &[Exit]); 21] = [
        ("link-a link-b", true, &[], &[]),
        ("link-a quiet-a unlink-a unlink-b", false, &[], &[]),
        ("link-a quiet-a unlink-a unlink-b link-a", false, &[], &[]),
        ("link-a quiet-a unlink-a link-a", true, &[], &[]),
        ("link-a quiet-a unlink-a link-a unlink-a", false, &[], &[]),
        ("link-a quiet-a unlink-a link-a unlink-a link-a", true, &[], &[]),
        ("link-a unlink-a link-b", false, &[], &[]),
        ("link-a quiet-a unlink-b arrive-a unlink-a link-a", true, &[], &[]),
        // The end crosses the unlink: it is of the older link; the newer one learns of it on its own.
        ("link-a quiet-a unlink-a die-b", false, &[], &[]),
        ("link-a quiet-a unlink-a link-a die-b", false, &[Exit::NoProc], &[]),
        ("link-a quiet-a die-b unlink-a link-a arrive-a", false, &[Exit::NoProc], &[]),
        ("link-a die-b", false, &[Exit::NoProc], &[]),
        ("link-a quiet-a die-b", false, std::slice::from_ref(&died), &[]),
        // The loss is told once on each side, and touches no link of the connection after it.
        ("link-a quiet-a break-a notice-a notice-b", false, &[Exit::NoConnection], &[Exit::NoConnection]),
        (
            "link-a quiet-a unlink-b link-b arrive-a arrive-a break-a notice-a notice-b",
            false,
            &[Exit::NoConnection],
            &[Exit::NoConnection],
        ),
        (
            "link-a quiet-a break-a notice-a unlink-a link-a",
            false,
            &[Exit::NoConnection, Exit::NoConnection],
            &[Exit::NoConnection],
        ),
        (
            "link-a quiet-a break-a notice-a notice-b unlink-a connect-a link-a",
            true,
            &[Exit::NoConnection],
            &[Exit::NoConnection],
        ),
        // What an actor does waits on the way to its table, while the table is told by the other side.
        ("late link-a quiet-a unlink-b carry-b unlink-a link-a arrive-a", false, &[], &[]),
        ("late link-a quiet-a unlink-b carry-b unlink-a arrive-a link-a", true, &[], &[]),
        ("late link-b carry-b link-a unlink-a arrive-a", true, &[], &[]),
        ("late link-b carry-b link-a arrive-a unlink-a", false, &[], &[]),
    ];
    for (steps, is_linked, a, b) in rows {
        let mut world = World::new();
        act(&mut world, steps);
        world.notice(A);
        world.notice(B);
        world.connect();
        world.quiet();
        world.check();
        assert_eq!(world.is_linked(A, 0, 0), is_linked, "{steps}");
        for (side, expected) in [(A, a), (B, b)] {
            let reasons: Vec<_> = world.sides[side].ends.iter().map(|(.., reason)| reason.clone()).collect();
            assert_eq!(reasons, expected, "{steps}");
        }
    }
}

#[test]
fn a_monitor_fires_once_and_not_after_it_is_given_up() {
    let died = Exit::error("it died");
    let rows: [(&str, &[Exit]); 8] = [
        ("monitor-a quiet-a die-b", std::slice::from_ref(&died)),
        ("die-b monitor-a", &[Exit::NoProc]),
        ("monitor-a die-b", &[Exit::NoProc]),
        ("monitor-a quiet-a die-b demonitor-a", &[]),
        ("monitor-a quiet-a die-b arrive-a demonitor-a", std::slice::from_ref(&died)),
        ("monitor-a quiet-a die-b break-a notice-a notice-b connect-a", &[Exit::NoConnection]),
        ("monitor-a quiet-a die-b arrive-a break-a notice-a notice-b connect-a", std::slice::from_ref(&died)),
        ("break-a notice-a monitor-a", &[Exit::NoConnection]),
    ];
    for (steps, expected) in rows {
        let mut world = World::new();
        act(&mut world, steps);
        world.notice(A);
        world.notice(B);
        world.connect();
        world.quiet();
        world.check();
        let reasons: Vec<_> = world.sides[A].ends.iter().map(|(.., reason)| reason.clone()).collect();
        assert_eq!(reasons, expected, "{steps}");
    }
}

fn table() -> Bonds<Pid> {
    let mut bonds = Bonds::new(4);
    bonds.connected();
    bonds
}

#[test]
fn what_belongs_to_no_bond_is_ignored_and_counted() {
    let (watcher, target, monitor) = (here(1), there(1), MonitorId(1));
    let (from, to, reason) = (there(1), here(1), Exit::Killed);
    let rows = [
        Signal::UnlinkAck { from, to, id: 1 },
        Signal::LinkExit { from, to, reason: reason.clone() },
        Signal::Demonitor { monitor, watcher: from, target: to },
        Signal::Down { monitor, watcher, target, reason },
    ];
    for signal in rows {
        let mut bonds = table();
        bonds.handle_remote(signal.clone()).unwrap();
        assert_eq!((bonds.poll(), bonds.stale()), (None, 1), "{signal:?}");
    }
    // Only this is answered: its sender must not wait for ever.
    let mut bonds = table();
    bonds.handle_remote(Signal::Unlink { from, to, id: 7 }).unwrap();
    assert_eq!(bonds.poll(), Some(Output::Send(Signal::UnlinkAck { from: to, to: from, id: 7 })));
    assert_eq!((bonds.poll(), bonds.stale()), (None, 0));
}

#[test]
fn an_exit_is_of_an_older_link_until_the_newest_unlink_is_acknowledged() {
    let (local, remote) = (here(1), there(1));
    let mut bonds = table();
    for _ in 0..2 {
        bonds.handle_local(Signal::Link { from: local, to: remote });
        bonds.handle_local(Signal::Unlink { from: local, to: remote, id: 0 });
    }
    bonds.handle_local(Signal::Link { from: local, to: remote });
    while bonds.poll().is_some() {}
    let exit = Signal::LinkExit { from: remote, to: local, reason: Exit::Killed };
    for (id, is_told) in [(1, false), (2, true)] {
        bonds.handle_remote(Signal::UnlinkAck { from: remote, to: local, id }).unwrap();
        bonds.handle_remote(exit.clone()).unwrap();
        let told = is_told.then(|| Output::Deliver(exit.clone()));
        assert_eq!(bonds.poll(), told, "after {id} was acknowledged");
    }
}

#[test]
fn of_a_down_and_a_demonitor_only_the_number_is_believed() {
    let mut bonds = table();
    let (monitor, watcher, target, reason) = (MonitorId(1), here(1), there(1), Exit::Killed);
    bonds.handle_local(Signal::Monitor { monitor, watcher, target });
    bonds.poll();
    let lie = Signal::Down { monitor, watcher: here(2), target: there(2), reason: reason.clone() };
    bonds.handle_remote(lie).unwrap();
    assert_eq!(bonds.poll(), Some(Output::Deliver(Signal::Down { monitor, watcher, target, reason })));
    bonds.handle_remote(Signal::Monitor { monitor, watcher: there(1), target: here(1) }).unwrap();
    bonds.poll();
    bonds.handle_remote(Signal::Demonitor { monitor, watcher: there(2), target: here(2) }).unwrap();
    let truth = Signal::Demonitor { monitor, watcher: there(1), target: here(1) };
    assert_eq!(bonds.poll(), Some(Output::Deliver(truth)));
}

#[test]
fn a_peer_makes_no_more_bonds_than_it_may() {
    let mut bonds = table();
    for n in 0..2 {
        bonds.handle_remote(Signal::Link { from: there(n), to: here(1) }).unwrap();
        let monitor = MonitorId(n.into());
        bonds.handle_remote(Signal::Monitor { monitor, watcher: there(n), target: here(1) }).unwrap();
    }
    let more = Signal::Link { from: there(9), to: here(1) };
    assert_eq!(bonds.handle_remote(more), Err(TooManyBonds { most: 4 }));
    let more = Signal::Monitor { monitor: MonitorId(9), watcher: there(9), target: here(1) };
    assert_eq!(bonds.handle_remote(more), Err(TooManyBonds { most: 4 }));
    bonds.handle_remote(Signal::Link { from: there(1), to: here(1) }).expect("the same link again");
    bonds.handle_local(Signal::Link { from: here(1), to: there(9) });
    assert_eq!(bonds.links(), 3, "this node's own are not counted against the peer");
}

#[test]
fn a_loss_is_told_by_pid_links_first_then_monitors_then_those_of_the_peer() {
    let mut bonds = table();
    for (watcher, monitor) in [(2, 1), (1, 3), (1, 2)] {
        let monitor = MonitorId(monitor);
        bonds.handle_local(Signal::Monitor { monitor, watcher: here(watcher), target: there(1) });
    }
    for (local, remote) in [(2, 1), (1, 2), (1, 1)] {
        bonds.handle_local(Signal::Link { from: here(local), to: there(remote) });
    }
    bonds.handle_local(Signal::Unlink { from: here(1), to: there(1), id: 5 });
    bonds
        .handle_remote(Signal::Monitor { monitor: MonitorId(1), watcher: there(1), target: here(3) })
        .unwrap();
    while bonds.poll().is_some() {}
    bonds.lost(&Exit::NoConnection);
    let told: Vec<_> = std::iter::from_fn(|| bonds.poll())
        .map(|output| match output {
            Output::Deliver(Signal::LinkExit { from, to, .. }) => format!("exit {from} {to}"),
            Output::Deliver(Signal::Down { monitor, watcher, .. }) => format!("down {watcher} {}", monitor.0),
            Output::Deliver(Signal::Demonitor { monitor, .. }) => format!("demonitor {}", monitor.0),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "exit <1.2.1> <0.1.1>",
        "exit <1.1.1> <0.2.1>",
        "down <0.1.1> 2",
        "down <0.1.1> 3",
        "down <0.2.1> 1",
        "demonitor 1",
    ];
    assert_eq!(told, expected);
    bonds.lost(&Exit::NoConnection);
    assert_eq!(bonds.poll(), None, "a loss that is told twice");
}
