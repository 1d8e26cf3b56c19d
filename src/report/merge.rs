//! Joins a hand edit with what happened to the report since its file was read.
//!
//! By fields, not by lines: `status` and `developer_email` stand beside each
//! other, and a decision and a corrected address do not touch each other.

use super::change::is_same_text;
use super::fault::{Fault, Rule};
use super::front_matter::{self, Decoded};
use super::{Report, Status};

/// Returns the file with the changes that a person made in `theirs` and those
/// that are in `ours`, the record.
///
/// `bases` are the versions that the person can have started from: the one in
/// the work tree, and what they saved themselves a moment ago, before the
/// service filled it in. A field that is as in one of them was not changed.
///
/// # Errors
/// [`Rule::BothChanged`] with the first field that was changed on both sides,
/// [`Rule::StaleDecision`] for a decision on another text; or that `theirs`
/// cannot be read.
pub fn merge(path: &str, bases: &[&[u8]], theirs: &[u8], ours: &[u8]) -> Result<Vec<u8>, Fault> {
    if theirs == ours || bases == [ours] {
        return Ok(theirs.to_vec());
    }
    let new = front_matter::decode(theirs)?;
    let readable = bases.iter().filter_map(|file| Some((*file, front_matter::decode(file).ok()?)));
    let (files, bases): (Vec<&[u8]>, Vec<_>) = readable.unzip();
    let merge = Merge { path, theirs, bases };
    let Ok(now) = front_matter::decode(ours) else {
        return Err(merge.conflict("status", "the report"));
    };
    let report = merge.fields(&new, &now)?;
    let body = merge.body(&new, &now)?;
    let with = |file, says| front_matter::edit(file, says, &report, Some(body));
    let (merged, on_ours) = (with(theirs, &new.report)?, with(ours, &now.report)?);
    // Comments and keys that golive does not know: here lines tell what touches.
    let on_bases = files.iter().zip(&merge.bases).map(|(file, base)| with(file, &base.report));
    let on_bases: Vec<_> = on_bases.filter_map(Result::ok).collect();
    if merged == on_ours || on_bases.contains(&on_ours) {
        return Ok(merged);
    }
    let joined = on_bases.iter().find_map(|base| diffy::merge_bytes(base, &on_ours, &merged).ok());
    // What lines made of it must still be this report.
    let is_whole = |file: &Vec<u8>| {
        front_matter::decode(file).is_ok_and(|decoded| decoded.report == report && decoded.body == body)
    };
    joined.filter(is_whole).ok_or_else(|| merge.conflict("id", "another part of the front matter"))
}

struct Merge<'a> {
    path: &'a str,
    theirs: &'a [u8],
    bases: Vec<Decoded<'a>>,
}

impl<'a> Merge<'a> {
    fn fields(&self, new: &Decoded<'_>, now: &Decoded<'_>) -> Result<Report, Fault> {
        let (new, now_body, now) = (&new.report, now.body, &now.report);
        let status = self.field("status", new, now, |report| report.status)?;
        let has_other_text = !self.bases.iter().any(|base| is_same_text(base.body, now_body));
        if status != now.status && status != Status::PendingReview && has_other_text {
            let (line, column) = front_matter::place(self.theirs, "status");
            let detail = "the text was changed after this file was read, so the decision is about another text";
            return Err(Fault::new(Rule::StaleDecision, detail, self.restore("read it, and decide")).at(line, column));
        }
        Ok(Report {
            id: self.field("id", new, now, |report| report.id)?,
            server_name: self.field("server_name", new, now, |report| report.server_name.clone())?,
            repository_url: self.field("repository_url", new, now, |report| report.repository_url.clone())?,
            developer_email: self.field("developer_email", new, now, |report| report.developer_email.clone())?,
            status,
            // The service's own to count.
            revision: now.revision,
            submitted_at: now.submitted_at,
            reviewed_at: self.field("reviewed_at", new, now, |report| report.reviewed_at)?,
            reviewed_by: self.field("reviewed_by", new, now, |report| report.reviewed_by.clone())?,
            review_notes: self.field("review_notes", new, now, |report| report.review_notes.clone())?,
        })
    }

    fn field<T: PartialEq>(
        &self,
        name: &str,
        new: &Report,
        now: &Report,
        value: impl Fn(&Report) -> T,
    ) -> Result<T, Fault> {
        let is_in_bases = |found: &T| self.bases.iter().any(|base| value(&base.report) == *found);
        let (theirs, ours) = (value(new), value(now));
        if theirs == ours || is_in_bases(&theirs) {
            Ok(ours)
        } else if is_in_bases(&ours) {
            Ok(theirs)
        } else {
            Err(self.conflict(name, &format!("`{name}`")))
        }
    }

    fn body<'b>(&self, new: &Decoded<'b>, now: &Decoded<'b>) -> Result<&'b [u8], Fault> {
        let is_in_bases = |body: &[u8]| self.bases.iter().any(|base| is_same_text(base.body, body));
        if self.bases.iter().any(|base| base.body == new.body) {
            Ok(now.body)
        } else if is_in_bases(now.body) || is_same_text(new.body, now.body) {
            Ok(new.body)
        } else if is_in_bases(new.body) {
            Ok(now.body)
        } else {
            Err(self.conflict("id", "the text"))
        }
    }

    /// What was changed on both sides stays with the person, who has to choose.
    fn conflict(&self, name: &str, what: &str) -> Fault {
        let (line, column) = front_matter::place(self.theirs, name);
        let detail = format!("{what} was changed here, and meanwhile in the record as well");
        Fault::new(Rule::BothChanged, detail, self.restore("make the change anew")).at(line, column)
    }

    fn restore(&self, then: &str) -> String {
        format!("set your version aside, take the record's with `git restore --source=HEAD -- {}`, {then}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md";
    const BASE: &str = "---\nid: 0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10\nserver_name: mcp-servicenow\n\
        repository_url: https://github.com/intility/mcp-servicenow\ndeveloper_email: alex@intility.no\n\
        status: pending_review\nrevision: 1\nsubmitted_at: 2025-10-20T10:00:00Z\nreviewed_at: null\n\
        reviewed_by: null\nreview_notes: null\n---\n# Report\n";
    const APPROVE: [(&str, &str); 3] = [
        ("pending_review", "approved"),
        ("reviewed_at: null", "reviewed_at: 2025-10-21T10:00:00Z"),
        ("reviewed_by: null", "reviewed_by: Morgan"),
    ];

    fn with(changes: &[(&str, &str)]) -> String {
        changes.iter().fold(BASE.to_owned(), |file, (from, to)| file.replace(from, to))
    }

    fn merged(bases: &[&str], theirs: &str, ours: &str) -> Result<String, Rule> {
        let bases: Vec<_> = bases.iter().map(|file| file.as_bytes()).collect();
        let merged = merge(PATH, &bases, theirs.as_bytes(), ours.as_bytes()).map_err(|fault| fault.rule)?;
        Ok(String::from_utf8(merged).unwrap())
    }

    #[test]
    fn what_does_not_touch_is_joined() {
        let (kim, comment) = (("alex@", "kim@"), ("revision: 1\n", "revision: 1\n# looked at\n"));
        let both = with(&[&APPROVE[..], &[kim]].concat());
        assert_eq!(merged(&[BASE], &with(&[kim]), &with(&APPROVE)), Ok(both.clone()));
        assert_eq!(merged(&[BASE], &with(&APPROVE), &with(&[kim])), Ok(both));
        let commented = with(&[&APPROVE[..], &[comment]].concat());
        assert_eq!(merged(&[BASE], &with(&[comment]), &with(&APPROVE)), Ok(commented.clone()));
        assert_eq!(merged(&[BASE], &with(&APPROVE), &with(&[comment])), Ok(commented));
        let text = ("# Report", "# Better report");
        assert_eq!(merged(&[BASE], &with(&[text]), &with(&[kim])), Ok(with(&[text, kim])));
        assert_eq!(merged(&[BASE], BASE, &with(&APPROVE)), Ok(with(&APPROVE)));
        assert_eq!(merged(&[BASE], &with(&APPROVE), &with(&APPROVE)), Ok(with(&APPROVE)));
    }

    #[test]
    fn what_touches_is_left_to_the_person() {
        let reject = with(&[("pending_review", "rejected")]);
        assert_eq!(merged(&[BASE], &reject, &with(&APPROVE)), Err(Rule::BothChanged));
        let (kim, robin) = (with(&[("alex@", "kim@")]), with(&[("alex@", "robin@")]));
        assert_eq!(merged(&[BASE], &kim, &robin), Err(Rule::BothChanged));
        let (one, two) = (with(&[("# Report", "# One")]), with(&[("# Report", "# Two")]));
        assert_eq!(merged(&[BASE], &one, &two), Err(Rule::BothChanged));
        assert_eq!(merged(&[BASE], &reject, &two), Err(Rule::StaleDecision));
        let (left, right) = (with(&[("---\n# R", "# left\n---\n# R")]), with(&[("---\n# R", "# right\n---\n# R")]));
        assert_eq!(merged(&[BASE], &left, &right), Err(Rule::BothChanged));
        assert_eq!(merged(&[], &kim, &robin), Err(Rule::BothChanged));
        assert_eq!(merged(&["broken"], &kim, &robin), Err(Rule::BothChanged));
    }

    #[test]
    fn line_ends_alone_are_no_change_of_the_text() {
        let crlf = BASE.replace('\n', "\r\n");
        let two = with(&[("# Report", "# Two")]);
        assert!(merged(&[BASE], &crlf, &two).is_ok_and(|file| file.ends_with("# Two\n")));
        assert!(merged(&[BASE], &crlf, &with(&APPROVE)).is_ok_and(|file| file.ends_with("# Report\r\n")));
    }

    #[test]
    fn editor_that_did_not_reload_goes_on_from_what_it_saved() {
        // Saved: approved, with nobody named. The service filled in who and when.
        let saved = with(&[("pending_review", "approved")]);
        let filled = with(&APPROVE);
        let saved_again = saved.replace("review_notes: null", "review_notes: Fine");
        let expected = filled.replace("review_notes: null", "review_notes: Fine");
        assert_eq!(merged(&[&filled, &saved], &saved_again, &filled), Ok(expected));
    }
}
