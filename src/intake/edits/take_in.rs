//! What people saved goes to the store, several files at a time, and what the
//! store made of it comes back into the work tree.

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::{Edits, Saved};
use crate::intake::mirror::{Mirror, RETRY_INTERVAL};
use crate::intake::settle::Suspect;
use crate::store::{HandEdit, Store, WriteError, person};

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
        let read = |version| mirror.file(version).ok();
        let stale = mirror.replaced.origin(&saved.path, &base_file, &saved.file, read);
        HandEdit {
            path: saved.path.clone(),
            base: stale.or(base),
            is_stale: stale.is_some(),
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
}

/// Returns the person whose work tree it is, as git knows them now.
fn who(store: &Store) -> Option<String> {
    let config = store.location().open().and_then(|git| git.config()?.snapshot()).ok()?;
    let text = |name| config.get_str(name).unwrap_or_default().to_owned();
    Some(person(&text("user.name"), &text("user.email"))).filter(|who| !who.is_empty())
}
