//! Files that were put in their places a moment ago. Their bytes need not be read
//! again: what the kernel tells of them is that they were renamed, and who writes
//! to one at the same moment, too soon for the file system's clock to tell, is told
//! of as well. So they count as verified only while everything is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::intake::look::Signature;
use crate::intake::verified::Verified;

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

    /// Returns whether the file at `path` was last known to be the tip's at `signature`.
    pub(super) fn is_known(&self, path: &str, signature: Signature) -> bool {
        self.verified.has(path, signature)
    }

    /// The file at `path` was placed, and has `signature`.
    pub(super) fn add(&mut self, path: Arc<str>, signature: Signature, now: Instant) {
        if !self.is_watched {
            return;
        }
        while self.fresh.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > NEWS_PATIENCE) {
            self.fresh.pop_front();
        }
        self.verified.add(&path, signature);
        self.fresh.push_back((now, path));
    }

    /// Not everything was told: the files are to be read like any other.
    pub(in crate::intake) fn doubt(&mut self) {
        for (_, path) in self.fresh.drain(..) {
            self.verified.remove(&path);
        }
    }
}
