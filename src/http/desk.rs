//! The reviewer's desk: pages for the people who decide, rendered on the server.
//!
//! It shows the record and never becomes a second one: whatever it offers, the
//! REST API offers too, by the same calls of the store. Every page works
//! without JavaScript, and loads nothing from elsewhere.

mod activity;
mod assets;
mod changes;
mod check;
mod commands;
mod decide;
mod diff;
pub(super) mod error;
mod facts;
mod form;
mod guard;
mod meanwhile;
mod owners;
mod page;
mod problems;
mod queue;
mod queue_view;
mod report;
mod rules;
mod show;
mod texts;
mod timeline;

use axum::Router;
use axum::routing::get;

use super::App;
use guard::Guard;
use texts::Texts;

/// What the pages have at hand beside the store.
pub(super) struct Desk {
    texts: Texts,
    guard: Guard,
}

impl Default for Desk {
    fn default() -> Self {
        Self { texts: Texts::default(), guard: Guard::new() }
    }
}

/// The pages and what they are made of.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(queue::queue))
        .route("/reports/{id}", get(report::report))
        .route("/reports/{id}/diff", get(diff::diff))
        .route("/reports/{id}/decision", get(decide::elsewhere).post(decide::decide))
        .route("/problems", get(problems::problems))
        .route("/rules", get(rules::rules))
        .route("/activity", get(activity::activity))
        .route("/assets/{name}", get(assets::asset))
}
