//! The state of every report as the history makes it, commit by commit.

use std::collections::HashMap;
use std::sync::Arc;

use git2::{Oid, Repository};
use uuid::Uuid;

use super::read::{Body, Commit, Content};
use super::{Offence, Verified, own};
use crate::report::{Event, Report, Status, change};
use crate::store::check::subject;
use crate::store::outside::{Follower, Known, Track};
use crate::store::policy::{Policies, PolicyInForce};
use crate::store::rewind;
use crate::store::snapshot::Snapshot;

const FIRST: &str = "Start the reports repository";

pub(super) struct Replay<'a> {
    pub(super) follower: Follower<'a>,
    pub(super) tracks: HashMap<String, Tracked>,
    /// The path of each id.
    pub(super) by_id: HashMap<Uuid, String>,
    /// The rules in force.
    pub(super) policy: Arc<PolicyInForce>,
    verified: Verified,
}

/// One report, or a path that could be one's.
#[derive(Default)]
pub(super) struct Tracked {
    pub(super) track: Track,
    /// The text of the file of `track.known`, if the service wrote it.
    pub(super) body: Option<Body>,
    /// What others did since the service wrote it last.
    pub(super) outside: Vec<Outside>,
    /// Offences of this path that nobody set right yet.
    open: Vec<usize>,
}

/// A commit of somebody, and the state before it.
pub(super) struct Outside {
    pub(super) commit: Oid,
    pub(super) before: Option<Known>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(git: &'a Repository, policies: &'a Policies) -> Self {
        Self {
            follower: Follower { git, body_limit_bytes: usize::MAX, policies },
            tracks: HashMap::new(),
            by_id: HashMap::new(),
            policy: Arc::default(),
            verified: Verified::default(),
        }
    }

    pub(super) const fn n_commits(&self) -> usize {
        self.verified.n_commits
    }

    /// Takes the next commit.
    pub(super) fn take(
        &mut self,
        commit: &Commit,
        before: Option<&Commit>,
        content: Content,
    ) -> Result<(), git2::Error> {
        self.verified.n_commits += 1;
        match commit.step.own_report {
            Some(id) if commit.is_by_service => self.own(commit, id, content),
            _ => {
                if let Some(what) = nameless(commit, before).filter(|_| commit.is_by_service) {
                    self.offend(commit, what);
                }
                self.others(commit, &content)
            }
        }
    }

    /// Takes a commit that the service made for the report `id`.
    fn own(&mut self, commit: &Commit, id: Uuid, content: Content) -> Result<(), git2::Error> {
        let mut wrong = Vec::new();
        if commit.n_parents != 1 {
            wrong.push(format!("has {} parents; a commit of the service has exactly one", commit.n_parents));
        }
        let (path, after) = match (&content.changed[..], content.file) {
            ([one], Some(Ok(file))) => (one.name(), one.after.map(|item| item.id).zip(Some(file))),
            ([one], Some(Err(fault))) => {
                wrong.push(format!("its report `{}` cannot be read: {fault}", one.name()));
                (one.name(), None)
            }
            (changed, _) => {
                wrong.push(format!(
                    "changes {}; a commit of the service changes its report's file alone",
                    names(changed)
                ));
                (String::new(), None)
            }
        };
        let Some((blob, file)) = after else {
            self.offend_all(commit, &wrong);
            return self.others(commit, &Content { changed: content.changed, file: None });
        };
        let mut tracked = self.tracks.remove(&path).unwrap_or_default();
        let (event, said) = own::judge(self.follower.git, &commit.message, id, &tracked, (&file, blob), &self.policy)?;
        wrong.extend(said);
        if let Some(other) = self.by_id.insert(file.report.id, path.clone()).filter(|other| *other != path) {
            wrong.push(format!("its `id` is that of `{other}`"));
        }
        self.count(event);
        self.offend_all(commit, &wrong);
        let known = Known {
            report: file.report,
            file_says: None,
            blob,
            commit: commit.step.commit,
            updated_at: crate::store::load::time(commit.step.committed_at),
        };
        let commits = tracked.track.commits.with(commit.step.commit);
        tracked.track = Track { known: Some(known), commits, blob: Some(blob), ..Track::default() };
        (tracked.body, tracked.outside) = (Some(file.body), Vec::new());
        self.close(&mut tracked, commit.step.commit);
        self.tracks.insert(path, tracked);
        Ok(())
    }

    pub(super) fn count(&mut self, event: Option<Event>) {
        self.verified.n_decisions += usize::from(event.is_some_and(Event::is_decision));
    }

    fn offend_all(&mut self, commit: &Commit, wrong: &[String]) {
        if !wrong.is_empty() {
            self.offend(commit, wrong.join("; "));
        }
    }

    pub(super) fn offend(&mut self, commit: &Commit, what: String) {
        let subject = subject(self.follower.git, commit.step.commit);
        self.verified.offences.push(Offence { commit: commit.step.commit, subject, what, repaired_by: None });
    }

    /// Notes what a person's commit left wrong at a path.
    pub(super) fn open(&mut self, tracked: &mut Tracked, commit: &Commit, what: String) {
        tracked.open.push(self.verified.offences.len());
        self.offend(commit, what);
    }

    /// Notes that everything at a path is right again.
    pub(super) fn close(&mut self, tracked: &mut Tracked, by: Oid) {
        for offence in tracked.open.drain(..) {
            self.verified.offences[offence].repaired_by = Some(by);
        }
    }

    /// Returns what [`change::read`] makes of the files that the states in force were read from.
    pub(super) fn reads(&self) -> impl Fn(&str, Oid) -> Option<Report> + Sync {
        let tracks = &self.tracks;
        |path, blob| {
            let known = tracks.get(path)?.track.known.as_ref().filter(|known| known.blob == blob)?;
            let says = known.file_says.as_deref().unwrap_or(&known.report);
            // A person's file counts at another address, too; but it is not read then.
            change::is_at(path, says).then(|| says.clone())
        }
    }

    /// Compares the end of the replay with the state that is served.
    pub(super) fn end(mut self, snapshot: &Snapshot) -> Result<Verified, git2::Error> {
        let git = self.follower.git;
        let known: Vec<_> =
            self.tracks.iter().filter_map(|(path, tracked)| Some((path, tracked.track.known.as_ref()?))).collect();
        let mut wrong: Vec<String> = Vec::new();
        for (path, known) in &known {
            let status = known.report.status;
            self.verified.by_status[Status::ALL.iter().position(|other| *other == status).unwrap_or_default()] += 1;
            let is_same =
                snapshot.at_path(path).is_some_and(|entry| entry.report == known.report && entry.blob == known.blob);
            if !is_same {
                wrong.push(format!("the state of `{path}` that is served is not what its history comes to"));
            }
        }
        self.verified.n_reports = known.len();
        if snapshot.len() != known.len() && wrong.is_empty() {
            wrong.push(format!("{} reports are served, and the history comes to {}", snapshot.len(), known.len()));
        }
        wrong.sort();
        let commit = snapshot.commit;
        let offence = |what| Offence { commit, subject: subject(git, commit), what, repaired_by: None };
        self.verified.offences.extend(wrong.into_iter().map(offence));
        Ok(self.verified)
    }
}

/// Returns what is wrong with a commit of the service that names no report.
fn nameless(commit: &Commit, before: Option<&Commit>) -> Option<String> {
    let message = &*commit.message;
    let is_start = message.lines().next() == Some(FIRST);
    if message.lines().any(|line| line.starts_with(rewind::TRAILER)) {
        let is_empty = before.is_some_and(|before| before.step.tree == commit.step.tree) && commit.n_parents == 1;
        return (!is_empty).then(|| "accepts a rewind, and changes files or has not one parent".into());
    }
    match before {
        None if is_start => None,
        Some(_) if is_start => Some("starts the repository, and is not the first commit".into()),
        _ => Some("is of the service, and names no report (`Report-Id`)".into()),
    }
}

fn names(changed: &[crate::store::check::Changed]) -> String {
    let mut names: Vec<_> = changed.iter().map(|file| format!("`{}`", file.name())).collect();
    if names.len() > 4 {
        names.truncate(3);
        names.push(format!("{} more files", changed.len() - 3));
    }
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
