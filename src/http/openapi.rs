//! The description of the API, generated from the handlers and their types; what
//! those cannot say is added: the rules as patterns, and which call leads to which.

mod links;
mod patterns;

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::{Json, Router};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::answers::HostProblem;
use super::{
    App, activity, api, assessment, check, events, file, health, history, history_api, list, policy, problem, problems,
    reports, statistics, template,
};

/// Swagger UI sets styles of its own, and has pictures in them; it runs nothing but its files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The record of go-live reviews for MCP servers. Every submission and every
/// decision is a commit in a git repository; a 2xx to a write means that its
/// commit is at the tip of the branch, on disk.
#[derive(OpenApi)]
#[openapi(
    info(title = "golive", license(name = "MIT", identifier = "MIT")),
    paths(
        reports::submit, list::list, reports::get, reports::revise, reports::decide,
        check::check, assessment::assessment, template::template,
        history::history, history::revision, history::diff, file::file,
        activity::activity, events::events, statistics::statistics, problems::problems, policy::policy,
        health::healthz, health::readyz, health::metrics, document
    ),
    components(schemas(
        api::SubmissionBody, api::DecisionBody, api::ReportDocument, api::SummaryDocument, api::StatusFilter, api::RiskFilter,
        api::FindingsFilter, api::Sort,
        history_api::HistoryDocument, history_api::DifferenceDocument,
        check::CheckDocument, assessment::AssessmentDocument, crate::assess::Assessment,
        activity::ActivityDocument, events::EventDocument, events::CommittedDocument, events::ResetDocument, events::ProblemsDocument, statistics::StatisticsDocument, policy::PolicyDocument,
        problem::ProblemDocument, problem::FieldError, problems::FileProblemDocument
    )),
    tags(
        (name = "reports", description = "Submit, list, read, decide"),
        (name = "history", description = "How a report came to be"),
        (name = "operation", description = "For machines that watch the service")
    )
)]
struct Api;

/// This description
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object), HostProblem))]
pub(super) async fn document() -> Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(describe);
    Json(&DOCUMENT)
}

fn describe() -> Value {
    let mut document = serde_json::to_value(Api::openapi()).expect("the description is plain data");
    patterns::add(&mut document);
    links::add(&mut document);
    let kinds = ["CommitEvent", "ResetEvent", "ProblemsEvent"]
        .map(|name| json!({"$ref": format!("#/components/schemas/{name}")}));
    document["components"]["schemas"]["StreamEvent"]["properties"]["data"]["contentSchema"] = json!({"anyOf": kinds});
    // A check answers whatever it is asked about: that is what it is for.
    let submission = &mut document["paths"]["/api/v1/reports/check"]["post"]["requestBody"]["content"];
    let schema = &mut submission["application/json"]["schema"];
    *schema = json!({"anyOf": [schema.take(), {"type": "object", "description": "Anything else: what is wrong with it is told."}]});
    document
}

/// Returns the description as a page at `/docs`, served from the binary: nothing
/// is fetched from elsewhere, the validator's badge included, and no other site
/// can put it into a frame: it can decide.
pub(super) fn page() -> Router<App> {
    let page =
        SwaggerUi::new("/docs").config(Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true));
    Router::from(page).layer(map_response(guard))
}

async fn guard(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
