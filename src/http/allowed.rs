//! What the policy says of an input that has other faults as well, so that a caller
//! hears of all of them at once. Of an input without, the store decides.

use uuid::Uuid;

use super::App;
use crate::policy::rules::{Breach, Judgement, Offer};
use crate::report::change::is_same_text;
use crate::report::key::RepositoryKey;
use crate::report::validate::Faults;
use crate::report::{Event, Status, front_matter};
use crate::store::snapshot::Entry;

/// The texts of a submission, as far as they were texts.
pub(super) struct Sent<'a> {
    pub(super) repository_url: Option<&'a str>,
    pub(super) developer_email: Option<&'a str>,
    pub(super) body: Option<&'a str>,
}

/// Adds to `faults` what the policy says of a submission: for the report `id`, or the
/// one of its repository. Fields that have a fault are passed over.
pub(super) async fn add_submission(app: &App, id: Option<Uuid>, sent: Sent<'_>, faults: &mut Faults) {
    let snapshot = app.store.snapshot();
    let policy = &snapshot.policy.policy;
    let key = sent.repository_url.and_then(|url| RepositoryKey::parse(url).ok());
    let entry = match (id, key) {
        (Some(id), _) => snapshot.get(id),
        (None, Some(key)) => snapshot.at_path(&key.path()),
        (None, None) => None,
    };
    let is_long = |body: &&str| policy.report_bytes_max.is_some_and(|max| body.len() > max);
    let text_bytes = match (sent.body.filter(is_long), entry) {
        (Some(body), Some(entry)) if has_text(app, entry, body).await => None,
        (body, _) => body.map(str::len),
    };
    let (repository_url, developer_email) = (sent.repository_url, sent.developer_email);
    let offer = Offer { repository_url, developer_email, text_bytes };
    add(policy.submission(entry.map(|entry| &entry.report), offer), faults);
}

/// Adds to `faults` what the policy says of the notes of a decision.
pub(super) fn add_notes(app: &App, status: Option<&str>, has_notes: bool, faults: &mut Faults) {
    if !has_notes && status.and_then(Status::from_word) == Some(Status::Rejected) {
        let judgement = Judgement { event: Event::Reject, by: None, developer_email: "", notes: None };
        let breaches = app.store.snapshot().policy.policy.decision(judgement);
        add(breaches.into_iter().filter(|breach| !breach.is_about_who()).collect(), faults);
    }
}

/// Returns the breaches as faults of their fields.
pub(super) fn faults(breaches: &[Breach]) -> Faults {
    let mut faults = Faults::default();
    add(breaches.to_vec(), &mut faults);
    faults
}

fn add(breaches: Vec<Breach>, faults: &mut Faults) {
    for breach in breaches {
        if faults.0.iter().all(|fault| fault.field != breach.field) {
            faults.push(breach.field, breach.detail);
        }
    }
}

async fn has_text(app: &App, entry: &Entry, body: &str) -> bool {
    let file = app.store.file(entry.blob).await;
    file.is_ok_and(|file| front_matter::body(&file).is_ok_and(|text| is_same_text(text, body.as_bytes())))
}
