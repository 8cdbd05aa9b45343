//! What the simulated disk promises, fault by fault.

use ravelin_sim::disk::{Disk, DiskError, Faults, FileId, Latency, SECTOR, Settings};
use ravelin_sim::net::Ppm;
use std::collections::BTreeSet;
use std::time::Duration;

fn disk(faults: Faults) -> Disk {
    Disk::new(Settings { faults, latency: Latency::none(), ..Settings::default() })
}

/// A file that is safe, with its name, and holds `bytes`.
fn safe(disk: &mut Disk, name: &str, bytes: &[u8]) -> FileId {
    let file = disk.create(name, 0).result.unwrap();
    disk.write_at(file, 0, bytes, 0).result.unwrap();
    disk.sync(file, 0).result.unwrap();
    disk.sync_dir(0).result.unwrap();
    file
}

/// All bytes of a file; `None` when there is none.
fn contents(disk: &mut Disk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name, 0).result.ok()?;
    let mut out = vec![0; disk.len(file).unwrap() as usize];
    assert_eq!(disk.read_at(file, 0, &mut out, 0).result, Ok(out.len()));
    disk.close(file);
    Some(out)
}

/// What 300 crashes with different luck leave of a file.
fn after_crashes(disk: &Disk, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let crash = |luck| {
        let mut disk = disk.clone();
        disk.crash(luck);
        contents(&mut disk, name)
    };
    (0..300).map(crash).collect()
}

#[test]
fn an_unsynced_write_survives_or_is_lost_and_a_long_one_may_be_torn() {
    let old = vec![1; 3 * SECTOR];
    let new = vec![2; 3 * SECTOR];
    let mut base = disk(Faults::power_loss());
    let file = safe(&mut base, "a", &old);
    base.write_at(file, 0, &new, 0).result.unwrap();

    let mix = |sectors: [u8; 3]| Some(sectors.iter().flat_map(|byte| [*byte; SECTOR]).collect::<Vec<u8>>());
    let legal = [[1, 1, 1], [2, 2, 2], [2, 1, 1], [2, 2, 1], [1, 2, 2], [1, 1, 2]];
    assert_eq!(after_crashes(&base, "a"), legal.map(mix).into());

    base.set_faults(Faults { torn: Ppm::NEVER, ..Faults::power_loss() });
    assert_eq!(after_crashes(&base, "a"), [Some(old.clone()), Some(new.clone())].into());
    base.set_faults(Faults { torn: Ppm::NEVER, lost: Ppm::ALWAYS, in_order: Ppm::NEVER, ..Faults::none() });
    assert_eq!(after_crashes(&base, "a"), [Some(old)].into());
    base.set_faults(Faults::none());
    assert_eq!(after_crashes(&base, "a"), [Some(new)].into());
}

#[test]
fn a_later_write_may_survive_an_earlier_one_unless_the_crash_keeps_to_the_order() {
    let mut base = disk(Faults { torn: Ppm::NEVER, ..Faults::power_loss() });
    let (a, b) = (safe(&mut base, "a", b"-"), safe(&mut base, "b", b"-"));
    base.write_at(a, 0, b"1", 0).result.unwrap();
    base.write_at(b, 0, b"2", 0).result.unwrap();
    for (in_order, expect) in
        [(Ppm::NEVER, &["--", "-2", "1-", "12"][..]), (Ppm::ALWAYS, &["--", "1-", "12"])]
    {
        let crash = |luck| {
            let mut disk = base.clone();
            disk.set_faults(Faults { in_order, torn: Ppm::NEVER, ..Faults::power_loss() });
            disk.crash(luck);
            let bytes = [contents(&mut disk, "a").unwrap(), contents(&mut disk, "b").unwrap()].concat();
            String::from_utf8(bytes).unwrap()
        };
        let seen: BTreeSet<String> = (0..300).map(crash).collect();
        assert!(seen.iter().eq(expect), "{seen:?}");
    }
}

#[test]
fn a_name_is_safe_after_a_sync_of_the_directory_and_not_before() {
    for (directory_needs_sync, expect) in
        [(true, [None, Some(b"x".to_vec())].into()), (false, BTreeSet::from([Some(b"x".to_vec())]))]
    {
        let mut base = Disk::new(Settings { directory_needs_sync, ..Settings::default() });
        let file = base.create("a", 0).result.unwrap();
        base.write_at(file, 0, b"x", 0).result.unwrap();
        base.sync(file, 0).result.unwrap();
        assert_eq!(after_crashes(&base, "a"), expect, "needs sync: {directory_needs_sync}");
        base.sync_dir(0).result.unwrap();
        assert_eq!(after_crashes(&base, "a"), [Some(b"x".to_vec())].into());
    }
}

#[test]
fn a_file_renamed_before_it_was_synced_may_replace_the_old_one_and_be_empty() {
    let mut base = disk(Faults::power_loss());
    safe(&mut base, "a", b"old");
    let file = base.create("a.tmp", 0).result.unwrap();
    base.write_at(file, 0, b"new", 0).result.unwrap();
    base.rename("a.tmp", "a", 0).result.unwrap();
    let expect: [&[u8]; 3] = [b"", b"new", b"old"];
    assert_eq!(after_crashes(&base, "a"), expect.map(|bytes| Some(bytes.to_vec())).into());

    base.sync(file, 0).result.unwrap();
    let expect: [&[u8]; 2] = [b"new", b"old"];
    assert_eq!(after_crashes(&base, "a"), expect.map(|bytes| Some(bytes.to_vec())).into());
}

#[test]
fn a_removed_file_comes_back_if_the_removal_was_not_synced() {
    let mut base = disk(Faults::power_loss());
    let file = safe(&mut base, "a", b"x");
    base.remove("a", 0).result.unwrap();
    assert_eq!(base.remove("a", 0).result, Err(DiskError::NotFound));
    assert_eq!(base.read_at(file, 0, &mut [0], 0).result, Ok(1), "whoever has it open can use it");
    assert_eq!(after_crashes(&base, "a"), [None, Some(b"x".to_vec())].into());
    base.sync_dir(0).result.unwrap();
    assert_eq!(after_crashes(&base, "a"), [None].into());
    assert_eq!(base.used(), 1, "open still");
    base.close(file);
    assert_eq!(base.used(), 0);
}

#[test]
fn a_sync_that_lies_makes_nothing_safe() {
    let mut base = disk(Faults { lost: Ppm::ALWAYS, ..Faults::none() });
    let file = safe(&mut base, "a", b"old");
    base.write_at(file, 0, b"new", 0).result.unwrap();
    base.set_faults(Faults { lost: Ppm::ALWAYS, sync_lies: Ppm::ALWAYS, ..Faults::none() });
    assert_eq!(base.sync(file, 0).result, Ok(()));
    assert_eq!(base.counters().sync_lies, 1);
    assert_eq!(after_crashes(&base, "a"), [Some(b"old".to_vec())].into());
}

#[test]
fn what_a_failed_sync_lost_no_later_sync_makes_safe_though_it_is_read_back() {
    let mut base = disk(Faults { lost: Ppm::ALWAYS, ..Faults::none() });
    let file = safe(&mut base, "a", b"old");
    base.write_at(file, 0, b"new", 0).result.unwrap();
    base.set_faults(Faults { lost: Ppm::ALWAYS, sync_fails: Ppm::ALWAYS, ..Faults::none() });
    assert_eq!(base.sync(file, 0).result, Err(DiskError::Io));
    base.set_faults(Faults::none());
    assert_eq!(base.sync(file, 0).result, Ok(()));
    assert_eq!(contents(&mut base, "a"), Some(b"new".to_vec()));
    assert_eq!(after_crashes(&base, "a"), [Some(b"old".to_vec())].into());
}

#[test]
fn a_failed_read_or_full_disk_changes_nothing_and_a_failed_write_at_most_its_front() {
    let mut base = disk(Faults::none());
    let file = safe(&mut base, "a", &[1; 1000]);
    base.set_faults(Faults { no_space: Ppm::ALWAYS, read_fails: Ppm::ALWAYS, ..Faults::none() });
    assert_eq!(base.read_at(file, 0, &mut [0], 0).result, Err(DiskError::Io));
    assert_eq!(base.write_at(file, 0, &[2; 10], 0).result, Err(DiskError::NoSpace));
    assert_eq!(base.set_len(file, 0, 0).result, Err(DiskError::NoSpace));
    base.set_faults(Faults::none());
    assert_eq!(contents(&mut base, "a"), Some(vec![1; 1000]));

    base.set_faults(Faults { write_fails: Ppm::ALWAYS, ..Faults::none() });
    let fail = |luck| {
        let mut disk = base.clone();
        assert_eq!(disk.write_at(file, 500, &[2; 600], luck).result, Err(DiskError::Io));
        contents(&mut disk, "a").unwrap().iter().filter(|byte| **byte == 2).count()
    };
    let written: BTreeSet<usize> = (0..100).map(fail).collect();
    assert_eq!(written, [0, 12, 524, 600].into(), "up to the edge of a sector");
}

#[test]
fn a_disk_holds_no_more_than_its_capacity() {
    let mut disk = Disk::new(Settings { capacity: 1000, faults: Faults::none(), ..Settings::default() });
    let (a, b) = (safe(&mut disk, "a", &[1; 600]), safe(&mut disk, "b", &[1; 300]));
    assert_eq!(disk.write_at(a, 600, &[1; 101], 0).result, Err(DiskError::NoSpace));
    assert_eq!(disk.write_at(a, u64::MAX, &[1], 0).result, Err(DiskError::NoSpace));
    assert_eq!(disk.set_len(b, 401, 0).result, Err(DiskError::NoSpace));
    assert_eq!(disk.write_at(a, 600, &[1; 100], 0).result, Ok(()));
    assert_eq!(disk.set_len(b, 0, 0).result, Ok(()));
    assert_eq!((disk.used(), disk.counters().no_space), (700, 3));
}

#[test]
fn wrong_bits_and_places_are_seen_after_a_crash_and_only_if_asked_for() {
    let bytes: Vec<u8> = (0..8).flat_map(|sector| [sector; SECTOR]).collect();
    let damaged = |faults| {
        let mut disk = disk(faults);
        safe(&mut disk, "a", &bytes);
        assert_eq!(contents(&mut disk, "a").as_ref(), Some(&bytes), "the cache answers");
        disk.crash(0);
        let after = contents(&mut disk, "a").unwrap();
        let wrong = bytes.iter().zip(&after).filter(|(a, b)| a != b).count();
        (wrong, disk.counters().bit_flips, disk.counters().misdirected)
    };
    assert_eq!(damaged(Faults::failing()).1, 0);
    assert_eq!(damaged(Faults { bit_flips: Ppm::ALWAYS, ..Faults::none() }), (8, 8, 0));
    let (wrong, _, misdirected) = damaged(Faults { misdirected: Ppm::ALWAYS, ..Faults::none() });
    assert!(wrong >= SECTOR && misdirected == 8, "{wrong} bytes");

    let mut disk = disk(Faults::none());
    safe(&mut disk, "a", &[0; 4]);
    disk.corrupt("a", 2, 0b1000_0001).unwrap();
    disk.corrupt("a", 4, 1).unwrap();
    assert_eq!(contents(&mut disk, "a"), Some(vec![0, 0, 0x81, 0]));
    assert_eq!(disk.corrupt("b", 0, 1), Err(DiskError::NotFound));
}

#[test]
fn the_end_of_a_program_closes_its_files_and_loses_nothing() {
    let mut disk = disk(Faults { lost: Ppm::ALWAYS, ..Faults::none() });
    let file = disk.create("a", 0).result.unwrap();
    disk.write_at(file, 2, b"x", 0).result.unwrap();
    disk.close_all();
    assert_eq!(disk.len(file), Err(DiskError::Closed));
    assert_eq!(disk.sync(file, 0).result, Err(DiskError::Closed));
    assert_eq!(disk.write_at(file, 0, b"y", 0).result, Err(DiskError::Closed));
    assert_eq!(disk.create("a", 0).result, Err(DiskError::Exists));
    assert_eq!(contents(&mut disk, "a"), Some(vec![0, 0, b'x']));
}

#[test]
fn operations_take_the_time_that_the_settings_say() {
    let latency = Latency {
        read: Duration::from_micros(7),
        sync: Duration::from_millis(2),
        bytes_per_second: Some(1_000),
        ..Latency::none()
    };
    let mut disk = Disk::new(Settings { latency, faults: Faults::none(), ..Settings::default() });
    let file = disk.create("a", 0).result.unwrap();
    assert_eq!(disk.write_at(file, 0, &[1; 500], 0).took, Duration::from_millis(500));
    assert_eq!(disk.read_at(file, 0, &mut [0; 1], 0).took, Duration::from_micros(1_007));
    assert_eq!(disk.sync(file, 0).took, Duration::from_millis(2));
    disk.close(file);
    assert_eq!(disk.sync(file, 0).took, Duration::from_millis(2), "a failure takes its time too");

    let latency = Latency { stalls: Ppm::percent(50), stall_max: Duration::from_secs(1), ..Latency::none() };
    let mut disk = Disk::new(Settings { latency, ..Settings::default() });
    let stalled = (0..100).filter(|luck| disk.sync_dir(*luck).took > Duration::ZERO).count();
    assert!((30..70).contains(&stalled), "{stalled}");
}
