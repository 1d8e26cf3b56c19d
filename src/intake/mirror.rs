//! The mirror: files and git's index of the work tree follow the branch, off the
//! answering path.
//!
//! A file is brought forward only if its bytes are what the service last put
//! there; anything else is a person's, stays, and is [`super::edits`]' to look at.
//! `refs/golive/mirrored` is the commit up to which that is done. Derived state:
//! losing any of it costs a comparison, never a record.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use git2::{Delta, Oid, Repository};

use super::held::Held;
use super::index::{self, Target};
use super::place::{Placed, Places};
use crate::store::repository::{Location, MIRRORED_REF};
use crate::store::snapshot::Snapshot;
use crate::store::{Published, Store};

/// Under steady writing the index is rewritten at most so often, and at most a
/// twentieth of the time: at 100,000 files a rewrite takes 80 ms.
const INDEX_INTERVAL: Duration = Duration::from_secs(1);
const INDEX_SHARE: u32 = 20;
/// What failed is tried again this much later.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// A gap of more commits than this is compared by its two ends alone.
const GAP_MAX: usize = 20_000;

/// Follows the branch with the files and the index of the work tree.
pub(super) struct Mirror {
    location: Location,
    git: Repository,
    places: Places,
    /// Paths whose file was brought forward and whose index entry was not yet.
    behind: BTreeMap<String, Target>,
    /// The commit up to which files were brought forward, and its state.
    commit: Oid,
    at: Arc<Snapshot>,
    /// Bases of files that were not brought forward.
    held: Held,
    /// Versions that files have already, and that the branch's news has not told of yet.
    ahead: HashMap<String, Oid>,
    /// Files that were not brought forward, to be looked at after so long.
    left: Vec<(String, Duration)>,
    /// It is not known how far the work tree was at the start.
    pub(super) has_lost_place: bool,
    /// Since when files have to be compared with the tip: something was missed,
    /// could not be written, or may not be now.
    compare_at: Option<Instant>,
    index_written: Instant,
    index_cost: Duration,
    /// What was logged last; the same trouble is said once.
    trouble: Option<String>,
}

impl Mirror {
    /// Reads how far the work tree is.
    ///
    /// # Errors
    /// libgit2's.
    pub(super) fn open(store: &Store) -> io::Result<Self> {
        let location = store.location().clone();
        let git = location.open().map_err(io::Error::other)?;
        let places = Places::new(&location.work_dir, &location.own_dir());
        let found = git.refname_to_id(MIRRORED_REF).ok().filter(|commit| git.find_commit(*commit).is_ok());
        let commit = match found {
            Some(commit) => commit,
            None => {
                // Missing, or cut by a power loss: it is written without a sync, being derived.
                let _ = std::fs::remove_file(location.git_dir.join(MIRRORED_REF));
                let tip = store.opened_at();
                git.reference(MIRRORED_REF, tip, true, "mirrored").map_err(io::Error::other)?;
                tip
            }
        };
        let held = Held::open(&location.own_dir());
        Ok(Self {
            left: held.paths().map(|path| (path.clone(), Duration::ZERO)).collect(),
            held,
            location,
            git,
            places,
            behind: BTreeMap::new(),
            commit,
            at: store.snapshot(),
            ahead: HashMap::new(),
            has_lost_place: found.is_none(),
            compare_at: Some(Instant::now()),
            index_written: Instant::now(),
            index_cost: Duration::ZERO,
            trouble: None,
        })
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

    /// Takes out the files that were not brought forward since the last call, and
    /// after how long each is to be looked at.
    pub(super) fn take_left(&mut self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.left)
    }

    /// Something was missed.
    pub(super) fn compare_soon(&mut self) {
        self.compare_at = Some(Instant::now());
    }

    /// Compares if that is due; `is_last`: whatever is due later, too.
    pub(super) fn compare_if_due(&mut self, store: &Store, is_last: bool) {
        if self.compare_at.is_some_and(|at| at <= Instant::now() || is_last) {
            self.compare(store.snapshot());
        }
    }

    /// Forgets what was brought forward and not noted; to be compared later.
    pub(super) fn start_over(&mut self) {
        self.behind.clear();
        self.ahead.clear();
        if let Ok(commit) = self.git.refname_to_id(MIRRORED_REF) {
            self.commit = commit;
        }
        self.compare_at = Some(Instant::now());
    }

    /// Brings forward what a batch changed, unless a comparison will.
    pub(super) fn follow(&mut self, published: &Published) {
        if self.compare_at.is_some() {
            return;
        }
        self.at = published.snapshot.clone();
        for change in &published.changes {
            match self.ahead.get(&change.path) {
                Some(newer) if *newer != change.blob => continue,
                Some(_) => drop(self.ahead.remove(&change.path)),
                None => {}
            }
            let base = self.held.get(&change.path).unwrap_or(change.before);
            let placed = self.put(&change.path, &change.file, base, &|found| Some(found) == base);
            self.note(&change.path, placed, base, vec![change.before], Some(change.blob));
        }
        if self.compare_at.is_none() {
            self.commit = published.snapshot.commit;
        }
    }

    /// Puts a file that was at `base`. A report's file that is gone may be about to be
    /// written anew, by git, that would not find it; whether it stays gone shows later.
    fn put(&self, path: &str, file: &[u8], base: Option<Oid>, is_base: &dyn Fn(Oid) -> bool) -> io::Result<Placed> {
        let is_gone = || {
            let found = std::fs::symlink_metadata(self.location.work_dir.join(path));
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        if base.is_some() && path.starts_with("reports/") && is_gone() {
            return Ok(Placed::LeftAlone);
        }
        self.places.put(path, file, is_base)
    }

    /// Brings the file at `path`, which holds `theirs`, to the tip. What the index
    /// holds may be `theirs`, too. Returns whether that was done.
    pub(super) fn bring(&mut self, path: &str, theirs: Option<Oid>) -> bool {
        let (base, tip) = (self.base(path), self.tip(path));
        let is_theirs = |found: Oid| Some(found) == theirs;
        let placed = match tip {
            Some(tip) => self.file(tip).and_then(|file| self.places.put(path, &file, &is_theirs)),
            None => self.places.remove(path, &is_theirs),
        };
        let is_done = matches!(placed, Ok(Placed::Forward));
        if is_done || placed.is_err() {
            self.note(path, placed, base, vec![theirs, tip], tip);
        }
        is_done
    }

    /// The file at `path` holds what the tip has, whoever put it there.
    pub(super) fn is_level(&mut self, path: &str) {
        if let Some(base) = self.held.get(path) {
            let tip = self.tip(path);
            self.note(path, Ok(Placed::Forward), base, Vec::new(), tip);
        }
    }

    /// Puts `file`, the commit's version of what a person saved as `theirs`, in its
    /// place, unless they saved again.
    pub(super) fn took_in(&mut self, path: &str, theirs: Oid, blob: Oid, file: Option<&[u8]>) {
        let (base, before) = (self.base(path), self.tip(path));
        if self.at.blob_at(path) == Some(blob) {
            self.ahead.remove(path);
        } else {
            self.ahead.insert(path.to_owned(), blob);
        }
        // Whatever comes next was made from this, or from what they saved.
        self.held.set(path, Some(blob));
        let put = |file: &[u8]| self.places.put(path, file, &|found| found == theirs);
        let placed = match file {
            Some(file) => put(file),
            None => self.file(blob).and_then(|file| put(&file)),
        };
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend([base, before, Some(theirs)]);
        target.blob = Some(blob);
        match placed {
            Ok(Placed::Forward) => self.held.release(path),
            Ok(Placed::LeftAlone) => self.left.push((path.to_owned(), Duration::ZERO)),
            Err(error) => {
                self.left.push((path.to_owned(), RETRY_INTERVAL));
                self.complain(format!("`{path}` could not be put into the work tree: {error}"));
            }
        }
    }

    /// Returns the blobs that the file at `path` had in its report's commits.
    pub(super) fn older_versions(&self, path: &str) -> HashSet<Oid> {
        let Some(entry) = self.at.at_path(path) else { return HashSet::new() };
        let blob = |commit: Oid| {
            let tree = self.git.find_commit(commit)?.tree()?;
            tree.get_path(std::path::Path::new(path)).map(|entry| entry.id())
        };
        entry.commits.iter().filter_map(|commit| blob(commit).ok()).collect()
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

    /// Notes what became of a file that was at `base`: for the index, and for
    /// another look if it was left alone or failed.
    fn note(
        &mut self,
        path: &str,
        placed: io::Result<Placed>,
        base: Option<Oid>,
        bases: Vec<Option<Oid>>,
        blob: Option<Oid>,
    ) {
        let is_report = path.starts_with("reports/");
        match placed {
            Ok(Placed::Forward) => self.held.release(path),
            // The index stays where the file is, so that `git diff` shows what a person did.
            Ok(Placed::LeftAlone) if is_report => {
                self.held.keep(path, base);
                return self.left.push((path.to_owned(), Duration::ZERO));
            }
            Ok(Placed::LeftAlone) => {
                tracing::warn!(path, "`{path}` in the work tree was changed by hand and is left alone");
            }
            Err(error) => {
                if is_report {
                    self.held.keep(path, base);
                    self.left.push((path.to_owned(), RETRY_INTERVAL));
                } else {
                    self.compare_at = Some(Instant::now() + RETRY_INTERVAL);
                }
                return self.complain(format!("`{path}` could not be put into the work tree: {error}"));
            }
        }
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend(bases);
        target.bases.push(base);
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
        let diff = git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
        let mut outcomes = Vec::new();
        for delta in diff.deltas() {
            let Some(path) = delta.new_file().path().and_then(|path| path.to_str()) else { continue };
            let is_file = |mode: git2::FileMode| matches!(mode, git2::FileMode::Blob | git2::FileMode::Unreadable);
            if !is_file(delta.old_file().mode()) || !is_file(delta.new_file().mode()) {
                continue;
            }
            let base = (delta.status() != Delta::Added).then(|| delta.old_file().id());
            let base = self.held.get(path).unwrap_or(base);
            let is_base = |found: Oid| Some(found) == base || was_between(path, found);
            let (placed, blob) = if delta.status() == Delta::Deleted {
                (self.places.remove(path, &is_base), None)
            } else {
                let blob = delta.new_file().id();
                (self.put(path, git.find_blob(blob)?.content(), base, &is_base), Some(blob))
            };
            outcomes.push((path.to_owned(), placed, base, blob));
        }
        // Put back by a later commit: the tree is as before, and the file may be as between.
        let seen: HashSet<String> = outcomes.iter().map(|(path, ..)| path.clone()).collect();
        for (path, blobs) in between.iter().filter(|(path, _)| path.starts_with("reports/")) {
            let tip = new.get_path(std::path::Path::new(path)).map(|entry| entry.id());
            if let (Ok(tip), false) = (tip, seen.contains(path)) {
                let base = self.held.get(path).unwrap_or(Some(tip));
                let placed = self.put(path, git.find_blob(tip)?.content(), base, &|found| blobs.contains(&found));
                outcomes.push((path.clone(), placed, base, Some(tip)));
            }
        }
        for (path, placed, base, blob) in outcomes {
            let bases = between.get(&path).into_iter().flatten().copied().map(Some);
            self.note(&path, placed, base, bases.collect(), blob);
        }
        self.commit = tip;
        Ok(())
    }

    /// Returns whether the index is due under steady writing.
    pub(super) fn is_index_due(&self) -> bool {
        self.index_written.elapsed() > INDEX_INTERVAL.max(self.index_cost * INDEX_SHARE)
    }

    /// Brings the index forward and notes how far the mirror is. While a person
    /// holds the index, the next quiet moment tries again.
    pub(super) fn write_index(&mut self, store: &Store) {
        // Before the reference, by which the bases would be forgotten.
        if let Err(error) = self.held.save() {
            return self.complain(format!("what people's files were made from could not be noted: {error}"));
        }
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
