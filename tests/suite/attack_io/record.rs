//! What must be in the record, by the answers that were given.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::edits::save_by_rename;
use crate::common::{Answer, Service, decision, submission};

/// What an answer to a write said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    NotDone,
    /// It may be stored, or not.
    Unknown,
}

/// Asserts that a write was answered as the API says, whatever went wrong.
pub(super) fn told(answer: &Answer) -> Told {
    match answer.status {
        200 | 201 => Told::Done,
        status @ (503 | 507) => {
            let problem = answer.problem(status);
            assert!(!answer.header("retry-after").is_empty(), "no time to come back: {problem}");
            if problem["type"] == "urn:golive:problem:unknown-outcome" { Told::Unknown } else { Told::NotDone }
        }
        _ => panic!("neither done nor refused: {answer:?}"),
    }
}

/// Asserts that a read was answered, or refused as the API says; returns whether it was answered.
pub(super) fn is_read(answer: &Answer) -> bool {
    answer.status == 200 || {
        answer.problem(503);
        false
    }
}

/// The state that each report must have, by its name.
#[derive(Default)]
pub(super) struct Record {
    pub(super) statuses: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
    n_commits: usize,
}

impl Record {
    pub(super) fn of(service: &Service) -> Self {
        let mut record = Self { n_commits: service.commits().len(), ..Self::default() };
        record.read(service);
        record
    }

    fn read(&mut self, service: &Service) {
        let list = service.get("/api/v1/reports?limit=1000").json();
        let text = |report: &Value, member: &str| report[member].as_str().expect("text").to_owned();
        let reports = list.as_array().expect("a list");
        self.statuses = reports.iter().map(|report| (text(report, "server_name"), text(report, "status"))).collect();
        self.ids = reports.iter().map(|report| (text(report, "server_name"), text(report, "id"))).collect();
    }

    pub(super) fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// Submits, and notes what must be there from now on; `None`: nobody knows.
    pub(super) fn submit(&mut self, service: &Service, name: &str) -> Told {
        let told = told(&service.post(&submission(name)));
        if told == Told::Done {
            self.statuses.insert(name.into(), "pending_review".into());
            self.n_commits += 1;
        }
        told
    }

    /// Decides on `name` in another sense than before.
    pub(super) fn decide(&mut self, service: &Service, name: &str, notes: &str) -> (Told, &'static str) {
        let status = if self.statuses[name] == "approved" { "rejected" } else { "approved" };
        let told = told(&service.patch(self.id(name), &decision(status, notes)));
        if told == Told::Done {
            self.statuses.insert(name.into(), status.into());
            self.n_commits += 1;
        }
        (told, status)
    }

    /// Saves another e-mail address into the file of `name`, as an editor does.
    pub(super) fn edit(&mut self, service: &Service, name: &str, email: &str) {
        let file = service.place.on_disk(name);
        let line = file.lines().find(|line| line.starts_with("developer_email: ")).expect("an address");
        let edited = file.replacen(line, &format!("developer_email: {email}"), 1);
        save_by_rename(&service.place.report_file(name), edited);
        self.n_commits += 1;
    }

    /// Asserts that what is served is what was said; `unknown` are states that may be, too.
    pub(super) fn check(&mut self, service: &Service, unknown: &[(String, &'static str)], case: &str) {
        let said = self.statuses.clone();
        self.read(service);
        for (name, status) in &self.statuses {
            let is_said = said.get(name) == Some(status);
            let is_possible = || unknown.iter().any(|(other, may_be)| other == name && may_be == status);
            assert!(
                is_said || is_possible(),
                "{case}: {name} is {status}, not {:?}\n{}",
                said.get(name),
                service.log()
            );
            self.n_commits += usize::from(!is_said);
        }
        for name in said.keys() {
            assert!(self.statuses.contains_key(name), "{case}: {name} is lost\n{}", service.log());
        }
        let log = || service.git(&["log", "--format=%h %s"]);
        assert_eq!(service.commits().len(), self.n_commits, "{case}: commits\n{}\n{}", log(), service.log());
    }

    /// Asserts that a restart serves the same, and that the history is in order.
    pub(super) fn check_after_restart(&mut self, service: &Service) {
        self.check(service, &[], "after a restart");
        service.assert_record_is_whole(self.statuses.len());
        let verified = service.place.golive(&["verify", "reports-repo"]);
        assert!(verified.status.success(), "{verified:?}");
    }
}
