//! From a change that somebody asks for to the commit that would make it.
//!
//! Made by the caller's thread against the snapshot it sees, so that many
//! drafts are hashed and compressed at once; the writer takes a draft as it is
//! if its report is still the same, and has it made anew if not. Pure: what the
//! file was comes in, what it will be goes out.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;
use uuid::Uuid;

use super::WriteError;
use super::edit::HandEdit;
use super::message::{Identity, Message, Via};
use super::object::Object;
use super::snapshot::{Entry, Snapshot};
use crate::assess::About;
use crate::policy::rules::{Breach, Judgement, Offer};
use crate::policy::{Policy, lacking};
use crate::report::change::is_same_text;
use crate::report::fault::Fault;
use crate::report::front_matter;
use crate::report::{self, Decision, Event, Report, Submission};

/// What somebody asks for.
#[derive(Clone, Debug)]
pub enum Change {
    /// A submission for a repository that has no report, or a rejected one.
    Submit(Submission),
    /// A new revision of the report with this id, whatever its status.
    Revise { id: Uuid, submission: Submission, expected: Expected },
    /// A reviewer's decision on the report with this id.
    Decide { id: Uuid, decision: Decision, expected: Expected },
    /// A file that a person saved in the work tree.
    Edit(HandEdit),
}

/// The states of a report that the caller is content with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    #[default]
    Any,
    /// One of these versions of the file (`If-Match`), whatever was between.
    OneOf(Vec<Oid>),
    /// The file `blob` with `commit` as the report's latest: nothing happened
    /// since, not even what came to the same bytes again.
    At { commit: Oid, blob: Oid },
}

/// One commit, but for its tree and parent.
#[derive(Clone)]
pub(super) struct Draft {
    /// The file at its path that it was made from; `None` for a new one.
    pub(super) base: Option<Oid>,
    pub(super) path: Arc<str>,
    pub(super) report: Report,
    pub(super) file: Arc<[u8]>,
    pub(super) blob: Object,
    pub(super) author: Identity,
    pub(super) authored_at: DateTime<Utc>,
    pub(super) message: String,
    /// The `golive.yaml` that it was judged by.
    pub(super) policy: Oid,
}

/// The files of the repository, for a draft.
pub(super) struct Files<'a> {
    pub(super) read: &'a dyn Fn(Oid) -> Result<Arc<[u8]>, WriteError>,
    /// The stream of a file that was read a moment ago, if that is at hand.
    pub(super) deflated: &'a dyn Fn(Oid) -> Option<Arc<[u8]>>,
}

/// What a change comes to.
pub(super) enum Outcome {
    /// Everything is as asked for already.
    Unchanged(Arc<Entry>),
    Commit(Box<Draft>),
}

impl Change {
    /// Returns the report that the change is about, or `None` if there is none yet.
    ///
    /// # Errors
    /// [`WriteError::NotFound`], or [`WriteError::Problem`] if its file is broken.
    fn target(&self, snapshot: &Snapshot) -> Result<Option<Arc<Entry>>, WriteError> {
        let entry = match self {
            Self::Edit(edit) => return Ok(snapshot.at_path(&edit.path).cloned()),
            Self::Submit(submission) => {
                let path = submission.key.path();
                refuse_problem(snapshot, &path)?;
                return Ok(snapshot.at_path(&path).cloned());
            }
            Self::Revise { id, .. } | Self::Decide { id, .. } => {
                snapshot.get(*id).cloned().ok_or(WriteError::NotFound(*id))?
            }
        };
        refuse_problem(snapshot, &entry.path)?;
        Ok(Some(entry))
    }

    /// Returns whether the report is still in a state that the caller expects. The
    /// same bytes can have come back, so a draft's base alone does not tell.
    pub(super) fn is_expected(&self, snapshot: &Snapshot) -> bool {
        let (Self::Revise { id, expected, .. } | Self::Decide { id, expected, .. }) = self else { return true };
        snapshot.get(*id).is_none_or(|entry| expected.check(entry).is_ok())
    }

    /// Checks the change against the state in `snapshot`; `body_limit_bytes` is for texts
    /// that nobody checked yet.
    ///
    /// # Errors
    /// [`WriteError`]: conflict, stale, not allowed, or an unreadable file.
    pub(super) fn draft(
        &self,
        snapshot: &Snapshot,
        files: &Files<'_>,
        via: Via,
        body_limit_bytes: usize,
        now: DateTime<Utc>,
    ) -> Result<Outcome, WriteError> {
        let (entry, file) = (self.target(snapshot)?, files.read);
        match (self, entry.as_ref()) {
            (Self::Edit(edit), _) => edit.draft(snapshot, file, body_limit_bytes, now),
            (Self::Submit(submission), None) => first_revision(snapshot, submission, via, now),
            (Self::Submit(submission), Some(entry)) => {
                if !report::accepts_submission(Some(entry.report.status)) {
                    return Err(WriteError::Exists(entry.clone()));
                }
                next_revision(snapshot, entry, &file(entry.blob)?, submission, via, now)
            }
            (Self::Revise { submission, expected, .. }, Some(entry)) => {
                expected.check(entry)?;
                if submission.key.path() != *entry.path {
                    return Err(WriteError::OtherRepository(entry.clone()));
                }
                let file = file(entry.blob)?;
                if is_same(entry, &file, submission)? {
                    return Ok(Outcome::Unchanged(entry.clone()));
                }
                next_revision(snapshot, entry, &file, submission, via, now)
            }
            (Self::Decide { decision, expected, .. }, Some(entry)) => {
                expected.check(entry)?;
                if entry.report.has_in_force(decision) {
                    return Ok(Outcome::Unchanged(entry.clone()));
                }
                let Some(event) = report::decision_event(entry.report.status, decision.status) else {
                    return Err(WriteError::NothingToReopen(entry.clone()));
                };
                decided(snapshot, entry, files, event, decision, via, now)
            }
            (Self::Revise { id, .. } | Self::Decide { id, .. }, None) => Err(WriteError::NotFound(*id)),
        }
    }
}

impl Expected {
    fn check(&self, entry: &Arc<Entry>) -> Result<(), WriteError> {
        let is_met = match self {
            Self::Any => true,
            Self::OneOf(ids) => ids.contains(&entry.blob),
            Self::At { commit, blob } => *blob == entry.blob && Some(*commit) == entry.commits.iter().next(),
        };
        if is_met { Ok(()) } else { Err(WriteError::Stale(entry.clone())) }
    }
}

fn refuse_problem(snapshot: &Snapshot, path: &str) -> Result<(), WriteError> {
    snapshot
        .problem(path)
        .map_or(Ok(()), |problem| Err(WriteError::Problem { path: path.into(), fault: problem.fault.clone().into() }))
}

pub(super) fn unreadable(path: &str) -> impl Fn(Fault) -> WriteError {
    move |fault| WriteError::Problem { path: path.into(), fault: fault.into() }
}

fn is_same(entry: &Entry, file: &[u8], submission: &Submission) -> Result<bool, WriteError> {
    let body = front_matter::body(file).map_err(unreadable(&entry.path))?;
    Ok(entry.report.server_name == submission.server_name
        && entry.report.repository_url == submission.repository_url
        && entry.report.developer_email == submission.developer_email
        && body == submission.body.as_bytes())
}

/// Refuses what the rules in force do not allow.
fn allow(breaches: Vec<Breach>) -> Result<(), WriteError> {
    if breaches.is_empty() { Ok(()) } else { Err(WriteError::NotAllowed(breaches)) }
}

/// Refuses a submission that breaks rules, or whose text lacks what is asked for: with both.
fn allow_text(policy: &Policy, submission: &Submission, breaches: Vec<Breach>) -> Result<(), WriteError> {
    let about = About { server_name: &submission.server_name, repository_url: &submission.repository_url };
    let findings = lacking::found(policy, about, &submission.body);
    if findings.is_empty() { allow(breaches) } else { Err(WriteError::Lacking { breaches, findings }) }
}

fn offer(submission: &Submission, has_new_text: bool) -> Offer<'_> {
    Offer {
        repository_url: Some(&submission.repository_url),
        developer_email: Some(&submission.developer_email),
        text_bytes: has_new_text.then_some(submission.body.len()),
    }
}

fn first_revision(
    snapshot: &Snapshot,
    submission: &Submission,
    via: Via,
    now: DateTime<Utc>,
) -> Result<Outcome, WriteError> {
    let rules = &snapshot.policy.policy;
    allow_text(rules, submission, rules.submission(None, offer(submission, true)))?;
    let path = submission.key.path();
    let report = Report::submitted(Uuid::now_v7(), submission, now);
    let file = front_matter::encode(&report, submission.body.as_bytes()).map_err(unreadable(&path))?;
    let message = Message::new(Event::Submit, None, &report, via).text();
    let author = Identity::developer(&submission.developer_email);
    Ok(commit(snapshot, None, path, report, file, author, now, message))
}

fn next_revision(
    snapshot: &Snapshot,
    entry: &Arc<Entry>,
    file: &[u8],
    submission: &Submission,
    via: Via,
    now: DateTime<Utc>,
) -> Result<Outcome, WriteError> {
    let text = front_matter::body(file).map_err(unreadable(&entry.path))?;
    let has_new_text = !is_same_text(text, submission.body.as_bytes());
    let rules = &snapshot.policy.policy;
    let breaches = rules.submission(Some(&entry.report), offer(submission, has_new_text));
    allow_text(rules, submission, breaches)?;
    let report = entry.report.revised(submission, now);
    let file = front_matter::edit(file, entry.file_report(), &report, Some(submission.body.as_bytes()))
        .map_err(unreadable(&entry.path))?;
    let message = Message::new(Event::Resubmit, Some(entry.report.status), &report, via).text();
    let author = Identity::developer(&submission.developer_email);
    Ok(commit(snapshot, Some(entry.blob), entry.path.clone(), report, file, author, now, message))
}

fn decided(
    snapshot: &Snapshot,
    entry: &Arc<Entry>,
    files: &Files<'_>,
    event: Event,
    decision: &Decision,
    via: Via,
    now: DateTime<Utc>,
) -> Result<Outcome, WriteError> {
    let notes = decision.review_notes.as_deref();
    allow(snapshot.policy.policy.decision(Judgement {
        event,
        by: Some(&decision.reviewed_by),
        developer_email: &entry.report.developer_email,
        notes,
    }))?;
    let report = entry.report.decided(decision, now);
    let file = front_matter::edit(&(files.read)(entry.blob)?, entry.file_report(), &report, None)
        .map_err(unreadable(&entry.path))?;
    let message = Message::new(event, Some(entry.report.status), &report, via);
    let policy_blob = snapshot.policy.named();
    let message = Message { notes, decided_blob: Some(entry.blob), policy_blob, ..message }.text();
    let author = Identity::reviewer(&decision.reviewed_by);
    let file = NewFile::new(file, (files.deflated)(entry.blob).as_deref());
    Ok(commit(snapshot, Some(entry.blob), entry.path.clone(), report, file, author, now, message))
}

/// A report's file, to be stored.
pub(super) struct NewFile {
    bytes: Arc<[u8]>,
    blob: Object,
}

impl NewFile {
    /// With the text as the stream `before` has it, if that has the same.
    fn new(file: Vec<u8>, before: Option<&[u8]>) -> Self {
        let text_len = front_matter::body(&file).map_or(0, <[u8]>::len);
        Self { blob: Object::report(&file, file.len() - text_len, before), bytes: file.into() }
    }
}

impl From<Vec<u8>> for NewFile {
    fn from(file: Vec<u8>) -> Self {
        Self::new(file, None)
    }
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the commit")]
pub(super) fn commit(
    snapshot: &Snapshot,
    base: Option<Oid>,
    path: impl Into<Arc<str>>,
    report: Report,
    file: impl Into<NewFile>,
    author: Identity,
    authored_at: DateTime<Utc>,
    message: String,
) -> Outcome {
    let (path, NewFile { bytes: file, blob }) = (path.into(), file.into());
    let policy = snapshot.policy.blob;
    Outcome::Commit(Box::new(Draft { base, path, report, file, blob, author, authored_at, message, policy }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Status;
    use crate::report::key::RepositoryKey;
    use crate::store::{Store, repository};

    #[tokio::test]
    async fn decision_takes_over_the_text_as_it_is_packed() {
        let dir = tempfile::tempdir().unwrap();
        repository::create(dir.path()).unwrap();
        let store = Store::open(dir.path(), Arc::default(), 1024).unwrap();
        let repository_url = "https://example.com/owner/name".to_owned();
        let key = RepositoryKey::parse(&repository_url).unwrap();
        let (server_name, developer_email, body) = ("name".into(), "dev@example.com".into(), "text ".repeat(99));
        let submission = Submission { server_name, repository_url, key, developer_email, body: body.clone() };
        let submitted = store.write(Change::Submit(submission), Via::Api).await.unwrap();

        // The same file, of which nobody here would pack the text so.
        let (file, body_len) = (submitted.file.unwrap(), body.len() as u16);
        let mut object = NewFile::from(file.to_vec()).blob;
        let checksum = object.deflated.split_off(object.deflated.len() - 4);
        object.deflated.truncate(7 + file.len() - body.len());
        let lens = [body_len, !body_len].map(u16::to_le_bytes).concat();
        object.deflated.extend([&[1][..], &lens, body.as_bytes(), &checksum].concat());
        store.shared.blobs.put(&object);

        let decision = Decision { status: Status::Approved, reviewed_by: "ann@example.com".into(), review_notes: None };
        let change = Change::Decide { id: submitted.entry.report.id, decision, expected: Expected::Any };
        let decided = store.write(change, Via::Api).await.unwrap();
        let deflated = store.shared.blobs.deflated(decided.entry.blob).expect("kept");
        assert!(memchr::memmem::find(&deflated, body.as_bytes()).is_some());
        let git = git2::Repository::open(dir.path()).unwrap();
        assert_eq!(git.find_blob(decided.entry.blob).unwrap().content(), &*decided.file.unwrap());
    }
}
