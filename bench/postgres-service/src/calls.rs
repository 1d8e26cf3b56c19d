//! The calls: one statement each.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use sqlx::PgPool;
use uuid::Uuid;

use crate::model::{Decision, Page, Report, Submission, Summary};

type Answer<T> = Result<Json<T>, StatusCode>;

const CREATE: &str = "INSERT INTO mcp_server_reports (server_name, repository_url, developer_email, report_data) \
     VALUES ($1, $2, $3, $4) RETURNING *";
const READ: &str = "SELECT * FROM mcp_server_reports WHERE id = $1";
const LIST: &str = "SELECT * FROM mcp_server_reports ORDER BY submitted_at DESC";
const LIST_STATUS: &str = "SELECT * FROM mcp_server_reports WHERE status = $1 ORDER BY submitted_at DESC";
const PAGE: &str = "SELECT id, server_name, repository_url, developer_email, status, submitted_at, reviewed_at, \
     reviewed_by FROM mcp_server_reports ORDER BY submitted_at DESC LIMIT $1";
const PAGE_STATUS: &str = "SELECT id, server_name, repository_url, developer_email, status, submitted_at, \
     reviewed_at, reviewed_by FROM mcp_server_reports WHERE status = $2 ORDER BY submitted_at DESC LIMIT $1";
const DECIDE: &str = "UPDATE mcp_server_reports SET status = $1, reviewed_by = $2, review_notes = $3, \
     reviewed_at = NOW() WHERE id = $4 RETURNING *";

pub async fn create(
    State(pool): State<PgPool>,
    Json(new): Json<Submission>,
) -> Result<(StatusCode, Json<Report>), StatusCode> {
    let report = sqlx::query_as(CREATE)
        .bind(new.server_name)
        .bind(new.repository_url)
        .bind(new.developer_email)
        .bind(new.report_data)
        .fetch_one(&pool)
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, Json(report)))
}

pub async fn read(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> Answer<Report> {
    let report = sqlx::query_as(READ).bind(id).fetch_one(&pool).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(Json(report))
}

/// Every report with its text, as the architecture document has it.
pub async fn list(State(pool): State<PgPool>, Query(page): Query<Page>) -> Answer<Vec<Report>> {
    let query = match page.status {
        Some(status) => sqlx::query_as(LIST_STATUS).bind(status),
        None => sqlx::query_as(LIST),
    };
    let reports = query.fetch_all(&pool).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(reports))
}

/// One page of summaries: what golive's list is measured against.
pub async fn list_page(State(pool): State<PgPool>, Query(page): Query<Page>) -> Answer<Vec<Summary>> {
    let limit = page.limit.unwrap_or(50);
    let query = match page.status {
        Some(status) => sqlx::query_as(PAGE_STATUS).bind(limit).bind(status),
        None => sqlx::query_as(PAGE).bind(limit),
    };
    let summaries = query.fetch_all(&pool).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(summaries))
}

pub async fn decide(
    State(pool): State<PgPool>,
    Path(id): Path<Uuid>,
    Json(decision): Json<Decision>,
) -> Answer<Report> {
    let report = sqlx::query_as(DECIDE)
        .bind(decision.status)
        .bind(decision.reviewed_by)
        .bind(decision.review_notes)
        .bind(id)
        .fetch_one(&pool)
        .await
        .map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(Json(report))
}
