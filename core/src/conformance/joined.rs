//! Links, monitors and signals between two systems that a distribution joins.

use super::nodes::{Joined, OTHER, afar, translated};
use super::puppet::{Do, Event, Say, Strings, does, puppet, trapping};
use super::reasons;
use crate::{AlreadyDistributed, DistSignal, Distribution, Exit, Info, Misdirected, MonitorRef, Pid, System};
use ravelin_mailbox::Lock;
use std::sync::Arc;

async fn link(a: &Strings, b: &Strings) {
    let to = afar(b.pid);
    a.does(move |cx| cx.link(to)).await;
}

async fn unlink(a: &Strings, b: &Strings) {
    let to = afar(b.pid);
    a.does(move |cx| cx.unlink(to)).await;
}

async fn monitor(watcher: &Strings, target: &Strings) -> MonitorRef {
    let target = afar(target.pid);
    watcher.does(move |cx| cx.monitor(target)).await
}

async fn nothing_came(to: &mut Strings) {
    to.is_through().await;
    assert_eq!(to.events.so_far(), []);
}

pub async fn a_link_to_another_node_works_both_ways(system: System) {
    let joined = Joined::new(system);
    for reason in reasons() {
        for ends_first in [0, 1] {
            let mut pair = joined.pair().await;
            link(&pair[0], &pair[1]).await;
            joined.arrive();
            let from = pair[ends_first].pid;
            joined.systems[ends_first].stop(from, reason.clone()).await.unwrap();
            joined.arrive();
            let expect = Info::Exit { from: afar(from), reason: reason.clone() };
            assert_eq!(pair[1 - ends_first].events.info().await, expect);
            nothing_came(&mut pair[1 - ends_first]).await;
        }
    }
    joined.end().await;
}

pub async fn a_link_to_another_node_ends_one_that_does_not_trap_unless_the_end_was_normal(system: System) {
    let joined = Joined::new(system);
    for reason in reasons() {
        let (a, b) = (puppet(&joined.systems[0]).await, puppet(&joined.systems[1]).await);
        link(&a, &b).await;
        joined.arrive();
        let end = joined.systems[1].ended(b.pid);
        joined.systems[0].stop(a.pid, reason.clone()).await.unwrap();
        joined.arrive();
        if reason == Exit::Normal {
            assert_eq!(b.actor.call(Say(1)).await.unwrap(), 1);
        } else {
            assert_eq!(end.await, reason);
            assert_eq!(b.events.all().await.last(), Some(&Event::Dropped));
        }
    }
    joined.end().await;
}

pub async fn a_link_to_the_dead_of_another_node_is_a_signal_noproc(system: System) {
    let joined = Joined::new(system);
    let [mut traps, dead] = joined.pair().await;
    joined.systems[1].stop(dead.pid, Exit::error("earlier")).await.unwrap();
    link(&traps, &dead).await;
    joined.arrive();
    assert_eq!(traps.events.info().await, Info::Exit { from: afar(dead.pid), reason: Exit::NoProc });
    nothing_came(&mut traps).await;
    joined.end().await;
}

pub async fn an_unlink_across_nodes_undoes_the_link_from_either_side(system: System) {
    let joined = Joined::new(system);
    for unlinks in [0, 1] {
        for ends in [0, 1] {
            let mut pair = joined.pair().await;
            link(&pair[0], &pair[1]).await;
            joined.arrive();
            unlink(&pair[unlinks], &pair[1 - unlinks]).await;
            joined.arrive();
            joined.systems[ends].stop(pair[ends].pid, Exit::error("alone")).await.unwrap();
            assert_eq!(joined.carried(ends), [], "its end is nobody's business");
            nothing_came(&mut pair[1 - ends]).await;
        }
    }
    joined.end().await;
}

pub async fn an_end_that_was_under_way_when_the_link_was_undone_reaches_nobody(system: System) {
    let joined = Joined::new(system);
    let [mut a, b] = joined.pair().await;
    link(&a, &b).await;
    joined.arrive();
    joined.systems[1].stop(b.pid, Exit::error("crosses")).await.unwrap();
    unlink(&a, &b).await;
    joined.arrive();
    nothing_came(&mut a).await;
    joined.end().await;
}

pub async fn there_is_one_link_per_pair_across_nodes(system: System) {
    let joined = Joined::new(system);
    let [a, mut b] = joined.pair().await;
    link(&a, &b).await;
    link(&a, &b).await;
    assert_eq!(joined.ways[0].0.lock().len(), 1, "the second is none");
    link(&b, &a).await;
    joined.arrive();
    link(&b, &a).await;
    unlink(&b, &a).await;
    unlink(&b, &a).await;
    let expect = DistSignal::Unlink { from: b.pid, to: afar(a.pid) };
    let carried = joined.carried(1);
    assert_eq!(carried, [expect]);
    for signal in carried {
        joined.systems[0].deliver(translated(signal)).unwrap();
    }
    joined.systems[0].stop(a.pid, Exit::error("never")).await.unwrap();
    joined.arrive();
    nothing_came(&mut b).await;
    joined.end().await;
}

pub async fn a_monitor_across_nodes_tells_the_reason_once(system: System) {
    let joined = Joined::new(system);
    for reason in reasons() {
        let [mut watcher, target] = joined.pair().await;
        let refs = [monitor(&watcher, &target).await, monitor(&watcher, &target).await];
        joined.arrive();
        joined.systems[1].stop(target.pid, reason.clone()).await.unwrap();
        joined.arrive();
        for monitor in refs {
            let expect = Info::Down { pid: afar(target.pid), monitor, reason: reason.clone() };
            assert_eq!(watcher.events.info().await, expect);
        }
        nothing_came(&mut watcher).await;
    }
    joined.end().await;
}

pub async fn a_monitor_of_the_dead_of_another_node_fires_with_noproc(system: System) {
    let joined = Joined::new(system);
    let [mut watcher, target] = joined.pair().await;
    joined.systems[1].stop(target.pid, Exit::error("earlier")).await.unwrap();
    for pid in [afar(target.pid), Pid::from_parts(OTHER, 99_999, 7)] {
        let monitor = watcher.does(move |cx| cx.monitor(pid)).await;
        joined.arrive();
        assert_eq!(watcher.events.info().await, Info::Down { pid, monitor, reason: Exit::NoProc });
    }
    joined.end().await;
}

pub async fn monitors_of_two_nodes_with_one_number_are_two(system: System) {
    let joined = Joined::new(system);
    let (mut watcher, target) = (trapping(&joined.systems[0]).await, puppet(&joined.systems[0]).await);
    let pid = target.pid;
    let monitor = watcher.does(move |cx| cx.monitor(pid)).await;
    let stranger = Pid::from_parts(OTHER, 4, 1);
    let here = &joined.systems[0];
    here.deliver(DistSignal::Monitor { from: stranger, to: pid, monitor }).unwrap();
    here.deliver(DistSignal::Demonitor { from: Pid::from_parts(OTHER, 5, 1), to: pid, monitor }).unwrap();
    here.stop(pid, Exit::error("seen")).await.unwrap();
    let reason = Exit::error("seen");
    let expect = DistSignal::Down { from: pid, to: stranger, monitor, reason: reason.clone() };
    assert_eq!(joined.carried(0), [expect]);
    assert_eq!(watcher.events.info().await, Info::Down { pid, monitor, reason });
    assert_eq!(MonitorRef::from_u64(monitor.as_u64()), monitor);
    joined.end().await;
}

pub async fn a_demonitor_across_nodes_takes_back_a_down_that_is_under_way_or_waits(system: System) {
    let joined = Joined::new(system);
    for waits in [false, true] {
        let [mut watcher, target] = joined.pair().await;
        let monitor = monitor(&watcher, &target).await;
        joined.arrive();
        let gate = watcher.hangs().await;
        let (tell, told) = futures::channel::oneshot::channel();
        let takes_back = Do::now(move |_, cx| {
            let _ = tell.send((cx.demonitor(monitor), cx.demonitor(monitor)));
        });
        watcher.actor.cast(takes_back).unwrap();
        joined.systems[1].stop(target.pid, Exit::error("late")).await.unwrap();
        if waits {
            joined.arrive();
        }
        drop(gate);
        assert_eq!(told.await.unwrap(), (true, false));
        let tells = joined.carried(0).len();
        assert_eq!(tells, usize::from(!waits), "one that has fired is over there");
        joined.arrive();
        nothing_came(&mut watcher).await;
    }
    joined.end().await;
}

pub async fn what_comes_twice_from_another_node_counts_once(system: System) {
    let joined = Joined::new(system);
    let [mut watcher, target] = joined.pair().await;
    let monitor = monitor(&watcher, &target).await;
    link(&watcher, &target).await;
    joined.arrive();
    joined.systems[1].stop(target.pid, Exit::error("once")).await.unwrap();
    let carried = joined.carried(1);
    let (from, reason) = (afar(target.pid), Exit::error("once"));
    for again in [0, 1, 2] {
        for signal in carried.clone() {
            joined.systems[0].deliver(translated(signal)).unwrap();
        }
        if again == 1 {
            let (linked, down) = (watcher.events.info().await, watcher.events.info().await);
            assert_eq!(linked, Info::Exit { from, reason: reason.clone() });
            assert_eq!(down, Info::Down { pid: from, monitor, reason: reason.clone() });
        }
    }
    // Of an end that is not that of who is watched.
    let stranger = DistSignal::Down { from: Pid::from_parts(OTHER, 77, 1), to: watcher.pid, monitor, reason };
    joined.systems[0].deliver(stranger).unwrap();
    nothing_came(&mut watcher).await;
    joined.end().await;
}

pub async fn exit_signals_and_kills_cross_nodes(system: System) {
    let joined = Joined::new(system);
    let [a, mut traps] = joined.pair().await;
    let plain = puppet(&joined.systems[1]).await;
    let ends = [joined.systems[1].ended(plain.pid), joined.systems[1].ended(traps.pid)];
    let [to_plain, to_traps] = [afar(plain.pid), afar(traps.pid)];
    a.does(move |cx| {
        cx.exit(to_traps, Exit::error("message"));
        cx.exit(to_plain, Exit::Normal);
        cx.exit(to_plain, Exit::error("fatal"));
    })
    .await;
    joined.arrive();
    assert_eq!(traps.events.info().await, Info::Exit { from: afar(a.pid), reason: Exit::error("message") });
    assert!(joined.systems[0].kill(to_traps), "it is on its way");
    joined.arrive();
    let [plain, traps] = ends;
    assert_eq!((plain.await, traps.await), (Exit::error("fatal"), Exit::Killed));
    // And to the dead.
    joined.systems[0].exit(a.pid, to_plain, Exit::error("late"));
    assert!(joined.systems[0].kill(to_plain));
    joined.arrive();
    joined.end().await;
}

/// Looks, when it carries, which names are taken.
struct Witness {
    system: Lock<Option<System>>,
    seen: Lock<Vec<(DistSignal, usize)>>,
}

impl Distribution for Witness {
    fn carry(&self, signal: DistSignal) {
        let names = self.system.lock().as_ref().map_or(0, |system| system.registered().len());
        self.seen.lock().push((signal, names));
    }
}

pub async fn other_nodes_learn_of_an_end_when_its_names_are_free_in_the_order_of_this_one(system: System) {
    let witness = Arc::new(Witness { system: Lock::new(Some(system.clone())), seen: Lock::new(Vec::new()) });
    assert_eq!(system.set_distribution(witness.clone()), Ok(()));
    assert_eq!(system.set_distribution(witness.clone()), Err(AlreadyDistributed));
    let p = puppet(&system).await;
    let (pid, other) = (p.pid, Pid::from_parts(OTHER, 3, 9));
    let monitor = p.does(move |cx| cx.monitor(other)).await;
    p.does(move |cx| (cx.link(other), cx.register("known").unwrap())).await;
    let theirs = MonitorRef::from_u64(monitor.as_u64());
    system.deliver(DistSignal::Monitor { from: other, to: pid, monitor: theirs }).unwrap();
    witness.seen.lock().clear();
    let reason = Exit::error("all");
    system.stop(pid, reason.clone()).await.unwrap();
    let expect = [
        (DistSignal::Demonitor { from: pid, to: other, monitor }, 0),
        (DistSignal::LinkExit { from: pid, to: other, reason: reason.clone() }, 0),
        (DistSignal::Down { from: pid, to: other, monitor: theirs, reason }, 0),
    ];
    assert_eq!(*witness.seen.lock(), expect);
    *witness.system.lock() = None;
}

pub async fn without_a_distribution_every_other_node_is_lost(system: System) {
    let mut p = trapping(&system).await;
    let other = Pid::from_parts(OTHER, 3, 9);
    let monitor = p.does(move |cx| cx.monitor(other)).await;
    let reason = Exit::NoConnection;
    assert_eq!(p.events.info().await, Info::Down { pid: other, monitor, reason: reason.clone() });
    p.does(move |cx| cx.link(other)).await;
    assert_eq!(p.events.info().await, Info::Exit { from: other, reason });
    let pid = p.pid;
    p.does(move |cx| {
        cx.unlink(other);
        cx.exit(other, Exit::error("lost"));
    })
    .await;
    assert!(!p.does(move |cx| cx.demonitor(monitor)).await);
    assert!(!system.kill(other) && !system.is_alive(other));
    system.exit(pid, other, Exit::error("lost"));
    nothing_came(&mut p).await;
}

pub async fn one_of_another_node_cannot_be_waited_for_as_one_of_this(system: System) {
    let joined = Joined::new(system);
    let other = Pid::from_parts(OTHER, 3, 9);
    let here = &joined.systems[0];
    assert!(here.stop(other, Exit::Normal).await.unwrap_err().to_string().contains("another node"));
    assert_eq!(here.ended(other).await, Exit::NoConnection);
    assert_eq!(here.shut_down(other, Exit::Shutdown, None).await, Exit::NoConnection);
    assert_eq!(joined.carried(0), []);
    joined.end().await;
}

pub async fn a_signal_that_goes_not_from_another_node_to_this_one_is_refused(system: System) {
    let mut p = trapping(&system).await;
    let (here, there) = (p.pid, Pid::from_parts(OTHER, 3, 9));
    let (monitor, reason) = (MonitorRef::from_u64(7), Exit::error("forged"));
    let make = |from: Pid, to: Pid| {
        [
            DistSignal::Link { from, to },
            DistSignal::Unlink { from, to },
            DistSignal::Monitor { from, to, monitor },
            DistSignal::Demonitor { from, to, monitor },
            DistSignal::Exit { from, to, reason: reason.clone() },
            DistSignal::Kill { from: Some(from), to },
            DistSignal::LinkExit { from, to, reason: reason.clone() },
            DistSignal::Down { from, to, monitor, reason: reason.clone() },
        ]
    };
    for signal in make(here, here) {
        assert_eq!(system.deliver(signal), Err(Misdirected::FromHere(here)));
    }
    for signal in make(there, there) {
        assert_eq!(system.deliver(signal), Err(Misdirected::ToElsewhere(there)));
    }
    // And all of them to the dead, or about what is not there.
    let dead = Pid::from_parts(0, 99_999, 7);
    for signal in make(there, dead) {
        assert!(system.deliver(signal).is_ok());
    }
    for at in [1, 3, 6, 7] {
        assert!(system.deliver(make(there, here)[at].clone()).is_ok());
    }
    does(&p.actor, |_| ()).await;
    nothing_came(&mut p).await;
}

pub async fn links_made_and_undone_in_turn_from_both_nodes_leave_both_ends_alike(system: System) {
    let joined = Joined::new(system);
    // Who makes a link, and who undoes it, turn by turn; all arrives between two turns.
    let rows =
        [([true, false], [true, false]), ([true, true], [false, false]), ([false, true], [true, true])];
    for (first, second) in rows {
        let pair = joined.pair().await;
        for (who, links) in first.into_iter().chain(second).enumerate() {
            let (me, other) = (&pair[who % 2], &pair[1 - who % 2]);
            if links {
                link(me, other).await;
            } else {
                unlink(me, other).await;
            }
            joined.arrive();
        }
        let linked = |at: usize| {
            let system = &joined.systems[at];
            system.sys(pair[at].pid).status().unwrap().links
        };
        assert_eq!(linked(0), linked(1));
    }
    joined.end().await;
}
