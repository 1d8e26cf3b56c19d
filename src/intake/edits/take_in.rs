//! What people saved goes to the store, several files at a time, and what the
//! store made of it comes back into the work tree.

use std::time::Instant;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::{Edits, Refused, Saved};
use crate::failpoint::failpoint;
use crate::intake::mirror::{Mirror, RETRY_INTERVAL};
use crate::intake::replaced::{self, is_made_from};
use crate::intake::settle::Suspect;
use crate::store::{HandEdit, Store, WriteError, cores, person};

/// Edits that are committed together.
const TOGETHER_MAX: usize = 32;

impl Edits {
    /// Takes in what people saved. Returns what has to be tried again.
    pub(in crate::intake) fn take_in(
        &mut self,
        mirror: &mut Mirror,
        store: &Store,
        mut saved: Vec<Saved>,
    ) -> Vec<(String, Suspect)> {
        let mut again = Vec::new();
        while !saved.is_empty() {
            let rest = saved.split_off(saved.len().min(TOGETHER_MAX));
            let (who, policy) = (who(store), store.snapshot().policy.blob);
            let edits: Vec<_> = saved.iter().map(|saved| self.edit(mirror, saved, who.clone())).collect();
            let take_in = |edit: HandEdit| move || (edit.base, Instant::now(), store.take_in(edit));
            let results = cores::all(edits.into_iter().map(take_in));
            for (saved, (base, start, result)) in saved.into_iter().zip(results) {
                if let (Err(WriteError::Problem { .. }), Some(base)) = (&result, base) {
                    mirror.hold(&saved.path, base);
                    failpoint!("edit.refused");
                }
                again.extend(self.took(mirror, saved, policy, start, result));
            }
            saved = rest;
        }
        again
    }

    fn edit(&self, mirror: &Mirror, saved: &Saved, who: Option<String>) -> HandEdit {
        let (base, is_stale) = self.base(mirror, saved);
        let base_file = file(mirror, base);
        let earlier = self.earlier.get(&saved.path, &base_file, &saved.file, Instant::now());
        HandEdit {
            path: saved.path.clone(),
            base,
            is_stale,
            earlier: earlier.filter(|_| !is_stale).into_iter().collect(),
            file: saved.file.clone(),
            who,
            saved_at: DateTime::<Utc>::from(saved.signature.modified_at()),
        }
    }

    /// Returns the version that the file was made from, and whether another one was
    /// in its place already.
    fn base(&self, mirror: &Mirror, saved: &Saved) -> (Option<Oid>, bool) {
        let Saved { path, file: theirs, .. } = saved;
        let (held, tip) = (mirror.base(path), mirror.tip(path));
        let held_file = file(mirror, held);
        let (base, base_file) = match file(mirror, tip) {
            newer if held != tip && is_made_from(&newer, &held_file, theirs) => (tip, newer),
            _ => (held, held_file),
        };
        // What was replaced before the process began may still be open somewhere.
        let is_young = self.started_at.elapsed().is_ok_and(|age| age < replaced::AGE_MAX);
        let since = self.started_at.checked_sub(replaced::AGE_MAX).filter(|_| is_young);
        let before_start = since.map(|since| mirror.replaced_since(path, since)).unwrap_or_default();
        let read = |version| mirror.file(version).ok();
        let origin = mirror.replaced.origin(path, &base_file, theirs, &before_start, read);
        (origin.or(base), origin.is_some())
    }

    fn took(
        &mut self,
        mirror: &mut Mirror,
        saved: Saved,
        policy: Oid,
        start: Instant,
        result: Result<crate::store::Written, WriteError>,
    ) -> Option<(String, Suspect)> {
        let Saved { path, mut suspect, signature, theirs, file } = saved;
        match result {
            Ok(written) => {
                self.refused.remove(&path);
                failpoint!("edit.committed");
                mirror.took_in(&path, theirs, written.entry.blob, written.file.as_deref());
                failpoint!("edit.written-back");
                self.earlier.add(&path, file, Instant::now());
                let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
                if written.file.is_some() {
                    tracing::info!(path, commit = %written.commit, duration_ms, "Took in `{path}` as saved by hand");
                }
                None
            }
            Err(WriteError::Problem { .. }) => {
                self.refused.insert(path.clone(), Refused { signature, tip: mirror.tip(&path), policy });
                None
            }
            Err(error) => {
                tracing::debug!(path, "`{path}` cannot be taken in now: {error}");
                suspect.put_off(Instant::now() + RETRY_INTERVAL);
                Some((path, suspect))
            }
        }
    }
}

fn file(mirror: &Mirror, version: Option<Oid>) -> Vec<u8> {
    version.and_then(|version| mirror.file(version).ok()).unwrap_or_default()
}

/// Returns the person whose work tree it is, as git knows them now.
fn who(store: &Store) -> Option<String> {
    let config = store.location().open().and_then(|git| git.config()?.snapshot()).ok()?;
    let text = |name| config.get_str(name).unwrap_or_default().to_owned();
    Some(person(&text("user.name"), &text("user.email"))).filter(|who| !who.is_empty())
}
