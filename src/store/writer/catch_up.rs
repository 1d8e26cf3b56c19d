//! What others did to the branch, taken in before a batch is planned on it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Writer;
use crate::failpoint::failpoint;
use crate::report::validate::BODY_LIMIT_MAX;
use crate::store::absorb::{self, AbsorbError};
use crate::store::snapshot::Snapshot;
use crate::store::{WriteError, branch, load, rewind};

impl Writer {
    /// Returns the snapshot of the tip as it is now, absorbing what others did.
    pub(super) fn catch_up(&self) -> Result<Arc<Snapshot>, WriteError> {
        let result = self.look().and_then(|snapshot| self.check_work_tree().map(|()| snapshot));
        match &result {
            Ok(_) => self.shared.clear_obstacle_unless_full(),
            Err(error) => self.shared.set_obstacle(Some(error.clone())),
        }
        result
    }

    fn look(&self) -> Result<Arc<Snapshot>, WriteError> {
        let served = self.shared.snapshot.load_full();
        let branch = &self.location.branch;
        let git_error = |error| self.failed(io::Error::other::<git2::Error>(error));
        let tip = match branch::tip(&self.location, &self.git) {
            Ok(Some(tip)) => tip,
            Ok(None) => {
                return Err(WriteError::Unavailable(format!(
                    "the branch `{branch}` is gone; bring it back with `git branch {branch} {}`",
                    served.commit
                )));
            }
            Err(error) => return Err(self.failed(error)),
        };
        if self.is_unsure.get() {
            branch::sync(&self.location).map_err(|error| self.failed(error))?;
            self.is_unsure.set(false);
        }
        if tip == served.commit {
            self.shared.is_rewound.store(false, Ordering::Release);
            return Ok(served);
        }
        let absorbed = {
            let lag = self.shared.lag.lock().expect("no panic under this lock");
            absorb::absorb(&self.git, &served, tip, &self.location.branch_ref(), &lag, BODY_LIMIT_MAX)
        };
        let snapshot = match absorbed {
            Ok((snapshot, behind)) => {
                let mut lag = self.shared.lag.lock().expect("no panic under this lock");
                behind.iter().for_each(|(path, before, after)| lag.note(path, *before, *after));
                tracing::info!(%tip, "Took in what others committed, up to `{tip}`");
                snapshot
            }
            Err(AbsorbError::Rewound { served: lost, tip }) => {
                // So that nobody has to guess what was lost, whenever they look.
                self.shared.note_served();
                failpoint!("rewind.seen");
                let accepted = rewind::is_accepted(&self.git, tip, lost).map_err(git_error)?;
                if !accepted {
                    self.shared.is_rewound.store(true, Ordering::Release);
                    return Err(WriteError::Unavailable(rewind::refusal(&self.location, lost, tip)));
                }
                let snapshot = load::snapshot(&self.location, tip, BODY_LIMIT_MAX).map_err(git_error)?;
                failpoint!("rewind.read");
                tracing::warn!(%tip, %lost, "The rewind from `{lost}` was accepted; `{tip}` is served");
                snapshot
            }
            Err(AbsorbError::Git(error)) => return Err(git_error(error)),
        };
        failpoint!("absorb.read");
        self.shared.serve(Arc::new(snapshot));
        self.shared.is_rewound.store(false, Ordering::Release);
        self.shared.announced.miss();
        failpoint!("absorb.served");
        Ok(self.shared.snapshot.load_full())
    }

    /// On another branch the person works on something else: nothing may change
    /// under their hands, and what was committed could not be put there.
    pub(super) fn check_work_tree(&self) -> Result<(), WriteError> {
        match self.location.is_checked_out() {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::Unavailable(format!(
                "the work tree of the reports repository is not on its branch; run `git switch {}` there",
                self.location.branch
            ))),
            Err(error) => Err(self.failed(error)),
        }
    }
}
