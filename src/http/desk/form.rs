//! The decision form: what came in with it, and how it is shown, the first time
//! and again.

use git2::Oid;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::show::Prose;
use crate::http::problem::Problem;
use crate::policy::Policy;
use crate::report::validate::{self, Faults};
use crate::report::{Decision, Status};

/// Patterns of reviewers that are shown.
const REVIEWERS_MAX: usize = 10;

/// The fields of the form, as a person filled them in.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    pub(super) status: String,
    pub(super) review_notes: String,
    pub(super) reviewed_by: String,
    pub(super) version: String,
    pub(super) commit: String,
    pub(super) token: String,
}

impl Filled {
    /// Reads `application/x-www-form-urlencoded`, strictly: each field once,
    /// none that is not of the form.
    ///
    /// # Errors
    /// 400 with what is wrong.
    pub(super) fn read(body: &str) -> Result<Self, Problem> {
        let mut fields: [Option<String>; 6] = Default::default();
        const NAMES: [&str; 6] = ["status", "review_notes", "reviewed_by", "version", "commit", "token"];
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            let Some(at) = NAMES.iter().position(|known| *known == name) else {
                return Err(Problem::malformed(format!("`{name}` is not a field of this form; load the page again")));
            };
            if fields[at].replace(decoded(value)?).is_some() {
                return Err(Problem::malformed(format!("`{name}` was sent twice; load the page again")));
            }
        }
        let [status, review_notes, reviewed_by, version, commit, token] = fields.map(Option::unwrap_or_default);
        // A form sends line ends as CRLF, whatever was typed.
        let review_notes = review_notes.replace("\r\n", "\n");
        Ok(Self { status, review_notes, reviewed_by, version, commit, token })
    }

    /// Returns the decision that the fields make.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn decision(&self) -> Result<Decision, Faults> {
        let mut faults = Faults::default();
        if self.status.is_empty() {
            faults.push("status", "must be chosen");
        }
        let status = Some(self.status.clone()).filter(|status| !status.is_empty());
        let notes = Some(self.review_notes.clone()).filter(|notes| !notes.trim().is_empty());
        validate::decision(faults, status, Some(self.reviewed_by.clone()), notes)
    }

    /// Returns the version of the report that the form was about.
    pub(super) fn version(&self) -> Option<Oid> {
        whole_id(&self.version)
    }

    /// Returns the latest commit of the report when the form was loaded.
    pub(super) fn commit(&self) -> Option<Oid> {
        whole_id(&self.commit)
    }
}

/// Reads an id that is spelled out, in small letters.
fn whole_id(text: &str) -> Option<Oid> {
    Oid::from_str(text).ok().filter(|id| id.to_string() == text)
}

fn decoded(text: &str) -> Result<String, Problem> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Problem::malformed("the form is not in UTF-8; load the page again"))
}

/// The state of a report that a form is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) version: Oid,
    pub(super) commit: Oid,
}

/// The form as the page shows it.
pub(super) struct Form {
    pub(super) id: Uuid,
    pub(super) choices: Vec<Choice>,
    /// Not [`super::show::Shown`]: what was typed comes back as it was.
    pub(super) notes: String,
    pub(super) reviewer: String,
    pub(super) read: Read,
    pub(super) token: String,
    pub(super) status_fault: Option<Prose>,
    pub(super) notes_fault: Option<Prose>,
    pub(super) reviewer_fault: Option<Prose>,
    pub(super) is_first: bool,
    /// Who may decide, where the policy says it.
    pub(super) rules: Option<Prose>,
    pub(super) needs_notes: bool,
}

/// One thing that can be decided.
pub(super) struct Choice {
    pub(super) status: Status,
    pub(super) text: &'static str,
    pub(super) class: &'static str,
    pub(super) is_chosen: bool,
}

impl Form {
    /// The form for a report in `status` as it was `read`, with what was `filled` in before.
    pub(super) fn new(id: Uuid, status: Status, read: Read, token: String, filled: Filled, faults: &Faults) -> Self {
        let choice = |to: Status| {
            let (text, class) = match (to, status) {
                (Status::Approved, Status::Approved) => ("Approve anew", "approved"),
                (Status::Approved, _) => ("Approve", "approved"),
                (Status::Rejected, Status::Rejected) => ("Reject anew", "rejected"),
                (Status::Rejected, _) => ("Reject", "rejected"),
                (Status::PendingReview, _) => ("Reopen", "pending"),
            };
            Choice { status: to, text, class, is_chosen: filled.status == to.as_str() }
        };
        let fault = |field: &str| {
            let fault = faults.0.iter().find(|fault| fault.field == field)?;
            Some(Prose::new(&fault.detail))
        };
        let is_pending = status == Status::PendingReview;
        let reopen = (!is_pending).then_some(Status::PendingReview);
        Self {
            id,
            choices: [Status::Approved, Status::Rejected].into_iter().chain(reopen).map(choice).collect(),
            read,
            token,
            status_fault: fault("status"),
            notes_fault: fault("review_notes"),
            reviewer_fault: fault("reviewed_by"),
            notes: filled.review_notes,
            reviewer: filled.reviewed_by,
            is_first: is_pending,
            rules: None,
            needs_notes: false,
        }
    }

    /// The same with what `policy` says of deciding.
    pub(super) fn under(self, policy: &Policy) -> Self {
        let named: Vec<_> = policy.reviewers.iter().take(REVIEWERS_MAX).map(|pattern| format!("`{pattern}`")).collect();
        let n_more = policy.reviewers.len() - named.len();
        let mut rules = String::new();
        if !named.is_empty() {
            let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
            rules.push_str(&format!("May decide: {}{more}. ", named.join(", ")));
        }
        if policy.four_eyes {
            rules.push_str("Who submitted the report may not decide on it. ");
        }
        if !rules.is_empty() {
            rules
                .push_str("This compares what is typed here, which anyone can type: golive does not know who you are.");
        }
        let rules = Some(rules).filter(|rules| !rules.is_empty()).map(|rules| Prose::new(&rules));
        Self { rules, needs_notes: policy.notes_required_on_reject, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_read_strictly() {
        let filled = Filled::read("status=approved&review_notes=a+b%0D%0A%C3%A9&reviewed_by=Kim&version=&token=t");
        let filled = filled.expect("a form");
        assert_eq!(filled.review_notes, "a b\né");
        assert_eq!(filled.decision().expect("complete").status, Status::Approved);
        for bad in ["status=a&status=b", "x=1", "status=%FF", "st%61tus=a&status=b"] {
            assert!(Filled::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn blank_notes_are_none_and_a_missing_choice_is_named() {
        let filled = Filled::read("review_notes=+%0D%0A&reviewed_by=Kim").expect("a form");
        let faults = filled.decision().expect_err("nothing chosen");
        assert_eq!(faults.0.len(), 1, "{faults:?}");
        assert_eq!((faults.0[0].field.as_str(), faults.0[0].detail.as_str()), ("status", "must be chosen"));
        let filled = Filled { status: "rejected".into(), ..filled };
        assert_eq!(filled.decision().expect("complete").review_notes, None);
    }
}
