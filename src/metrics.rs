//! What the service counts, in Prometheus' terms. Labels come from fixed sets.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::report::Status;

/// Route and outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub method: &'static str,
    /// The pattern of the route, not the path; empty for an unknown one.
    pub route: String,
    pub status: u16,
}

/// Route of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    pub method: &'static str,
    pub route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    status: &'static str,
}

/// All metrics. Handles are shared, so a clone counts into the same place.
pub struct Metrics {
    registry: Registry,
    /// Requests that came in; each is named by its number.
    pub received: AtomicU64,
    pub requests: Family<RequestLabels, Counter>,
    pub request_seconds: Family<RouteLabels, Histogram>,
    reports: Family<StatusLabels, Gauge>,
    problems: Gauge,
    /// Streams of events that are open.
    pub event_streams: Gauge,
    /// Writes that wait for their commit.
    pub write_queue: Gauge,
    /// Commits per flush.
    pub write_batch: Histogram,
    /// From the plan of a batch to its commits being on disk at the tip.
    pub flush_seconds: Histogram,
    /// Time that writes waited so that a push could land.
    pub write_hold_seconds: Counter<f64, AtomicU64>,
    /// Duration of each run of the background upkeep.
    pub upkeep_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("golive"),
            received: AtomicU64::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 15))),
            reports: Family::default(),
            problems: Gauge::default(),
            event_streams: Gauge::default(),
            write_queue: Gauge::default(),
            write_batch: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            flush_seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 14)),
            write_hold_seconds: Counter::default(),
            upkeep_seconds: Histogram::new(exponential_buckets(0.01, 4.0, 8)),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer a request", self.request_seconds.clone());
        registry.register("reports", "Reports by status", self.reports.clone());
        registry.register("problems", "Report files that cannot be read", self.problems.clone());
        registry.register("event_streams", "Streams of events that are open", self.event_streams.clone());
        registry.register("write_queue_length", "Writes that wait for their commit", self.write_queue.clone());
        registry.register("write_batch_size", "Commits made durable by one flush", self.write_batch.clone());
        registry.register("write_flush_duration_seconds", "Time of one flush to disk", self.flush_seconds.clone());
        registry.register(
            "write_hold_seconds",
            "Time writes waited for pushes to land",
            self.write_hold_seconds.clone(),
        );
        registry.register("upkeep_duration_seconds", "Time of one run of the upkeep", self.upkeep_seconds.clone());
        let build = Family::<Vec<(&str, &str)>, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("build_info", "Version of the running golive", build);
        self
    }

    /// Returns all metrics as OpenMetrics text; `count` gives the number of
    /// reports in a status, `n_problems` that of unreadable files.
    pub fn encode(&self, count: impl Fn(Status) -> usize, n_problems: usize) -> String {
        let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        for status in Status::ALL {
            self.reports.get_or_create(&StatusLabels { status: status.as_str() }).set(gauge(count(status)));
        }
        self.problems.set(gauge(n_problems));
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string does not fail");
        out
    }
}
