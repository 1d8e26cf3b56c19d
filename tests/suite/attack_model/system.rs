//! The real thing beside the model: one repository for all cases, with reports of its own
//! for each, so that a case takes a start of nothing.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::command::{Change, Command, Tag, Target, Way, Who, Word};
use super::model::{Outcome, Report, State, Status};
use crate::common::edits::save_by_rename;
use crate::common::{Answer, Place, Service};

/// The service, and the names of a case.
pub(super) struct System<'a> {
    place: &'a Place,
    /// `None` only between a stop and the start after it.
    service: Option<Service<'a>>,
    n_cases: usize,
    n_commits_before: usize,
    n_policies: usize,
    needs_notes: bool,
}

fn text(word: Word, has_crlf: bool) -> String {
    let line_end = if has_crlf { "\r\n" } else { "\n" };
    format!("# Report{line_end}{line_end}Text {word}.{line_end}")
}

fn email(word: Word) -> String {
    format!("dev{word}@example.com")
}

fn notes(word: Word) -> String {
    format!("Notes {word}")
}

/// `file` with the value of a field changed.
fn with(file: &str, name: &str, value: &str) -> String {
    let line = file.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("the field");
    file.replacen(line, &format!("{name}: {value}"), 1)
}

/// `file` without its decision; who made it may stay there.
fn pending(file: &str) -> String {
    with(&with(file, "status", Status::Pending.as_str()), "review_notes", "null")
}

fn with_text(file: &str, text: &str) -> String {
    let end = file.find("\n---\n").expect("a fence") + "\n---\n".len();
    format!("{}{text}", &file[..end])
}

impl<'a> System<'a> {
    pub(super) fn new(place: &'a Place) -> Self {
        let service = Some(place.serve());
        Self { place, service, n_cases: 0, n_commits_before: 0, n_policies: 0, needs_notes: false }
    }

    fn service(&self) -> &Service<'a> {
        self.service.as_ref().expect("started")
    }

    /// Begins a case: reports that nobody has heard of, the policy as it was at first.
    pub(super) fn begin(&mut self) {
        self.n_cases += 1;
        // A case that failed may have left it stopped.
        match &self.service {
            Some(service) => service.signal("CONT"),
            None => self.service = Some(self.place.serve()),
        }
        if self.needs_notes {
            self.set_policy(false);
        }
        self.n_policies = 0;
        self.n_commits_before = self.service().commits().len();
    }

    fn owner(&self) -> String {
        format!("case-{}-", self.n_cases)
    }

    fn url(&self, target: Target) -> String {
        format!("https://github.com/{}/mcp-{}", self.owner(), target.n())
    }

    fn path(&self, target: Target) -> String {
        self.place.golive(&["path", &self.url(target)]).stdout.trim().to_owned()
    }

    fn submission(&self, target: Target, word: Word, address: Word) -> Value {
        json!({
            "server_name": format!("mcp-{}", target.n()),
            "repository_url": self.url(target),
            "developer_email": email(address),
            "report_data": text(word, false),
        })
    }

    /// The report as a list tells it, if there is one.
    fn summary(&self, target: Target) -> Option<Value> {
        let list = self.service().get(&format!("/api/v1/reports?status=all&repository_url={}", self.url(target)));
        list.json().as_array().expect("a list").first().cloned()
    }

    fn id(&self, target: Target) -> String {
        self.summary(target).expect("the report")["id"].as_str().expect("an id").to_owned()
    }

    /// Carries out `command`, and asserts that what is answered is `outcome`, and that
    /// everything is as in `state` then; `before` is the state before it.
    pub(super) fn carry_out(&mut self, command: Command, before: &State, state: &State, outcome: Outcome) {
        let tip = self.service().tip();
        let status = match outcome {
            Outcome::Refused(status) => status,
            _ => 200,
        };
        match command {
            Command::Submit { target, text, email } => {
                let answer = self.service().post(&self.submission(target, text, email));
                assert_eq!(answer.status, if status == 200 { 201 } else { status }, "{answer:?}");
            }
            Command::Revise { target, text, email, tag } => {
                let path = format!("/api/v1/reports/{}", self.id(target));
                let answer = self.send("PUT", &path, target, tag, &self.submission(target, text, email));
                assert_eq!(answer.status, status, "{answer:?}");
            }
            Command::Decide { target, status: asked, by, notes: word, tag } => {
                let path = format!("/api/v1/reports/{}/status", self.id(target));
                let body =
                    json!({"status": asked.as_str(), "reviewed_by": by.as_str(), "review_notes": word.map(notes)});
                let answer = self.send("PATCH", &path, target, tag, &body);
                assert_eq!(answer.status, status, "{answer:?}");
            }
            Command::By { target, way, change } => self.change(target, way, change, outcome, before),
            Command::TakeBack { target } => self.take_back(target, before),
            Command::Policy { needs_notes } => self.set_policy(needs_notes),
            Command::Restart => {
                self.service.take().expect("started").stop();
                self.service = Some(self.place.serve());
            }
            Command::Kill => {
                self.service.take().expect("started").kill_9();
                self.service = Some(self.place.serve());
            }
        }
        self.check(state);
        if matches!(outcome, Outcome::Refused(_) | Outcome::Done(0) | Outcome::Problem(0)) {
            assert_eq!(self.service().tip(), tip, "nothing was to change");
        }
    }

    fn send(&self, method: &str, path: &str, target: Target, tag: Tag, body: &Value) -> Answer {
        let current = || self.service().get(&format!("/api/v1/reports/{}", self.id(target))).header("etag").to_owned();
        let tag = match tag {
            Tag::None => None,
            Tag::Current => Some(current()),
            Tag::Other => Some(format!("\"{}\"", "0".repeat(40))),
        };
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(tag.as_deref().map(|tag| ("if-match", tag)));
        self.service().send(method, path, &headers, body.to_string())
    }

    /// The file at `path`, changed.
    fn changed(&self, file: Option<&str>, target: Target, change: Change) -> Option<String> {
        let file = || file.expect("the report's file");
        Some(match change {
            Change::New { text: word, email: address } => format!(
                "---\nid: {}\nserver_name: mcp-{}\nrepository_url: {}\ndeveloper_email: {}\nstatus: pending_review\n\
                 revision: 1\nsubmitted_at: 2025-10-20T10:00:00Z\nreviewed_at: null\nreviewed_by: null\nreview_notes: null\n---\n{}",
                self.fresh_id(target),
                target.n(),
                self.url(target),
                email(address),
                text(word, false)
            ),
            Change::Status { status: Status::Pending, .. } => pending(file()),
            Change::Status { status, notes: None } => with(file(), "status", status.as_str()),
            Change::Status { status, notes: Some(word) } => {
                with(&with(file(), "status", status.as_str()), "review_notes", &notes(word))
            }
            Change::Text { text: word, is_marked: false } => with_text(file(), &text(word, false)),
            Change::Text { text: word, is_marked: true } => with_text(&pending(file()), &text(word, false)),
            Change::TextAndStatus { text: word, status } => {
                with_text(&with(file(), "status", status.as_str()), &text(word, false))
            }
            Change::Email { email: address } => with(file(), "developer_email", &email(address)),
            Change::LineEnds => {
                let file = file();
                let body = &file[file.find("\n---\n").expect("a fence") + 5..];
                let other = if body.contains('\r') { body.replace('\r', "") } else { body.replace('\n', "\r\n") };
                with_text(file, &other)
            }
            Change::Id => with(file(), "id", "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10"),
            Change::Garbage => with(file(), "status", "aproved"),
            Change::Delete => return None,
        })
    }

    /// A UUID that no other report has.
    fn fresh_id(&self, target: Target) -> String {
        format!("0198c5f2-7a51-7c3e-9b52-{:08x}{:04x}", self.n_cases, target.n() + 1)
    }

    fn change(&self, target: Target, way: Way, change: Change, outcome: Outcome, before: &State) {
        let (service, path) = (self.service(), self.path(target));
        service.wait_until_settled();
        let file = self.place.repo().join(&path);
        if !matches!(change, Change::New { .. }) {
            // One that a commit deleted comes back, after a moment in which git may be at work.
            service.wait_until("the file is in the work tree", || file.exists());
        }
        match way {
            Way::Save => {
                self.write(&file, &path, target, change);
                if change == Change::Delete {
                    service.wait_until("the file is back", || file.exists());
                }
            }
            Way::Commit => self.commit(&path, || self.write(&file, &path, target, change)),
            Way::Push => {
                let clone = self.place.path().join("clone");
                if !clone.exists() {
                    // No upkeep of git's own, which locks what the next command needs.
                    let url = format!("git clone -q -c gc.auto=0 {} clone", self.place.repo().display());
                    assert!(self.place.sh("", &url).status.success());
                }
                // The service has another port after each start.
                let fetch =
                    format!("git fetch -q {0}/reports.git main && git reset -q --hard FETCH_HEAD", service.base);
                let fetched = self.place.sh("clone", &fetch);
                assert!(fetched.status.success(), "{fetched:?}");
                self.write(&clone.join(&path), &path, target, change);
                let push = format!(
                    "git add -A && git commit -q -m Push && git push -q {}/reports.git HEAD:main",
                    service.base
                );
                let pushed = self.place.sh("clone", &push);
                let is_refused = matches!(outcome, Outcome::Refused(_));
                assert_eq!(pushed.status.success(), !is_refused, "{} {before:?}", pushed.stderr);
                assert!(!is_refused || pushed.stderr.contains("golive: nothing of this push"), "{}", pushed.stderr);
            }
        }
    }

    fn write(&self, file: &PathBuf, path: &str, target: Target, change: Change) {
        match self.changed(fs::read_to_string(file).ok().as_deref(), target, change) {
            Some(text) => {
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                save_by_rename(file, text);
            }
            None => fs::remove_file(file).unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    /// Commits what `write` does to the file at `path`, in one moment for the service.
    fn commit(&self, path: &str, write: impl FnOnce()) {
        let service = self.service();
        service.wait_until("git is free", || !self.place.repo().join(".git/index.lock").exists());
        let commit = format!("git add -A -- {path} && git commit -q -m 'Commit by hand' -- {path}");
        let done = service.at_once(|| {
            write();
            self.place.sh_in(self.place.repo(), &commit)
        });
        assert!(done.status.success(), "{done:?}");
        service.wait_until_settled();
    }

    fn take_back(&self, target: Target, before: &State) {
        let (path, report) = (self.path(target), before.reports[target.n()].expect("a report"));
        match report.broken.expect("a broken file").0 {
            Way::Commit => {
                let last = self.place.git(&["log", "-1", "--format=%H", "main", "--", &path]);
                let good = self.place.git(&["show", &format!("{}~1:{path}", last.trim())]);
                self.commit(&path, || save_by_rename(&self.place.repo().join(&path), good));
            }
            _ => {
                let restore = format!("git restore --source=HEAD -- {path}");
                self.service().wait_until("git restores the file", || {
                    self.place.sh_in(self.place.repo(), &restore).status.success()
                });
            }
        }
    }

    fn set_policy(&mut self, needs_notes: bool) {
        (self.needs_notes, self.n_policies) = (needs_notes, self.n_policies + 1);
        self.service().commit_rules(&format!("review:\n  notes_required_on_reject: {needs_notes}\n"));
    }

    /// Asserts that everything is as in `state`; what files bring takes its moment.
    fn check(&self, state: &State) {
        let service = self.service();
        let expected: Vec<_> =
            state.reports.iter().map(|report| report.map(|report| (report, report.broken.is_some()))).collect();
        let shown = || -> Vec<_> { (0..Target::N).map(|n| self.shown(n)).collect() };
        let start = std::time::Instant::now();
        while shown().iter().zip(&expected).any(|(shown, expected)| *shown != expected.map(told)) {
            let wanted: Vec<_> = expected.iter().map(|report| report.map(told)).collect();
            assert!(
                start.elapsed() < crate::common::PATIENCE,
                "shown    {:?}\nexpected {wanted:?}\nproblems {:?}",
                shown(),
                service.problems()
            );
            std::thread::sleep(std::time::Duration::from_millis(10)); // between two looks
        }
        // Another case that failed may have left some.
        let is_of_case = |problem: &&Value| problem["path"].as_str().is_some_and(|path| path.contains(&self.owner()));
        let n_broken = state.reports.iter().flatten().filter(|report| report.broken.is_some()).count();
        assert_eq!(service.problems().iter().filter(is_of_case).count(), n_broken, "problems");
        for status in [Status::Pending, Status::Approved, Status::Rejected] {
            let path = format!("/api/v1/reports?status={}&owner={}&limit=1", status.as_str(), self.owner());
            let n = state.reports.iter().flatten().filter(|report| report.status == status).count();
            assert_eq!(service.get(&path).header("x-total-count"), n.to_string(), "{}", status.as_str());
        }
    }

    /// What the API tells of a report.
    fn shown(&self, n: usize) -> Option<Shown> {
        let (target, service) = (Target::all()[n], self.service());
        let summary = self.summary(target)?;
        let id = summary["id"].as_str().expect("an id");
        let report = service.report(id);
        let broken = service.problem_at(&self.path(target)).is_some();
        let n_commits = service.history(id).len();
        let text = |name: &str| report[name].as_str().map(str::to_owned);
        assert_eq!(report["reviewed_at"].is_null(), report["reviewed_by"].is_null(), "{report}");
        Some(Shown {
            listed: summary["status"].as_str()?.to_owned(),
            status: text("status")?,
            revision: report["revision"].as_u64()?,
            text: text("report_data")?,
            email: text("developer_email")?,
            by: text("reviewed_by"),
            notes: text("review_notes"),
            n_commits,
            broken,
        })
    }

    /// Ends a case: what was accepted is in git, and nothing else is. What is broken is taken back.
    pub(super) fn end(&mut self, state: &State) {
        self.service().wait_until_settled();
        let n_commits: usize = state.reports.iter().flatten().map(|report| report.n_commits).sum();
        let n = self.service().commits().len() - self.n_commits_before;
        assert_eq!(n, n_commits + self.n_policies, "commits");
        for target in Target::all() {
            if state.reports[target.n()].is_some_and(|report| report.broken.is_some()) {
                self.take_back(target, state);
            }
        }
        let service = self.service();
        service.wait_until("no problem is left", || {
            Target::all().iter().all(|target| service.problem_at(&self.path(*target)).is_none())
        });
    }

    /// After all cases: the auditor finds nothing wrong, and neither does git.
    pub(super) fn verify(self) {
        self.service.expect("started").stop();
        let verified = self.place.golive(&["verify", "reports-repo"]);
        assert!(verified.status.success(), "{verified:?}");
        self.place.git(&["fsck", "--strict"]);
    }
}

/// A report as it is compared.
#[derive(Debug, PartialEq)]
struct Shown {
    /// The status as a list tells it.
    listed: String,
    status: String,
    revision: u64,
    text: String,
    email: String,
    by: Option<String>,
    notes: Option<String>,
    n_commits: usize,
    broken: bool,
}

fn told((report, broken): (Report, bool)) -> Shown {
    Shown {
        listed: report.status.as_str().into(),
        status: report.status.as_str().into(),
        revision: report.revision.into(),
        text: text(report.text, report.has_crlf),
        email: email(report.email),
        by: report.by.map(|by: Who| by.as_str().into()),
        notes: report.notes.map(notes),
        n_commits: report.n_commits,
        broken,
    }
}
