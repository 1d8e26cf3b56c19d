//! What git's index can still hold of a time before the tip.
//!
//! The service commits without the index, which follows a moment later. A
//! person's plain `git commit` in between takes the index as it is, and so puts
//! back what the service changed. Such a commit decides nothing; by what is
//! noted here it is recognised.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use git2::{Oid, Repository};

use super::repository::MIRRORED_REF;
use super::walk::{self, Step};
use super::{FileChange, trails};

/// A `git commit` that read the index before it was brought forward is done by then.
const IN_FLIGHT: Duration = Duration::from_secs(5);
const PRUNE_INTERVAL: Duration = Duration::from_secs(1);

/// A longer gap at a start than so many commits is none: nobody commits by an
/// index that old.
const GAP_MAX: usize = 20_000;

/// The versions of files that the index may hold.
#[derive(Default)]
pub(super) struct Lag {
    behind: HashMap<String, Behind>,
    pruned_at: Option<Instant>,
}

struct Behind {
    /// Older versions, oldest first; `None` is no file.
    versions: Vec<Option<Oid>>,
    tip: Option<Oid>,
    /// Since when the index is at the tip's version.
    forward_since: Option<Instant>,
}

/// What a blob that a commit put at a path can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stale {
    /// Nothing of the past: the person meant it.
    No,
    /// Exactly what the index held: put back by accident. `is_sure` while the index
    /// is known to be behind; afterwards the index tells ([`super::absorb`]).
    Reverted { is_sure: bool },
    /// New, but perhaps made from one of these older versions.
    MadeFrom(Vec<Oid>),
}

impl Lag {
    /// Returns what the index can hold at a start with `tip`: what the commits
    /// since the work tree was brought forward last changed.
    ///
    /// # Errors
    /// libgit2's.
    pub(super) fn at_start(git: &Repository, tip: Oid) -> Result<Self, git2::Error> {
        let mut lag = Self::default();
        let Ok(mirrored) = git.refname_to_id(MIRRORED_REF) else { return Ok(lag) };
        let odb = git.odb()?;
        let mut steps = Vec::new();
        let mut next = Some(Step::read(&odb, tip)?);
        while let Some(step) = next.take_if(|step| step.commit != mirrored && steps.len() < GAP_MAX) {
            next = step.before(git, &odb)?;
            steps.push(step);
        }
        let Some(mut before) = next else { return Ok(lag) };
        for step in steps.into_iter().rev() {
            for file in walk::changed_reports(git, Some(before.tree), step.tree)? {
                let old = trails::file_at(git, before.tree, &file.path)?;
                lag.note(&file.path, old.blob, file.blob);
            }
            before = step;
        }
        Ok(lag)
    }

    /// Notes what the service committed.
    pub(super) fn committed(&mut self, changes: &[FileChange]) {
        // Not at each batch: under load there are many.
        if self.pruned_at.is_none_or(|at| at.elapsed() > PRUNE_INTERVAL) {
            let now = Instant::now();
            let is_in_flight = |since: Instant| now.saturating_duration_since(since) < IN_FLIGHT;
            self.behind.retain(|_, behind| behind.forward_since.is_none_or(is_in_flight));
            self.pruned_at = Some(now);
        }
        for change in changes {
            self.note(&change.path, change.before, Some(change.blob));
        }
    }

    /// Notes that the version `before` of the file at `path` was followed by `tip`.
    pub(super) fn note(&mut self, path: &str, before: Option<Oid>, tip: Option<Oid>) {
        let behind = self.behind.entry(path.to_owned()).or_insert_with(|| Behind {
            versions: Vec::new(),
            tip,
            forward_since: None,
        });
        behind.versions.push(before);
        (behind.tip, behind.forward_since) = (tip, None);
    }

    /// Notes that the index holds `blob` at `path` now.
    pub(super) fn brought_forward(&mut self, path: &str, blob: Option<Oid>) {
        let Some(behind) = self.behind.get_mut(path) else { return };
        if behind.tip == blob {
            behind.forward_since = Some(Instant::now());
        } else if let Some(at) = behind.versions.iter().rposition(|version| *version == blob) {
            behind.versions.drain(..at);
        }
    }

    /// Returns what `blob` at `path` is, in a commit that a person made.
    pub(super) fn stale(&self, path: &str, blob: Option<Oid>) -> Stale {
        let Some(behind) = self.behind.get(path) else { return Stale::No };
        let is_sure = behind.forward_since.is_none();
        if behind.versions.contains(&blob) && behind.tip != blob {
            return match behind.forward_since {
                Some(since) if since.elapsed() > IN_FLIGHT => Stale::No,
                _ => Stale::Reverted { is_sure },
            };
        }
        if is_sure { Stale::MadeFrom(behind.versions.iter().flatten().copied().collect()) } else { Stale::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> Oid {
        Oid::from_bytes(&[n; 20]).unwrap()
    }

    #[test]
    fn what_the_index_held_is_stale_until_it_is_brought_forward() {
        let mut lag = Lag::default();
        lag.note("a", None, Some(id(1)));
        lag.note("a", Some(id(1)), Some(id(2)));
        assert_eq!(lag.stale("a", None), Stale::Reverted { is_sure: true });
        assert_eq!(lag.stale("a", Some(id(1))), Stale::Reverted { is_sure: true });
        assert_eq!(lag.stale("a", Some(id(9))), Stale::MadeFrom(vec![id(1)]));
        assert_eq!(lag.stale("b", None), Stale::No);
        lag.brought_forward("a", Some(id(1)));
        assert_eq!(lag.stale("a", None), Stale::MadeFrom(vec![id(1)]));
        lag.brought_forward("a", Some(id(2)));
        assert_eq!(lag.stale("a", Some(id(1))), Stale::Reverted { is_sure: false });
        assert_eq!(lag.stale("a", Some(id(9))), Stale::No);
    }

    #[test]
    fn version_that_came_back_is_the_tip_and_not_stale() {
        let mut lag = Lag::default();
        lag.note("a", Some(id(1)), Some(id(2)));
        lag.note("a", Some(id(2)), Some(id(1)));
        assert_eq!(lag.stale("a", Some(id(1))), Stale::MadeFrom(vec![id(1), id(2)]));
        assert_eq!(lag.stale("a", Some(id(2))), Stale::Reverted { is_sure: true });
    }
}
