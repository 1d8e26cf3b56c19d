//! For machines that watch the service: is it alive, can it write, its numbers.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answers::HostProblem;
use super::problem::{Problem, ProblemDocument};

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "operation",
    responses((status = 200, description = "It is", body = String, content_type = "text/plain"), HostProblem))]
pub(super) async fn healthz() -> &'static str {
    "OK"
}

/// Can writes be accepted?
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "operation",
    responses(
        (status = 200, description = "They can", body = String, content_type = "text/plain"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json", description = "They cannot, and why"),
        HostProblem))]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    match app.store.obstacle() {
        None => Ok("OK"),
        Some(error) => Err(Problem::from((*error).clone()).into_unready()),
    }
}

/// Numbers for Prometheus
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text"),
        HostProblem))]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let snapshot = app.store.snapshot();
    let text = app.metrics.encode(|status| snapshot.count(status), snapshot.n_problems());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
