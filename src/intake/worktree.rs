//! The mirror: the work tree and git's index follow the branch, off the
//! answering path.
//!
//! A file is brought forward only if its bytes are what the service last put
//! there; anything else is a person's and stays. `refs/golive/mirrored` is the
//! commit up to which that is done. Derived state: losing any of it costs a
//! comparison, never a record.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use git2::{Delta, Oid, Repository};

use super::index::{self, Target};
use super::place::{Placed, Places};
use crate::store::repository::Location;
use crate::store::{Published, Store};

const MIRRORED_REF: &str = "refs/golive/mirrored";
/// After so long without a commit, the index is brought forward.
const QUIET: Duration = Duration::from_millis(100);
/// Under steady writing the index is rewritten at most so often, and at most a
/// twentieth of the time: at 100,000 files a rewrite takes 80 ms.
const INDEX_INTERVAL: Duration = Duration::from_secs(1);
const INDEX_SHARE: u32 = 20;
/// A gap of more commits than this is compared by its two ends alone.
const GAP_MAX: usize = 20_000;

struct Mirror {
    location: Location,
    git: Repository,
    places: Places,
    /// Paths whose file was brought forward and whose index entry was not yet.
    behind: BTreeMap<String, Target>,
    /// The commit up to which files were brought forward.
    commit: Oid,
    index_written: Instant,
    index_cost: Duration,
}

/// Follows the branch until the store is closed. Errors are logged: the record
/// is not in the work tree, and the next comparison tries again.
pub fn run(store: &Arc<Store>, published: &Receiver<Published>) {
    let mut mirror = match Mirror::open(store) {
        Ok(mirror) => mirror,
        Err(error) => return tracing::error!(%error, "The work tree cannot follow the branch: {error}"),
    };
    mirror.compare(store);
    loop {
        match published.recv_timeout(QUIET) {
            Ok(published) => mirror.follow(&published),
            Err(RecvTimeoutError::Timeout) => mirror.write_index(),
            Err(RecvTimeoutError::Disconnected) => {
                if store.take_missed() {
                    mirror.compare(store);
                }
                return mirror.write_index();
            }
        }
        if store.take_missed() {
            mirror.compare(store);
        }
        if mirror.index_written.elapsed() > INDEX_INTERVAL.max(mirror.index_cost * INDEX_SHARE) {
            mirror.write_index();
        }
    }
}

impl Mirror {
    fn open(store: &Store) -> io::Result<Self> {
        let location = store.location().clone();
        let git = location.open().map_err(io::Error::other)?;
        let places = Places::new(&location.work_dir, &location.own_dir())?;
        let tip = store.snapshot().commit;
        // The first time, the work tree is taken to be at the tip, as a clone is.
        let commit = git.refname_to_id(MIRRORED_REF).unwrap_or(tip);
        let (index_written, index_cost) = (Instant::now(), Duration::ZERO);
        Ok(Self { location, git, places, behind: BTreeMap::new(), commit, index_written, index_cost })
    }

    fn follow(&mut self, published: &Published) {
        for change in &published.changes {
            let is_base = |found: Oid| Some(found) == change.before;
            let placed = self.places.put(&change.path, &change.file, &is_base);
            self.note(&change.path, placed, vec![change.before], Some(change.blob));
        }
        self.commit = published.commit;
    }

    /// Notes what became of a file, for the index and, if it is odd, for the log.
    fn note(&mut self, path: &str, placed: io::Result<Placed>, bases: Vec<Option<Oid>>, blob: Option<Oid>) {
        match placed {
            Ok(Placed::Forward) => {}
            Ok(Placed::LeftAlone) => tracing::warn!(path, "`{path}` in the work tree was changed by hand and is left alone"),
            Err(error) => tracing::error!(path, %error, "`{path}` could not be put into the work tree: {error}"),
        }
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend(bases);
        target.blob = blob;
    }

    /// Brings forward whatever differs between the commit that is mirrored and
    /// the tip, by the two trees.
    fn compare(&mut self, store: &Store) {
        let tip = store.snapshot().commit;
        if let Err(error) = self.try_compare(tip) {
            tracing::error!(%error, "The work tree could not be compared with the tip: {error}");
        }
    }

    fn try_compare(&mut self, tip: Oid) -> Result<(), git2::Error> {
        if tip == self.commit {
            return Ok(());
        }
        let git = self.location.open()?;
        let (old, new) = (git.find_commit(self.commit)?.tree()?, git.find_commit(tip)?.tree()?);
        let between = blobs_between(&git, self.commit, tip)?;
        let diff = git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
        for delta in diff.deltas() {
            let Some(path) = delta.new_file().path().and_then(|path| path.to_str()) else { continue };
            let is_file = |mode: git2::FileMode| matches!(mode, git2::FileMode::Blob | git2::FileMode::Unreadable);
            if !is_file(delta.old_file().mode()) || !is_file(delta.new_file().mode()) {
                continue;
            }
            let base = (delta.status() != Delta::Added).then(|| delta.old_file().id());
            let none = HashSet::new();
            let between = between.get(path).unwrap_or(&none);
            let is_base = |found: Oid| Some(found) == base || between.contains(&found);
            let bases = std::iter::once(base).chain(between.iter().copied().map(Some)).collect();
            if delta.status() == Delta::Deleted {
                let placed = self.places.remove(path, &is_base);
                self.note(path, placed, bases, None);
            } else {
                let blob = delta.new_file().id();
                let placed = self.places.put(path, git.find_blob(blob)?.content(), &is_base);
                self.note(path, placed, bases, Some(blob));
            }
        }
        self.commit = tip;
        Ok(())
    }

    /// Brings the index forward and notes how far the mirror is. While a person
    /// holds the index, the next quiet moment tries again.
    fn write_index(&mut self) {
        if self.behind.is_empty() && self.git.refname_to_id(MIRRORED_REF).is_ok_and(|id| id == self.commit) {
            return;
        }
        let start = Instant::now();
        let result = index::update(&self.location, &self.behind).and_then(|written| {
            if written {
                self.behind.clear();
                self.git.reference(MIRRORED_REF, self.commit, true, "mirrored").map_err(io::Error::other)?;
            }
            Ok(())
        });
        if let Err(error) = result {
            tracing::error!(%error, "Git's index could not be brought forward: {error}");
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
