//! The trust in git's index: before the first walk, files that git has looked at
//! need not be read again.

use std::fs::Metadata;

use git2::{Index, IndexEntry, Oid};

use super::Walk;
use crate::intake::look::Signature;
use crate::store::snapshot::Snapshot;

impl Walk {
    /// Takes git's word for files that it has looked at: all that `stat` says is
    /// as noted, and older than the index, so that it cannot have changed since.
    pub(super) fn trust_index(&self, at: &Snapshot) {
        let path = self.location.git_dir.join("index");
        let Ok(written) = std::fs::metadata(&path).map(|metadata| Signature::of(&metadata)) else { return };
        let Ok(index) = Index::open(&path) else { return };
        for entry in index.iter() {
            let Ok(path) = std::str::from_utf8(&entry.path) else { continue };
            if entry.id == Oid::ZERO_SHA1 || at.blob_at(path) != Some(entry.id) {
                continue;
            }
            let Ok(metadata) = std::fs::symlink_metadata(self.location.work_dir.join(path)) else { continue };
            let signature = Signature::of(&metadata);
            if metadata.is_file() && is_as_noted(&entry, &metadata) && signature.modified_at() < written.modified_at() {
                self.verified.add(path, signature);
            }
        }
    }
}

/// Returns whether `stat` says what the index noted, as git compares it.
fn is_as_noted(entry: &IndexEntry, metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_same = |noted: u32, found: u64| noted == found as u32; // git keeps the low 32 bits of each
    let is_time = |noted: git2::IndexTime, seconds: i64, nanos: i64| {
        noted.seconds() == seconds as i32 && noted.nanoseconds() == nanos as u32
    };
    entry.mode == 0o100_644
        && is_same(entry.dev, metadata.dev())
        && is_same(entry.ino, metadata.ino())
        && is_same(entry.file_size, metadata.size())
        && is_time(entry.mtime, metadata.mtime(), metadata.mtime_nsec())
        && is_time(entry.ctime, metadata.ctime(), metadata.ctime_nsec())
}
