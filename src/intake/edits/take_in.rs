//! What people saved goes to the store, several files at a time, and what the
//! store made of it comes back into the work tree.

use std::thread::ScopedJoinHandle;
use std::time::Instant;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::{Edits, Saved};
use crate::intake::mirror::{Mirror, RETRY_INTERVAL};
use crate::intake::replaced::is_made_from;
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
                    let base = edit.base;
                    let taken = scope.spawn(move || (Instant::now(), store.take_in(edit)));
                    (base, taken)
                };
                let waiting: Vec<_> = saved.iter().map(commit).collect();
                let wait = |(base, taken): (_, ScopedJoinHandle<'_, _>)| {
                    (base, taken.join().expect("taking in does not panic"))
                };
                waiting.into_iter().map(wait).collect::<Vec<_>>()
            });
            for (saved, (base, (start, result))) in saved.into_iter().zip(results) {
                if let (Err(WriteError::Problem { .. }), Some(base)) = (&result, base) {
                    mirror.hold(&saved.path, base);
                }
                again.extend(self.took(mirror, saved, start, result));
            }
            saved = rest;
        }
        again
    }

    fn edit(&self, mirror: &Mirror, saved: &Saved, who: Option<String>) -> HandEdit {
        let read = |version| mirror.file(version).ok();
        let file = |version: Option<Oid>| version.and_then(read).unwrap_or_default();
        let (base, tip) = (mirror.base(&saved.path), mirror.tip(&saved.path));
        let (mut base, mut base_file) = (base, file(base));
        if base != tip {
            let tip_file = file(tip);
            if is_made_from(&tip_file, &base_file, &saved.file) {
                (base, base_file) = (tip, tip_file);
            }
        }
        let earlier = self.earlier.get(&saved.path, &base_file, &saved.file, Instant::now());
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
