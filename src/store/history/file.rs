//! One report through its commits: what each made of it.

use chrono::{DateTime, Utc};
use git2::{Oid, Repository};

use super::{Side, State};
use crate::report::validate::BODY_LIMIT_MAX;
use crate::report::{Event, Report, Status, change};
use crate::store::lag::Stale;
use crate::store::outside::{Follower, Known, Track};
use crate::store::policy::Policies;
use crate::store::snapshot::Entry;
use crate::store::trail::Trail;
use crate::store::trails;
use crate::store::walk::Step;

/// A commit of a report, and what is so after it.
pub(super) struct Stage {
    pub(super) commit: Oid,
    /// The service made it for this report.
    pub(super) is_own: bool,
    /// `None` if it changed nothing that counts.
    pub(super) event: Option<Event>,
    pub(super) track: Track,
}

impl Stage {
    /// Returns the state, if the file of this very commit is the one that counts.
    pub(super) fn fresh(&self) -> Option<&Known> {
        self.track.known.as_ref().filter(|known| Some(known.blob) == self.track.blob)
    }
}

/// Returns every stage of a report, oldest first.
pub(super) fn stages(git: &Repository, entry: &Entry) -> Result<Vec<Stage>, git2::Error> {
    let mut commits: Vec<Oid> = entry.commits.iter().collect();
    commits.reverse();
    stages_of(git, entry, &commits, commits.len())
}

/// Returns the stage that `commit` is and the one before it, from the commits
/// since the last one of the service, whose file says the whole state.
pub(super) fn stage_at(
    git: &Repository,
    entry: &Entry,
    commit: Oid,
) -> Result<Option<(Option<Stage>, Stage)>, git2::Error> {
    let odb = git.odb()?;
    // What follows can say that it counts for nothing.
    let (mut next, mut older) = (None, entry.commits.iter().peekable());
    while let Some(found) = older.next_if(|found| *found != commit) {
        next = Some(found);
    }
    let mut commits = Vec::new();
    for found in older {
        commits.push(found);
        if found != commit && Step::read(&odb, found)?.own_report == Some(entry.report.id) {
            break;
        }
    }
    commits.reverse();
    let n_stages = commits.len();
    commits.extend(next);
    let mut stages = stages_of(git, entry, &commits, n_stages)?;
    let last = stages.pop().filter(|stage| stage.commit == commit);
    Ok(last.map(|stage| (stages.pop(), stage)))
}

/// Returns the stages of the first `n_stages` of `commits`, which are oldest first.
fn stages_of(git: &Repository, entry: &Entry, commits: &[Oid], n_stages: usize) -> Result<Vec<Stage>, git2::Error> {
    let policies = Policies::default();
    let follower = Follower { git, body_limit_bytes: BODY_LIMIT_MAX, policies: &policies };
    let odb = git.odb()?;
    let mut stages: Vec<Stage> = Vec::with_capacity(commits.len());
    let before = commits.first().map_or_else(Trail::default, |first| entry.commits.before(*first));
    let mut track = Track { commits: before, ..Track::default() };
    for (n, commit) in commits.iter().copied().enumerate().take(n_stages) {
        let step = Step::read(&odb, commit)?;
        let file = trails::file_at(git, step.tree, &entry.path)?;
        // A message that names the report does not make it the report's commit.
        if stages.last().is_some_and(|before| before.track.blob == file.blob) {
            continue;
        }
        let is_own = step.own_report == Some(entry.report.id);
        let stale = match commits.get(n + 1).filter(|_| !is_own) {
            Some(next) if puts_back(git, *next, commit, &track, &entry.path)? => Stale::Reverted { is_sure: true },
            _ => Stale::No,
        };
        let event = follower.follow(&mut track, &file, &step, is_own, &stale)?;
        stages.push(Stage { commit, is_own, event, track: track.clone() });
    }
    Ok(stages)
}

/// Returns whether the service answered `commit` by putting back the file that
/// was there before it: that one decided nothing.
fn puts_back(git: &Repository, next: Oid, commit: Oid, before: &Track, path: &str) -> Result<bool, git2::Error> {
    let next = git.find_commit(next)?;
    let message = String::from_utf8_lossy(next.message_raw_bytes()).into_owned();
    let is_answer = message.starts_with(Event::Restore.verb()) && message.contains(&format!("\nAnswers: {commit}\n"));
    let Some(blob) = trails::file_at(git, next.tree_id(), path)?.blob.filter(|_| is_answer) else { return Ok(false) };
    let says = change::says(git.find_blob(blob)?.content()).ok();
    Ok(Some(blob) == before.blob
        || says.is_some_and(|says| before.known.as_ref().map(|known| &known.report) == Some(&says)))
}

/// Returns the report as it was served at `commit`, or `None` before its first.
pub(super) fn state_at(git: &Repository, entry: &Entry, commit: Oid) -> Result<Option<State>, git2::Error> {
    let blob = trails::file_at(git, git.find_commit(commit)?.tree_id(), &entry.path)?.blob;
    let stages = stages(git, entry)?;
    let mut last = None;
    for stage in stages.iter().rev().filter(|stage| stage.track.blob == blob) {
        if stage.commit == commit || git.graph_descendant_of(commit, stage.commit)? {
            last = Some(stage);
            break;
        }
    }
    match (last, blob) {
        (Some(Stage { track: Track { known: Some(known), .. }, .. }), _) => state(git, commit, known).map(Some),
        (None, Some(blob)) => aside(git, entry, commit, blob),
        _ => Ok(None),
    }
}

/// Returns what the file says at a commit that was merged in, never served itself.
fn aside(git: &Repository, entry: &Entry, commit: Oid, blob: Oid) -> Result<Option<State>, git2::Error> {
    let file = git.find_blob(blob)?.content().to_vec();
    let report = change::says(&file).ok().filter(|report| report.id == entry.report.id);
    let Some(report) = report else { return Ok(None) };
    Ok(Some(State { commit, blob, approval_expires_at: expires_at(git, commit, &report)?, report, file }))
}

/// Returns the state at the first commit whose report has `revision`.
pub(super) fn first_of(git: &Repository, entry: &Entry, revision: u32) -> Result<Option<State>, git2::Error> {
    for stage in stages(git, entry)? {
        if let Some(known) = stage.fresh().filter(|known| known.report.revision == revision) {
            return state(git, stage.commit, known).map(Some);
        }
    }
    Ok(None)
}

fn state(git: &Repository, commit: Oid, known: &Known) -> Result<State, git2::Error> {
    let file = git.find_blob(known.blob)?.content().to_vec();
    let report = known.report.clone();
    Ok(State { commit, blob: known.blob, approval_expires_at: expires_at(git, commit, &report)?, report, file })
}

fn expires_at(git: &Repository, commit: Oid, report: &Report) -> Result<Option<DateTime<Utc>>, git2::Error> {
    if report.status != Status::Approved {
        return Ok(None);
    }
    Ok(Policies::default().in_force(git, commit)?.policy.approval_expires_at(report))
}

/// Returns the file at `commit` as one side of a difference, whether it was
/// accepted or not; `None` if there was none.
pub(super) fn side_at(git: &Repository, entry: &Entry, commit: Oid) -> Result<Option<Side>, git2::Error> {
    let blob = trails::file_at(git, git.find_commit(commit)?.tree_id(), &entry.path)?.blob;
    let Some(blob) = blob else { return Ok(None) };
    let state = state_at(git, entry, commit)?.filter(|state| state.blob == blob);
    let revision = state.map(|state| state.report.revision);
    Ok(Some(Side { commit: Some(commit), revision, blob: Some(blob) }))
}
