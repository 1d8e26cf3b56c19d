//! What people saved a moment ago. An editor that did not load what the service
//! filled in goes on from that, and its next save must not look as if the
//! person had removed it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Versions of one file.
const VERSIONS_MAX: usize = 3;
const PATHS_MAX: usize = 64;
const AGE_MAX: Duration = Duration::from_secs(600);

/// Versions of one file, oldest first, and when they were saved.
type Versions = Vec<(Instant, Arc<[u8]>)>;

#[derive(Default)]
pub(super) struct Earlier(HashMap<String, Versions>);

impl Earlier {
    /// Returns what was saved at `path`, oldest first.
    pub(super) fn get(&self, path: &str, now: Instant) -> Vec<Arc<[u8]>> {
        let young = |(at, _): &&(Instant, _)| now.saturating_duration_since(*at) < AGE_MAX;
        let versions = self.0.get(path).map_or(&[][..], Vec::as_slice);
        versions.iter().filter(young).map(|(_, file)| file.clone()).collect()
    }

    pub(super) fn add(&mut self, path: &str, file: Arc<[u8]>, now: Instant) {
        self.0.retain(|_, versions| {
            versions.retain(|(at, _)| now.saturating_duration_since(*at) < AGE_MAX);
            !versions.is_empty()
        });
        let versions = self.0.entry(path.to_owned()).or_default();
        versions.retain(|(_, old)| *old != file);
        versions.push((now, file));
        if versions.len() > VERSIONS_MAX {
            versions.remove(0);
        }
        if self.0.len() > PATHS_MAX {
            let newest = |versions: &[(Instant, _)]| versions.last().map(|(at, _)| *at);
            let oldest = self.0.iter().min_by_key(|(_, versions)| newest(versions)).map(|(path, _)| path.clone());
            oldest.and_then(|path| self.0.remove(&path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_few_versions_are_remembered_for_a_while() {
        let (start, mut earlier) = (Instant::now(), Earlier::default());
        for text in ["1", "2", "3", "2", "4"] {
            earlier.add("a", text.as_bytes().into(), start);
        }
        let saved: Vec<_> = earlier.get("a", start).iter().map(|file| file[0]).collect();
        assert_eq!(saved, *b"324");
        for n in 0..PATHS_MAX {
            earlier.add(&format!("b{n}"), b"x"[..].into(), start + Duration::from_secs(1));
        }
        assert!(earlier.get("a", start).is_empty());
        assert!(earlier.get("b1", start + AGE_MAX + Duration::from_secs(1)).is_empty());
    }
}
