//! What comes in with the decision form. Whatever keeps it from being taken, the
//! form comes back with everything that was typed.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::form::Filled;
use super::guard::{Session, check_source};
use super::report::{self, Alert, Returned};
use super::show::Prose;
use crate::http::App;
use crate::http::allowed;
use crate::http::extract::ReportId;
use crate::http::problem::Problem;
use crate::report::validate::Faults;
use crate::store::{Change, Expected, Via, WriteError};

/// Notes of 32 KiB, each byte spelled as three, and the rest.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// The form has to arrive within this time.
const FORM_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes a decision, and leads back to the report.
pub(super) async fn decide(
    State(app): State<App>,
    ReportId(id): ReportId,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    check_source(&headers)?;
    let filled = Filled::read(&body(request).await?)?;
    let session = Session::of(&headers);
    match write(&app, id, &session, &filled).await {
        Ok(()) => Ok(see_other(id)),
        Err(Refusal { returned, problem }) => Err(again(&app, id, &headers, &session, *returned, problem).await?),
    }
}

/// Leads whoever loads the address of the form to the report.
pub(super) async fn elsewhere(ReportId(id): ReportId) -> Response {
    Redirect::to(&format!("/reports/{id}")).into_response()
}

/// Why a decision was not taken, and the form that goes back.
struct Refusal {
    returned: Box<Returned>,
    problem: Problem,
}

impl Refusal {
    fn new(filled: &Filled, title: &'static str, problem: Problem) -> Self {
        let alert = Some(Alert { title, text: Prose::sentence(problem.detail()) });
        Self { returned: Box::new(Returned { filled: filled.clone(), alert, ..Returned::default() }), problem }
    }
}

async fn write(app: &App, id: Uuid, session: &Session, filled: &Filled) -> Result<(), Refusal> {
    if !app.desk.guard.accepts(session, id, &filled.token) {
        let problem = Problem::forbidden(
            "golive was restarted, or the browser's cookies were cleared, since this page was loaded; \
             nothing you typed is lost, so look at it once more and send it again",
        );
        return Err(Refusal::new(filled, "Please confirm", problem));
    }
    let decision = filled.decision().map_err(|mut faults| {
        allowed::add_notes(app, Some(&filled.status), !filled.review_notes.trim().is_empty(), &mut faults);
        let problem = Problem::invalid(faults.clone(), "#/");
        let mut refusal = Refusal::new(filled, "Not decided yet", problem);
        refusal.returned.alert =
            Some(Alert { title: "Not decided yet", text: Prose::new("See what is said below at the fields.") });
        refusal.returned.faults = faults;
        refusal
    })?;
    let (Some(blob), Some(commit)) = (filled.version(), filled.commit()) else {
        let problem = Problem::malformed("the form does not say which version was read; look at it and send it again");
        return Err(Refusal::new(filled, "Not decided yet", problem));
    };
    let change = Change::Decide { id, decision, expected: Expected::At { commit, blob } };
    let Err(error) = app.store.write(change, Via::Web).await else { return Ok(()) };
    let is_stale = matches!(error, WriteError::Stale(_));
    let faults = match &error {
        WriteError::NotAllowed(breaches) => allowed::faults(breaches),
        _ => Faults::default(),
    };
    let problem = Problem::from(error);
    if is_stale {
        let mut problem = problem;
        problem.status = StatusCode::CONFLICT;
        let mut refusal = Refusal::new(filled, "", problem);
        (refusal.returned.alert, refusal.returned.is_stale) = (None, true);
        return Err(refusal);
    }
    let mut refusal = Refusal::new(filled, "Not decided", problem);
    refusal.returned.faults = faults;
    Err(refusal)
}

/// Returns `problem` with the page of the report as it is now, the form filled in.
async fn again(
    app: &App,
    id: Uuid,
    headers: &HeaderMap,
    session: &Session,
    returned: Returned,
    problem: Problem,
) -> Result<Problem, Problem> {
    // A report that is gone is told as that.
    if app.store.snapshot().get(id).is_none() {
        return Ok(problem);
    }
    let (html, _) = report::current(app, id, headers, session, returned).await?;
    Ok(problem.with_page(html, session.cookie()))
}

fn see_other(id: Uuid) -> Response {
    let location = HeaderValue::try_from(format!("/reports/{id}#decided")).expect("a path with a UUID is ASCII");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

async fn body(request: Request<Body>) -> Result<String, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::media_type_of("a form must be sent as `application/x-www-form-urlencoded`"));
    }
    let bytes = tokio::time::timeout(FORM_TIMEOUT, to_bytes(request.into_body(), FORM_BYTES_MAX)).await;
    let bytes = bytes.map_err(|_| Problem::timeout())?.map_err(|_| Problem::too_large(FORM_BYTES_MAX))?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::malformed("the form is not in UTF-8; load the page again"))
}
