//! A few reports that many work on at once, and the record of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use super::record::{Operation, judge, judge_all};
use super::spec::{Answer, Call, View};
use crate::common::{Answer as Response, Service};

/// The reports of a scene, and what was done with them.
pub(super) struct Scene<'a> {
    pub(super) service: &'a Service<'a>,
    pub(super) reports: Vec<Contested>,
    n_tokens: AtomicUsize,
}

/// One report of a scene.
pub(super) struct Contested {
    pub(super) name: String,
    pub(super) path: String,
    /// Once anybody knows it.
    pub(super) id: OnceLock<String>,
    /// A version that somebody was shown: what `If-Match` is taken from.
    pub(super) etag: Mutex<Option<String>>,
    pub(super) operations: Mutex<Vec<Operation>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(service: &'a Service<'a>, n: usize, n_reports: usize) -> Self {
        let report = |k| {
            let name = format!("mcp-{n}-{k}");
            let path = service.place.report_path(&name);
            let (id, etag, operations) = (OnceLock::new(), Mutex::default(), Mutex::default());
            Contested { name, path, id, etag, operations }
        };
        let (reports, n_tokens) = ((0..n_reports).map(report).collect(), AtomicUsize::new(100_000 * (n + 1)));
        Self { service, reports, n_tokens }
    }

    /// A word that stands nowhere else in the repository.
    pub(super) fn token(&self) -> String {
        format!("w{}w", self.n_tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// The commits of the report, oldest first, as git tells them.
    fn commits(&self, report: &Contested, and: &[&str]) -> Vec<String> {
        let log = ["log", "--first-parent", "--reverse", "--format=%H"];
        let told = self.service.git(&[&log[..], and, &["main", "--", &report.path]].concat());
        told.lines().map(str::to_owned).collect()
    }

    /// The commit that brought `token`, if one did.
    pub(super) fn commit_of(&self, report: &Contested, token: &str) -> Option<String> {
        self.commits(report, &["-S", token]).into_iter().next()
    }

    /// Asserts that what was recorded is one order, and git's; returns how many calls that was.
    ///
    /// # Errors
    /// What is wrong, with the record of the report that it is wrong of.
    pub(super) fn judge(self) -> Result<usize, String> {
        self.service.wait_until_settled();
        let mut all = Vec::new();
        for report in &self.reports {
            let mut operations = std::mem::take(&mut *report.operations.lock().expect("no panic"));
            for operation in operations.iter_mut().filter(|operation| operation.answer.is_none()) {
                operation.found = self.commit_of(report, &operation.token).map(|commit| {
                    let view = self.view_at(report, &commit);
                    (view, commit)
                });
            }
            judge(&operations, &self.commits(report, &[])).map_err(|wrong| format!("{}: {wrong}", report.path))?;
            self.check_versions(report, &operations)?;
            all.extend(operations);
        }
        let line = self.service.git(&["rev-list", "--first-parent", "--reverse", "main"]);
        let line: Vec<String> = line.lines().map(str::to_owned).collect();
        judge_all(all.iter(), &line)?;
        Ok(all.len())
    }

    /// Asserts that each answer shows what stands in the commit that it names.
    fn check_versions(&self, report: &Contested, operations: &[Operation]) -> Result<(), String> {
        let mut blobs: HashMap<&str, String> = HashMap::new();
        for operation in operations {
            let Some(from) = operation.from.as_deref() else { continue };
            let shown = match &operation.answer {
                Some(Answer::Made { view, .. }) => Some(&view.etag),
                Some(Answer::Seen(view)) => view.as_ref().map(|view| &view.etag),
                _ => continue,
            };
            let blob = blobs.entry(from).or_insert_with(|| {
                let found =
                    self.service.place.try_git(&["rev-parse", "-q", "--verify", &format!("{from}:{}", report.path)]);
                found.stdout.trim().to_owned()
            });
            if shown.map_or("", String::as_str) != blob.as_str() {
                return Err(format!("commit {from} has `{blob}`: {operation:?}"));
            }
        }
        Ok(())
    }

    /// The report as the API shows it as of `commit`, for what was not answered.
    pub(super) fn view_at(&self, report: &Contested, commit: &str) -> View {
        let id = report.id.get().expect("a report that was written to");
        view(&self.service.get(&format!("/api/v1/reports/{id}?at={commit}")))
    }

    /// Notes a call that `ask` makes, and what it makes of the answer.
    pub(super) fn record(
        &self,
        report: &Contested,
        (by, token): (&'static str, String),
        call: Call,
        ask: impl FnOnce(&Call) -> Option<(Answer, Option<String>)>,
    ) {
        let start = Instant::now();
        let answered = ask(&call);
        let end = answered.is_some().then(Instant::now);
        let (answer, from) = answered.map_or((None, None), |(answer, from)| (Some(answer), from));
        if let Some(Answer::Made { view, .. } | Answer::Seen(Some(view))) = &answer {
            *report.etag.lock().expect("no panic") = Some(view.etag.clone());
        }
        let operation = Operation { token, by, call, start, end, answer, from, found: None };
        report.operations.lock().expect("no panic").push(operation);
    }
}

/// The text of a revision.
pub(super) fn text(token: &str) -> String {
    format!("# Report\n\nText {token}.\n")
}

/// A whole report, as an answer shows it.
pub(super) fn view(response: &Response) -> View {
    assert!(matches!(response.status, 200 | 201), "{response:?}");
    let report = response.json();
    let text = |name: &str| report[name].as_str().map(str::to_owned);
    View {
        status: text("status").expect("a status"),
        revision: report["revision"].as_u64().expect("a number"),
        text: text("report_data").expect("a text"),
        by: text("reviewed_by"),
        notes: text("review_notes"),
        etag: response.header("etag").trim_matches('"').to_owned(),
    }
}
