//! The ceiling for reads: an axum handler that returns 8 KB from memory, and nothing else.
//! `LISTEN` is its address.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

const BODY: [u8; 8 * 1024] = [b'x'; 8 * 1024];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::var("LISTEN").map_err(|_| "LISTEN is not set")?;
    let router = Router::new()
        .route("/8k", get(|| async { ([(CONTENT_TYPE, "application/json")], &BODY[..]) }))
        .route("/healthz", get(|| async { "OK" }));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    Ok(axum::serve(listener, router).await?)
}
