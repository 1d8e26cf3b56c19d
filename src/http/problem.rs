//! Errors as RFC 9457 problem documents.
//!
//! A handler returns a [`Problem`]; it travels as a response extension to
//! [`super::edge`], which alone knows the request id, writes the document, and
//! logs the cause of a 5xx once. What is internal never reaches the client.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use super::allowed;
use crate::assess::{Finding, Severity};
use crate::report::Status;
use crate::report::validate::Faults;
use crate::store::WriteError;
use crate::store::history::HistoryError;
use crate::store::snapshot::Entry;

/// Why a request was not answered as asked.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// The last part of `type`: one stable word per kind of problem.
    kind: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    members: Box<Members>,
    retry_after_seconds: Option<u32>,
    /// For the log.
    pub(super) cause: Option<String>,
    /// For clients that show nothing else to people: only the detail is sent.
    is_text: bool,
    page: Option<Arc<Page>>,
}

/// A page that says it, and what there is to do about it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) html: String,
    /// To be set in the browser.
    pub(super) cookie: Option<String>,
}

/// One fault of one field.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(super) struct FieldError {
    /// JSON pointer into the request body (`#/server_name`), or `?name` for a query parameter.
    #[schema(example = "#/server_name")]
    pub(super) pointer: String,
    /// What is wrong and what to change.
    pub(super) detail: String,
}

/// Further members, by which a program can act on some kinds of problem.
#[derive(Clone, Debug, Default)]
struct Members {
    report_id: Option<Uuid>,
    report_status: Option<Status>,
    revision: Option<u32>,
    current_etag: Option<String>,
    path: Option<String>,
    findings: Vec<Finding>,
}

impl Members {
    fn of(entry: &Entry) -> Self {
        Self {
            report_id: Some(entry.report.id),
            report_status: Some(entry.report.status),
            revision: Some(entry.report.revision),
            current_etag: Some(format!("\"{}\"", entry.blob)),
            ..Self::default()
        }
    }
}

/// The document, as the API describes it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDocument<'a> {
    /// One stable URI per kind of problem.
    r#type: String,
    title: &'a str,
    status: u16,
    /// What happened and what to do.
    detail: &'a str,
    /// Names this occurrence in the service's log; not in a problem that did not
    /// occur, but would.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(required = false)]
    request_id: &'a str,
    /// For invalid input: all faults at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The report that is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_id: Option<Uuid>,
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Status, required = false)]
    report_status: Option<Status>,
    /// Its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    /// Its version, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_etag: Option<&'a str>,
    /// The file that has to be repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// What the check found in the text, if it is refused for that.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    findings: &'a [Finding],
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            title,
            detail: detail.into(),
            errors: Vec::new(),
            members: Box::default(),
            retry_after_seconds: None,
            cause: None,
            is_text: false,
            page: None,
        }
    }

    /// The same, told by a page of its own.
    pub(super) fn with_page(self, html: String, cookie: Option<String>) -> Self {
        Self { page: Some(Arc::new(Page { html, cookie })), ..self }
    }

    pub(super) fn page(&self) -> Option<&Page> {
        self.page.as_deref()
    }

    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub(super) fn into_text(self) -> Self {
        Self { is_text: true, ..self }
    }

    fn with(self, members: Members) -> Self {
        Self { members: Box::new(members), ..self }
    }

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    pub(super) fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not-implemented", "Not possible on this machine", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "this address does not take this method; the `Allow` header lists those that it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    pub(super) fn timeout() -> Self {
        let detail = "the request did not arrive in time; send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long to arrive", detail)
    }

    pub(super) fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("the request is larger than {limit_bytes} bytes; shorten the report");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    pub(super) fn media_type() -> Self {
        Self::media_type_of("the body must be JSON; send it with `Content-Type: application/json`")
    }

    pub(super) fn media_type_of(detail: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Wrong media type", detail)
    }

    pub(super) fn misdirected() -> Self {
        let detail =
            "this host name is not answered here; call `localhost`, or start golive with `--allowed-host NAME`";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", "Wrong host", detail)
    }

    /// The same, of the query's parameter `name`, if it is about one.
    pub(super) fn about(mut self, name: &str) -> Self {
        if let [error] = &mut self.errors[..] {
            error.pointer = format!("?{name}");
            self.detail = format!("`{}` {}", error.pointer, error.detail);
        }
        self
    }

    /// `prefix` makes a pointer of a field's name: `#/` for bodies, `?` for queries.
    pub(super) fn invalid(faults: Faults, prefix: &str) -> Self {
        let errors: Vec<_> = faults
            .0
            .into_iter()
            .map(|fault| FieldError { pointer: format!("{prefix}{}", fault.field), detail: fault.detail })
            .collect();
        let detail = errors.iter().map(|error| format!("`{}` {}", error.pointer, error.detail)).collect::<Vec<_>>();
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is invalid", detail.join("; "));
        Self { errors, ..problem }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not possible now", detail).retry_after(5)
    }

    /// It would be possible in a moment.
    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::unavailable(detail).retry_after(1)
    }

    /// What was sent is no request; hyper says why by its status.
    pub(super) fn unreadable(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::URI_TOO_LONG => "the address is too long; at most 65,534 bytes are read",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                "the head of the request is too large; at most 100 headers and 64 KiB are read"
            }
            _ => "this is no request of HTTP/1.1; the connection ends",
        };
        Self::new(status, "unreadable", "The request cannot be read", detail)
    }

    pub(super) fn internal(cause: impl Into<String>) -> Self {
        let detail = "something went wrong inside; the cause is in the service's log under this `request_id`";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail);
        Self { cause: Some(cause.into()), ..problem }
    }

    /// Returns the answer of a readiness probe that this problem stands behind.
    pub(super) fn into_unready(self) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, cause: None, ..self }
    }

    /// The input has `faults`, and its text lacks what the rules of the repository
    /// ask for, by `findings`.
    pub(super) fn lacking(mut faults: Faults, findings: &[Finding]) -> Self {
        let n_others = faults.0.len();
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.for_each(|finding| faults.push("report_data", told(finding)));
        let problem = match (n_others, &faults.0[..]) {
            (0, [first, rest @ ..]) if !findings.is_empty() => {
                let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
                let detail = format!("the rules of this repository refuse the text: {}{more}", first.detail);
                Self { detail, ..Self::invalid(faults, "#/") }
            }
            _ => Self::invalid(faults, "#/"),
        };
        problem.with(Members { findings: findings.to_vec(), ..Members::default() })
    }

    /// Writes the document. Called by the edge.
    pub(super) fn render(&self, request_id: &str, response: &mut Response) {
        let document = self.document(request_id);
        let (media_type, body) = if self.is_text {
            ("text/plain; charset=utf-8", format!("{}\n", self.detail).into_bytes())
        } else {
            ("application/problem+json", serde_json::to_vec(&document).expect("a problem is plain data"))
        };
        self.put(media_type, body, response);
    }

    /// Returns the document; `request_id` is empty for a problem that did not occur.
    pub(super) fn document<'a>(&'a self, request_id: &'a str) -> ProblemDocument<'a> {
        ProblemDocument {
            r#type: format!("urn:golive:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
            report_id: self.members.report_id,
            report_status: self.members.report_status,
            revision: self.members.revision,
            current_etag: self.members.current_etag.as_deref(),
            path: self.members.path.as_deref(),
            findings: &self.members.findings,
        }
    }

    /// Writes it as the page `html`. Called by the edge.
    pub(super) fn render_as(&self, html: String, response: &mut Response) {
        self.put("text/html; charset=utf-8", html.into_bytes(), response);
    }

    fn put(&self, media_type: &'static str, body: Vec<u8>, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.remove(header::CONTENT_LENGTH);
        *response.body_mut() = body.into();
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        let conflict =
            |kind, detail| Self::new(StatusCode::CONFLICT, kind, "In conflict with the report as it is", detail);
        match &error {
            WriteError::NotFound(id) => Self::not_found(format!("there is no report `{id}`")),
            WriteError::Exists(entry) => {
                let (id, status) = (entry.report.id, entry.report.status);
                let detail = format!(
                    "this repository has the report `{id}`, which is `{status}`; \
                     to replace its text, send a new revision with `PUT /api/v1/reports/{id}`"
                );
                conflict("exists", detail).with(Members::of(entry))
            }
            WriteError::NothingToReopen(entry) => {
                let id = entry.report.id;
                let detail = format!("report `{id}` is `pending_review` already; approve or reject it");
                conflict("no-such-step", detail).with(Members::of(entry))
            }
            WriteError::NotAllowed(breaches) => match breaches.iter().find(|breach| breach.is_about_who()) {
                Some(breach) => Self::forbidden(format!(
                    "`{}` {}; golive compares the texts that were sent, which anyone can type (rule `{}`)",
                    breach.field,
                    breach.detail,
                    breach.rule.as_str(),
                )),
                None => Self::invalid(allowed::faults(breaches), "#/"),
            },
            WriteError::Problem { path, fault } => {
                conflict("broken-file", format!("the file of this report has to be repaired first: `{path}`: {fault}"))
                    .with(Members { path: Some(path.clone()), ..Members::default() })
            }
            WriteError::OtherRepository(entry) => {
                let url = &entry.report.repository_url;
                let detail = format!("must be the repository of this report, `{url}`; submit another one with POST");
                let mut faults = Faults::default();
                faults.push("repository_url", detail);
                Self::invalid(faults, "#/")
            }
            WriteError::Stale(entry) => {
                let tag = format!("\"{}\"", entry.blob);
                let detail = format!(
                    "the report was changed after you read it; read it again, and send `If-Match: {tag}` if you still agree"
                );
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", "The report was changed meanwhile", detail)
                    .with(Members::of(entry))
            }
            WriteError::Lacking { breaches, findings } => Self::lacking(allowed::faults(breaches), findings),
            WriteError::Unavailable(detail) => Self::unavailable(detail.as_str()),
            WriteError::Busy => Self::unavailable("too many writes are waiting; try again").retry_after(1),
            WriteError::Full => {
                let detail = "the disk of the reports repository is full; nothing was stored; make room and try again";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "full", "The disk is full", detail).retry_after(30)
            }
            WriteError::Failed(_) => {
                let detail = "the reports repository cannot be used now; the cause is in the service's log under this `request_id`";
                Self { cause: Some(error.to_string()), ..Self::unavailable(detail) }
            }
            WriteError::Unknown(_) => {
                let detail = "it is not known whether this was stored: the disk failed at the last step; \
                              read the report before you send it again";
                let title = "Perhaps stored";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unknown-outcome", title, detail);
                Self { cause: Some(error.to_string()), ..problem }.retry_after(5)
            }
            WriteError::Internal(_) => Self::internal(error.to_string()),
        }
    }
}

/// Returns a finding as one line: ``line 12: …; …``.
fn told(finding: &Finding) -> String {
    format!("line {}: {}; {}", finding.line, finding.detail, finding.repair)
}

impl From<HistoryError> for Problem {
    /// A bad commit belongs to a parameter, which the handler knows.
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Failed(error) => error.into(),
            error => Self::not_found(error.to_string()),
        }
    }
}
