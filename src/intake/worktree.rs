//! The mirror: the work tree and git's index follow the branch, off the
//! answering path.
//!
//! A file is brought forward only if its bytes are what the service last put
//! there; anything else is a person's and stays. `refs/golive/mirrored` is the
//! commit up to which that is done. Derived state: losing any of it costs a
//! comparison, never a record.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use git2::{Delta, Oid, Repository};

use super::index::{self, Target};
use super::place::{Placed, Places};
use crate::store::repository::{Location, MIRRORED_REF};
use crate::store::{Published, Store};

/// After so long without a commit, the index is brought forward.
const QUIET: Duration = Duration::from_millis(100);
/// Under steady writing the index is rewritten at most so often, and at most a
/// twentieth of the time: at 100,000 files a rewrite takes 80 ms.
const INDEX_INTERVAL: Duration = Duration::from_secs(1);
const INDEX_SHARE: u32 = 20;
/// What failed is tried again this much later.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// A gap of more commits than this is compared by its two ends alone.
const GAP_MAX: usize = 20_000;

/// Follows the branch with the files and the index of the work tree.
pub struct Mirror {
    location: Location,
    git: Repository,
    places: Places,
    /// Paths whose file was brought forward and whose index entry was not yet.
    behind: BTreeMap<String, Target>,
    /// The commit up to which files were brought forward.
    commit: Oid,
    /// Since when files have to be compared with the tip: something was missed,
    /// could not be written, or may not be now.
    compare_at: Option<Instant>,
    /// Files or index may be at a commit after `commit`: so it is after a crash, and
    /// after a batch of which a part failed.
    may_be_ahead: bool,
    index_written: Instant,
    index_cost: Duration,
    /// What was logged last; the same trouble is said once.
    trouble: Option<String>,
}

impl Mirror {
    /// Reads how far the work tree is. Called before the first write, as the work
    /// tree of a repository that never had a mirror, a clone, is at the tip.
    ///
    /// # Errors
    /// libgit2's.
    pub fn open(store: &Store) -> io::Result<Self> {
        let location = store.location().clone();
        let git = location.open().map_err(io::Error::other)?;
        let places = Places::new(&location.work_dir, &location.own_dir());
        let commit = match git.refname_to_id(MIRRORED_REF) {
            Ok(commit) => commit,
            Err(_) => {
                // Missing, or cut by a power loss: it is written without a sync, being derived.
                let _ = std::fs::remove_file(location.git_dir.join(MIRRORED_REF));
                let tip = store.opened_at();
                git.reference(MIRRORED_REF, tip, true, "mirrored").map_err(io::Error::other)?;
                tip
            }
        };
        Ok(Self {
            location,
            git,
            places,
            behind: BTreeMap::new(),
            commit,
            compare_at: Some(Instant::now()),
            may_be_ahead: true,
            index_written: Instant::now(),
            index_cost: Duration::ZERO,
            trouble: None,
        })
    }

    /// Follows the branch until the store is closed. Errors are logged: the record
    /// is not in the work tree, and the next comparison tries again.
    pub fn run(mut self, store: &Arc<Store>, published: &Receiver<Published>) {
        loop {
            let heard = published.recv_timeout(QUIET);
            let is_closed = matches!(heard, Err(RecvTimeoutError::Disconnected));
            if store.take_missed() {
                self.compare_at = Some(Instant::now());
            }
            if !self.location.is_checked_out().unwrap_or(false) {
                // Another branch, or none: the work tree is a person's until they are back.
                self.start_over();
            } else {
                // What is to be compared comes from there, newer than this.
                if let (Ok(published), None) = (&heard, self.compare_at) {
                    self.follow(published);
                }
                if self.compare_at.is_some_and(|at| at <= Instant::now() || is_closed) {
                    self.compare(store.snapshot().commit);
                }
                let is_due = self.index_written.elapsed() > INDEX_INTERVAL.max(self.index_cost * INDEX_SHARE);
                if heard.is_err() || is_due {
                    self.write_index(store);
                }
            }
            if is_closed {
                return;
            }
        }
    }

    /// Forgets what was brought forward and not noted; to be compared later.
    fn start_over(&mut self) {
        self.behind.clear();
        if let Ok(commit) = self.git.refname_to_id(MIRRORED_REF) {
            self.commit = commit;
        }
        self.may_be_ahead = true;
        self.compare_at = Some(Instant::now());
    }

    fn follow(&mut self, published: &Published) {
        for change in &published.changes {
            let is_base = |found: Oid| Some(found) == change.before;
            let placed = self.places.put(&change.path, &change.file, &is_base);
            self.note(&change.path, placed, vec![change.before], Some(change.blob));
        }
        if self.compare_at.is_none() {
            self.commit = published.snapshot.commit;
        } else {
            self.may_be_ahead = true;
        }
    }

    /// Notes what became of a file: for the index, for the log if it is odd, and
    /// for another try if it failed.
    fn note(&mut self, path: &str, placed: io::Result<Placed>, bases: Vec<Option<Oid>>, blob: Option<Oid>) {
        match placed {
            Ok(Placed::Forward) => {}
            Ok(Placed::LeftAlone) => {
                tracing::warn!(path, "`{path}` in the work tree was changed by hand and is left alone");
            }
            Err(error) => {
                self.compare_at = Some(Instant::now() + RETRY_INTERVAL);
                return self.complain(format!("`{path}` could not be put into the work tree: {error}"));
            }
        }
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend(bases);
        target.blob = blob;
    }

    fn complain(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::error!("{trouble}");
            self.trouble = Some(trouble);
        }
    }

    /// Brings forward whatever differs between the commit that is mirrored and
    /// the tip, by the two trees.
    fn compare(&mut self, tip: Oid) {
        self.compare_at = None;
        let before = self.commit;
        if let Err(error) = self.try_compare(tip) {
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
        // Costs a look at every commit of the gap, and is hardly ever needed.
        let between = OnceCell::new();
        let look_between = || between.get_or_init(|| blobs_between(&git, self.commit, tip).unwrap_or_default());
        if self.may_be_ahead {
            look_between();
        }
        let was_between = |path: &str, found: Oid| look_between().get(path).is_some_and(|blobs| blobs.contains(&found));
        let diff = git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
        let mut outcomes = Vec::new();
        for delta in diff.deltas() {
            let Some(path) = delta.new_file().path().and_then(|path| path.to_str()) else { continue };
            let is_file = |mode: git2::FileMode| matches!(mode, git2::FileMode::Blob | git2::FileMode::Unreadable);
            if !is_file(delta.old_file().mode()) || !is_file(delta.new_file().mode()) {
                continue;
            }
            let base = (delta.status() != Delta::Added).then(|| delta.old_file().id());
            let is_base = |found: Oid| Some(found) == base || was_between(path, found);
            let (placed, blob) = if delta.status() == Delta::Deleted {
                (self.places.remove(path, &is_base), None)
            } else {
                let blob = delta.new_file().id();
                (self.places.put(path, git.find_blob(blob)?.content(), &is_base), Some(blob))
            };
            outcomes.push((path.to_owned(), placed, base, blob));
        }
        for (path, placed, base, blob) in outcomes {
            let bases = between.get().and_then(|between| between.get(&path)).into_iter().flatten().copied().map(Some);
            self.note(&path, placed, bases.chain([base]).collect(), blob);
        }
        self.commit = tip;
        self.may_be_ahead = false;
        Ok(())
    }

    /// Brings the index forward and notes how far the mirror is. While a person
    /// holds the index, the next quiet moment tries again.
    fn write_index(&mut self, store: &Store) {
        let is_noted = self.git.refname_to_id(MIRRORED_REF).is_ok_and(|id| id == self.commit);
        if self.behind.is_empty() && is_noted && self.location.git_dir.join("index").exists() {
            return;
        }
        if self.trouble.is_some() && self.index_written.elapsed() < RETRY_INTERVAL {
            return;
        }
        let start = Instant::now();
        match index::update(&self.location, self.commit, &self.behind) {
            Ok(true) => {
                store.index_is_at(self.behind.iter().map(|(path, target)| (path.as_str(), target.blob)));
                self.behind.clear();
                self.trouble = self.trouble.take().filter(|_| self.compare_at.is_some());
                let noted = self.git.reference(MIRRORED_REF, self.commit, true, "mirrored").map(|_| ());
                if let Err(error) = noted {
                    self.complain(format!("`{MIRRORED_REF}` could not be set: {error}"));
                }
            }
            Ok(false) => {}
            Err(error) => self.complain(format!("git's index could not be brought forward: {error}")),
        }
        (self.index_written, self.index_cost) = (Instant::now(), start.elapsed());
    }
}

/// Returns the blobs that each path had in the commits between `old` and `tip`:
/// after a crash the work tree may be at any of them.
fn blobs_between(git: &Repository, old: Oid, tip: Oid) -> Result<HashMap<String, HashSet<Oid>>, git2::Error> {
    let mut between: HashMap<String, HashSet<Oid>> = HashMap::new();
    let mut commit = git.find_commit(tip)?;
    for _ in 0..GAP_MAX {
        let Ok(parent) = commit.parent(0) else { break };
        let diff = git.diff_tree_to_tree(Some(&parent.tree()?), Some(&commit.tree()?), None)?;
        for delta in diff.deltas() {
            if let Some(path) = delta.new_file().path().and_then(|path| path.to_str()) {
                between.entry(path.to_owned()).or_default().insert(delta.new_file().id());
            }
        }
        if parent.id() == old {
            break;
        }
        commit = parent;
    }
    Ok(between)
}
