//! A table against a list of what was put into it.

use super::{Rule, Table};
use crate::registry::Entry;
use proptest::prelude::*;
use ravelin_core::Pid;

/// What befalls a table: keys and owners are few, so that they meet.
#[derive(Clone, Debug)]
enum Deed {
    Insert { key: u8, owner: u32, value: u8 },
    Remove { key: u8, owner: u32, even: bool },
    RemoveOwner { owner: u32 },
    Replace { key: u8, value: u8 },
    Die { owner: u32 },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let (key, owner, value) = (0..4_u8, 0..4_u32, 0..9_u8);
    let deed = prop_oneof![
        4 => (key.clone(), owner.clone(), value.clone()).prop_map(|(key, owner, value)| Deed::Insert { key, owner, value }),
        2 => (key.clone(), owner.clone(), any::<bool>()).prop_map(|(key, owner, even)| Deed::Remove { key, owner, even }),
        1 => owner.clone().prop_map(|owner| Deed::RemoveOwner { owner }),
        1 => (key, value).prop_map(|(key, value)| Deed::Replace { key, value }),
        1 => owner.prop_map(|owner| Deed::Die { owner }),
    ];
    prop::collection::vec(deed, 0..60)
}

fn pid(owner: u32) -> Pid {
    Pid::from_parts(0, owner, 1)
}

/// Serial number, key, owner, value.
type Row = (u64, u8, Pid, u8);

fn agree(table: &Table<u8, u8>, rows: &[Row]) {
    for key in 0..4 {
        let found: Vec<Row> =
            table.entries_of(&key).map(|(serial, entry)| (serial, key, entry.pid, entry.value)).collect();
        let wanted: Vec<Row> = rows.iter().filter(|row| row.1 == key).copied().collect();
        assert_eq!(found, wanted, "the entries of {key}");
    }
    for owner in (0..4).map(pid) {
        let found: Vec<(u64, u8)> = table.keys_of(owner).map(|(serial, key)| (serial, *key)).collect();
        let wanted: Vec<(u64, u8)> =
            rows.iter().filter(|row| row.2 == owner).map(|row| (row.0, row.1)).collect();
        assert_eq!((table.count_of(owner), found), (wanted.len(), wanted), "the keys of {owner}");
    }
    let mut owners: Vec<Pid> = rows.iter().map(|row| row.2).collect();
    owners.sort();
    owners.dedup();
    assert_eq!(table.owners(), owners);
}

fn live(rule: Rule, deeds: Vec<Deed>) {
    let (mut table, mut rows, mut dead) = (Table::new(), Vec::<Row>::new(), Vec::new());
    for (serial, deed) in (0..).zip(deeds) {
        match deed {
            Deed::Insert { key, owner, value } => {
                let owner = pid(owner);
                let holder = rows.iter().find(|row| rule == Rule::Unique && row.1 == key).map(|row| row.2);
                let is_alive = |pid| !dead.contains(&pid);
                match table.insert(rule, key, Entry { pid: owner, value }, serial, &is_alive) {
                    Err(taken) => assert!(holder == Some(taken) && is_alive(taken)),
                    Ok(inserted) => {
                        assert!(holder.is_none_or(|holder| !is_alive(holder)));
                        assert_eq!(inserted.displaced.len(), usize::from(holder.is_some()));
                        rows.retain(|row| rule == Rule::Duplicate || row.1 != key);
                        assert_eq!(inserted.is_first_of_owner, rows.iter().all(|row| row.2 != owner));
                        rows.push((serial, key, owner, value));
                    }
                }
            }
            Deed::Remove { key, owner, even } => {
                let owner = pid(owner);
                let goes = |row: &Row| row.1 == key && row.2 == owner && row.3.is_multiple_of(2) == even;
                let removed = table.remove(owner, &key, |value| value.is_multiple_of(2) == even);
                assert_eq!(removed.len(), rows.iter().filter(|row| goes(row)).count());
                rows.retain(|row| !goes(row));
            }
            Deed::RemoveOwner { owner } => {
                let removed = table.remove_owner(pid(owner));
                let values: Vec<u8> = removed.iter().map(|(_, entry)| entry.value).collect();
                let wanted: Vec<u8> =
                    rows.iter().filter(|row| row.2 == pid(owner)).map(|row| row.3).collect();
                assert_eq!(values, wanted);
                rows.retain(|row| row.2 != pid(owner));
            }
            Deed::Replace { key, value } => {
                let first = rows.iter_mut().find(|row| row.1 == key);
                let serial = first.as_ref().map_or(u64::MAX, |row| row.0);
                assert_eq!(table.replace(&key, serial, value).ok(), first.as_ref().map(|row| row.3));
                if let Some(row) = first {
                    row.3 = value;
                }
            }
            Deed::Die { owner } => dead.push(pid(owner)),
        }
        agree(&table, &rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_table_holds_what_was_put_into_it(unique in any::<bool>(), deeds in deeds()) {
        live(if unique { Rule::Unique } else { Rule::Duplicate }, deeds);
    }
}
