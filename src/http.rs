//! Floor 3, the edge: routes, and what handlers share.

mod activity;
mod allowed;
mod answers;
mod api;
mod assessment;
mod cache;
mod check;
mod desk;
mod drain;
mod edge;
mod events;
mod extract;
mod file;
mod git;
mod health;
mod history;
mod history_api;
mod input;
mod list;
mod openapi;
mod patience;
mod policy;
mod problem;
mod problems;
mod query;
mod rendered;
mod report_json;
mod reports;
mod room;
pub(crate) mod server;
mod statistics;
mod template;
mod worded;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, patch, post};
use git2::Oid;
use quick_cache::sync::Cache;

use crate::assessments::Assessments;
use crate::config::Serve;
use crate::hex::Hex;
use crate::metrics::Metrics;
use crate::store::Store;
use edge::{Hosts, RequestIds};
use problem::Problem;

/// The commit that an answer was made from.
static COMMIT_HEADER: HeaderName = HeaderName::from_static("golive-commit");
/// Pages of lists that are kept take at most this many bytes.
const PAGES_BYTES: u64 = 8 * 1024 * 1024;

/// What every handler has at hand. One pointer, as axum clones it some times for each request.
#[derive(Clone)]
struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

struct Shared {
    store: Arc<Store>,
    assessments: Arc<Assessments>,
    metrics: Arc<Metrics>,
    rendered: rendered::Rendered,
    /// Pages of the list at the tip, by their query.
    pages: Arc<Cache<String, list::Page, list::PageWeight>>,
    streams: Arc<events::Streams>,
    request_ids: Arc<RequestIds>,
    hosts: Arc<Hosts>,
    room: Arc<room::Room>,
    git: Arc<git::Access>,
    desk: Arc<desk::Desk>,
    body_limit_bytes: usize,
}

/// The service, for [`server::serve`].
pub(crate) struct Service {
    router: Router,
    /// Answers what cannot be read as a request.
    words: worded::Words,
}

/// Returns the service over `store`; `address` is where it listens.
pub(crate) fn service(
    store: Arc<Store>,
    assessments: Arc<Assessments>,
    metrics: Arc<Metrics>,
    settings: &Serve,
    address: SocketAddr,
) -> Service {
    let app = App(Arc::new(Shared {
        store,
        assessments,
        metrics,
        rendered: rendered::Rendered::default(),
        pages: Arc::new(cache::of_bytes(500, PAGES_BYTES, 1, list::PageWeight)),
        streams: Arc::default(),
        request_ids: Arc::default(),
        hosts: Arc::new(Hosts::new(address, &settings.allowed_hosts)),
        room: Arc::new(room::Room::new(settings.body_limit_bytes * reports::REQUEST_PER_BODY)),
        git: Arc::new(git::Access::new(settings, address)),
        desk: Arc::default(),
        body_limit_bytes: settings.body_limit_bytes,
    }));
    let own = app.clone();
    let words: worded::Words = Arc::new(move |status| edge::unreadable(&own, status));
    let router = Router::new()
        .route("/api/v1/reports", get(list::list).post(reports::submit))
        .route("/api/v1/reports/check", post(check::check))
        .route("/api/v1/reports/{id}", get(reports::get).put(reports::revise))
        .route("/api/v1/reports/{id}/status", patch(reports::decide))
        .route("/api/v1/reports/{id}/history", get(history::history))
        .route("/api/v1/reports/{id}/revisions/{n}", get(history::revision))
        .route("/api/v1/reports/{id}/diff", get(history::diff))
        .route("/api/v1/reports/{id}/assessment", get(assessment::assessment))
        .route("/api/v1/template", get(template::template))
        .route("/api/v1/activity", get(activity::activity))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/statistics", get(statistics::statistics))
        .route("/api/v1/reports/{id}/file", get(file::file))
        .route("/api/v1/problems", get(problems::problems))
        .route("/api/v1/policy", get(policy::policy))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::document))
        .merge(openapi::page())
        .merge(git::routes())
        .merge(desk::routes())
        .fallback(async || {
            Problem::not_found("there is nothing at this address; `/openapi.json` describes what there is")
        })
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(from_fn_with_state(app.clone(), edge::handle))
        .with_state(app);
    Service { router, words }
}

fn commit_header(commit: Oid) -> HeaderValue {
    HeaderValue::from_str(&Hex::of(commit)).expect("hex is ASCII")
}
