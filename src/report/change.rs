//! What a change of a report file means: the one set of rules for everything
//! that does not come through the API. Pure: two versions of the file and who
//! changed it go in; the event and the state after it, or a [`Fault`], come out.

use chrono::{DateTime, SubsecRound, Utc};

use super::fault::{Fault, Rule};
use super::front_matter::{self, Decoded};
use super::key::RepositoryKey;
use super::{Event, Report, Status, decision_event, text, validate};

/// How a changed file reached the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Saved in the work tree; the service commits it, and fills in what is missing.
    Edit,
    /// Committed already by a person: what can be understood counts.
    Commit,
    /// Offered by a push: what is not right is refused.
    Push,
}

/// Who changed a file, and when.
#[derive(Clone, Copy, Debug)]
pub struct Hand<'a> {
    pub way: Way,
    /// The person, as `Name <address>`, if known: who decided, where the file does not say it.
    pub who: Option<&'a str>,
    pub at: DateTime<Utc>,
    /// The bytes that a text may have.
    pub body_limit_bytes: usize,
}

/// A report as it was.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The state in force.
    pub report: &'a Report,
    /// The file, which can say less: a person's commit need not name the reviewer.
    pub file: &'a [u8],
}

/// What a change comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub event: Event,
    /// The state in force from now on.
    pub report: Report,
    /// What the file itself says.
    pub says: Report,
}

/// Reads the report file that stands at `path`.
///
/// # Errors
/// [`Fault`]: not readable, not the report of this path, or without a text.
pub fn read<'a>(path: &str, file: &'a [u8]) -> Result<Decoded<'a>, Fault> {
    let decoded = readable(file)?;
    check_path(path, file, &decoded.report)?;
    Ok(decoded)
}

/// Judges the new version `file` of the report at `path`; `before` is `None` for
/// a path that had no report.
///
/// # Errors
/// [`Fault`]; the state is then what it was before.
pub fn judge(path: &str, before: Option<Before<'_>>, file: &[u8], hand: Hand<'_>) -> Result<Judged, Fault> {
    let after = readable(file)?;
    let old = before.map(|before| front_matter::decode(before.file)).transpose()?;
    let is_new_text = old.as_ref().is_none_or(|old| !is_same_text(old.body, after.body));
    check_fields(file, old.as_ref().map(|old| &old.report), &after.report)?;
    if is_new_text {
        check_text(file, old.as_ref().map_or(b"", |old| old.body), &after, hand.body_limit_bytes)?;
    }
    let (Some(before), Some(old)) = (before, old) else {
        check_path(path, file, &after.report)?;
        return first(file, after.report, hand);
    };
    if hand.way != Way::Commit {
        check_identity(path, before.report, file, &after.report)?;
    }
    let report = Report { id: before.report.id, ..after.report.clone() };
    let report = Report { repository_url: url_in_force(path, before.report, &after.report), ..report };
    let change = Change { before: before.report, old: &old.report, file, hand };
    let (event, report) = if is_new_text { change.text(report)? } else { change.fields(report)? };
    Ok(Judged { event, report, says: after.report })
}

/// Returns what the front matter of `file` says.
///
/// # Errors
/// [`Fault`] if it cannot be read.
pub fn says(file: &[u8]) -> Result<Report, Fault> {
    front_matter::decode(file).map(|decoded| decoded.report)
}

/// Returns whether `path` is that of `report`.
pub fn is_at(path: &str, report: &Report) -> bool {
    RepositoryKey::parse(&report.repository_url).is_ok_and(|key| key.path() == path)
}

/// Returns whether two texts differ in nothing but line ends and a BOM.
pub fn is_same_text(a: &[u8], b: &[u8]) -> bool {
    a == b || text_of(a).eq(text_of(b))
}

fn text_of(body: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let is_kept = move |at: usize| body[at] != b'\r' || body.get(at + 1) != Some(&b'\n');
    (0..body.len()).filter(move |at| is_kept(*at)).map(move |at| body[at])
}

/// One change of a report that exists.
struct Change<'a> {
    /// The state in force before.
    before: &'a Report,
    /// What the file said before.
    old: &'a Report,
    file: &'a [u8],
    hand: Hand<'a>,
}

impl Change<'_> {
    /// The text is another one: a new revision, whatever was decided on the old.
    fn text(&self, after: Report) -> Result<(Event, Report), Fault> {
        let is_decided = after.status != Status::PendingReview;
        if is_decided && after.status != self.old.status && self.hand.way != Way::Commit {
            let detail = "the text and the decision were changed together";
            return Err(self.fault("status", Rule::TextAndDecision, detail, "change the text and decide in two steps"));
        }
        if is_decided && self.hand.way == Way::Push {
            let detail = format!("the text was changed, and `status` still says `{}`", after.status);
            let repair = "write `status: pending_review`: a decision is about the text that it was made on";
            return Err(self.fault("status", Rule::TextAndDecision, detail, repair));
        }
        let revision = self.before.revision + 1;
        Ok((Event::Resubmit, pending(Report { revision, submitted_at: self.hand.at.trunc_subsecs(0), ..after })))
    }

    /// The text is the same: a decision, or an edit.
    fn fields(&self, after: Report) -> Result<(Event, Report), Fault> {
        let event = (after.status != self.old.status).then(|| decision_event(self.before.status, after.status));
        let after = Report { revision: self.before.revision, submitted_at: self.before.submitted_at, ..after };
        match event.flatten() {
            Some(Event::Reopen) => Ok((Event::Reopen, pending(after))),
            Some(event) => {
                // What did not change together with the status belongs to the decision before.
                let by = after.reviewed_by.clone().filter(|by| self.old.reviewed_by.as_ref() != Some(by));
                let at = after.reviewed_at.filter(|at| self.old.reviewed_at != Some(*at));
                let Some(by) = by.or_else(|| self.hand.who.map(str::to_owned)) else {
                    let repair = "write who decides into it, or set `user.name` and `user.email` with `git config`";
                    return Err(self.fault("reviewed_by", Rule::UnknownReviewer, "nobody is named", repair));
                };
                let at = at.unwrap_or_else(|| self.hand.at.trunc_subsecs(0));
                Ok((event, Report { reviewed_by: Some(by), reviewed_at: Some(at), ..after }))
            }
            None => {
                self.check_review_fields(&after)?;
                let (status, by) = (self.before.status, self.before.reviewed_by.clone());
                Ok((Event::Edit, Report { status, reviewed_by: by, reviewed_at: self.before.reviewed_at, ..after }))
            }
        }
    }

    /// Who decided, and when, is no one's to change afterwards.
    fn check_review_fields(&self, after: &Report) -> Result<(), Fault> {
        let name = match () {
            () if self.hand.way == Way::Commit => return Ok(()),
            () if after.reviewed_by != self.old.reviewed_by => "reviewed_by",
            () if after.reviewed_at != self.old.reviewed_at => "reviewed_at",
            () => return Ok(()),
        };
        let repair = "change `status` with it, put it back, or decide again through the API";
        Err(self.fault(name, Rule::ReviewFields, "was changed without a decision", repair))
    }

    fn fault(&self, name: &str, rule: Rule, detail: impl Into<String>, repair: &str) -> Fault {
        let detail = detail.into();
        let detail = if detail.starts_with("the ") { detail } else { format!("`{name}`: {detail}") };
        let (line, column) = front_matter::place(self.file, name);
        Fault::new(rule, detail, repair).at(line, column)
    }
}

fn pending(report: Report) -> Report {
    Report { status: Status::PendingReview, reviewed_at: None, reviewed_by: None, review_notes: None, ..report }
}

/// The first version of a report.
fn first(file: &[u8], report: Report, hand: Hand<'_>) -> Result<Judged, Fault> {
    let name = match () {
        () if report.status != Status::PendingReview => "status",
        () if report.revision != 1 => "revision",
        () if report.reviewed_at.is_some() => "reviewed_at",
        () if report.reviewed_by.is_some() => "reviewed_by",
        () if report.review_notes.is_some() => "review_notes",
        () => {
            let in_force = Report { submitted_at: hand.at.trunc_subsecs(0), ..report.clone() };
            return Ok(Judged { event: Event::Submit, report: in_force, says: report });
        }
    };
    let (line, column) = front_matter::place(file, name);
    let detail = format!("`{name}`: a new report is `pending_review`, at revision 1, and nobody has reviewed it");
    Err(Fault::new(Rule::NewReport, detail, "correct it; decide in a second step").at(line, column))
}

/// Reads a file whose text can be served.
fn readable(file: &[u8]) -> Result<Decoded<'_>, Fault> {
    let decoded = front_matter::decode(file)?;
    let first_line = file[..file.len() - decoded.body.len()].iter().filter(|byte| **byte == b'\n').count() + 1;
    if decoded.body.is_empty() {
        let repair = "write the report below the second `---`";
        let fault = Fault::new(Rule::EmptyText, "the report has no text after its front matter", repair);
        return Err(fault.at(first_line, 1));
    }
    if let Err(error) = std::str::from_utf8(decoded.body) {
        let line = first_line + decoded.body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        return Err(Fault::new(Rule::NotUtf8, "the text is not UTF-8", "save the file in UTF-8").at(line, 1));
    }
    Ok(decoded)
}

fn check_path(path: &str, file: &[u8], report: &Report) -> Result<(), Fault> {
    let (rule, detail, repair) = match RepositoryKey::parse(&report.repository_url).map(|key| key.path()) {
        Ok(expected) if expected == path => return Ok(()),
        Ok(expected) => {
            let detail = format!("the report of this `repository_url` belongs at `{expected}`");
            (Rule::WrongPath, detail, "move it there, or correct `repository_url`")
        }
        Err(detail) => (Rule::InvalidRepositoryUrl, format!("`repository_url` {detail}"), "correct it"),
    };
    let (line, column) = front_matter::place(file, "repository_url");
    Err(Fault::new(rule, detail, repair).at(line, column))
}

fn check_identity(path: &str, before: &Report, file: &[u8], after: &Report) -> Result<(), Fault> {
    if before.id != after.id {
        let (line, column) = front_matter::place(file, "id");
        let repair = format!("write `id: {}`", before.id);
        return Err(Fault::new(Rule::ChangedId, "the `id` of a report never changes", repair).at(line, column));
    }
    check_path(path, file, after).map_err(|fault| match fault.rule {
        Rule::WrongPath => {
            let detail = "the report of a repository cannot become that of another";
            let repair = format!("write `repository_url: {}`", before.repository_url);
            Fault { rule: Rule::ChangedRepository, detail: detail.into(), repair, ..fault }
        }
        _ => fault,
    })
}

/// Another spelling of the same address counts, another address does not.
fn url_in_force(path: &str, before: &Report, after: &Report) -> String {
    if is_at(path, after) { after.repository_url.clone() } else { before.repository_url.clone() }
}

/// Checks the fields that are not what they were.
fn check_fields(file: &[u8], old: Option<&Report>, new: &Report) -> Result<(), Fault> {
    type Check = fn(&str) -> Result<(), String>;
    type Text = fn(&Report) -> Option<&str>;
    let checks: [(&str, Rule, Text, Check); 5] = [
        ("server_name", Rule::InvalidServerName, |report| Some(&report.server_name), validate::server_name),
        (
            "repository_url",
            Rule::InvalidRepositoryUrl,
            |report| Some(&report.repository_url),
            |text| validate::repository_url(text).map(|_| ()),
        ),
        (
            "developer_email",
            Rule::InvalidDeveloperEmail,
            |report| Some(&report.developer_email),
            validate::developer_email,
        ),
        ("reviewed_by", Rule::InvalidReviewedBy, |report| report.reviewed_by.as_deref(), validate::reviewed_by),
        ("review_notes", Rule::InvalidReviewNotes, |report| report.review_notes.as_deref(), validate::review_notes),
    ];
    for (name, rule, text, check) in checks {
        let Some(value) = text(new).filter(|value| old.and_then(text) != Some(value)) else { continue };
        if let Err(detail) = check(value) {
            let (line, column) = front_matter::place(file, name);
            return Err(Fault::new(rule, format!("`{name}` {detail}"), "correct it").at(line, column));
        }
    }
    Ok(())
}

/// Checks a text that is not what it was.
fn check_text(file: &[u8], old: &[u8], after: &Decoded<'_>, limit_bytes: usize) -> Result<(), Fault> {
    let body = after.body;
    let line_of = |at: usize| file[..file.len() - body.len() + at].iter().filter(|byte| **byte == b'\n').count() + 1;
    if let Some(at) = body.iter().position(|byte| *byte == 0) {
        let fault = Fault::new(Rule::Binary, "the text holds the control character U+0000", "remove it");
        return Err(fault.at(line_of(at), 1));
    }
    if body.len() > limit_bytes {
        let detail = format!("the text has {} bytes, and at most {limit_bytes} are accepted", body.len());
        return Err(Fault::new(Rule::TextTooLong, detail, "shorten it").at(line_of(0), 1));
    }
    match (text::conflict(old), text::conflict(body)) {
        (None, Some(at)) => {
            let detail = "the text holds the marks of a merge conflict";
            let fault = Fault::new(Rule::ConflictMarkers, detail, text::RESOLVE);
            Err(fault.at(line_of(at), 1))
        }
        _ => Ok(()),
    }
}
