//! The part of `benchmark.json` that is drawn.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Benchmark {
    pub side_by_side: SideBySide,
    pub growth: Vec<Size>,
}

#[derive(Deserialize)]
pub struct SideBySide {
    /// By call, then by service.
    pub calls: BTreeMap<String, BTreeMap<String, Figures>>,
}

#[derive(Deserialize)]
pub struct Figures {
    pub per_second: f64,
    pub p99_ms: f64,
}

#[derive(Deserialize)]
pub struct Size {
    pub reports: f64,
    #[serde(flatten)]
    pub calls: BTreeMap<String, Figures>,
}
