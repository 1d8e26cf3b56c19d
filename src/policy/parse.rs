//! Reads `golive.yaml`, strictly: a key that is not known, a value of another kind
//! or a pattern that can never match is a fault with its place, so that a typo does
//! not pass for a rule. A key without a value is as one that is not there.

mod node;
mod outline;
mod requirements;

use super::{Enforcement, Policy};
use crate::report::fault::{Fault, Rule};
use crate::report::text::check_one_line;
use crate::report::validate::BODY_LIMIT_MAX;
use node::{Keys, Node};

/// No policy is as long; what is longer is not read.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// The format that is read: `golive: 1`.
const FORMAT: u64 = 1;
/// Days that can be asked for: a hundred years.
const DAYS_MAX: u64 = 36_500;
/// Patterns in one list.
const PATTERNS_MAX: usize = 1000;
const PATTERN_CHARS_MAX: usize = 255;

/// Why a file is no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not say `golive: 1`, the mark of a golive repository.
    NoFormat,
    Fault(Box<Fault>),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// Reads the policy that `file` holds; what it does not say is as in [`Policy::default`].
///
/// # Errors
/// [`Refusal`]: the first thing that is wrong.
pub fn parse(file: &[u8]) -> Result<Policy, Refusal> {
    if file.len() > FILE_BYTES_MAX {
        return Err(too_long(file.len()).into());
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let line = file[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        fault("`golive.yaml` is not UTF-8", "save the file in UTF-8").at(line, 1)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let places = outline::outline(text)?;
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| not_yaml(text, &error))?;
    if value.get("golive").and_then(serde_yaml::Value::as_u64) != Some(FORMAT) {
        return Err(Refusal::NoFormat);
    }
    let root = Node::root(&value, &places);
    Ok(policy(&root.keys(&["golive", "report", "submission", "review"])?)?)
}

/// Returns the format that `file` says it has. Where it cannot be read, its line alone
/// tells: what is a golive repository does not end to be one by a typo further down.
pub fn format(file: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(file).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // serde_yaml takes quadratic time for what is nested deeply, which the outline refuses.
    if file.len() <= FILE_BYTES_MAX
        && outline::outline(text).is_ok()
        && let Ok(yaml) = serde_yaml::from_str::<serde_yaml::Value>(text)
    {
        return yaml.get("golive")?.as_u64();
    }
    text.lines().find_map(|line| line.strip_prefix("golive:")?.trim().parse().ok())
}

/// What is wrong with a file of so many bytes.
pub fn too_long(bytes: usize) -> Fault {
    let detail = format!("`golive.yaml` has {bytes} bytes, and at most {FILE_BYTES_MAX} are read");
    fault(detail, "shorten it")
}

fn policy(top: &Keys<'_>) -> Result<Policy, Fault> {
    let mut policy = Policy::default();
    if let Some(report) = top.get("report") {
        let keys = report.keys(&["enforcement", "max_bytes", "fields", "phases"])?;
        if let Some(node) = keys.get("enforcement") {
            policy.enforcement = enforcement(node)?;
        }
        if let Some(node) = keys.get("max_bytes") {
            let bytes = node.number(1, BODY_LIMIT_MAX as u64)?;
            policy.report_bytes_max = Some(usize::try_from(bytes).unwrap_or(BODY_LIMIT_MAX));
        }
        requirements::read(&keys, &mut policy.requirements)?;
    }
    if let Some(submission) = top.get("submission") {
        let keys = submission.keys(&["repository_hosts", "repository_owners", "email_domains"])?;
        policy.repository_hosts = patterns(&keys, "repository_hosts", host)?;
        policy.repository_owners = patterns(&keys, "repository_owners", owner)?;
        policy.email_domains = patterns(&keys, "email_domains", domain)?;
    }
    if let Some(review) = top.get("review") {
        let keys =
            review.keys(&["reviewers", "four_eyes", "notes_required_on_reject", "overdue_days", "approval_days"])?;
        policy.reviewers = patterns(&keys, "reviewers", reviewer)?;
        if let Some(node) = keys.get("four_eyes") {
            policy.four_eyes = node.switch()?;
        }
        if let Some(node) = keys.get("notes_required_on_reject") {
            policy.notes_required_on_reject = node.switch()?;
        }
        if let Some(node) = keys.get("overdue_days") {
            policy.overdue_days = days(node)?;
        }
        if let Some(node) = keys.get("approval_days") {
            policy.approval_days = days(node)?;
        }
    }
    Ok(policy)
}

fn enforcement(node: &Node<'_>) -> Result<Enforcement, Fault> {
    match node.value.as_str() {
        Some("off") => Ok(Enforcement::Off),
        Some("warn") => Ok(Enforcement::Warn),
        Some("refuse") => Ok(Enforcement::Refuse),
        _ => Err(node.fault("must be `off`, `warn` or `refuse`", "write one of these words")),
    }
}

fn days(node: &Node<'_>) -> Result<u32, Fault> {
    node.number(0, DAYS_MAX).map(|days| u32::try_from(days).unwrap_or(u32::MAX))
}

/// Reads a list of patterns; `check` says what is wrong with one.
fn patterns(keys: &Keys<'_>, name: &str, check: fn(&str) -> Result<(), &'static str>) -> Result<Vec<String>, Fault> {
    let Some(list) = keys.get(name) else { return Ok(Vec::new()) };
    let mut patterns = Vec::new();
    for node in list.items(PATTERNS_MAX)? {
        let pattern = node.text()?;
        if let Err(detail) = check_one_line(pattern, PATTERN_CHARS_MAX) {
            return Err(node.fault(&detail, "correct it"));
        }
        if let Err(repair) = check(pattern) {
            return Err(node.fault(&format!("`{pattern}` can never match"), repair));
        }
        patterns.push(pattern.to_owned());
    }
    Ok(patterns)
}

fn host(pattern: &str) -> Result<(), &'static str> {
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*' | ':' | '[' | ']');
    match pattern.chars().all(is_of_host) && !pattern.ends_with(':') {
        true => Ok(()),
        false => Err("write a host, like `github.com`, or `*.example.com` for all below one"),
    }
}

fn owner(pattern: &str) -> Result<(), &'static str> {
    let is_wrong = |c: char| c.is_whitespace() || matches!(c, '@' | '\\' | '?' | '#' | '^' | '|' | '{' | '}');
    let is_path = !pattern.split('/').any(|part| matches!(part, "" | "." | ".."));
    match is_path && !pattern.contains(is_wrong) && !pattern.contains("://") {
        true => Ok(()),
        false => Err("write an owner, like `intility`, or `github.com/intility` for one host alone"),
    }
}

fn domain(pattern: &str) -> Result<(), &'static str> {
    match pattern.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '*')) {
        true => Ok(()),
        false => Err("write what stands behind the `@`, like `example.com`, or `*.example.com` for all below one"),
    }
}

fn reviewer(pattern: &str) -> Result<(), &'static str> {
    match pattern.contains(['\\', '^', '|', '\n']) {
        true => Err("write an address or a name, with `*` for any run of characters, like `*@example.com`"),
        false => Ok(()),
    }
}

fn not_yaml(yaml: &str, error: &serde_yaml::Error) -> Fault {
    let place = error.location().map_or((1, 1), |at| shown(yaml, (at.line(), at.column())));
    // Its place is told beside it.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default().to_owned();
    fault(format!("`golive.yaml` is not valid YAML: {text}"), "correct that").at(place.0, place.1)
}

/// Returns where an editor shows `place`, which counts the lines of YAML 1.1: U+0085,
/// U+2028 and U+2029 end one there, too.
fn shown(yaml: &str, place: (usize, usize)) -> (usize, usize) {
    let (mut counted, mut shown) = ((1, 1), (1, 1));
    let mut chars = yaml.chars().peekable();
    while counted < place
        && let Some(c) = chars.next()
    {
        let is_half = c == '\r' && chars.peek() == Some(&'\n');
        let next = |is_end: bool, (line, column)| if is_end { (line + 1, 1) } else { (line, column + 1) };
        counted = next(matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') && !is_half, counted);
        shown = next(matches!(c, '\n' | '\r') && !is_half, shown);
    }
    shown
}

fn fault(detail: impl Into<String>, repair: impl Into<String>) -> Fault {
    Fault::new(Rule::InvalidPolicy, detail, repair)
}

#[cfg(test)]
mod tests;
