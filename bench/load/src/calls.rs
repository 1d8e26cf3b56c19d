//! The requests, as bytes, each with what its answer must be.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::json;

use crate::answer::Expected;
use crate::args::{Call, Run};
use crate::reports::Reports;
use crate::text::{self, Numbers};

/// Makes the requests of a run.
pub struct Calls {
    run: Run,
    reports: Reports,
    /// How many decisions were made.
    n_decided: AtomicUsize,
}

impl Calls {
    pub fn new(run: Run, reports: Reports) -> Self {
        Self { run, reports, n_decided: AtomicUsize::new(0) }
    }

    /// Returns request number `n` and what must come back.
    pub fn make(&self, n: u64, numbers: &mut Numbers) -> (Vec<u8>, Expected) {
        let call = match self.run.call {
            Call::Mix => self.weighed(numbers),
            call => call,
        };
        match call {
            Call::Post => self.post(n),
            Call::Get | Call::Mix => {
                let known = self.reports.at(self.pick(n, numbers));
                let expected = Expected::Report { id: known.id.clone(), key: known.key };
                (self.request("GET", &format!("/api/v1/reports/{}", known.id), ""), expected)
            }
            Call::List => (self.request("GET", &self.run.list_path, ""), Expected::Page { items: self.run.list_items }),
            Call::Patch => self.patch(),
            Call::Path => (self.request("GET", &self.run.path, ""), Expected::Anything),
            Call::History => {
                let known = self.reports.at(self.pick(n, numbers));
                (self.request("GET", &format!("/api/v1/reports/{}/history", known.id), ""), Expected::History)
            }
        }
    }

    fn pick(&self, n: u64, numbers: &mut Numbers) -> usize {
        if self.run.in_order { n as usize } else { numbers.below(self.reports.len()) }
    }

    fn weighed(&self, numbers: &mut Numbers) -> Call {
        let mut left = numbers.next() % self.run.weights.iter().sum::<u64>().max(1);
        for (call, weight) in [Call::Post, Call::Get, Call::List, Call::Patch].into_iter().zip(&self.run.weights) {
            if left < *weight {
                return call;
            }
            left -= weight;
        }
        Call::Get
    }

    /// A new report, of one owner: that is the hard case for a store that keeps them in folders.
    fn post(&self, n: u64) -> (Vec<u8>, Expected) {
        let key = self.run.seed.wrapping_mul(1 << 32).wrapping_add(n);
        let body = text::body(key);
        let submission = json!({
            "server_name": format!("mcp-server-{key:x}"),
            "repository_url": format!("https://github.com/example/mcp-{key:x}"),
            "developer_email": format!("dev{}@example.com", n % 997),
            "report_data": body,
        });
        (self.request("POST", "/api/v1/reports", &submission.to_string()), Expected::Created { key })
    }

    fn patch(&self) -> (Vec<u8>, Expected) {
        let i = self.n_decided.fetch_add(1, Relaxed);
        let round = i / self.reports.n_decidable().max(1);
        let known = self.reports.at(i % self.reports.n_decidable().max(1));
        let status = if (i + round).is_multiple_of(2) { "approved" } else { "rejected" };
        // The seed makes it differ from what earlier runs decided: an equal decision is none.
        let notes = format!("Checked item {i} of round {}, looks good.", self.run.seed);
        let decision =
            json!({"status": status, "reviewed_by": "platform-team@example.com", "review_notes": notes}).to_string();
        let request = self.request("PATCH", &format!("/api/v1/reports/{}/status", known.id), &decision);
        (request, Expected::Decided { id: known.id.clone(), status, notes })
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.run.base);
        if body.is_empty() {
            return format!("{head}\r\n").into_bytes();
        }
        let length = body.len();
        format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    }
}
