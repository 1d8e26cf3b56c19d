//! Hand edits: what is known of the files that people may have saved. Which of them
//! are the tip's, and which could not be accepted, is noted here; the store is told
//! what is wrong.

mod decide;
mod take_in;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::earlier::Earlier;
use super::look::Signature;
use super::set_aside::SetAside;
use super::settle::Suspect;
use super::verified::Verified;
use crate::report::fault::Fault;
use crate::report::validate::BODY_LIMIT_MAX;
use crate::store::Store;
use crate::store::problem::Problem;

/// Beyond the text, for the front matter.
const FRONT_MATTER_MAX: u64 = 512 * 1024;

pub(super) struct Edits {
    work_dir: PathBuf,
    max_bytes: u64,
    verified: Verified,
    /// What could not be accepted, and what it was held against.
    refused: HashMap<String, Refused>,
    /// What could not be read when it was looked at last; said once.
    unreadable: HashSet<String>,
    earlier: Earlier,
    set_aside: SetAside,
    started_at: SystemTime,
}

/// A file that was held against a version of it, under the rules of a `golive.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    signature: Signature,
    tip: Option<Oid>,
    policy: Oid,
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
            max_bytes: BODY_LIMIT_MAX as u64 + FRONT_MATTER_MAX,
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
        self.verified.remove(path);
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
        store.note_edit(path, Some(Problem::of_edit(fault, path, bytes, since)));
        let policy = store.snapshot().policy.blob;
        self.refused.insert(path.to_owned(), Refused { signature, tip, policy });
    }

    /// The same file was held against the same before, and the problem is known.
    fn is_refused(&self, store: &Store, path: &str, signature: Signature, tip: Option<Oid>) -> bool {
        let snapshot = store.snapshot();
        let same = Refused { signature, tip, policy: snapshot.policy.blob };
        self.refused.get(path) == Some(&same) && snapshot.edit_problem(path).is_some()
    }

    /// The file at `path` holds what the tip has, or is nobody's.
    fn verify(&mut self, store: &Store, path: &str, signature: Signature) {
        self.refused.remove(path);
        self.clear(store, path);
        self.verified.add(path, signature);
    }

    /// Nothing is wrong with the file at `path` as it is now.
    fn clear(&self, store: &Store, path: &str) {
        store.note_edit(path, self.set_aside.problem(path));
    }
}
