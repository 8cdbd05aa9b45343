//! The disk of a node: what a crash of the node leaves of its files, and when.

use ravelin_core::blocking;
use ravelin_sim::Ppm;
use ravelin_sim::disk::{Faults, Latency, Settings};
use ravelin_sim::{Mount, Node, NodeDisk, Sim, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// Nothing that is not synced survives.
const STRICT: Faults = Faults { lost: Ppm::ALWAYS, ..Faults::none() };

fn disk(latency: Latency) -> NodeDisk {
    NodeDisk::new(Settings { faults: STRICT, latency, ..Settings::default() })
}

/// A node whose incarnations leave their mounts here.
fn node(world: &World, disk: &NodeDisk) -> Arc<Mutex<Vec<(Node, Mount)>>> {
    let mounts = Arc::new(Mutex::new(Vec::new()));
    let (disk, kept) = (disk.clone(), mounts.clone());
    world.node("a", move |node| {
        kept.lock().unwrap().push((node.clone(), disk.mount(&node)));
        std::future::pending()
    });
    mounts
}

fn read(mount: &Mount, name: &str) -> Vec<u8> {
    let file = mount.open_or_create(name).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_crash_leaves_what_was_synced_and_the_old_incarnation_can_do_nothing() {
    Sim::new().seeds(10).check(async |world| {
        let disk = disk(Latency::none());
        let mounts = node(world, &disk);
        world.settle().await;
        let old = mounts.lock().unwrap()[0].1.clone();
        let file = old.open_or_create("f").unwrap();
        file.write_at(0, b"safe").unwrap();
        file.sync().unwrap();
        old.sync_dir().unwrap();
        file.write_at(4, b" or not").unwrap();
        world.crash("a");
        assert!(file.write_at(0, b"late").is_err() && file.sync().is_err() && old.sync_dir().is_err());
        world.boot("a");
        world.settle().await;
        assert!(file.write_at(0, b"late").is_err());
        let new = mounts.lock().unwrap()[1].1.clone();
        assert_eq!(read(&new, "f"), b"safe");
        assert_eq!(disk.counters().crashes, 1);
    });
}

#[test]
fn the_power_fails_in_the_midst_of_a_job() {
    Sim::new().seeds(10).check(async |world| {
        let disk = disk(Latency::none());
        let mounts = node(world, &disk);
        world.settle().await;
        let (node, mount) = mounts.lock().unwrap()[0].clone();
        let file = mount.open_or_create("f").unwrap();
        mount.sync_dir().unwrap();
        disk.cut_power_after(3, SECOND);
        let done = Arc::new(Mutex::new(0));
        let count = done.clone();
        node.runtime().spawn_blocking(Box::new(move || {
            for at in 0..9 {
                if file.write_at(at, b"x").and_then(|()| file.sync()).is_ok() {
                    *count.lock().unwrap() += 1;
                }
            }
        }));
        world.advance(SECOND / 2).await;
        assert_eq!(*done.lock().unwrap(), 1, "a write, a sync, a write that is not synced");
        assert!(world.system_of("a").is_none(), "the node is down");
        world.advance(SECOND).await;
        let new = mounts.lock().unwrap()[1].1.clone();
        assert_eq!(read(&new, "f"), b"x");
    });
}

#[test]
fn what_the_disk_takes_the_next_job_of_the_node_takes_longer() {
    Sim::new().seeds(5).check(async |world| {
        let slow = Latency { sync: 10 * SECOND, ..Latency::none() };
        let mounts = node(world, &disk(slow));
        world.settle().await;
        let (node, mount) = mounts.lock().unwrap()[0].clone();
        let (file, start) = (mount.open_or_create("f").unwrap(), world.now());
        file.sync().unwrap();
        blocking(&**node.runtime(), || ()).await.unwrap();
        assert!(world.now() - start >= 10 * SECOND);
        let start = world.now();
        blocking(&**node.runtime(), || ()).await.unwrap();
        assert!(world.now() - start < SECOND, "it is paid once");
    });
}

#[test]
fn errors_are_an_operating_systems() {
    Sim::new().seeds(1).check(async |world| {
        let disk = disk(Latency::none());
        let mounts = node(world, &disk);
        world.settle().await;
        let mount = mounts.lock().unwrap()[0].1.clone();
        let kind = |result: std::io::Result<()>| result.unwrap_err().kind();
        assert_eq!(kind(mount.remove("g")), std::io::ErrorKind::NotFound);
        let file = mount.open_or_create("f").unwrap();
        assert_eq!(kind(file.set_len(1 << 40)), std::io::ErrorKind::StorageFull);
        assert_eq!(kind(file.read_at(0, &mut [0])), std::io::ErrorKind::UnexpectedEof);
        assert!(mount.exists("f").unwrap() && !mount.exists("g").unwrap());
        mount.rename("f", "g").unwrap();
        assert!(mount.exists("g").unwrap());
    });
}
