//! A real `golive serve` on a free port over a real repository in a temporary
//! folder, a real HTTP client, and git isolated from the machine's settings.

pub(crate) mod attack;
pub(crate) mod bad_edits;
pub(crate) mod desk;
pub(crate) mod disk;
pub(crate) mod edits;
pub(crate) mod events;
pub(crate) mod policy;
pub(crate) mod process;
pub(crate) mod refusals;
pub(crate) mod siege;
pub(crate) mod texts;
pub(crate) mod witness;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_golive");
/// Nothing here waits longer for an event.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A folder with a place for a reports repository.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.path().join("reports-repo")
    }

    /// Runs `golive ARGS` to its end.
    pub(crate) fn golive(&self, args: &[&str]) -> Finished {
        Finished::of(self.command(BINARY).args(args).current_dir(self.dir.path()))
    }

    /// Runs `git ARGS` in the reports repository and returns what it printed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let finished = self.try_git(args);
        assert!(finished.status.success(), "git {args:?}: {}", finished.stderr);
        finished.stdout
    }

    /// Runs a shell script in the folder `dir` of this place.
    pub(crate) fn sh(&self, dir: &str, script: &str) -> Finished {
        self.sh_in(self.path().join(dir), script)
    }

    pub(crate) fn sh_in(&self, dir: impl AsRef<Path>, script: &str) -> Finished {
        Finished::of(self.command("sh").args(["-ec", script]).env("GIT_PAGER", "cat").current_dir(dir))
    }

    pub(crate) fn try_git(&self, args: &[&str]) -> Finished {
        Finished::of(self.command("git").args(args).current_dir(self.repo()))
    }

    /// The path of the report that [`submission`] makes, within the repository.
    pub(crate) fn report_path(&self, name: &str) -> String {
        self.golive(&["path", &format!("https://github.com/example/{name}")]).stdout.trim_end().to_owned()
    }

    /// Where that report is in the work tree.
    pub(crate) fn report_file(&self, name: &str) -> PathBuf {
        self.repo().join(self.report_path(name))
    }

    /// The report at the tip of the branch.
    pub(crate) fn committed_report(&self, name: &str) -> String {
        self.git(&["show", &format!("main:{}", self.report_path(name))])
    }

    /// A program in a clean environment; git and golive see no settings of the machine.
    #[expect(clippy::disallowed_methods, reason = "tests run git and golive as people do")]
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            // As editors do: `git status` in a loop must not be a person at work, for whom the service waits.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@example.com")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@example.com")
            .env("LC_ALL", "C");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOLIVE_")) {
            command.env_remove(name);
        }
        command
    }

    /// Starts the service here.
    pub(crate) fn serve(&self) -> Service<'_> {
        self.serve_with(&[])
    }

    pub(crate) fn serve_with(&self, args: &[&str]) -> Service<'_> {
        self.try_serve_with(args).unwrap_or_else(|finished| panic!("golive ended: {}", finished.stderr))
    }

    /// Starts the service; returns what it said if it ended instead.
    pub(crate) fn try_serve_with(&self, args: &[&str]) -> Result<Service<'_>, Finished> {
        let mut command = self.command(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo"]);
        self.start(command.arg(self.repo()).args(args))
    }

    /// Starts a service that ends at a named step (`src/failpoint.rs`): `points` as in
    /// `FAILPOINTS`, which count once there is the file `from`.
    #[cfg(feature = "failpoints")]
    pub(crate) fn serve_armed(
        &self,
        points: &str,
        from: Option<&Path>,
        args: &[&str],
    ) -> Result<Service<'_>, Finished> {
        let mut command = self.command(BINARY);
        command.env("FAILPOINTS", points).envs(from.map(|from| ("FAILPOINTS_FROM", from)));
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo"]);
        self.start(command.arg(self.repo()).args(args))
    }

    /// Starts the service by `command`, whatever form its log has.
    pub(crate) fn start(&self, command: &mut Command) -> Result<Service<'_>, Finished> {
        let child = command.current_dir(self.dir.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("golive can be started");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut early = String::new();
        let address = loop {
            let mut line = String::new();
            if stderr.read_line(&mut line).expect("UTF-8") == 0 {
                let status = child.wait().expect("a child");
                return Err(Finished { status, stdout: String::new(), stderr: early });
            }
            early.push_str(&line);
            if let Some(address) = address_in(&line) {
                break address;
            }
        };
        let log = Arc::new(Mutex::new(early));
        let sink = log.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = sink.lock().expect("no panic");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Ok(Service { place: self, child, base: address, log, agent })
    }
}

/// The address in the start line, in JSON or in text.
fn address_in(line: &str) -> Option<String> {
    match serde_json::from_str::<Value>(line) {
        Ok(line) => line["address"].as_str().map(str::to_owned),
        Err(_) => Some(line.split_once("address=\"")?.1.split_once('"')?.0.to_owned()),
    }
}

/// A program that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program can be run");
        Self {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts that golive ended with a sentence that holds all of `words`.
    pub(crate) fn assert_refused(&self, words: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        let message = self.stderr.trim_end();
        assert!(message.starts_with("golive: ") && !message.contains("panicked"), "{message}");
        for word in words {
            assert!(message.contains(word), "no `{word}` in: {message}");
        }
    }
}

/// A running service; killed when dropped.
pub(crate) struct Service<'a> {
    pub(crate) place: &'a Place,
    child: Child,
    /// `http://127.0.0.1:port`
    pub(crate) base: String,
    log: Arc<Mutex<String>>,
    agent: ureq::Agent,
}

impl Service<'_> {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the process is gone.
    #[cfg(feature = "failpoints")]
    pub(crate) fn has_ended(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // A child that nobody waited for is a zombie.
        stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with(['Z', 'X']) || rest.is_empty())
    }

    /// Everything logged so far, one JSON object a line.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.as_ref().to_vec()).expect("a request");
        let response =
            self.agent.run(request).unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.log()));
        Answer::of(response)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], [])
    }

    pub(crate) fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string())
    }

    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.send_json("POST", "/api/v1/reports", body)
    }

    pub(crate) fn put(&self, id: &str, body: &Value) -> Answer {
        self.send_json("PUT", &format!("/api/v1/reports/{id}"), body)
    }

    pub(crate) fn patch(&self, id: &str, body: &Value) -> Answer {
        self.send_json("PATCH", &format!("/api/v1/reports/{id}/status"), body)
    }

    /// Submits a report for the repository `name` and returns its id.
    pub(crate) fn submit(&self, name: &str) -> String {
        let answer = self.post(&submission(name));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.place.git(args)
    }

    /// The commit ids of the branch, newest first.
    pub(crate) fn commits(&self) -> Vec<String> {
        self.git(&["rev-list", "main"]).lines().map(str::to_owned).collect()
    }

    /// Waits until the work tree has followed the branch.
    pub(crate) fn wait_until_clean(&self) {
        self.wait_until("git status is clean", || self.git(&["status", "--porcelain"]).is_empty());
    }

    /// Waits until the mirror has dealt with everything up to the tip.
    pub(crate) fn wait_until_mirrored(&self) {
        let tip = self.git(&["rev-parse", "main"]);
        self.wait_until("the mirror is at the tip", || {
            self.place.try_git(&["rev-parse", "-q", "--verify", "refs/golive/mirrored"]).stdout == tip
        });
    }

    /// Asserts that the API serves each report's file of the tip, and git finds no fault.
    pub(crate) fn assert_record_is_whole(&self, n_reports: usize) {
        let list = self.get("/api/v1/reports?limit=1000").json();
        let reports = list.as_array().expect("a list");
        assert_eq!(reports.len(), n_reports);
        for report in reports {
            let text = |member: &str| report[member].as_str().expect("text");
            let answer = self.get(&format!("/api/v1/reports/{}", text("id")));
            let path = self.place.report_path(text("server_name"));
            let blob = self.git(&["rev-parse", &format!("main:{path}")]);
            assert_eq!(answer.header("etag"), format!("\"{}\"", blob.trim()));
            let body = answer.json()["report_data"].as_str().expect("text").to_owned();
            assert!(self.git(&["cat-file", "blob", blob.trim()]).ends_with(&format!("\n---\n{body}")), "{path}");
        }
        let fsck = self.place.try_git(&["fsck", "--strict"]);
        assert!(fsck.status.success(), "{fsck:?}");
    }

    pub(crate) fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10)); // between two looks; nothing to be woken by
        }
    }

    pub(crate) fn kill_9(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }

    /// Sends `signal` (`TERM`, `INT`).
    pub(crate) fn signal(&self, signal: &str) {
        let sent = self.place.command("kill").args([&format!("-{signal}"), &self.pid().to_string()]).status();
        assert!(sent.expect("kill can be run").success());
    }

    /// Sends `signal` and waits for the end.
    pub(crate) fn stop_with(mut self, signal: &str) -> (ExitStatus, Duration, String) {
        let start = Instant::now();
        self.signal(signal);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status, start.elapsed(), self.log());
            }
            assert!(start.elapsed() < PATIENCE, "did not stop\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn stop(self) {
        let (status, _, log) = self.stop_with("TERM");
        assert!(status.success(), "{status}\n{log}");
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(response: ureq::http::Response<ureq::Body>) -> Self {
        let (parts, body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let mut bytes = Vec::new();
        body.into_reader().read_to_end(&mut bytes).expect("a whole answer");
        Self { status: parts.status.as_u16(), headers: headers.collect(), body: bytes }
    }

    /// The value of a header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is a problem document of `status`, and returns it.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {problem}");
        }
        problem
    }

    /// The pointers of a 422, sorted.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let problem = self.problem(422);
        let errors = problem["errors"].as_array().expect("errors");
        let mut pointers: Vec<_> =
            errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect();
        pointers.sort();
        pointers
    }
}

/// A valid submission for `https://github.com/example/NAME`.
pub(crate) fn submission(name: &str) -> Value {
    json!({
        "server_name": name,
        "repository_url": format!("https://github.com/example/{name}"),
        "developer_email": "alex@example.com",
        "report_data": format!("# Go-live report of {name}\n\n## Phase 1: Security Assessment\n\nAll well.\n"),
    })
}

/// A valid decision.
pub(crate) fn decision(status: &str, notes: &str) -> Value {
    json!({"status": status, "reviewed_by": "Morgan <morgan@example.com>", "review_notes": notes})
}
