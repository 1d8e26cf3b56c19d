//! What people do beside the API, and what the service is seen to make of it:
//! edits in the work tree, commits that are there at once, problems, restarts.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Answer, Place, Service};

/// The person whose files these are, as the repository's settings say.
pub(crate) const ROBIN: &str = "Robin <robin@example.com>";
/// The person who commits, as the environment of `git` says.
pub(crate) const TEST: &str = "Test <test@example.com>";

/// A repository with Robin as its user.
pub(crate) fn place_of_robin() -> Place {
    let place = Place::new();
    assert!(place.golive(&["init", "reports-repo"]).status.success());
    place.git(&["config", "user.name", "Robin"]);
    place.git(&["config", "user.email", "robin@example.com"]);
    place
}

/// The changes by which a person decides: the status alone.
pub(crate) const APPROVE: &[(&str, &str)] = &[("status: pending_review", "status: approved")];
pub(crate) const REJECT: &[(&str, &str)] = &[("status: pending_review", "status: rejected")];
pub(crate) const CHANGE_TEXT: &[(&str, &str)] = &[("All well.", "All well, says the second look.")];
pub(crate) const CHANGE_EMAIL: &[(&str, &str)] = &[("alex@example.com", "kim@example.com")];

/// `text` with each change made; each must have something to change.
pub(crate) fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no `{from}` in {text}");
        text.replacen(from, to, 1)
    })
}

/// Saves as most editors do: a file beside it, then renamed over it.
pub(crate) fn save_by_rename(file: &Path, bytes: impl AsRef<[u8]>) {
    let beside = file.with_extension("md.new~");
    fs::write(&beside, bytes).expect("written");
    fs::rename(beside, file).expect("renamed");
}

impl Place {
    /// The report's file as it is on the disk.
    pub(crate) fn on_disk(&self, name: &str) -> String {
        fs::read_to_string(self.report_file(name)).expect("the report's file")
    }

    /// Changes the report's file in the work tree, and returns it as saved.
    pub(crate) fn edit(&self, name: &str, changes: &[(&str, &str)]) -> String {
        let text = changed(&self.on_disk(name), changes);
        save_by_rename(&self.report_file(name), &text);
        text
    }

    /// Changes the report's file and commits it in a clone; returns the commit.
    /// Nothing of it is in the reports repository yet but its objects.
    pub(crate) fn commit_aside(&self, name: &str, changes: &[(&str, &str)]) -> String {
        let clone = self.path().join("aside");
        if !clone.exists() {
            assert!(self.sh("", "git clone -q reports-repo aside").status.success());
        }
        let pulled = self.sh("aside", "git fetch -q; git reset -q --hard origin/main");
        assert!(pulled.status.success(), "{pulled:?}");
        let file = clone.join(self.report_path(name));
        let text = changed(&fs::read_to_string(&file).expect("the clone's file"), changes);
        fs::write(file, text).expect("written");
        assert!(self.sh("aside", "git commit -q -a -m 'Commit aside'").status.success());
        self.git(&["fetch", "-q", "../aside", "main"]);
        self.git(&["rev-parse", "FETCH_HEAD"]).trim().to_owned()
    }

    /// Moves the branch to `commit` without touching index and work tree.
    pub(crate) fn move_branch_to(&self, commit: &str) {
        self.git(&["update-ref", "refs/heads/main", commit]);
    }

    /// One line of `git log -1 --format=FORMAT COMMIT`.
    pub(crate) fn told(&self, commit: &str, format: &str) -> String {
        self.git(&["log", "-1", &format!("--format={format}"), commit]).trim_end().to_owned()
    }

    /// The value of a trailer that `git interpret-trailers` sees; empty if it is not there.
    pub(crate) fn trailer(&self, commit: &str, name: &str) -> String {
        self.told(commit, &format!("%(trailers:key={name},valueonly,separator=%x2C)"))
    }

    /// The lines that `commit` took out of and put into the report's file.
    pub(crate) fn changed_lines(&self, commit: &str, name: &str) -> Vec<String> {
        let path = self.report_path(name);
        let diff = self.git(&["diff", "-U0", &format!("{commit}~1"), commit, "--", &path]);
        let is_change =
            |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
        diff.lines().filter(is_change).map(str::to_owned).collect()
    }
}

impl Service<'_> {
    pub(crate) fn tip(&self) -> String {
        self.git(&["rev-parse", "main"]).trim().to_owned()
    }

    pub(crate) fn report(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/reports/{id}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) fn history(&self, id: &str) -> Vec<Value> {
        let items = self.get(&format!("/api/v1/reports/{id}/history")).json();
        items.as_array().expect("a list").clone()
    }

    /// Waits until the report answers so, and returns it.
    pub(crate) fn wait_for(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let ask = || self.get(&format!("/api/v1/reports/{id}"));
        let what = || format!("{what}; it is {:?}, problems: {:?}", ask(), self.problems());
        self.wait_until_or(what, || ask().status == 200 && is_so(&ask().json()));
        self.report(id)
    }

    pub(crate) fn wait_for_status(&self, id: &str, status: &str) -> Value {
        self.wait_for(id, &format!("the report is {status}"), |report| report["status"] == status)
    }

    pub(crate) fn wait_for_email(&self, id: &str, email: &str) -> Value {
        self.wait_for(id, &format!("the address is {email}"), |report| report["developer_email"] == email)
    }

    /// As `wait_until`; what was waited for is told when it is known to be in vain.
    fn wait_until_or(&self, what: impl Fn() -> String, mut is_so: impl FnMut() -> bool) {
        let start = std::time::Instant::now();
        while !is_so() {
            assert!(start.elapsed() < super::PATIENCE, "waited in vain until {}\n{}", what(), self.log());
            std::thread::sleep(std::time::Duration::from_millis(10)); // between two looks
        }
    }

    pub(crate) fn problems(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/problems");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().expect("a list").clone()
    }

    pub(crate) fn problem_at(&self, path: &str) -> Option<Value> {
        self.problems().into_iter().find(|problem| problem["path"] == path)
    }

    /// Waits until the file at `path` has a problem of one of the rules (`a|b`).
    pub(crate) fn wait_for_problem(&self, path: &str, rules: &str) -> Value {
        let is_it = |problem: &Value| rules.split('|').any(|rule| problem["rule"] == rule);
        self.wait_until_or(
            || format!("{path} has the problem {rules}; there are {:?}", self.problems()),
            || self.problem_at(path).is_some_and(|problem| is_it(&problem)),
        );
        self.problem_at(path).expect("still there")
    }

    pub(crate) fn wait_until_no_problem(&self) {
        self.wait_until_or(
            || format!("there is no problem; there are {:?}", self.problems()),
            || self.problems().is_empty(),
        );
    }

    /// Waits until the tip is served and the work tree has followed it. The
    /// service may answer a commit with one of its own meanwhile.
    pub(crate) fn wait_until_settled(&self) {
        self.wait_until("the tip is served and mirrored", || {
            let tip = self.tip();
            let mirrored = self.place.try_git(&["rev-parse", "-q", "--verify", "refs/golive/mirrored"]).stdout;
            mirrored.trim() == tip && self.get("/api/v1/reports").header("golive-commit") == tip
        });
    }

    /// Does `people`'s work in one moment for the service, which stands still meanwhile.
    pub(crate) fn at_once<T>(&self, people: impl FnOnce() -> T) -> T {
        self.signal("STOP");
        let result = people();
        self.signal("CONT");
        result
    }

    /// Runs `script` in the work tree in one moment; returns the new tip.
    pub(crate) fn sh_at_once(&self, script: &str) -> String {
        let finished = self.at_once(|| self.place.sh_in(self.place.repo(), script));
        assert!(finished.status.success(), "{finished:?}");
        self.tip()
    }

    /// Changes the report's file and commits it, in one moment; returns the commit.
    pub(crate) fn commit_at_once(&self, name: &str, changes: &[(&str, &str)]) -> String {
        self.at_once(|| {
            self.place.edit(name, changes);
            self.git(&["commit", "-q", "-a", "-m", "Commit by hand"]);
            self.tip()
        })
    }

    /// Asserts that the report's last commit is the hand edit of `saved`, to which
    /// the service added nothing but `filled`, and that the file on the disk is that.
    pub(crate) fn assert_taken_in(&self, name: &str, saved: &str, filled: &[(&str, &str)], subject: &str) {
        self.wait_until_settled();
        let place = self.place;
        let committed = place.committed_report(name);
        assert_eq!(committed, changed(saved, filled));
        self.wait_until("the file is as committed", || place.on_disk(name) == committed);
        self.wait_until_clean();
        let path = place.report_path(name);
        let commit = self.git(&["log", "-1", "--format=%H", "main", "--", &path]);
        assert_eq!(place.told(commit.trim(), "%s"), format!("{subject} report `{name}`"));
        assert_eq!(place.told(commit.trim(), "%P").len(), 40, "one parent");
        assert_eq!(place.trailer(commit.trim(), "Via"), "hand-edit");
        assert_eq!(self.problems(), Vec::<Value>::new());
    }

    /// Everything that the service answers about its reports.
    fn everything(&self) -> Vec<(String, Answer)> {
        let mut paths: Vec<String> = ["all", "pending_review", "approved", "rejected"]
            .map(|status| format!("/api/v1/reports?limit=1000&status={status}"))
            .into();
        for report in self.get(&paths[0]).json().as_array().expect("a list") {
            let one = format!("/api/v1/reports/{}", report["id"].as_str().expect("an id"));
            paths.extend([format!("{one}/history"), format!("{one}/diff"), format!("{one}/revisions/1"), one]);
        }
        paths.into_iter().map(|path| (path.clone(), self.get(&path))).collect()
    }

    /// Waits until lists tell of each report what its text lacks: they leave that to
    /// the background, and until then say nothing.
    pub(crate) fn wait_until_assessed(&self) {
        if self.get("/api/v1/policy").json()["report"]["enforcement"] == "off" {
            return;
        }
        self.wait_until("every text was looked at", || {
            // Has it look at many at once; the background takes its time.
            self.get("/api/v1/reports?findings=none&limit=1");
            let list = self.get("/api/v1/reports?limit=1000").json();
            list.as_array().expect("a list").iter().all(|report| !report["assessment"].is_null())
        });
    }

    fn lasting_problems(&self) -> Vec<Value> {
        let without_time = |mut problem: Value| {
            problem.as_object_mut().expect("an object").remove("since");
            problem
        };
        self.problems().into_iter().map(without_time).collect()
    }
}

/// Stops the service and starts it anew, once from git alone and once from what it
/// saved; asserts that it answers all as before.
pub(crate) fn restarted_the_same(service: Service<'_>) -> Service<'_> {
    let saved = service.place.repo().join(".git/golive/snapshot");
    let service = restarted_after(service, || std::fs::remove_file(&saved).expect("a saved state"));
    assert!(service.log().contains("(read from git)"), "{}", service.log());
    restarted_after(service, || ())
}

/// Stops the service, does `meanwhile`, and starts it anew; asserts that it answers
/// all as before.
pub(crate) fn restarted_after<'a>(service: Service<'a>, meanwhile: impl FnOnce()) -> Service<'a> {
    service.wait_until_settled();
    service.wait_until_assessed();
    let (before, problems, tip) = (service.everything(), service.lasting_problems(), service.tip());
    let place = service.place;
    service.stop();
    meanwhile();
    let service = place.serve();
    service.wait_until_or(
        || format!("the problems are again {problems:?}, not {:?}", service.lasting_problems()),
        || service.lasting_problems() == problems,
    );
    assert_eq!(service.tip(), tip, "a restart commits nothing");
    service.wait_until_assessed();
    for (path, before) in before {
        let after = service.get(&path);
        let told = |answer: &Answer| (answer.status, String::from_utf8_lossy(&answer.body).into_owned());
        assert_eq!(told(&after), told(&before), "{path}");
        for header in ["golive-commit", "etag", "x-total-count"] {
            assert_eq!(after.header(header), before.header(header), "{header} of {path}");
        }
    }
    service
}
