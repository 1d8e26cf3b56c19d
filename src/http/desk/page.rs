//! What all pages share: the frame around them, and the headers of their answers.

use askama::Template;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use git2::Oid;

use super::assets::Assets;
use super::show::Prose;
use crate::http::problem::Problem;
use crate::http::{App, COMMIT_HEADER, commit_header};
use crate::report::Status;
use crate::store::snapshot::Snapshot;

/// Nothing but the desk's own files, whatever gets into a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The entry of the navigation that is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Problems,
    Activity,
    /// None of them.
    Elsewhere,
}

/// The frame of a page.
pub(super) struct Frame {
    pub(super) place: Place,
    /// The commit that the page was made from.
    pub(super) commit: Oid,
    pub(super) n_pending: usize,
    pub(super) n_problems: usize,
    /// Why nothing can be written now.
    pub(super) obstacle: Option<Prose>,
    pub(super) assets: &'static Assets,
}

impl Frame {
    pub(super) fn new(app: &App, snapshot: &Snapshot, place: Place) -> Self {
        let obstacle = app.store.obstacle().map(|obstacle| (*obstacle).clone());
        Self {
            place,
            commit: snapshot.commit,
            n_pending: snapshot.count(Status::PendingReview),
            n_problems: snapshot.n_problems(),
            obstacle: obstacle.map(|obstacle| Prose::sentence(Problem::from(obstacle).detail())),
            assets: Assets::get(),
        }
    }

    /// Returns whether `place` is the one of this page.
    pub(super) fn is_at(&self, place: Place) -> bool {
        self.place == place
    }
}

/// Answers with a page made from the state at `commit`.
pub(super) fn answer(page: &impl Template, commit: Oid) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| Problem::internal(error.to_string()))?;
    Ok(guarded(html, commit))
}

/// Answers with a page made from the state at `commit`, as HTML.
pub(super) fn guarded(html: String, commit: Oid) -> Response {
    let mut response = Html(html).into_response();
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(commit));
    guard(response.headers_mut());
    response
}

/// Sets the headers that keep a page in its place.
pub(super) fn guard(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        // Not `no-store`: going back must not lose what somebody typed.
        (header::CACHE_CONTROL, "private, no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
