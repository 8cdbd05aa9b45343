//! The file, opened, filled, torn away and opened again.

use std::path::PathBuf;

use super::*;
use crate::keyspace::tests::{Dice, random_command};
use crate::route::{Partitions, Route, SLOTS, route};

/// A folder of its own for each test, gone at the end.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("data").join("store.redb")
    }

    fn journal(&self, mode: Mode) -> Journal {
        Journal::new(Store::open(self.file()).unwrap(), mode)
    }
}

fn put(key: &str, value: &str) -> Effect {
    Effect::PutString(key.as_bytes().into(), value.as_bytes().into())
}

fn expected(effects: &[Effect]) -> Keyspace {
    let mut space = Keyspace::new();
    for effect in effects {
        space.replay(effect.clone()).unwrap();
    }
    space
}

#[test]
fn what_partitions_did_is_there_again_with_any_number_of_partitions() {
    let folder = Folder::new();
    for seed in 0..8 {
        let _ = std::fs::remove_file(folder.file());
        let mut journal = folder.journal(Mode::EverySecond);
        let partitions = Partitions::new(3).unwrap();
        let mut loaded: Vec<_> = (0..3).map(|part| journal.load(partitions.slots(part)).unwrap()).collect();
        let (mut dice, mut whole, mut group) = (Dice(seed), Keyspace::new(), Vec::new());
        for step in 0..500 {
            let now = step / 2;
            let command = random_command(&mut dice);
            whole.apply(now, &command, &mut Vec::new());
            let parts = match route(command, partitions) {
                Route::One(partition, command) => vec![(partition, command)],
                Route::Many(parts, _) => parts,
            };
            for (partition, command) in parts {
                let (space, ticket) = &mut loaded[partition];
                let mut effects = Vec::new();
                space.apply(now, &command, &mut effects);
                group.push(Batch { ticket: *ticket, effects });
            }
            if dice.roll(20) == 0 {
                assert!(
                    journal.commit(now, &std::mem::take(&mut group)).unwrap().kept.iter().all(|kept| *kept)
                );
            }
        }
        journal.commit(1000, &group).unwrap();
        for (partition, (space, _)) in loaded.iter().enumerate() {
            assert_eq!(journal.load(partitions.slots(partition)).unwrap().0, *space, "seed {seed}");
        }
        assert_eq!(journal.load(0..SLOTS).unwrap().0, whole, "seed {seed}");
        drop(journal);
        let again = folder.journal(Mode::Always);
        assert_eq!(again.load(0..SLOTS).unwrap().0, whole, "seed {seed}");
    }
}

#[test]
fn a_batch_with_a_void_ticket_is_refused_and_the_rest_of_the_group_is_kept() {
    let folder = Folder::new();
    let mut journal = folder.journal(Mode::Always);
    let partitions = Partitions::new(2).unwrap();
    let names = ["a", "b", "c", "d"];
    let of = |part| *names.iter().find(|name| partitions.of(name.as_bytes()) == part).unwrap();
    let (_, old) = journal.load(partitions.slots(0)).unwrap();
    let (_, other) = journal.load(partitions.slots(1)).unwrap();
    let (_, new) = journal.load(partitions.slots(0)).unwrap();
    let group = [
        Batch { ticket: old, effects: vec![put(of(0), "old")] },
        Batch { ticket: other, effects: vec![put(of(1), "other")] },
        Batch { ticket: new, effects: vec![put(of(0), "new")] },
    ];
    assert_eq!(journal.commit(0, &group).unwrap().kept, [false, true, true]);
    assert_eq!(journal.load(partitions.slots(0)).unwrap().0, expected(&[put(of(0), "new")]));

    // The next incarnation of the journal shares the file and knows no ticket.
    let mut next = Journal::new(journal.store.clone(), Mode::Always);
    assert_eq!(next.commit(0, &group).unwrap().kept, [false, false, false]);
    // Nor does a commit get in that the dead one had still running on some thread.
    assert_eq!(journal.commit(0, &group).unwrap().kept, [false, false, false]);
    let (space, ticket) = next.load(0..SLOTS).unwrap();
    assert_eq!(space.len(), 2);
    assert!([old, other, new].iter().all(|void| *void != ticket));
}

#[test]
fn a_commit_is_durable_when_the_mode_says_so() {
    // Times of commits, and whether each is durable. The first is, for what a predecessor may have left.
    let rows: [(Mode, &[(u64, bool)]); 3] = [
        (Mode::Always, &[(50_000, true), (50_001, true)]),
        (
            Mode::EverySecond,
            &[(50_000, true), (50_001, false), (51_000, false), (51_001, true), (51_002, false)],
        ),
        (Mode::No, &[(50_000, true), (50_001, false), (80_000, false), (80_001, true)]),
    ];
    for (mode, commits) in rows {
        let folder = Folder::new();
        let mut journal = folder.journal(mode);
        let (_, ticket) = journal.load(0..SLOTS).unwrap();
        for (now, durable) in commits {
            let batch = Batch { ticket, effects: vec![put("k", "v")] };
            assert_eq!(journal.commit(*now, &[batch]).unwrap().durable, *durable, "{mode:?} at {now}");
            assert_eq!(journal.sync_at().is_none(), *durable, "{mode:?} at {now}");
        }
        journal.sync().unwrap();
        assert_eq!(journal.sync_at(), None);
    }
}

/// A copy of the file while it is open is what a kill -9 would leave behind.
#[test]
fn what_was_durable_survives_a_kill_of_the_process() {
    for mode in [Mode::Always, Mode::EverySecond] {
        let (folder, after) = (Folder::new(), Folder::new());
        let mut journal = folder.journal(mode);
        let (_, ticket) = journal.load(0..SLOTS).unwrap();
        let mut kept = Vec::new();
        for n in 0..300 {
            let effect = Effect::PutItem((*b"list").into(), n, vec![7; 100].into());
            kept.push(effect.clone());
            journal.commit(50_000 + n as u64, &[Batch { ticket, effects: vec![effect] }]).unwrap();
        }
        if mode != Mode::Always {
            journal.sync().unwrap();
            journal.commit(50_301, &[Batch { ticket, effects: vec![put("late", "1")] }]).unwrap();
        }
        std::fs::create_dir_all(after.file().parent().unwrap()).unwrap();
        std::fs::copy(folder.file(), after.file()).unwrap();
        assert_eq!(after.journal(mode).load(0..SLOTS).unwrap().0, expected(&kept), "{mode:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_a_clear_error() {
    let folder = Folder::new();
    let journal = folder.journal(Mode::Always);
    let message = |path: PathBuf| Store::open(path).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(message(folder.file()).ends_with("another process has it open"), "{}", message(folder.file()));
    drop(journal);
    assert!(message("/proc/nowhere/store.redb".into()).contains("no folder for it"));

    std::fs::write(folder.file(), b"this is no journal, however long it goes on. ".repeat(1000)).unwrap();
    let text = message(folder.file());
    assert!(text.contains("store.redb") && text.contains("Not a redb database"), "{text}");
}

#[test]
fn damage_is_found_when_the_file_is_opened() {
    let folder = Folder::new();
    let mut journal = folder.journal(Mode::Always);
    let (_, ticket) = journal.load(0..SLOTS).unwrap();
    let effects = (0..2000).map(|n| put(&format!("key{n}"), &"x".repeat(50))).collect();
    journal.commit(0, &[Batch { ticket, effects }]).unwrap();
    drop(journal);
    let whole = std::fs::read(folder.file()).unwrap();
    let needle = b"key1000";
    let at = whole.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut damaged = whole.clone();
    damaged[at] ^= 1;
    for bytes in [damaged, whole[..whole.len() / 2].to_vec()] {
        std::fs::write(folder.file(), bytes).unwrap();
        let error = Store::open(folder.file()).err().expect("opened a damaged file").to_string();
        assert!(error.contains("it is damaged"), "{error}");
    }
}

#[test]
fn after_an_error_the_file_is_opened_anew() {
    let folder = Folder::new();
    let mut journal = folder.journal(Mode::Always);
    let (_, ticket) = journal.load(0..SLOTS).unwrap();
    let batch = [Batch { ticket, effects: vec![put("k", "v")] }];
    journal.commit(0, &batch).unwrap();
    let failed = journal.store.with(|database, _| {
        transact(database, true, |_| -> Result<(), _> {
            Err(redb::Error::Io(std::io::Error::other("disk full")))
        })
    });
    assert!(failed.unwrap_err().to_string().contains("disk full"));
    assert_eq!(journal.commit(0, &batch).unwrap().kept, [false], "tickets are void after an error");
    assert_eq!(journal.load(0..SLOTS).unwrap().0, expected(&[put("k", "v")]));
}

#[test]
fn a_panic_with_the_file_in_hand_is_like_an_error() {
    let folder = Folder::new();
    let mut journal = folder.journal(Mode::Always);
    let (_, ticket) = journal.load(0..SLOTS).unwrap();
    let batch = [Batch { ticket, effects: vec![put("k", "v")] }];
    journal.commit(0, &batch).unwrap();
    let store = journal.store.clone();
    let work = move || store.with(|_, _| -> Result<(), _> { panic!("on purpose") });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    assert!(panicked.is_err());
    assert_eq!(journal.commit(0, &batch).unwrap().kept, [false]);
    assert_eq!(journal.load(0..SLOTS).unwrap().0, expected(&[put("k", "v")]));
}
