//! Problems as pages, for people who came with a browser.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;

use super::page::{self, Frame, Place};
use super::show::{Prose, Shown};
use crate::http::App;
use crate::http::problem::Problem;

/// Addresses that programs call; their problems are JSON, whoever asks.
const OF_PROGRAMS: [&str; 7] = ["/api/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/reports.git", "/docs"];

#[derive(Template)]
#[template(path = "error.html", whitespace = "minimize")]
struct ErrorPage<'a> {
    frame: Frame,
    status: u16,
    title: &'static str,
    detail: Prose,
    /// The faults of single parameters, if that is what is wrong.
    faults: Vec<(Shown, Prose)>,
    request_id: &'a str,
}

/// Returns whether a problem with this request is to be told as a page.
pub(in crate::http) fn is_for_people(uri: &Uri, headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let is_browser = accepts.flat_map(|text| text.split(',')).any(|range| range.trim().starts_with("text/html"));
    is_browser && !OF_PROGRAMS.iter().any(|prefix| uri.path().starts_with(prefix))
}

/// Puts the page that tells `problem` into `response`.
pub(in crate::http) fn render(app: &App, problem: &Problem, request_id: &str, response: &mut Response) {
    if let Some(page) = problem.page() {
        problem.render_as(page.html.clone(), response);
        if let Some(cookie) = page.cookie.as_deref().and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    } else {
        let page = ErrorPage {
            frame: Frame::new(app, &app.store.snapshot(), Place::Elsewhere),
            status: problem.status.as_u16(),
            title: problem.title(),
            detail: Prose::sentence(problem.detail()),
            faults: problem.errors().iter().map(|e| (Shown::new(&e.pointer), Prose::new(&e.detail))).collect(),
            request_id,
        };
        match page.render() {
            Ok(html) => problem.render_as(html, response),
            Err(_) => return problem.render(request_id, response),
        }
    }
    page::guard(response.headers_mut());
}
