//! What differs between the commit that is mirrored and the tip, by the two
//! trees: after a start, and whenever the branch's news were missed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use git2::{Delta, Oid, Repository};

use super::{Mirror, RETRY_INTERVAL};
use crate::failpoint::failpoint;
use crate::intake::place::{Placed, is_inside};
use crate::store::repository::MIRRORED_REF;
use crate::store::size::is_too_long;
use crate::store::snapshot::Snapshot;
use crate::store::{Store, changed_blobs, is_report_path};

/// A gap of more commits than this is compared by its two ends alone.
const GAP_MAX: usize = 20_000;

impl Mirror {
    /// Something was missed.
    pub(in crate::intake) fn compare_soon(&mut self) {
        self.compare_at = Some(Instant::now());
    }

    /// Compares if that is due; `is_last`: whatever is due later, too.
    pub(in crate::intake) fn compare_if_due(&mut self, store: &Store, is_last: bool) {
        if self.compare_at.is_some_and(|at| at <= Instant::now() || is_last) {
            self.compare(store.snapshot());
        }
    }

    /// Forgets what was brought forward and not noted; to be compared later.
    pub(in crate::intake) fn start_over(&mut self) {
        self.ahead.clear();
        // Not before that is read: else nothing would know what the index lacks.
        if let Ok(commit) = self.git.refname_to_id(MIRRORED_REF) {
            self.commit = commit;
            self.behind.clear();
            self.unsure.extend(self.held.released().cloned());
        }
        self.compare_at = Some(Instant::now());
    }

    /// Brings forward whatever differs between the commit that is mirrored and
    /// the tip, by the two trees.
    fn compare(&mut self, tip: Arc<Snapshot>) {
        self.compare_at = None;
        self.ahead.clear();
        let before = self.commit;
        self.at = tip;
        if let Err(error) = self.try_compare(self.at.commit) {
            self.compare_at = Some(Instant::now() + RETRY_INTERVAL);
            self.complain(format!("the work tree could not be compared with the tip: {error}"));
        }
        if self.compare_at.is_some() {
            self.commit = before;
        }
    }

    fn try_compare(&mut self, tip: Oid) -> Result<(), git2::Error> {
        if tip == self.commit {
            return Ok(());
        }
        let git = self.location.open()?;
        let (old, new) = (git.find_commit(self.commit)?.tree()?, git.find_commit(tip)?.tree()?);
        let between = blobs_between(&git, self.commit, tip).unwrap_or_default();
        let was_between = |path: &str, found: Oid| between.get(path).is_some_and(|blobs| blobs.contains(&found));
        failpoint!("compare.begun");
        let diff = git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
        let mut outcomes = Vec::new();
        for delta in diff.deltas() {
            let Some(path) = delta.new_file().path().and_then(|path| path.to_str()) else { continue };
            if !is_inside(path) {
                tracing::warn!(path, "`{path}` leads out of the work tree, and is not put there");
                continue;
            }
            let is_file = |mode: git2::FileMode| match mode {
                // A report's is set right; all others are the person's.
                git2::FileMode::BlobExecutable => is_report_path(path),
                mode => matches!(mode, git2::FileMode::Blob | git2::FileMode::Unreadable),
            };
            if !is_file(delta.old_file().mode()) || !is_file(delta.new_file().mode()) {
                continue;
            }
            if delta.status() != Delta::Deleted && is_too_long(&git, delta.new_file().id())? {
                tracing::warn!(
                    path,
                    "`{path}` is too large to be put into the work tree: `git checkout -- {path}` does it"
                );
                continue;
            }
            let before = (delta.status() != Delta::Added).then(|| delta.old_file().id());
            let base = self.held.get(path).unwrap_or(before);
            let is_base = |found: Oid| Some(found) == base || was_between(path, found);
            let (placed, blob) = if delta.status() == Delta::Deleted {
                (self.places.remove(path, &is_base), None)
            } else {
                let blob = delta.new_file().id();
                (self.put(path, git.find_blob(blob)?.content(), blob, base, &is_base), Some(blob))
            };
            outcomes.push((path.to_owned(), placed, base, before, blob));
            failpoint!("compare.placed");
        }
        // Put back by a later commit: the tree is as before, and the file may be as between.
        let seen: HashSet<String> = outcomes.iter().map(|(path, ..)| path.clone()).collect();
        for (path, blobs) in between.iter().filter(|(path, _)| path.starts_with("reports/") && is_inside(path)) {
            let tip = new.get_path(std::path::Path::new(path)).map(|entry| entry.id());
            if let (Ok(tip), false) = (tip, seen.contains(path))
                && !is_too_long(&git, tip)?
            {
                let base = self.held.get(path).unwrap_or(Some(tip));
                let placed = self.put(path, git.find_blob(tip)?.content(), tip, base, &|found| blobs.contains(&found));
                outcomes.push((path.clone(), placed, base, Some(tip), Some(tip)));
            }
        }
        let index = git.index().ok();
        let staged = |path: &str| Some(index.as_ref()?.get_path(std::path::Path::new(path), 0)?.id);
        // Came and went: neither tree has it, and the file may be there.
        let has = |tree: &git2::Tree<'_>, path: &str| tree.get_path(std::path::Path::new(path)).is_ok();
        for (path, blobs) in between.iter().filter(|(path, _)| is_inside(path)) {
            if has(&old, path) || has(&new, path) {
                continue;
            }
            let placed = self.places.remove(path, &|found| blobs.contains(&found));
            // Another file of that name is a person's; the index may have the one that went.
            let is_staged = || staged(path).is_some_and(|found| blobs.contains(&found));
            if !matches!(placed, Ok(Placed::LeftAlone)) || is_staged() {
                outcomes.push((path.clone(), placed, None, None, None));
            }
        }
        for (path, placed, base, before, blob) in outcomes {
            // A person committed a part of what they saved: the rest was made from that.
            let is_rest = matches!(placed, Ok(Placed::LeftAlone)) && blob.is_some() && staged(&path) == blob;
            let base = if is_rest { blob } else { base };
            if let (Ok(Placed::Forward(_)), Some(old)) = (&placed, base.filter(|base| Some(*base) != blob)) {
                self.replaced.add(&path, old, Instant::now());
            }
            // What the index may hold, wherever it was cut off on the way.
            let bases = between.get(&path).into_iter().flatten().copied().map(Some).chain([before]);
            self.note(&path, placed, base, bases.collect(), blob);
        }
        failpoint!("compare.done");
        self.commit = tip;
        Ok(())
    }
}

/// Returns the blobs that each path had in the commits between `old` and `tip`:
/// after a crash the work tree may be at any of them. Beside a busy service this
/// must take less for a commit than the service does to make one, or the work tree
/// never catches up.
fn blobs_between(git: &Repository, old: Oid, tip: Oid) -> Result<HashMap<String, HashSet<Oid>>, git2::Error> {
    let mut between: HashMap<String, HashSet<Oid>> = HashMap::new();
    let mut commit = git.find_commit(tip)?;
    for _ in 0..GAP_MAX {
        let Ok(parent) = commit.parent(0) else { break };
        for (path, blob) in changed_blobs(git, parent.tree_id(), commit.tree_id())? {
            between.entry(path).or_default().extend(blob);
        }
        if parent.id() == old {
            break;
        }
        commit = parent;
    }
    Ok(between)
}
