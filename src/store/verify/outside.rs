//! A commit that the service did not make, by the rules by which it was taken in.

use super::read::{Commit, Content};
use super::replay::{Outside, Replay};
use crate::store::check::Changed;
use crate::store::lag::Stale;
use crate::store::load::{duplicate_id, is_report_path, stray_fault};
use crate::store::problem::FoundIn;
use crate::store::repository::MARK;
use crate::store::walk::{self, FileStep};

impl Replay<'_> {
    /// Takes every report file that the commit changed.
    pub(super) fn others(&mut self, commit: &Commit, content: &Content) -> Result<(), git2::Error> {
        for file in &content.changed {
            let path = file.name();
            if is_report_path(&path) {
                self.report(commit, path, file)?;
            } else if path.starts_with("reports/") && walk::is_markdown(&path) {
                self.stray(commit, path, file)?;
            } else if path == MARK {
                self.rules(commit, path, file)?;
            }
        }
        Ok(())
    }

    fn report(&mut self, commit: &Commit, path: String, file: &Changed) -> Result<(), git2::Error> {
        let mut tracked = self.tracks.remove(&path).unwrap_or_default();
        let id = commit.step.commit;
        let step = FileStep::of(path.clone(), file.after.map(|item| (item.id, item.mode)), false);
        tracked.outside.push(Outside { commit: id, before: tracked.track.known.clone() });
        let event = self.follower.follow(&mut tracked.track, &step, &commit.step, false, &Stale::No)?;
        self.count(event);
        if event.is_some() {
            tracked.body = None;
        }
        let new_id = tracked.track.known.as_ref().map(|known| known.report.id);
        let other = new_id.and_then(|id| self.by_id.get(&id)).filter(|other| **other != path).cloned();
        let problem = tracked.track.problem.as_ref().filter(|problem| problem.found_in == FoundIn::Commit(id));
        let what = match (other, problem) {
            (Some(other), _) => {
                tracked.track.known = None;
                Some(format!("`{path}`: {}", duplicate_id(&other)))
            }
            (None, Some(problem)) => Some(format!("`{path}`: {}", problem.fault)),
            (None, None) if tracked.track.repair.is_some() => Some(match file.after {
                None => format!("deletes the report `{path}`"),
                Some(_) if step.is_executable => format!("makes `{path}` executable"),
                Some(_) => format!(
                    "leaves `{path}` saying what is not so: a status that the change voids, or another identity"
                ),
            }),
            (None, None) => None,
        };
        if let Some(known) = &tracked.track.known {
            self.by_id.insert(known.report.id, path.clone());
        }
        match what {
            Some(what) => self.open(&mut tracked, commit, what),
            None if tracked.track.problem.is_none() => self.close(&mut tracked, id),
            None => {}
        }
        self.tracks.insert(path, tracked);
        Ok(())
    }

    /// Rules that cannot be read leave those before them in force.
    fn rules(&mut self, commit: &Commit, path: String, file: &Changed) -> Result<(), git2::Error> {
        let mut tracked = self.tracks.remove(&path).unwrap_or_default();
        let after = file.after.filter(|item| walk::is_regular(item.mode)).map(|item| item.id);
        match self.follower.policies.read(self.follower.git, after)? {
            Ok(read) => {
                self.policy = read;
                self.close(&mut tracked, commit.step.commit);
            }
            Err(fault) => self.open(&mut tracked, commit, format!("`{path}`: {fault}")),
        }
        self.tracks.insert(path, tracked);
        Ok(())
    }

    /// A report in the wrong place is wrong until it is gone from there.
    fn stray(&mut self, commit: &Commit, path: String, file: &Changed) -> Result<(), git2::Error> {
        let mut tracked = self.tracks.remove(&path).unwrap_or_default();
        let after = file.after.filter(|item| walk::is_regular(item.mode));
        let fault = match after {
            Some(item) => stray_fault(self.follower.git.find_blob(item.id)?.content()),
            None => None,
        };
        match fault {
            Some(fault) => self.open(&mut tracked, commit, format!("`{path}`: {fault}")),
            None => self.close(&mut tracked, commit.step.commit),
        }
        self.tracks.insert(path, tracked);
        Ok(())
    }
}
