//! The rules about input, each written once, for every way in.
//!
//! A rule takes the text of one field and says, as the predicate of a sentence,
//! what is wrong with it (``must not be blank``). [`Faults`] collects them, so
//! that a caller hears of all problems at once.

use super::key::RepositoryKey;
use super::text::check_one_line;
use super::{Decision, Status, Submission};

/// One thing wrong with one field of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's name; empty for the input as a whole.
    pub field: String,
    /// What is wrong and what to change.
    pub detail: String,
}

/// Everything wrong with one input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes that `field` is wrong.
    pub fn push(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Fault { field: field.into(), detail: detail.into() });
    }

    /// Notes what `result` says of `field`, and returns its value if it has one.
    pub fn take<T>(&mut self, field: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|detail| self.push(field, detail)).ok()
    }
}

/// The bytes of UTF-8 that a body may have by default.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;
/// No setting allows more: a report's file is held in memory several times over while
/// written. A text that is committed already counts up to this, whatever the setting is,
/// so that history never means another thing than before.
pub const BODY_LIMIT_MAX: usize = 64 * 1024 * 1024;
const NOTES_LIMIT_BYTES: usize = 32 * 1024;

/// Checks the name of an MCP server.
pub fn server_name(text: &str) -> Result<(), String> {
    check_one_line(text, 255)
}

/// Checks a repository URL and returns its key.
pub fn repository_url(text: &str) -> Result<RepositoryKey, String> {
    check_one_line(text, 500)?;
    RepositoryKey::parse(text)
}

/// Checks an e-mail address by the rule of the HTML standard (`input type=email`).
pub fn developer_email(text: &str) -> Result<(), String> {
    check_one_line(text, 255)?;
    let is_atom = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match text.split_once('@') {
        Some((local, domain)) if !local.is_empty() && local.bytes().all(is_atom) && domain.split('.').all(is_label) => {
            Ok(())
        }
        _ => Err("must be an e-mail address, like `alex@example.com`".into()),
    }
}

/// Checks the markdown of a report; `limit_bytes` counts its UTF-8.
pub fn report_data(text: &str, limit_bytes: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err("must not be empty".into());
    }
    check_text(text, limit_bytes)
}

/// Checks who decides.
pub fn reviewed_by(text: &str) -> Result<(), String> {
    check_one_line(text, 255)
}

/// Checks the notes of a decision.
pub fn review_notes(text: &str) -> Result<(), String> {
    check_text(text, NOTES_LIMIT_BYTES)
}

/// Checks the word for a status.
pub fn status(text: &str) -> Result<Status, String> {
    Status::from_word(text).ok_or_else(|| {
        let words: Vec<_> = Status::ALL.iter().map(|status| format!("`{status}`")).collect();
        format!("must be one of {}", words.join(", "))
    })
}

fn check_text(text: &str, limit_bytes: usize) -> Result<(), String> {
    if text.contains('\0') {
        return Err("must not hold the control character U+0000".into());
    }
    if text.len() > limit_bytes {
        return Err(format!("must be at most {limit_bytes} bytes of UTF-8, has {}", text.len()));
    }
    Ok(())
}

/// A submission that is not right: what is wrong with it, and what was sent.
#[derive(Debug)]
pub struct Invalid {
    pub faults: Faults,
    /// Name, URL, e-mail address and body.
    pub fields: [Option<String>; 4],
}

/// Checks a whole submission. A field that is `None` was reported by the caller
/// already (missing, not a string) and is passed over.
///
/// # Errors
/// Everything that is wrong, those in `faults` included.
pub fn submission(
    mut faults: Faults,
    fields: [Option<String>; 4],
    body_limit_bytes: usize,
) -> Result<Submission, Invalid> {
    let [name, url, email, body] = fields;
    let key = url.as_deref().and_then(|text| faults.take("repository_url", repository_url(text)));
    if let Some(text) = &name {
        faults.take("server_name", server_name(text));
    }
    if let Some(text) = &email {
        faults.take("developer_email", developer_email(text));
    }
    if let Some(text) = &body {
        faults.take("report_data", report_data(text, body_limit_bytes));
    }
    match (name, url, key, email, body) {
        (Some(server_name), Some(repository_url), Some(key), Some(developer_email), Some(body))
            if faults.0.is_empty() =>
        {
            Ok(Submission { server_name, repository_url, key, developer_email, body })
        }
        (name, url, _, email, body) => Err(Invalid { faults, fields: [name, url, email, body] }),
    }
}

/// Checks a whole decision, with `None` as in [`submission`]; notes are optional.
///
/// # Errors
/// Everything that is wrong, those in `faults` included.
pub fn decision(
    mut faults: Faults,
    status_word: Option<String>,
    by: Option<String>,
    notes: Option<String>,
) -> Result<Decision, Faults> {
    let status = status_word.and_then(|word| faults.take("status", status(&word)));
    if let Some(text) = &by {
        faults.take("reviewed_by", reviewed_by(text));
    }
    if let Some(text) = &notes {
        faults.take("review_notes", review_notes(text));
    }
    match (status, by) {
        (Some(status), Some(reviewed_by)) if faults.0.is_empty() => {
            Ok(Decision { status, reviewed_by, review_notes: notes })
        }
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_fields_refuse_what_a_reader_cannot_see() {
        for (text, part) in [
            ("", "blank"),
            (" \t", "blank"),
            ("a\nb", "control character U+000A"),
            ("a\0b", "control character U+0000"),
            ("a\u{7f}", "control character U+007F"),
            ("a\u{85}b", "control character U+0085"),
            ("a\u{202e}b", "invisible character U+202E"),
            ("a\u{200b}b", "invisible character U+200B"),
            ("a\u{2028}b", "invisible character U+2028"),
            ("\u{feff}a", "invisible character U+FEFF"),
            (" a", "white space"),
            ("a\u{a0}", "white space"),
            (&"é".repeat(256), "at most 255 characters, has 256"),
        ] {
            let detail = server_name(text).expect_err(text);
            assert!(detail.contains(part), "{text:?}: {detail}");
        }
        for text in ["no", "1e3", "2025-10-20", "a: b", "\"x", "*x", "日本", &"é".repeat(255)] {
            assert_eq!(server_name(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn email_addresses_follow_the_html_standard() {
        for text in ["alex@intility.no", "a.b+c@x-y.example", "a@localhost", "o'neil@x.example"] {
            assert_eq!(developer_email(text), Ok(()), "{text:?}");
        }
        for text in ["alex", "@x.no", "a@", "a@b@c", "a b@x.no", "a@x..no", "a@-x.no", "a@x.no.", "<a@x.no>", "é@x.no"]
        {
            assert!(developer_email(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_fault_of_a_submission_is_named_at_once() {
        let fields = [Some(" ".into()), Some("x".into()), Some("y".into()), Some(String::new())];
        let Invalid { faults, .. } = submission(Faults::default(), fields, 10).expect_err("all four are wrong");
        let mut fields: Vec<_> = faults.0.iter().map(|fault| fault.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["developer_email", "report_data", "repository_url", "server_name"]);
    }

    #[test]
    fn body_limit_counts_bytes_and_is_inclusive() {
        assert_eq!(report_data("éé", 4), Ok(()));
        assert!(report_data("ééa", 4).is_err());
        assert_eq!(report_data("\n", 4), Ok(()));
        assert!(report_data("a\0", 4).is_err());
    }
}
