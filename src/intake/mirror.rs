//! The mirror: files and git's index of the work tree follow the branch, off the
//! answering path. Here is what it knows: how far it is, and what each file was
//! made from.
//!
//! Derived state: losing any of it costs a comparison, never a record.

mod compare;
mod files;
mod placed;
mod progress;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use git2::{Oid, Repository};

use super::held::Held;
use super::index::Target;
use super::place::Places;
use super::replaced::Replaced;
use super::verified::Verified;
use crate::failpoint::failpoint;
use crate::store::history;
use crate::store::repository::{Location, MIRRORED_REF};
use crate::store::snapshot::Snapshot;
use crate::store::{Store, Via};
use placed::PlacedFiles;

/// What failed is tried again this much later.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Versions of one file that are looked for in the history.
const REPLACED_MAX: usize = 16;

/// Follows the branch with the files and the index of the work tree.
pub(super) struct Mirror {
    location: Location,
    /// For references alone.
    git: Repository,
    places: Places,
    /// Paths whose file was brought forward and whose index entry was not yet.
    behind: BTreeMap<String, Target>,
    /// What the index may hold of files that were not brought forward.
    passed: HashMap<String, Vec<Option<Oid>>>,
    /// Files that were held at the start. That is noted before the index is written: a crash
    /// in between left it at whatever it had, and no commit from here on says what that is.
    unsure: HashSet<String>,
    /// The commit up to which files were brought forward, and its state.
    commit: Oid,
    at: Arc<Snapshot>,
    /// Bases of files that were not brought forward.
    held: Held,
    /// Versions that files have already, and that the branch's news has not told of yet.
    ahead: HashMap<String, Oid>,
    /// What an editor may still have open.
    pub(super) replaced: Replaced,
    pub(super) placed: PlacedFiles,
    /// Files that were not brought forward, to be looked at after so long.
    left: Vec<(String, Duration)>,
    /// It is not known how far the work tree was at the start.
    pub(super) has_lost_place: bool,
    /// Since when files have to be compared with the tip: something was missed,
    /// could not be written, or may not be now.
    compare_at: Option<Instant>,
    index_written: Instant,
    /// Since when something waits for the index.
    behind_since: Instant,
    index_cost: Duration,
    /// What was logged last; the same trouble is said once.
    trouble: Option<String>,
}

impl Mirror {
    /// Reads how far the work tree is.
    ///
    /// # Errors
    /// libgit2's.
    pub(super) fn open(store: &Store, verified: Verified) -> io::Result<Self> {
        let location = store.location().clone();
        let git = location.open().map_err(io::Error::other)?;
        let places = Places::new(&location.work_dir, &location.own_dir());
        // By a handle of its own: one that looked at objects once keeps every pack open.
        let is_there = |commit: &Oid| location.open().is_ok_and(|git| git.find_commit(*commit).is_ok());
        let found = git.refname_to_id(MIRRORED_REF).ok().filter(is_there);
        let commit = match found {
            Some(commit) => commit,
            None => {
                // Missing, or cut by a power loss: it is written without a sync, being derived.
                let _ = std::fs::remove_file(location.git_dir.join(MIRRORED_REF));
                failpoint!("mirrored.dropped");
                let tip = store.opened_at();
                git.reference(MIRRORED_REF, tip, true, "mirrored").map_err(io::Error::other)?;
                tip
            }
        };
        let held = Held::open(&location.own_dir());
        let mut mirror = Self {
            left: held.paths().map(|path| (path.clone(), Duration::ZERO)).collect(),
            unsure: held.paths().cloned().collect(),
            held,
            location,
            git,
            places,
            behind: BTreeMap::new(),
            passed: HashMap::new(),
            commit,
            at: store.snapshot(),
            ahead: HashMap::new(),
            replaced: Replaced::default(),
            placed: PlacedFiles::new(verified),
            has_lost_place: found.is_none(),
            compare_at: Some(Instant::now()),
            index_written: Instant::now(),
            behind_since: Instant::now(),
            index_cost: Duration::ZERO,
            trouble: None,
        };
        if mirror.has_lost_place {
            mirror.doubt_index();
        }
        Ok(mirror)
    }

    /// Returns the state that the work tree was brought to; `None` if that is
    /// not known before the next comparison.
    pub(super) fn at(&self) -> Option<&Arc<Snapshot>> {
        self.compare_at.is_none().then_some(&self.at)
    }

    /// Returns the newest version of the file at `path` that is known here.
    pub(super) fn tip(&self, path: &str) -> Option<Oid> {
        self.ahead.get(path).copied().or_else(|| self.at.blob_at(path))
    }

    /// Returns the version that whoever changed the file at `path` started from.
    pub(super) fn base(&self, path: &str) -> Option<Oid> {
        self.held.get(path).unwrap_or_else(|| self.tip(path))
    }

    /// Has the file at `path` looked at again in a while.
    pub(super) fn look_later(&mut self, path: &str) {
        self.left.push((path.to_owned(), RETRY_INTERVAL));
    }

    /// Takes out the files that were not brought forward since the last call, and
    /// after how long each is to be looked at.
    pub(super) fn take_left(&mut self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.left)
    }

    /// Returns the blobs that the file at `path` had in its report's commits.
    pub(super) fn older_versions(&self, path: &str) -> HashSet<Oid> {
        let (Some(entry), Ok(git)) = (self.at.at_path(path), self.location.open()) else { return HashSet::new() };
        let blob = |commit: Oid| {
            let tree = git.find_commit(commit)?.tree()?;
            tree.get_path(std::path::Path::new(path)).map(|entry| entry.id())
        };
        entry.commits.iter().filter_map(|commit| blob(commit).ok()).collect()
    }

    /// Returns the versions of the file at `path` that the report's commits replaced
    /// since then, newest first, back to what a person saved last.
    pub(super) fn replaced_since(&self, path: &str, since: SystemTime) -> Vec<Oid> {
        let (Some(entry), Ok(git)) = (self.at.at_path(path), self.location.open()) else { return Vec::new() };
        let since = since.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
        let replaced = |commit: Oid| -> Option<Oid> {
            let commit = git.find_commit(commit).ok()?;
            let is_own = history::via(commit.message().ok()?).is_some_and(|via| via != Via::HandEdit.as_str());
            let is_recent = commit.time().seconds() >= since;
            let tree = commit.parent(0).ok().filter(|_| is_own && is_recent)?.tree().ok()?;
            Some(tree.get_path(std::path::Path::new(path)).ok()?.id())
        };
        entry.commits.iter().map_while(replaced).take(REPLACED_MAX).collect()
    }

    /// Returns the bytes of a version.
    ///
    /// # Errors
    /// libgit2's, if it is not there.
    pub(super) fn file(&self, blob: Oid) -> io::Result<Vec<u8>> {
        // A handle keeps every pack mapped that it ever opened; the one here lives long.
        let git = self.location.open().map_err(io::Error::other)?;
        git.find_blob(blob).map(|blob| blob.content().to_vec()).map_err(io::Error::other)
    }

    fn complain(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::error!("{trouble}");
            self.trouble = Some(trouble);
        }
    }
}
