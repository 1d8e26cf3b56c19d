//! What commits that the service did not make mean for one report: its file,
//! brought forward commit by commit under the rules of [`change`].
//!
//! Absorbing, loading, the history and `golive verify` all go through here, so
//! that a restart shows the state that was shown before.

use chrono::{DateTime, Utc};
use git2::{Oid, Repository};

use super::history::event;
use super::lag::Stale;
use super::load;
use super::policy::Policies;
use super::problem::{FoundIn, Problem};
use super::snapshot::Repair;
use super::trail::Trail;
use super::walk::{FileStep, Step};
use super::{size, slip};
use crate::policy;
use crate::report::change::{self, Before, Hand, Judged, Way};
use crate::report::fault::{Fault, Rule};
use crate::report::text::is_invisible;
use crate::report::{Event, Report, merge};

/// Name and address together fit into `reviewed_by`.
const PERSON_PART_MAX: usize = 120;

/// One report, as far as its commits were followed.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// The last good state.
    pub(super) known: Option<Known>,
    /// The commits that changed the file.
    pub(super) commits: Trail,
    /// The file at the last commit.
    pub(super) blob: Option<Oid>,
    /// What is wrong with that file, if it is not the one of `known`.
    pub(super) problem: Option<Problem>,
    pub(super) repair: Option<Repair>,
}

/// A state of a report that counts.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) report: Report,
    /// What the file says, where that is not the state.
    pub(super) file_says: Option<Box<Report>>,
    pub(super) blob: Oid,
    /// The commit that brought it, and its committer time.
    pub(super) commit: Oid,
    pub(super) updated_at: DateTime<Utc>,
}

/// What following the commits needs beside them.
pub(super) struct Follower<'a> {
    pub(super) git: &'a Repository,
    /// For all that is committed, [`crate::report::validate::BODY_LIMIT_MAX`]: a setting must not change what
    /// history means.
    pub(super) body_limit_bytes: usize,
    /// The rules before each commit.
    pub(super) policies: &'a Policies,
}

impl Follower<'_> {
    /// Takes in what the commit `step` made of the file. `is_own` says that the
    /// service made it for this report; `stale`, what the new version can be.
    ///
    /// Returns the event, if the state is another one now.
    ///
    /// # Errors
    /// libgit2's, if an object is missing. What is wrong with the file is noted.
    pub(super) fn follow(
        &self,
        track: &mut Track,
        file: &FileStep,
        step: &Step,
        is_own: bool,
        stale: &Stale,
    ) -> Result<Option<Event>, git2::Error> {
        track.blob = file.blob;
        let commits = track.commits.clone();
        track.commits = commits.with(step.commit);
        // Of a file that is not executable nothing is left over; the service's own never are.
        let plain = file.is_executable.then_some(Repair { answers: step.commit });
        track.repair = None;
        let since = load::time(step.committed_at);
        let Some(blob) = file.blob else {
            // Where nothing counted, a broken file that is gone is no problem.
            track.problem = None;
            track.repair = track.known.as_ref().map(|_| Repair { answers: step.commit });
            return Ok(None);
        };
        if track.known.as_ref().is_some_and(|known| known.blob == blob) {
            (track.problem, track.repair) = (None, plain);
            return Ok(None);
        }
        if matches!(stale, Stale::Reverted { .. }) && track.known.is_some() {
            track.problem = None;
            track.repair = Some(Repair { answers: step.commit });
            return Ok(None);
        }
        if let Some(known) = track.known.as_ref().filter(|_| !is_own)
            && let Some(own) = slip::brought_back(self.git, &file.path, known.report.id, blob, step, &commits)?
        {
            let event = event::event(Some(&known.report), &own.report, false);
            (track.known, track.problem, track.repair) = (Some(own), None, plain);
            return Ok(event);
        }
        let found_in = FoundIn::Commit(step.commit);
        if !file.is_regular {
            let detail = "a link or a submodule stands where a report was";
            let fault = Fault::new(Rule::NotAFile, detail, "put the report's file in its place and commit it");
            return Ok(self.refuse(track, &file.path, Problem::new(fault, b"", found_in, since)));
        }
        if size::is_too_long(self.git, blob)? {
            let problem = Problem::new(size::too_long(), b"", found_in, since);
            return Ok(self.refuse(track, &file.path, problem));
        }
        let content = self.git.find_blob(blob)?;
        let judged = if is_own {
            change::read(&file.path, content.content()).map(|decoded| {
                let event = own_event(track.known.as_ref(), &decoded.report);
                Judged { event, says: decoded.report.clone(), report: decoded.report }
            })
        } else {
            match self.joined(track.known.as_ref(), &file.path, content.content(), stale)? {
                Joined::AsItIs => self.judge(track.known.as_ref(), file, content.content(), step)?,
                // What the record says besides has to stand in the file as well.
                Joined::With(merged) => {
                    track.repair = Some(Repair { answers: step.commit });
                    self.judge(track.known.as_ref(), file, &merged, step)?
                        .and_then(|judged| Ok(Judged { says: change::says(content.content())?, ..judged }))
                }
                Joined::Conflict => {
                    let (path, commit) = (&file.path, step.commit);
                    tracing::warn!(
                        path,
                        "`{commit}` changed an older version of `{path}`, in conflict with the record's, which stays"
                    );
                    track.problem = None;
                    track.repair = Some(Repair { answers: step.commit });
                    return Ok(None);
                }
            }
        };
        let judged = match judged {
            Ok(judged) => judged,
            Err(fault) => {
                return Ok(self.refuse(track, &file.path, Problem::new(fault, content.content(), found_in, since)));
            }
        };
        track.problem = None;
        track.repair = track.repair.or_else(|| is_false(&judged).then_some(Repair { answers: step.commit })).or(plain);
        let file_says = (judged.says != judged.report).then(|| Box::new(judged.says));
        let report = judged.report;
        track.known = Some(Known { report, file_says, blob, commit: step.commit, updated_at: since });
        Ok(Some(judged.event))
    }

    fn refuse(&self, track: &mut Track, path: &str, problem: Problem) -> Option<Event> {
        let old = track.problem.as_ref().and_then(|problem| problem.last_good);
        let last_good = old.or(track.known.as_ref().map(|known| known.commit));
        let problem = match last_good {
            Some(commit) => Problem { fault: problem.fault.with_way_back(&taken_from(commit, path)), ..problem },
            None => problem,
        };
        // The same fault in a file that was touched again is no new one.
        let since =
            track.problem.as_ref().filter(|old| old.fault == problem.fault).map_or(problem.since, |old| old.since);
        track.problem = Some(Problem { last_good, since, ..problem });
        // It is the person's to repair; putting the old file back would hide theirs.
        track.repair = None;
        None
    }

    fn judge(
        &self,
        known: Option<&Known>,
        file: &FileStep,
        content: &[u8],
        step: &Step,
    ) -> Result<Result<Judged, Fault>, git2::Error> {
        let commit = self.git.find_commit(step.commit)?;
        let author = commit.author();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let who = person(&text(author.name_bytes()), &text(author.email_bytes()));
        let at = load::time(step.committed_at);
        let hand = Hand { way: Way::Commit, who: Some(&who), at, body_limit_bytes: self.body_limit_bytes };
        let rules = self.policies.before(self.git, step)?;
        let judge = |before| policy::change::judge(&rules.policy, &file.path, before, content, hand);
        let Some(known) = known else { return Ok(judge(None)) };
        let before_file = self.git.find_blob(known.blob)?;
        Ok(judge(Some(Before { report: &known.report, file: before_file.content() })))
    }

    /// Joins a file that was made from an older version with what the service
    /// committed since, so that an acknowledged write is not undone in passing.
    fn joined(&self, known: Option<&Known>, path: &str, content: &[u8], stale: &Stale) -> Result<Joined, git2::Error> {
        let (Stale::MadeFrom(older), Some(known)) = (stale, known) else { return Ok(Joined::AsItIs) };
        let ours = self.git.find_blob(known.blob)?;
        let older = older.iter().map(|id| self.git.find_blob(*id)).collect::<Result<Vec<_>, _>>()?;
        let bases: Vec<&[u8]> = older.iter().map(git2::Blob::content).chain([ours.content()]).collect();
        Ok(match merge::merge(path, &bases, content, ours.content()) {
            Ok(merged) if merged == content => Joined::AsItIs,
            Ok(merged) => Joined::With(merged),
            Err(fault) if matches!(fault.rule, Rule::BothChanged | Rule::StaleDecision) => Joined::Conflict,
            // Not readable: judging says why.
            Err(_) => Joined::AsItIs,
        })
    }
}

/// What a file comes to that was made from an older version.
enum Joined {
    AsItIs,
    With(Vec<u8>),
    /// Both changed the same; the record's version was acknowledged, and stays.
    Conflict,
}

/// Returns the command that takes a file as it was at `commit`.
pub(super) fn taken_from(commit: Oid, path: &str) -> String {
    format!("git checkout {:.12} -- {path}", commit.to_string())
}

/// Returns whether a file says what must not stand: a status that is not in
/// force, or that it is another report.
fn is_false(judged: &Judged) -> bool {
    let (says, report) = (&judged.says, &judged.report);
    says.status != report.status || says.id != report.id || says.repository_url != report.repository_url
}

fn own_event(known: Option<&Known>, after: &Report) -> Event {
    event::event(known.map(|known| &known.report), after, true).unwrap_or(Event::Edit)
}

/// Returns a person as `Name <address>`, or as much of it as there is, fit for
/// the field `reviewed_by`.
pub fn person(name: &str, email: &str) -> String {
    let is_kept = |c: &char| !c.is_control() && !is_invisible(*c) && !matches!(c, '<' | '>');
    let clean = |text: &str| text.chars().filter(is_kept).take(PERSON_PART_MAX).collect::<String>();
    let (name, email) = (clean(name), clean(email));
    match (name.trim(), email.trim()) {
        ("", email) => email.to_owned(),
        (name, "") => name.to_owned(),
        (name, email) if name == email => email.to_owned(),
        (name, email) => format!("{name} <{email}>"),
    }
}
