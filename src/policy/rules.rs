//! What the policy says of a submission and of a decision, the same for every way
//! in. A field that stays as it is breaks no rule, however the policy changed.

use super::Policy;
use super::pattern::matches;
use crate::report::fault::Rule;
use crate::report::key::RepositoryKey;
use crate::report::{Event, Report};

/// Patterns of a list that are named in a message.
const NAMED_MAX: usize = 5;

/// One rule of the policy that an input breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub rule: Rule,
    /// The field that is not right: a member of the front matter, or `report_data` for the text.
    pub field: &'static str,
    /// The predicate of a sentence about the field: what it must be.
    pub detail: String,
    /// What a person can do who changed a file.
    pub repair: String,
}

impl Breach {
    /// Returns whether it is about who decides, and not about what was written.
    pub const fn is_about_who(&self) -> bool {
        matches!(self.rule, Rule::NotAllowedReviewer | Rule::FourEyes)
    }
}

/// What is handed in; a field that is `None` is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer<'a> {
    pub repository_url: Option<&'a str>,
    pub developer_email: Option<&'a str>,
    /// The bytes of a text that is not the one in the record.
    pub text_bytes: Option<usize>,
}

/// Who decides what about which submission.
#[derive(Clone, Copy, Debug)]
pub struct Judgement<'a> {
    pub event: Event,
    /// Who decides, as they sign; `None` if nobody is named.
    pub by: Option<&'a str>,
    /// Who submitted.
    pub developer_email: &'a str,
    pub notes: Option<&'a str>,
}

impl Policy {
    /// Returns the rules that a submission or an edit breaks; `before` is the report
    /// as it is, `None` for a new one.
    pub fn submission(&self, before: Option<&Report>, offer: Offer<'_>) -> Vec<Breach> {
        let url = offer.repository_url.filter(|url| before.is_none_or(|before| before.repository_url != **url));
        let email = offer.developer_email.filter(|email| before.is_none_or(|before| before.developer_email != **email));
        let mut breaches = Vec::new();
        breaches.extend(url.and_then(|url| self.repository(url)));
        breaches.extend(email.and_then(|email| self.email(email)));
        breaches.extend(offer.text_bytes.and_then(|bytes| self.text(bytes)));
        breaches
    }

    /// Returns the rules that a decision breaks.
    pub fn decision(&self, judgement: Judgement<'_>) -> Vec<Breach> {
        let Judgement { event, by, developer_email, notes } = judgement;
        let mut breaches = Vec::new();
        let by = by.unwrap_or_default();
        if !self.reviewers.is_empty() && !self.reviewers.iter().any(|pattern| is_reviewer(pattern, by)) {
            let allowed = named(&self.reviewers);
            breaches.push(Breach {
                rule: Rule::NotAllowedReviewer,
                field: "reviewed_by",
                detail: format!("must be one of those who may decide: {allowed} (`review.reviewers` in golive.yaml)"),
                repair: "put `status` back, and have one of them decide".into(),
            });
        }
        if self.four_eyes && is_same_person(by, developer_email) {
            breaches.push(Breach {
                rule: Rule::FourEyes,
                field: "reviewed_by",
                detail: "must not be who submitted the report (`review.four_eyes` in golive.yaml)".into(),
                repair: "put `status` back, and have somebody else decide".into(),
            });
        }
        let has_notes = notes.is_some_and(|notes| !notes.trim().is_empty());
        if self.notes_required_on_reject && event == Event::Reject && !has_notes {
            breaches.push(Breach {
                rule: Rule::NotesRequired,
                field: "review_notes",
                detail: "must say why the report is rejected (`review.notes_required_on_reject` in golive.yaml)".into(),
                repair: "write the reasons into it".into(),
            });
        }
        breaches
    }

    fn repository(&self, url: &str) -> Option<Breach> {
        if self.repository_hosts.is_empty() && self.repository_owners.is_empty() {
            return None;
        }
        // Of an address that cannot be read, others say so.
        let key = RepositoryKey::parse(url).ok()?;
        let breach = |detail: String| Breach {
            rule: Rule::NotAllowedRepository,
            field: "repository_url",
            detail,
            repair: "name a repository that is allowed".into(),
        };
        if !self.repository_hosts.is_empty() && !self.repository_hosts.iter().any(|host| is_host(host, &key)) {
            let allowed = named(&self.repository_hosts);
            return Some(breach(format!(
                "must be on an allowed host: {allowed} (`submission.repository_hosts` in golive.yaml)"
            )));
        }
        if !self.repository_owners.is_empty() && !self.repository_owners.iter().any(|owner| is_owner(owner, &key)) {
            let allowed = named(&self.repository_owners);
            return Some(breach(format!(
                "must be of an allowed owner: {allowed} (`submission.repository_owners` in golive.yaml)"
            )));
        }
        None
    }

    fn email(&self, email: &str) -> Option<Breach> {
        let domain = email.rsplit_once('@').map_or(email, |(_, domain)| domain);
        if self.email_domains.is_empty() || self.email_domains.iter().any(|pattern| matches(pattern, domain)) {
            return None;
        }
        let allowed = named(&self.email_domains);
        Some(Breach {
            rule: Rule::NotAllowedEmail,
            field: "developer_email",
            detail: format!("must be of an allowed domain: {allowed} (`submission.email_domains` in golive.yaml)"),
            repair: "write an address that is allowed".into(),
        })
    }

    fn text(&self, bytes: usize) -> Option<Breach> {
        let limit = self.report_bytes_max.filter(|limit| bytes > *limit)?;
        Some(Breach {
            rule: Rule::TextTooLong,
            field: "report_data",
            detail: format!("must be at most {limit} bytes of UTF-8, has {bytes} (`report.max_bytes` in golive.yaml)"),
            repair: "shorten it".into(),
        })
    }
}

/// A host is allowed on every port, unless the pattern names one.
fn is_host(pattern: &str, key: &RepositoryKey) -> bool {
    let host = key.host();
    let bare = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    };
    matches(pattern, host) || matches(pattern, bare)
}

/// With a slash, a pattern may name the host, too.
fn is_owner(pattern: &str, key: &RepositoryKey) -> bool {
    matches(pattern, key.owner())
        || (pattern.contains('/') && matches(pattern, &format!("{}/{}", key.host(), key.owner())))
}

/// A pattern with an `@` is about the address of who signs, another about the name;
/// with a `<`, about the whole of it.
fn is_reviewer(pattern: &str, by: &str) -> bool {
    let (name, address) = signed(by);
    match () {
        () if pattern.contains('<') => matches(pattern, by),
        () if pattern.contains('@') => address.is_some_and(|address| matches(pattern, address)),
        () => matches(pattern, name),
    }
}

fn is_same_person(by: &str, developer_email: &str) -> bool {
    let is_it = |text: &str| text.to_lowercase() == developer_email.to_lowercase();
    is_it(by) || signed(by).1.is_some_and(is_it)
}

/// Returns the name and the address in `Name <address>`, or in either of them alone.
fn signed(by: &str) -> (&str, Option<&str>) {
    match by.split_once('<').and_then(|(name, rest)| Some((name, rest.split_once('>')?.0))) {
        Some((name, address)) => (name.trim(), Some(address.trim())),
        None => (by, Some(by).filter(|by| by.contains('@'))),
    }
}

fn named(patterns: &[String]) -> String {
    let shown: Vec<_> = patterns.iter().take(NAMED_MAX).map(|pattern| format!("`{pattern}`")).collect();
    let n_more = patterns.len().saturating_sub(NAMED_MAX);
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests;
