//! One look at a file that may not be what it was: whose bytes it holds, and so
//! what is to be done.
//!
//! Three versions decide: what the file was made from, what it holds, and the
//! tip. The service's own writes are known by their content, never by timers.

use std::io;
use std::time::{Duration, Instant};

use git2::Oid;

use super::{Edits, Looked, Saved};
use crate::failpoint::failpoint;
use crate::intake::look::{self, Seen, Signature};
use crate::intake::mirror::{Mirror, RETRY_INTERVAL};
use crate::intake::place::{is_executable, make_plain};
use crate::intake::settle::Suspect;
use crate::report::fault::{Fault, Rule};
use crate::store::{Store, blob_id, is_report_path, stray_fault};

/// Of a file that is too long to be read.
const HEAD_LEN: u64 = 128 * 1024;

impl Edits {
    /// Looks at one file.
    pub(in crate::intake) fn look(
        &mut self,
        mirror: &mut Mirror,
        store: &Store,
        path: &str,
        suspect: Suspect,
    ) -> Looked {
        match self.try_look(mirror, store, path, suspect) {
            Ok(looked) => {
                self.unreadable.remove(path);
                looked
            }
            Err(error) => {
                // A disk that fails for a moment; the next walk can be half a minute away.
                if error.kind() != io::ErrorKind::PermissionDenied {
                    mirror.look_later(path);
                }
                if self.unreadable.insert(path.to_owned()) {
                    tracing::warn!(path, "`{path}` in the work tree cannot be read: {error}");
                }
                Looked::Done
            }
        }
    }

    fn try_look(&mut self, mirror: &mut Mirror, store: &Store, path: &str, mut suspect: Suspect) -> io::Result<Looked> {
        let (now, tip) = (Instant::now(), mirror.tip(path));
        match look::stat(&self.work_dir, path)? {
            Seen::Elsewhere => Ok(Looked::Done),
            Seen::Nothing => {
                self.doubt(path);
                if tip.is_none() && mirror.base(path).is_none() {
                    mirror.is_level(path);
                    self.clear(store, path);
                    return Ok(Looked::Done);
                }
                if !suspect.settle(None, false, now) {
                    return Ok(Looked::Again(suspect));
                }
                tracing::info!(path, "`{path}` is not in the work tree and is brought back");
                Ok(self.bring(mirror, store, path, suspect, None))
            }
            Seen::NotAFile(signature) => {
                if !is_report_path(path) || store.snapshot().at_path(path).is_none() {
                    self.clear(store, path);
                    return Ok(Looked::Done);
                }
                if self.is_refused(store, path, signature, tip) {
                    return Ok(Looked::Done);
                }
                // To make it is all there is to it: nobody will close it.
                suspect.forget_writer();
                if !suspect.settle(Some(signature), false, now) {
                    return Ok(Looked::Again(suspect));
                }
                let detail = "a link, a folder or a pipe stands where the report was";
                let fault = Fault::new(Rule::NotAFile, detail, "remove it, and the report's file comes back");
                self.refuse(store, path, signature, tip, fault, b"");
                Ok(Looked::Done)
            }
            Seen::File(signature) => self.look_into(mirror, store, path, suspect, signature),
        }
    }

    fn look_into(
        &mut self,
        mirror: &mut Mirror,
        store: &Store,
        path: &str,
        mut suspect: Suspect,
        signature: Signature,
    ) -> io::Result<Looked> {
        let (now, tip, base) = (Instant::now(), mirror.tip(path), mirror.base(path));
        let is_verified = self.verified.has(path, signature) && store.snapshot().edit_problem(path).is_none();
        if is_verified || self.is_refused(store, path, signature, tip) {
            return Ok(Looked::Done);
        }
        if suspect.is_open(now) || signature.size() > self.max_bytes {
            if !suspect.settle(Some(signature), false, now) {
                return Ok(Looked::Again(suspect));
            }
            if is_report_path(path) {
                let limit = store.body_limit_bytes();
                let detail = format!("the file has {} bytes, and a text may have {limit}", signature.size());
                let head = look::read_head(&self.work_dir, path, HEAD_LEN)?;
                let fault = Fault::new(Rule::TextTooLong, detail, "shorten it");
                let fault = Fault { place: first_line_of_text(&head).map(|line| (line, 1)), ..fault };
                self.refuse(store, path, signature, tip, fault, &head);
            }
            return Ok(Looked::Done);
        }
        let Some(bytes) = look::read(&self.work_dir, path, signature)? else {
            suspect.put_off(now + Duration::from_millis(50));
            return Ok(Looked::Again(suspect));
        };
        let theirs = blob_id(&bytes);
        if tip == Some(theirs) {
            if is_executable(&self.work_dir, path) {
                // Perhaps they are about to commit it; then the commit is answered.
                if !suspect.settle(Some(signature), false, now) {
                    return Ok(Looked::Again(suspect));
                }
                make_plain(&self.work_dir, path);
            }
            mirror.is_level(path);
            self.verify(store, path, signature);
            return Ok(Looked::Done);
        }
        if store.snapshot().blob_at(path) == Some(theirs) {
            // Committed by the person themselves; the work tree is compared soon.
            suspect.put_off(now + Duration::from_millis(100));
            return Ok(Looked::Again(suspect));
        }
        if base == Some(theirs) {
            return Ok(self.bring(mirror, store, path, suspect, Some(theirs)));
        }
        if !suspect.settle(Some(signature), is_cut(mirror, base, &bytes), now) {
            return Ok(Looked::Again(suspect));
        }
        if !is_report_path(path) {
            self.note_stray(store, path, signature, tip, &bytes);
            return Ok(Looked::Done);
        }
        let (has_lost, is_old) = (!store.is_whole(), signature.modified_at() < self.started_at);
        // A disk can also bring back what was in the same blocks: whatever git has, no person saved.
        let is_behind = suspect.is_of_start
            && (mirror.has_lost_place && mirror.older_versions(path).contains(&theirs)
                || has_lost && is_old && mirror.file(theirs).is_ok());
        if is_behind {
            tracing::info!(path, "`{path}` is an older version and is brought forward");
            return Ok(self.bring(mirror, store, path, suspect, Some(theirs)));
        }
        // Not what somebody saves just now.
        let is_cut = || {
            let older = || mirror.older_versions(path).into_iter().any(|older| is_cut(mirror, Some(older), &bytes));
            is_cut(mirror, tip, &bytes) || older()
        };
        if has_lost && is_old && is_cut() {
            if bytes.iter().any(|byte| *byte != 0) {
                self.set_aside.keep(path, &bytes)?;
                failpoint!("aside.kept");
            }
            tracing::warn!(path, "`{path}` was cut off by a crash and is restored");
            return Ok(self.bring(mirror, store, path, suspect, Some(theirs)));
        }
        failpoint!("edit.seen");
        Ok(Looked::Edit(Saved { path: path.to_owned(), suspect, signature, theirs, file: bytes.into() }))
    }

    /// Brings a file forward that no person wrote.
    fn bring(
        &self,
        mirror: &mut Mirror,
        store: &Store,
        path: &str,
        mut suspect: Suspect,
        theirs: Option<Oid>,
    ) -> Looked {
        if mirror.bring(path, theirs) {
            self.clear(store, path);
            return Looked::Done;
        }
        suspect.put_off(Instant::now() + RETRY_INTERVAL);
        Looked::Again(suspect)
    }

    /// A report in the wrong place is a problem; other strays are nobody's.
    fn note_stray(&mut self, store: &Store, path: &str, signature: Signature, tip: Option<Oid>, bytes: &[u8]) {
        match stray_fault(bytes) {
            Some(fault) => self.refuse(store, path, signature, tip, fault, bytes),
            None => self.verify(store, path, signature),
        }
    }
}

/// Returns the line after the front matter, 1 for the first of the file.
fn first_line_of_text(head: &[u8]) -> Option<usize> {
    let is_fence = |line: &[u8]| line.trim_ascii_end() == b"---";
    let mut fences = head.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| is_fence(line));
    fences.nth(1).map(|(n, _)| n + 2)
}

/// Returns whether `bytes` are what a writer, or a power loss, left of `whole`. A file
/// system can know how long a file is before it has the bytes: then the rest is zeros,
/// which no report has.
fn is_cut(mirror: &Mirror, whole: Option<Oid>, bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let (rest, has_zeros) = (&bytes[..end], end < bytes.len());
    let is_beginning = |whole| {
        let is_shorter = |file: &[u8]| has_zeros || file.len() > rest.len();
        mirror.file(whole).is_ok_and(|file| file.starts_with(rest) && is_shorter(&file))
    };
    rest.is_empty() || whole.is_some_and(is_beginning)
}
