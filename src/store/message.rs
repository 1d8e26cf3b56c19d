//! What a commit says: identities, subject, notes, trailers, and its bytes.

use chrono::{DateTime, Utc};
use git2::Oid;

use crate::hex::Hex;
use crate::report::{Event, Report, Status};

/// Names longer than this are shortened in a subject, in characters.
const SUBJECT_NAME_MAX: usize = 60;

/// The committer of everything the service commits.
pub(crate) const SERVICE_EMAIL: &str = "golive@invalid";

/// The way by which a change came in, as the `Via` trailer says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Api,
    Mcp,
    /// The form of a page.
    Web,
    /// A file saved in the work tree.
    HandEdit,
    /// The service itself.
    Golive,
}

impl Via {
    /// Returns the word of the trailer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Mcp => "mcp",
            Self::Web => "web",
            Self::HandEdit => "hand-edit",
            Self::Golive => "golive",
        }
    }
}

/// A name and an address, fit for a commit header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    name: String,
    email: String,
}

impl Identity {
    pub(super) fn service() -> Self {
        Self { name: "golive".into(), email: SERVICE_EMAIL.into() }
    }

    /// The developer is known by the address alone.
    pub(super) fn developer(email: &str) -> Self {
        Self { name: email.into(), email: email.into() }
    }

    /// Reads what a reviewer gave as who they are: an address, `Name <address>`,
    /// or any other text, which is then a name without an address.
    pub(super) fn reviewer(text: &str) -> Self {
        let is_address = |text: &str| crate::report::validate::developer_email(text).is_ok();
        let bracketed = text.split_once('<').and_then(|(before, rest)| {
            let (address, after) = rest.split_once('>')?;
            Some((format!("{} {}", before.trim(), after.trim()), address.trim()))
        });
        let (name, email) = match bracketed {
            _ if is_address(text) => (text.to_owned(), text),
            Some((name, address)) if is_address(address) => (name, address),
            _ => (text.to_owned(), "reviewer@invalid"),
        };
        let name = name.replace(['<', '>'], "");
        let name = name.trim();
        Self { name: if name.is_empty() { email.into() } else { name.into() }, email: email.into() }
    }
}

/// Everything that the message of a commit is made of.
pub(super) struct Message<'a> {
    pub(super) event: Event,
    /// `None` for a first submission.
    pub(super) from: Option<Status>,
    /// As it is after the event.
    pub(super) report: &'a Report,
    /// The notes as given; a reopened report does not keep them.
    pub(super) notes: Option<&'a str>,
    /// The report file that a decision was made on.
    pub(super) decided_blob: Option<Oid>,
    /// The rules that a decision was made under.
    pub(super) policy_blob: Option<Oid>,
    /// The commit that made this one necessary.
    pub(super) answers: Option<Oid>,
    pub(super) via: Via,
}

impl<'a> Message<'a> {
    /// The message of an event without notes.
    pub(super) const fn new(event: Event, from: Option<Status>, report: &'a Report, via: Via) -> Self {
        Self { event, from, report, notes: None, decided_blob: None, policy_blob: None, answers: None, via }
    }

    pub(super) fn text(&self) -> String {
        let mut out = format!("{} report `{}`\n\n", self.event.verb(), shortened(&self.report.server_name));
        if let Some(notes) = self.notes.filter(|notes| !notes.trim().is_empty()) {
            out.push_str(&indented(notes));
            out.push('\n');
        }
        let from = self.from.map_or("(none)", Status::as_str);
        out.push_str(&format!("Report-Id: {}\n", self.report.id));
        out.push_str(&format!("Revision: {}\n", self.report.revision));
        out.push_str(&format!("Status: {from} -> {}\n", self.report.status));
        if let Some(blob) = self.decided_blob {
            out.push_str(&format!("Report-Blob: {}\n", Hex::of(blob)));
        }
        if let Some(blob) = self.policy_blob {
            out.push_str(&format!("Policy-Blob: {}\n", Hex::of(blob)));
        }
        if let Some(commit) = self.answers {
            out.push_str(&format!("Answers: {}\n", Hex::of(commit)));
        }
        out.push_str(&format!("Via: {}\n", self.via.as_str()));
        out
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= SUBJECT_NAME_MAX {
        return name.into();
    }
    name.chars().take(SUBJECT_NAME_MAX - 1).chain(['…']).collect()
}

/// Returns `notes` with each line indented by four spaces, so that none of them
/// can end the message or pass for a trailer, and with control characters
/// replaced by their pictures, as `git log` sends them to a terminal.
fn indented(notes: &str) -> String {
    let notes = notes.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(notes.len() + 64);
    for line in notes.trim_matches('\n').split('\n') {
        if !line.trim().is_empty() {
            out.push_str("    ");
            out.extend(line.trim_end().chars().map(|c| match u32::from(c) {
                0x09 => '\t',
                code @ 0..0x20 => char::from_u32(0x2400 + code).expect("control pictures"),
                0x7f => '\u{2421}',
                0x80..0xa0 => '\u{fffd}',
                _ => c,
            }));
        }
        out.push('\n');
    }
    out
}

/// Returns the content of a commit object.
pub(super) fn commit(
    tree: Oid,
    parent: Option<Oid>,
    author: &Identity,
    authored_at: DateTime<Utc>,
    committed_at: DateTime<Utc>,
    message: &str,
) -> Vec<u8> {
    let service = Identity::service();
    let parent = parent.map(|parent| format!("parent {}\n", Hex::of(parent))).unwrap_or_default();
    format!(
        "tree {}\n{parent}author {} <{}> {} +0000\ncommitter {} <{}> {} +0000\n\n{message}",
        Hex::of(tree),
        author.name,
        author.email,
        authored_at.timestamp(),
        service.name,
        service.email,
        committed_at.timestamp(),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_are_read_as_they_sign() {
        for (text, name, email) in [
            ("platform@intility.no", "platform@intility.no", "platform@intility.no"),
            ("Morgan <morgan@intility.no>", "Morgan", "morgan@intility.no"),
            ("<morgan@intility.no>", "morgan@intility.no", "morgan@intility.no"),
            ("Morgan", "Morgan", "reviewer@invalid"),
            ("Morgan <not an address>", "Morgan not an address", "reviewer@invalid"),
            ("<>", "reviewer@invalid", "reviewer@invalid"),
            ("a > b < c", "a  b  c", "reviewer@invalid"),
        ] {
            assert_eq!(Identity::reviewer(text), Identity { name: name.into(), email: email.into() }, "{text}");
        }
    }

    #[test]
    fn notes_cannot_end_the_message_or_reach_the_terminal() {
        let text = indented("ok\r\n---\nVia: web\n\n\x1b[31mred\n\n");
        assert_eq!(text, "    ok\n    ---\n    Via: web\n\n    \u{241b}[31mred\n");
    }

    #[test]
    fn long_names_are_shortened_to_sixty_characters() {
        assert_eq!(shortened(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
    }
}
