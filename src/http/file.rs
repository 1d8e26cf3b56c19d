//! `GET /api/v1/reports/{id}/file`: the report file itself, to keep.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::App;
use super::answers::HistoryProblems;
use super::extract::{AtQuery, ReportId};
use super::history::commit_at;
use super::problem::Problem;
use super::reports::{names, tagged};
use crate::report::Report;

/// RFC 8187's `attr-char`, as far as a name of a file needs it.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longer names are cut, in bytes: file systems take 255.
const NAME_MAX: usize = 200;

/// Download a report's file
///
/// The file as git has it, front matter and markdown.
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/file", operation_id = "get_file", tag = "reports",
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("at" = Option<String>, Query, description = "The file as it was at this commit (id, at least its first 7 digits) or time (RFC 3339); now if left out"),
        ("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if it is still that version"),
    ),
    responses(
        (status = 200, description = "The file", content((String = "text/markdown")), headers(
            ("content-disposition" = String, description = "`attachment`, with a name for the file"),
            ("etag" = String, description = "Version of the report: the blob id of its file"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 304, description = "Not changed"),
        HistoryProblems,
    )
)]
pub(super) async fn file(
    State(app): State<App>,
    ReportId(id): ReportId,
    AtQuery(at): AtQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_known = |blob| headers.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, blob));
    let _turn = app.room.turn().await;
    if let Some(at) = at {
        let state = app.store.state(id, commit_at(&app, at).await?).await?;
        let response = if is_known(state.blob) { not_modified() } else { attached(&state.report, state.file.into()) };
        return Ok(tagged(response, state.blob, state.commit));
    }
    let snapshot = app.store.snapshot();
    let entry = snapshot.get(id).ok_or_else(|| Problem::not_found(format!("there is no report `{id}`")))?;
    let response = if is_known(entry.blob) {
        not_modified()
    } else {
        let file = app.store.file(entry.blob).await?;
        attached(&entry.report, Body::from(Bytes::from_owner(file)))
    };
    Ok(tagged(response, entry.blob, snapshot.commit))
}

fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

fn attached(report: &Report, file: Body) -> Response {
    let mut response = file.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&report.server_name, report.revision));
    response
}

/// Returns the header that names the file: in ASCII for all clients and, if that
/// is not the whole name, as it is for those that know RFC 8187.
fn disposition(server_name: &str, revision: u32) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = |is_kept: &dyn Fn(char) -> bool| {
        let safe: String = server_name.chars().map(|c| if is_kept(c) { c } else { '-' }).collect();
        // A name with a dot in front is hidden, or a folder.
        let safe = safe.trim_start_matches('.');
        let end = (0..=safe.len().min(NAME_MAX)).rev().find(|at| safe.is_char_boundary(*at)).unwrap_or(0);
        format!("{}-r{revision}.md", &safe[..end])
    };
    let ascii = name(&is_plain);
    // What no file system takes, or a shell makes something of.
    let whole = name(&|c| is_plain(c) || !(c.is_ascii() || c.is_control() || crate::report::text::is_invisible(c)));
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if whole != ascii {
        value.push_str(&format!("; filename*=UTF-8''{}", utf8_percent_encode(&whole, ATTR_CHAR)));
    }
    HeaderValue::try_from(value).expect("ASCII without control characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_named_after_the_server_and_never_a_path() {
        for (server_name, expected) in [
            ("mcp-servicenow", "attachment; filename=\"mcp-servicenow-r2.md\""),
            ("../../etc/passwd", "attachment; filename=\"-..-etc-passwd-r2.md\""),
            ("a\"; filename=\"x.exe", "attachment; filename=\"a---filename--x.exe-r2.md\""),
            ("søk", "attachment; filename=\"s-k-r2.md\"; filename*=UTF-8''s%C3%B8k-r2.md"),
            ("C:\\x", "attachment; filename=\"C--x-r2.md\""),
        ] {
            assert_eq!(disposition(server_name, 2), expected, "{server_name}");
        }
        assert!(disposition(&"é".repeat(255), 2).to_str().unwrap().ends_with("%C3%A9-r2.md"));
    }
}
