//! The reviewer's desk: pages for the people who decide, rendered on the server.
//!
//! It shows the record and never becomes a second one: whatever it offers, the
//! REST API offers too, by the same calls of the store. Every page works
//! without JavaScript, and loads nothing from elsewhere.

mod assets;
mod page;
mod queue;
mod queue_view;
mod show;

use axum::Router;
use axum::routing::get;

use super::App;

/// The pages and what they are made of.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(queue::queue)).route("/assets/{name}", get(assets::asset))
}
