//! Files that were put in their places a moment ago. Their bytes need not be read
//! again: what the kernel tells of them is that they were renamed, and who writes
//! to one at the same moment, too soon for the file system's clock to tell, is told
//! of as well. So they count as verified only while everything is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::intake::look::Signature;
use crate::intake::scan::Verified;

/// For so long news of a file may be on its way.
const NEWS_PATIENCE: Duration = Duration::from_secs(2);

pub(in crate::intake) struct PlacedFiles {
    verified: Verified,
    /// Whether all of `reports/` is watched.
    pub(in crate::intake) is_watched: bool,
    /// Oldest first.
    fresh: VecDeque<(Instant, Arc<str>)>,
}

impl PlacedFiles {
    pub(super) fn new(verified: Verified) -> Self {
        Self { verified, is_watched: false, fresh: VecDeque::new() }
    }

    /// Returns the signature at which the file at `path` was last known to be the tip's.
    pub(super) fn known(&self, path: &str) -> Option<Signature> {
        self.verified.lock().expect("no panic under this lock").get(path).copied()
    }

    /// The file at `path` was placed, and has `signature`.
    pub(super) fn add(&mut self, path: Arc<str>, signature: Signature, now: Instant) {
        if !self.is_watched {
            return;
        }
        while self.fresh.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > NEWS_PATIENCE) {
            self.fresh.pop_front();
        }
        self.fresh.push_back((now, path.clone()));
        self.verified.lock().expect("no panic under this lock").insert(path, signature);
    }

    /// Not everything was told: the files are to be read like any other.
    pub(in crate::intake) fn doubt(&mut self) {
        let mut verified = self.verified.lock().expect("no panic under this lock");
        for (_, path) in self.fresh.drain(..) {
            verified.remove(&path);
        }
    }
}
