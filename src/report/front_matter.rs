//! Front-matter codec: a report file is `---`, YAML, `---`, body.
//!
//! The body is opaque bytes and comes back as it went in. Of the YAML, only
//! fields whose value changes are rewritten; comments, unknown keys, order and
//! quoting stay. One reader (`gray_matter`, for its data alone) behind a guard
//! that refuses what YAML can do but a record must not, for whatever is not in
//! golive's own form; one writer (`serde_yaml` for scalars). No IO here, and no knowledge of git.

mod edit;
mod fence;
mod guard;
mod own;
mod scalar;

use chrono::{DateTime, Utc};
use gray_matter::{Matter, Pod, engine::YAML};
use uuid::Uuid;

use super::fault::{Fault, Rule};
use super::{Report, Status, text};

/// Front matter longer than this is refused unread.
const MAX_BYTES: usize = 256 * 1024;

/// A report file that could be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub report: Report,
    /// The bytes after the closing fence, as they are.
    pub body: &'a [u8],
}

/// Returns the bytes of a new report file.
///
/// # Errors
/// [`Fault`] if the file would not read back as `report` and `body`; nothing
/// that passed validation does that, but what is committed is certain: by its
/// form, or because it was read.
pub fn encode(report: &Report, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let yaml = own::yaml(report);
    let mut file = Vec::with_capacity(yaml.len() + body.len() + 8);
    for part in [b"---\n", yaml.as_bytes(), b"---\n", body] {
        file.extend_from_slice(part);
    }
    check(&file, report, body, own::is_certain(report))?;
    Ok(file)
}

/// Returns `file`, which says `old`, with the fields of `report` and, if given,
/// another body.
///
/// # Errors
/// [`Fault`] if `file` cannot be read, or is written in a form in which the
/// fields cannot be changed without touching anything else.
pub fn edit(file: &[u8], old: &Report, report: &Report, body: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    let parts = fence::split(file)?;
    let body = body.unwrap_or(parts.body);
    let is_certain = own::is_certain(old) && own::is_certain(report) && own::yaml(old) == parts.yaml;
    let yaml = if is_certain {
        own::yaml(report)
    } else {
        let outline = guard::outline(parts.yaml)?;
        let before = fields(old);
        let changes = fields(report).into_iter().zip(before).filter(|(new, old)| new != old).map(|(new, _)| new);
        edit::apply(parts.yaml, &outline, changes)?
    };

    let mut out = Vec::with_capacity(file.len() + 256);
    out.extend_from_slice(&file[..parts.yaml_start]);
    out.extend_from_slice(yaml.as_bytes());
    out.extend_from_slice(&file[parts.yaml_start + parts.yaml.len()..parts.body_start]);
    out.extend_from_slice(body);
    check(&out, report, body, is_certain)?;
    Ok(out)
}

/// Reads a report file.
///
/// # Errors
/// [`Fault`] with the place of the first thing that is wrong.
pub fn decode(file: &[u8]) -> Result<Decoded<'_>, Fault> {
    let parts = fence::split(file)?;
    let report = match own::read(parts.yaml) {
        Some(report) => {
            debug_assert_eq!(read(parts.yaml).ok().as_ref(), Some(&report), "not certain");
            report
        }
        None => read(parts.yaml)?,
    };
    Ok(Decoded { report, body: parts.body })
}

/// Reads front matter without its fences, in whatever form.
fn read(yaml: &str) -> Result<Report, Fault> {
    let outline = guard::outline(yaml).map_err(|fault| conflict(yaml).unwrap_or(fault))?;
    let fenced = format!("---\n{yaml}\n---\n");
    let data = Matter::<YAML>::new()
        .parse::<Pod>(&fenced)
        .map_err(|error| {
            let detail = format!("the front matter is not valid YAML: {error}");
            Fault::new(Rule::InvalidYaml, detail, "correct it").at(2, 1)
        })?
        .data
        .and_then(|pod| pod.as_hashmap().ok())
        .ok_or_else(|| {
            let repair = "write the fields of the report between its two lines `---`";
            Fault::new(Rule::NotAMapping, "the front matter is empty", repair).at(2, 1)
        })?;
    Reader { data, outline: &outline }.report()
}

/// Returns the line and column of the value of the field `name`, for a message.
pub fn place(file: &[u8], name: &str) -> (usize, usize) {
    let outline = fence::split(file).and_then(|parts| guard::outline(parts.yaml));
    outline.map_or((1, 1), |outline| outline.place(name))
}

/// Returns the body of `file` without reading its front matter.
///
/// # Errors
/// A missing fence, front matter over 256 KiB or not in UTF-8.
pub fn body(file: &[u8]) -> Result<&[u8], Fault> {
    fence::split(file).map(|parts| parts.body)
}

/// A conflict that git left in the front matter is broken YAML as well.
fn conflict(yaml: &str) -> Option<Fault> {
    let at = text::conflict(yaml.as_bytes())?;
    let line = 2 + yaml[..at].matches('\n').count();
    let detail = "the front matter holds the marks of a merge conflict";
    Some(Fault::new(Rule::ConflictMarkers, detail, text::RESOLVE).at(line, 1))
}

/// Reads a file back before it is committed, unless it is certain by its form what it says;
/// where tests run, then too.
fn check(file: &[u8], report: &Report, body: &[u8], is_certain: bool) -> Result<(), Fault> {
    if is_certain && !cfg!(debug_assertions) {
        return Ok(());
    }
    let checked = check_readable(file, report, body);
    assert!(!is_certain || checked.is_ok(), "not certain: {report:?}");
    checked
}

fn check_readable(file: &[u8], report: &Report, body: &[u8]) -> Result<(), Fault> {
    let read = decode(file)?;
    if read.report == *report && read.body == body {
        return Ok(());
    }
    let detail = "the front matter is in a form that cannot be changed field by field";
    Err(Fault::new(Rule::KeyForm, detail, "write each field on a line of its own").at(1, 1))
}

/// The value of a field as it stands in YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value<'a> {
    Null,
    /// A text that needs no quotes in any YAML: an id, a time, a number, a status.
    Word(String),
    Text(&'a str),
}

/// The fields of a report in the order in which they are written.
fn fields(report: &Report) -> [(&'static str, Value<'_>); 10] {
    [
        ("id", Value::Word(report.id.to_string())),
        ("server_name", Value::Text(&report.server_name)),
        ("repository_url", Value::Text(&report.repository_url)),
        ("developer_email", Value::Text(&report.developer_email)),
        ("status", Value::Word(report.status.to_string())),
        ("revision", Value::Word(report.revision.to_string())),
        ("submitted_at", Value::Word(timestamp(report.submitted_at))),
        ("reviewed_at", report.reviewed_at.map_or(Value::Null, |at| Value::Word(timestamp(at)))),
        ("reviewed_by", Value::optional(report.reviewed_by.as_deref())),
        ("review_notes", Value::optional(report.review_notes.as_deref())),
    ]
}

/// Returns `at` as files and JSON show it: RFC 3339, UTC with `Z`, whole seconds.
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Takes the fields of a report out of what `gray_matter` read.
struct Reader<'a> {
    data: std::collections::HashMap<String, Pod>,
    outline: &'a guard::Outline,
}

impl Reader<'_> {
    fn report(&self) -> Result<Report, Fault> {
        Ok(Report {
            id: self.parsed("id", Rule::InvalidId, "a UUID", |text| Uuid::try_parse(text).ok())?,
            server_name: self.required("server_name")?,
            repository_url: self.required("repository_url")?,
            developer_email: self.required("developer_email")?,
            status: self.parsed(
                "status",
                Rule::UnknownStatus,
                "`pending_review`, `approved` or `rejected`",
                Status::from_word,
            )?,
            revision: self.revision()?,
            submitted_at: self.parsed("submitted_at", Rule::InvalidTime, TIME, read_time)?,
            reviewed_at: self.optional_time("reviewed_at")?,
            reviewed_by: self.optional("reviewed_by")?,
            review_notes: self.optional("review_notes")?,
        })
    }

    fn fault(&self, name: &str, rule: Rule, detail: impl std::fmt::Display, repair: &str) -> Fault {
        let (line, column) = self.outline.place(name);
        Fault::new(rule, format!("`{name}` {detail}"), repair).at(line, column)
    }

    fn optional(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.data.get(name) {
            None | Some(Pod::Null) => Ok(None),
            Some(Pod::String(text)) if text.contains('\0') => {
                Err(self.fault(name, Rule::Binary, format!("must not hold {}", text::code_point('\0')), "remove it"))
            }
            Some(Pod::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.fault(name, Rule::WrongType, "must be a string", "put it in double quotes")),
        }
    }

    fn required(&self, name: &str) -> Result<String, Fault> {
        self.optional(name)?
            .ok_or_else(|| self.fault(name, Rule::MissingField, "is missing", &format!("write a line `{name}: …`")))
    }

    fn parsed<T>(&self, name: &str, rule: Rule, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
        let text = self.required(name)?;
        read(&text).ok_or_else(|| self.fault(name, rule, format!("must be {what}"), "correct it"))
    }

    fn optional_time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let invalid = || self.fault(name, Rule::InvalidTime, format!("must be {TIME}"), "correct it, or write `null`");
        self.optional(name)?.map(|text| read_time(&text).ok_or_else(invalid)).transpose()
    }

    fn revision(&self) -> Result<u32, Fault> {
        let number = match self.data.get("revision") {
            None | Some(Pod::Null) => {
                return Err(self.fault("revision", Rule::MissingField, "is missing", "write a line `revision: …`"));
            }
            Some(Pod::Integer(number)) => u32::try_from(*number).ok().filter(|number| (1..u32::MAX).contains(number)),
            Some(_) => None,
        };
        let detail = "must be a whole number, 1 or more, of which there is a next one";
        number.ok_or_else(|| self.fault("revision", Rule::InvalidRevision, detail, "correct it"))
    }
}

const TIME: &str = "a time like `2025-10-20T10:00:00Z`";

fn read_time(text: &str) -> Option<DateTime<Utc>> {
    use chrono::SubsecRound;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc().trunc_subsecs(0))
}

impl<'a> Value<'a> {
    fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Value::Null, Value::Text)
    }
}

#[cfg(test)]
mod tests;
