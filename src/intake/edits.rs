//! Hand edits: looks at a file that may not be what it was, and takes in what a
//! person saved, or has the store note why that cannot be.
//!
//! Three versions decide: what the file was made from, what it holds, and the
//! tip. The service's own writes are known by their content, never by timers.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use git2::Oid;

use super::earlier::Earlier;
use super::look::{self, Seen, Signature};
use super::mirror::{Mirror, RETRY_INTERVAL};
use super::place::blob_id;
use super::scan::Verified;
use super::set_aside::SetAside;
use super::settle::Suspect;
use crate::report::fault::{Fault, Rule};
use crate::store::problem::{FoundIn, Problem};
use crate::store::{HandEdit, Store, WriteError, is_report_path, person, stray_fault};

/// Beyond twice the text, for the front matter.
const FRONT_MATTER_MAX: u64 = 512 * 1024;
/// Of a file that is too long to be read.
const HEAD_LEN: u64 = 128 * 1024;
/// Edits that are committed together.
const TOGETHER_MAX: usize = 32;

pub(super) struct Edits {
    work_dir: PathBuf,
    max_bytes: u64,
    verified: Verified,
    /// What could not be accepted: the file, and the tip that it was held against.
    refused: HashMap<String, (Signature, Option<Oid>)>,
    /// What could not be read when it was looked at last; said once.
    unreadable: HashSet<String>,
    earlier: Earlier,
    set_aside: SetAside,
    started_at: SystemTime,
}

/// A file at rest that a person wrote.
pub(super) struct Saved {
    path: String,
    suspect: Suspect,
    signature: Signature,
    theirs: Oid,
    file: Arc<[u8]>,
}

/// What a look has come to.
pub(super) enum Looked {
    /// There is nothing to do.
    Done,
    /// The same again, when it is due.
    Again(Suspect),
    Edit(Saved),
}

impl Edits {
    pub(super) fn new(store: &Store, verified: Verified) -> Self {
        let set_aside = SetAside::open(&store.location().own_dir());
        set_aside.paths().for_each(|path| store.note_edit(path, set_aside.problem(path)));
        Self {
            work_dir: store.location().work_dir.clone(),
            max_bytes: store.body_limit_bytes() as u64 * 2 + FRONT_MATTER_MAX,
            verified,
            refused: HashMap::new(),
            unreadable: HashSet::new(),
            earlier: Earlier::default(),
            set_aside,
            started_at: SystemTime::now(),
        }
    }

    /// What was known of the file at `path` is not known any more.
    pub(super) fn doubt(&self, path: &str) {
        self.verified.lock().expect("no panic under this lock").remove(path);
    }

    /// Returns the files whose problem may be gone.
    pub(super) fn with_problems(&mut self, store: &Store) -> Vec<String> {
        for path in self.set_aside.take_deleted() {
            store.note_edit(&path, None);
        }
        let snapshot = store.snapshot();
        let found = snapshot.problems().map(|(path, _)| path);
        found.filter(|path| snapshot.edit_problem(path).is_some()).cloned().collect()
    }

    /// Looks at one file.
    pub(super) fn look(&mut self, mirror: &mut Mirror, store: &Store, path: &str, suspect: Suspect) -> Looked {
        match self.try_look(mirror, store, path, suspect) {
            Ok(looked) => {
                self.unreadable.remove(path);
                looked
            }
            Err(error) => {
                // Found again by the next comparison, as its signature is not known.
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
        let is_verified =
            self.verified.lock().expect("no panic under this lock").get(path).is_some_and(|known| *known == signature);
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
        let theirs = blob_id(&bytes)?;
        if tip == Some(theirs) {
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
        if mirror.has_lost_place && suspect.is_of_start && mirror.older_versions(path).contains(&theirs) {
            tracing::info!(path, "`{path}` is an older version and is brought forward");
            return Ok(self.bring(mirror, store, path, suspect, Some(theirs)));
        }
        // Not what somebody saves just now.
        let is_old = signature.modified_at() < self.started_at;
        let is_after_crash = suspect.is_of_start && !store.was_stopped_well();
        if is_after_crash && is_old && is_cut(mirror, tip, &bytes) {
            if !bytes.is_empty() {
                self.set_aside.keep(path, &bytes)?;
            }
            tracing::warn!(path, "`{path}` was cut off by a crash and is restored");
            return Ok(self.bring(mirror, store, path, suspect, Some(theirs)));
        }
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

    /// Takes in what people saved. Returns what has to be tried again.
    pub(super) fn take_in(
        &mut self,
        mirror: &mut Mirror,
        store: &Store,
        mut saved: Vec<Saved>,
    ) -> Vec<(String, Suspect)> {
        let mut again = Vec::new();
        while !saved.is_empty() {
            let rest = saved.split_off(saved.len().min(TOGETHER_MAX));
            let who = who(store);
            let results = std::thread::scope(|scope| {
                let commit = |saved: &Saved| {
                    let edit = self.edit(mirror, saved, who.clone());
                    scope.spawn(move || (Instant::now(), store.take_in(edit)))
                };
                let waiting: Vec<_> = saved.iter().map(commit).collect();
                waiting.into_iter().map(|taken| taken.join().expect("taking in does not panic")).collect::<Vec<_>>()
            });
            for (saved, (start, result)) in saved.into_iter().zip(results) {
                again.extend(self.took(mirror, saved, start, result));
            }
            saved = rest;
        }
        again
    }

    fn edit(&self, mirror: &Mirror, saved: &Saved, who: Option<String>) -> HandEdit {
        let base = mirror.base(&saved.path);
        let base_file = base.and_then(|base| mirror.file(base).ok()).unwrap_or_default();
        let earlier = self.earlier.get(&saved.path, &base_file, &saved.file, Instant::now());
        HandEdit {
            path: saved.path.clone(),
            base,
            earlier: earlier.into_iter().collect(),
            file: saved.file.clone(),
            who,
            saved_at: DateTime::<Utc>::from(saved.signature.modified_at()),
        }
    }

    fn took(
        &mut self,
        mirror: &mut Mirror,
        saved: Saved,
        start: Instant,
        result: Result<crate::store::Written, WriteError>,
    ) -> Option<(String, Suspect)> {
        let Saved { path, mut suspect, signature, theirs, file } = saved;
        match result {
            Ok(written) => {
                self.refused.remove(&path);
                mirror.took_in(&path, theirs, written.entry.blob, written.file.as_deref());
                self.earlier.add(&path, file, Instant::now());
                let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
                if written.file.is_some() {
                    tracing::info!(path, commit = %written.commit, duration_ms, "Took in `{path}` as saved by hand");
                }
                None
            }
            Err(WriteError::Problem { .. }) => {
                self.refused.insert(path.clone(), (signature, mirror.tip(&path)));
                None
            }
            Err(error) => {
                tracing::debug!(path, "`{path}` cannot be taken in now: {error}");
                suspect.put_off(Instant::now() + RETRY_INTERVAL);
                Some((path, suspect))
            }
        }
    }

    /// A report in the wrong place is a problem; other strays are nobody's.
    fn note_stray(&mut self, store: &Store, path: &str, signature: Signature, tip: Option<Oid>, bytes: &[u8]) {
        match stray_fault(bytes) {
            Some(fault) => self.refuse(store, path, signature, tip, fault, bytes),
            None => self.verify(store, path, signature),
        }
    }

    fn refuse(
        &mut self,
        store: &Store,
        path: &str,
        signature: Signature,
        tip: Option<Oid>,
        fault: Fault,
        bytes: &[u8],
    ) {
        let since = DateTime::<Utc>::from(signature.modified_at());
        store.note_edit(path, Some(Problem::new(fault, bytes, FoundIn::WorkTree, since)));
        self.refused.insert(path.to_owned(), (signature, tip));
    }

    /// The same file was held against the same tip before, and the problem is known.
    fn is_refused(&self, store: &Store, path: &str, signature: Signature, tip: Option<Oid>) -> bool {
        self.refused.get(path) == Some(&(signature, tip)) && store.snapshot().edit_problem(path).is_some()
    }

    /// The file at `path` holds what the tip has, or is nobody's.
    fn verify(&mut self, store: &Store, path: &str, signature: Signature) {
        self.refused.remove(path);
        self.clear(store, path);
        self.verified.lock().expect("no panic under this lock").insert(path.to_owned(), signature);
    }

    /// Nothing is wrong with the file at `path` as it is now.
    fn clear(&self, store: &Store, path: &str) {
        store.note_edit(path, self.set_aside.problem(path));
    }
}

/// Returns the line after the front matter, 1 for the first of the file.
fn first_line_of_text(head: &[u8]) -> Option<usize> {
    let is_fence = |line: &[u8]| line.trim_ascii_end() == b"---";
    let mut fences = head.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| is_fence(line));
    fences.nth(1).map(|(n, _)| n + 2)
}

/// Returns whether `bytes` are what a writer, or a power loss, left of `whole`.
fn is_cut(mirror: &Mirror, whole: Option<Oid>, bytes: &[u8]) -> bool {
    let is_beginning = |whole| mirror.file(whole).is_ok_and(|file| file.len() > bytes.len() && file.starts_with(bytes));
    bytes.is_empty() || whole.is_some_and(is_beginning)
}

/// Returns the person whose work tree it is, as git knows them now.
fn who(store: &Store) -> Option<String> {
    let config = store.location().open().and_then(|git| git.config()?.snapshot()).ok()?;
    let text = |name| config.get_str(name).unwrap_or_default().to_owned();
    Some(person(&text("user.name"), &text("user.email"))).filter(|who| !who.is_empty())
}
