//! One file of a clone, from wherever the files are taken, and whether it is what
//! is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use git2::Repository;
use uuid::Uuid;

use super::Source;
use crate::report::change;
use crate::store::blob_id;
use crate::store::check::entries::Item;
use crate::store::check::finding::Finding;
use crate::store::check::{CheckError, elsewhere, limit};
use crate::store::load::{is_report_path, stray_fault};
use crate::store::walk::is_regular;

/// Where files are read from; one for each thread.
pub(super) struct Files<'a> {
    pub(super) git: &'a Repository,
    pub(super) work_dir: Option<&'a Path>,
    pub(super) source: Source,
    pub(super) index: &'a BTreeMap<String, Item>,
}

/// A report file, read.
pub(super) enum Read {
    Same(Result<Uuid, Finding>),
    /// A file that is no report's and says nothing.
    Nothing,
    Changed(Option<(i32, Vec<u8>)>),
    Refused(Finding),
}

/// What is at a path.
pub(super) enum Content {
    Gone,
    File(i32, Vec<u8>),
    /// A link, a folder or the like, by its mode; or a file of this size.
    Other(i32),
    TooLarge(usize),
}

impl Files<'_> {
    pub(super) fn read(&self, path: &str, base: Option<Item>, limit_bytes: usize) -> Result<Read, CheckError> {
        let is_tracked = base.is_some() || self.index.contains_key(path);
        let limit_bytes = limit::of_next(self.git, limit_bytes, base)?;
        let (mode, file) = match self.content(path, base, limit_bytes)? {
            Content::Gone if base.is_none() || !is_report_path(path) => return Ok(Read::Nothing),
            Content::Gone => return Ok(Read::Changed(None)),
            Content::TooLarge(size) => {
                let found = elsewhere::too_large(path, size, limit_bytes);
                return Ok(found.map_or(Read::Nothing, Read::Refused));
            }
            Content::Other(mode) => {
                let refused = elsewhere::refused(path, mode).filter(|_| is_report_path(path) || base.is_none());
                return Ok(refused.filter(|_| is_tracked || is_report_path(path)).map_or(Read::Nothing, Read::Refused));
            }
            Content::File(mode, file) => (mode, file),
        };
        let is_same = base.is_some_and(|base| base.mode == mode && blob_id(&file) == base.id);
        if !is_report_path(path) {
            let fault = stray_fault(&file).map(|fault| Finding::of(path, fault, &file));
            // Swap files and notes that nobody adds are nobody's.
            let fault = fault.or_else(|| elsewhere::refused(path, mode).filter(|_| is_tracked && !is_same));
            return Ok(fault.map_or(Read::Nothing, Read::Refused));
        }
        if !is_same {
            return Ok(Read::Changed(Some((mode, file))));
        }
        let read = change::read(path, &file).map(|decoded| decoded.report.id);
        Ok(Read::Same(read.map_err(|fault| Finding::of(path, fault, &file))))
    }

    pub(super) fn content(&self, path: &str, base: Option<Item>, limit_bytes: usize) -> Result<Content, CheckError> {
        let item = match self.source {
            Source::WorkTree => return self.on_disk(path, limit_bytes),
            Source::Index => self.index.get(path).copied(),
            Source::Head => base,
        };
        let Some(item) = item else { return Ok(Content::Gone) };
        if !is_regular(item.mode) {
            return Ok(Content::Other(item.mode));
        }
        let (size, _) = self.git.odb()?.read_header(item.id)?;
        if size > limit_bytes {
            return Ok(Content::TooLarge(size));
        }
        Ok(Content::File(item.mode, self.git.find_blob(item.id)?.content().to_vec()))
    }

    fn on_disk(&self, path: &str, limit_bytes: usize) -> Result<Content, CheckError> {
        use std::os::unix::fs::PermissionsExt;
        let full = self.work_dir.unwrap_or(Path::new(".")).join(path);
        let failed = |source| CheckError::Io { path: full.display().to_string(), source };
        let found = match fs::symlink_metadata(&full) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Content::Gone);
            }
            Err(error) => return Err(failed(error)),
        };
        if !found.is_file() {
            return Ok(Content::Other(if found.is_symlink() { 0o120_000 } else { 0 }));
        }
        if usize::try_from(found.len()).is_ok_and(|size| size > limit_bytes) {
            return Ok(Content::TooLarge(usize::try_from(found.len()).unwrap_or(usize::MAX)));
        }
        let mode = if found.permissions().mode() & 0o100 != 0 { 0o100_755 } else { 0o100_644 };
        Ok(Content::File(mode, fs::read(&full).map_err(failed)?))
    }
}
