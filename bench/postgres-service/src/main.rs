//! What a team would write without golive: the same calls over axum, sqlx and one
//! PostgreSQL table, as the product's first architecture document has it.
//!
//! Beside that document: `TIMESTAMPTZ` columns (sqlx reads no `TIMESTAMP` as UTC), 201 to a
//! submission as the API has it, the list as a careful author would write it (summaries, a
//! limit, by index, at `/tuned/reports`), and settings from the environment:
//! `DATABASE_URL`, `POOL` (connections), `LISTEN` (address).

mod calls;
mod model;

use axum::Router;
use axum::routing::{get, patch, post};
use sqlx::postgres::PgPoolOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let pool =
        PgPoolOptions::new().max_connections(setting("POOL")?.parse()?).connect(&setting("DATABASE_URL")?).await?;
    sqlx::migrate!("./migrations").run(&pool).await?;

    let router = Router::new()
        .route("/api/v1/reports", post(calls::create).get(calls::list))
        .route("/api/v1/reports/{id}", get(calls::read))
        .route("/api/v1/reports/{id}/status", patch(calls::decide))
        .route("/tuned/reports", get(calls::list_page))
        .route("/healthz", get(|| async { "OK" }))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(setting("LISTEN")?).await?;
    Ok(axum::serve(listener, router).await?)
}
