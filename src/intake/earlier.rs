//! What people saved last. An editor that did not load what the service filled
//! in goes on from that, and its next save must not look as if the person had
//! removed it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATHS_MAX: usize = 64;
const AGE_MAX: Duration = Duration::from_secs(600);

#[derive(Default)]
pub(super) struct Earlier(HashMap<String, (Instant, Arc<[u8]>)>);

impl Earlier {
    /// Returns what was saved last at `path`, if `theirs` can have been made from
    /// it: `base` has come in its place since. More versions would not do: a value
    /// that somebody sets again is not one that they left as it was.
    pub(super) fn get(&self, path: &str, base: &[u8], theirs: &[u8], now: Instant) -> Option<Arc<[u8]>> {
        let (at, last) = self.0.get(path)?;
        let is_young = now.saturating_duration_since(*at) < AGE_MAX;
        (is_young && !has_loaded(last, base, theirs)).then(|| last.clone())
    }

    pub(super) fn add(&mut self, path: &str, file: Arc<[u8]>, now: Instant) {
        self.0.retain(|_, (at, _)| now.saturating_duration_since(*at) < AGE_MAX);
        self.0.insert(path.to_owned(), (now, file));
        if self.0.len() > PATHS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (at, _))| *at).map(|(path, _)| path.clone());
            oldest.and_then(|path| self.0.remove(&path));
        }
    }
}

/// Returns whether `theirs` has a line that came with `base`: then the editor
/// loaded that, and whatever differs from it was changed by the person.
pub(super) fn has_loaded(last: &[u8], base: &[u8], theirs: &[u8]) -> bool {
    let lines = |file: &'_ [u8]| file.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<HashSet<_>>();
    let (last, theirs) = (lines(last), lines(theirs));
    lines(base).iter().any(|line| !last.contains(line) && theirs.contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_save_counts_until_the_editor_has_loaded_a_newer_version() {
        let (start, mut earlier) = (Instant::now(), Earlier::default());
        let (saved, filled) = (b"status: approved\nby: null\n", b"status: approved\nby: Kim\n");
        earlier.add("a", saved[..].into(), start);
        let get = |earlier: &Earlier, theirs: &[u8], now| earlier.get("a", filled, theirs, now).is_some();
        assert!(get(&earlier, b"status: approved\nby: null\nmore\n", start));
        assert!(!get(&earlier, b"status: rejected\nby: Kim\n", start));
        assert!(!get(&earlier, saved, start + AGE_MAX));
        for n in 0..PATHS_MAX {
            earlier.add(&format!("b{n}"), b"x"[..].into(), start + Duration::from_secs(1));
        }
        assert!(!get(&earlier, saved, start));
    }
}
