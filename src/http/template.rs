//! `GET /api/v1/template`: the form of a report, to be filled in.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers::HostProblem;
use super::extract::NoQuery;
use super::problem::Problem;
use super::reports::{names, tagged};

/// Read the form of a report
///
/// `TEMPLATE.md` of the reports repository; if it has none, the one that golive
/// comes with.
#[utoipa::path(
    get, path = "/api/v1/template", operation_id = "get_template", tag = "reports",
    params(("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if it is still that version")),
    responses(
        (status = 200, description = "The form, as markdown", content((String = "text/markdown")), headers(
            ("etag" = String, description = "Version of the form: its blob id"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 304, description = "Not changed"),
        (status = 422, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "Unknown parameter"),
        (status = 503, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "The repository cannot be read now"),
        HostProblem,
    )
)]
pub(super) async fn template(State(app): State<App>, _: NoQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let template = app.store.template(&snapshot).await?;
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, template.blob)) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), template.blob, snapshot.commit));
    }
    let media_type = HeaderValue::from_static("text/markdown; charset=utf-8");
    let response = ([(header::CONTENT_TYPE, media_type)], template.text).into_response();
    Ok(tagged(response, template.blob, snapshot.commit))
}
