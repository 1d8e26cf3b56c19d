//! What was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// Faults are shown up to so many, and all counted.
const SHOWN_MAX: usize = 5;

#[derive(Default)]
pub struct Figures {
    /// Microseconds that each answer took.
    took: Vec<u32>,
    /// Answers in each second since the start.
    each_second: Vec<u64>,
    /// How many of each call were answered.
    calls: BTreeMap<&'static str, u64>,
    pub n_faults: u64,
    faults: Vec<String>,
    pub seconds: f64,
}

#[derive(Serialize)]
pub struct Summary {
    requests: usize,
    calls: BTreeMap<&'static str, u64>,
    seconds: f64,
    per_second: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    n_faults: u64,
    faults: Vec<String>,
    each_second: Vec<u64>,
}

impl Figures {
    pub fn count(&mut self, call: &'static str, took: Duration, since_start: Duration) {
        self.took.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        *self.calls.entry(call).or_default() += 1;
        let second = since_start.as_secs() as usize;
        if self.each_second.len() <= second {
            self.each_second.resize(second + 1, 0);
        }
        self.each_second[second] += 1;
    }

    pub fn fault(&mut self, detail: String) {
        self.n_faults += 1;
        if self.faults.len() < SHOWN_MAX {
            self.faults.push(detail);
        }
    }

    pub fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        if self.each_second.len() < other.each_second.len() {
            self.each_second.resize(other.each_second.len(), 0);
        }
        for (sum, n) in self.each_second.iter_mut().zip(other.each_second) {
            *sum += n;
        }
        for (call, n) in other.calls {
            *self.calls.entry(call).or_default() += n;
        }
        self.n_faults += other.n_faults;
        self.faults.extend(other.faults);
        self.faults.truncate(SHOWN_MAX);
    }

    pub fn summary(mut self) -> Summary {
        self.took.sort_unstable();
        let at = |share: f64| {
            let last = self.took.len().saturating_sub(1) as f64;
            self.took.get((last * share) as usize).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        Summary {
            requests: self.took.len(),
            calls: self.calls,
            seconds: self.seconds,
            per_second: self.took.len() as f64 / self.seconds.max(1e-9),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            max_ms: at(1.0),
            n_faults: self.n_faults,
            faults: self.faults,
            each_second: self.each_second,
        }
    }
}
