//! The style sheet, the script and the icon, from the binary. Their names hold a
//! hash of their content, so that a browser may keep them for good.

use std::sync::LazyLock;

use axum::extract::{Path, rejection::PathRejection};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::problem::Problem;

/// Where the pages find each file.
pub(super) struct Assets {
    pub(super) css: Asset,
    pub(super) js: Asset,
    pub(super) icon: Asset,
}

pub(super) struct Asset {
    /// Without the folder.
    name: String,
    media_type: &'static str,
    content: &'static str,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: Asset::new("css", "text/css; charset=utf-8", include_str!("../../../assets/desk.css")),
    js: Asset::new("js", "text/javascript; charset=utf-8", include_str!("../../../assets/desk.js")),
    icon: Asset::new("svg", "image/svg+xml", include_str!("../../../assets/desk.svg")),
});

impl Assets {
    pub(super) fn get() -> &'static Self {
        &ASSETS
    }
}

impl Asset {
    fn new(extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("desk.{hash}.{extension}"), media_type, content }
    }
}

impl std::fmt::Display for Asset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/assets/{}", self.name)
    }
}

/// Answers with one of the files.
pub(super) async fn asset(name: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let name = name.map(|Path(name)| name).unwrap_or_default();
    let Assets { css, js, icon } = Assets::get();
    let asset = [css, js, icon].into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Problem::not_found("there is no such file; load the page again"))?;
    let headers =
        [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
