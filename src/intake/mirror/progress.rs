//! How far the mirror is, noted for git and for the next start: git's index is
//! brought forward, and `refs/golive/mirrored` set to the commit up to which
//! files were. Not at every commit, as a rewrite of the index costs the more the
//! more files there are.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Mirror, RETRY_INTERVAL};
use crate::failpoint::failpoint;
use crate::intake::index::{self, Target};
use crate::store::Store;
use crate::store::repository::MIRRORED_REF;
use crate::store::snapshot::ListQuery;

/// Under steady writing the index is rewritten so long after the first change that it lacks, and
/// at most a fortieth of the time: at 100,000 files a rewrite takes 25 ms, which a burst of
/// writes has better use for.
const INDEX_INTERVAL: Duration = Duration::from_secs(1);
const INDEX_SHARE: u32 = 40;

impl Mirror {
    /// It is not known how far the index was: what it lacks, or holds of an older time,
    /// is brought forward.
    pub(super) fn doubt_index(&mut self) {
        let Ok(index) = self.location.open().and_then(|git| git.index()) else { return };
        let at = self.at.clone();
        for entry in at.page(&ListQuery { limit: at.len(), ..ListQuery::default() }).entries {
            let (path, blob) = (&*entry.path, at.blob_at(&entry.path));
            let staged = index.get_path(Path::new(path), 0).map(|entry| entry.id);
            if staged != blob && staged.is_none_or(|staged| self.older_versions(path).contains(&staged)) {
                self.behind.insert(path.to_owned(), Target { bases: vec![staged], blob, ..Target::default() });
            }
        }
    }

    /// Returns whether the index, or a file, is not as it was to be.
    pub(in crate::intake) fn is_behind(&self) -> bool {
        !self.behind.is_empty() || self.compare_at.is_some()
    }

    /// Returns whether the index is due under steady writing.
    pub(in crate::intake) fn is_index_due(&self) -> bool {
        let wait = INDEX_INTERVAL.max(self.index_cost * INDEX_SHARE);
        !self.behind.is_empty() && self.behind_since.elapsed() > wait && self.index_written.elapsed() > wait
    }

    /// Brings the index forward and notes how far the mirror is. While a person
    /// holds the index, the next quiet moment tries again.
    pub(in crate::intake) fn write_index(&mut self, store: &Store) {
        // Before the reference, by which the bases would be forgotten.
        if !self.save_held() {
            return;
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
                self.held.index_is_written();
                self.trouble = self.trouble.take().filter(|_| self.compare_at.is_some());
                // Setting a reference looks for its commit, and so opens packs, which a handle
                // that stays keeps open after they were joined.
                let noted = self
                    .location
                    .open()
                    .and_then(|git| git.reference(MIRRORED_REF, self.commit, true, "mirrored").map(|_| ()));
                failpoint!("mirrored.noted");
                if let Err(error) = noted {
                    // Nobody else's: what libgit2 left there would be in the way for ever.
                    let _ = std::fs::remove_file(self.location.git_dir.join(format!("{MIRRORED_REF}.lock")));
                    self.complain(format!("`{MIRRORED_REF}` could not be set: {error}"));
                }
                self.save_held();
            }
            Ok(false) => {}
            Err(error) => self.complain(format!("git's index could not be brought forward: {error}")),
        }
        (self.index_written, self.index_cost) = (Instant::now(), start.elapsed());
    }
    /// Returns whether what people's files were made from is noted.
    fn save_held(&mut self) -> bool {
        let saved = self.held.save();
        let is_saved = saved.is_ok();
        if let Err(error) = saved {
            self.complain(format!("what people's files were made from could not be noted: {error}"));
        }
        is_saved
    }
}
