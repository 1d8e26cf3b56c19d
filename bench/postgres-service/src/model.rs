//! What goes in and out, named as in the API.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize, sqlx::FromRow)]
pub struct Report {
    pub id: Uuid,
    pub server_name: String,
    pub repository_url: String,
    pub developer_email: String,
    pub report_data: String,
    pub status: String,
    pub submitted_at: DateTime<Utc>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
    pub review_notes: Option<String>,
}

#[derive(Serialize, sqlx::FromRow)]
pub struct Summary {
    pub id: Uuid,
    pub server_name: String,
    pub repository_url: String,
    pub developer_email: String,
    pub status: String,
    pub submitted_at: DateTime<Utc>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
}

#[derive(Deserialize)]
pub struct Submission {
    pub server_name: String,
    pub repository_url: String,
    pub developer_email: String,
    pub report_data: String,
}

#[derive(Deserialize)]
pub struct Decision {
    pub status: String,
    pub reviewed_by: String,
    pub review_notes: Option<String>,
}

#[derive(Deserialize)]
pub struct Page {
    pub status: Option<String>,
    pub limit: Option<i64>,
}
