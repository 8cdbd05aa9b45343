//! `[pure]` The directory: names as they are, names as the medium has them, and the changes between the two.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    now: Table,
    durable: Table,
    pending: Vec<Edit>,
}

type Table = BTreeMap<String, u64>;

#[derive(Clone, Debug)]
enum Edit {
    Link { name: String, file: u64 },
    Rename { from: String, to: String },
    Unlink { name: String },
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<u64> {
        self.now.get(name).copied()
    }

    pub(super) fn list(&self) -> impl Iterator<Item = &str> {
        self.now.keys().map(String::as_str)
    }

    pub(super) fn link(&mut self, name: &str, file: u64) {
        self.edit(Edit::Link { name: name.into(), file });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.edit(Edit::Rename { from: from.into(), to: to.into() });
    }

    pub(super) fn unlink(&mut self, name: &str) {
        self.edit(Edit::Unlink { name: name.into() });
    }

    /// Has the file a name, or may it have one after a crash?
    pub(super) fn has(&self, file: u64) -> bool {
        let linked = |edit: &Edit| matches!(edit, Edit::Link { file: linked, .. } if *linked == file);
        let in_table = |table: &Table| table.values().any(|named| *named == file);
        in_table(&self.now) || in_table(&self.durable) || self.pending.iter().any(linked)
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.now);
    }

    /// Changes survive up to the first that is lost, as `is_lost` says; how many are lost.
    pub(super) fn crash(&mut self, mut is_lost: impl FnMut() -> bool) -> u64 {
        let pending = std::mem::take(&mut self.pending);
        let kept = pending.iter().take_while(|_| !is_lost()).count();
        for edit in &pending[..kept] {
            apply(&mut self.durable, edit);
        }
        self.now.clone_from(&self.durable);
        (pending.len() - kept) as u64
    }

    fn edit(&mut self, edit: Edit) {
        apply(&mut self.now, &edit);
        self.pending.push(edit);
    }
}

fn apply(table: &mut Table, edit: &Edit) {
    match edit {
        Edit::Link { name, file } => {
            table.insert(name.clone(), *file);
        }
        Edit::Rename { from, to } => {
            if let Some(file) = table.remove(from) {
                table.insert(to.clone(), file);
            }
        }
        Edit::Unlink { name } => {
            table.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &Names) -> Vec<(&str, u64)> {
        names.now.iter().map(|(name, file)| (name.as_str(), *file)).collect()
    }

    #[test]
    fn changes_of_names_survive_in_their_order() {
        let mut names = Names::default();
        names.link("a", 1);
        names.sync();
        names.link("b", 2);
        names.rename("b", "a");
        names.unlink("a");
        assert_eq!(listed(&names), []);
        let rows: [(usize, &[(&str, u64)]); 4] =
            [(0, &[("a", 1)]), (1, &[("a", 1), ("b", 2)]), (2, &[("a", 2)]), (3, &[])];
        for (kept, expect) in rows {
            let (mut after, mut asked) = (names.clone(), 0);
            let lost = after.crash(|| {
                asked += 1;
                asked > kept
            });
            assert_eq!((listed(&after), lost as usize), (expect.to_vec(), 3 - kept), "{kept} kept");
        }
        assert!(names.has(1) && names.has(2), "both may come back");
        names.sync();
        assert!(!names.has(1) && !names.has(2));
    }
}
