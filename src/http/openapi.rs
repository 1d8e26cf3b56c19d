//! The description of the API, generated from the handlers and their types.

use std::collections::BTreeMap;

use axum::Json;
use utoipa::openapi::response::Response;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{api, health, list, problem, reports};

/// The record of go-live reviews for MCP servers. Every submission and every
/// decision is a commit in a git repository; a 2xx to a write means that its
/// commit is at the tip of the branch, on disk.
#[derive(OpenApi)]
#[openapi(
    info(title = "golive", license(name = "MIT", identifier = "MIT")),
    paths(
        reports::submit, list::list, reports::get, reports::revise, reports::decide,
        health::healthz, health::readyz, health::metrics, document
    ),
    components(schemas(
        api::SubmissionBody, api::DecisionBody, api::ReportDocument, api::SummaryDocument, api::StatusFilter,
        problem::ProblemDocument, problem::FieldError
    )),
    tags(
        (name = "reports", description = "Submit, list, read, decide"),
        (name = "operation", description = "For machines that watch the service")
    )
)]
struct Api;

/// This description
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object), HostProblem))]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Api::openapi())
}

/// Returns the description as a page at `/docs`, served from the binary: nothing
/// is fetched from elsewhere, the validator's badge included.
pub(super) fn page() -> SwaggerUi {
    SwaggerUi::new("/docs").config(Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true))
}

/// Names a set of problem answers once, for all calls that can give them.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $description:literal,)* })*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.into(), problem($description)),)*])
            }
        }
    )*};
}

problems! {
    /// Of any call.
    HostProblem {
        "421": "Wrong host",
    }
    /// Of a call with a query.
    QueryProblems {
        "400": "The query cannot be read",
        "421": "Wrong host",
        "422": "Invalid parameter, all faults named",
    }
    /// Of a call that reads one report.
    ReadProblems {
        "404": "No such report",
        "421": "Wrong host",
        "503": "The report cannot be read now",
    }
    /// Of a call with a JSON body.
    BodyProblems {
        "400": "Not valid JSON",
        "408": "The body did not arrive in time",
        "413": "The request is too large",
        "415": "Not `application/json`",
        "421": "Wrong host",
        "422": "Invalid input, all faults named",
    }
    /// Of a call that commits.
    WriteProblems {
        "409": "In conflict with the report as it is",
        "503": "Writes are not possible now",
        "507": "The disk is full",
    }
    /// Of a write to a report that exists.
    VersionProblems {
        "404": "No such report",
        "412": "The report was changed meanwhile",
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build().into()
}
