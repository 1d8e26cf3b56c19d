//! Everybody at once: clients that write, a person who edits files, another who
//! pushes. What they do and what they are told, the witness remembers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::witness::{Witness, submits};
use super::{Service, decision, submission};

const CLIENTS: usize = 2;
/// Of a client, after each second write.
const PAUSE: Duration = Duration::from_millis(5);

/// Who is at work.
#[cfg_attr(not(feature = "failpoints"), allow(dead_code, reason = "who dies at a step is named by its attack"))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Everybody,
    /// Those that write without a pause; beside them a push can take long.
    Clients,
    ClientsAndEditor,
    Pusher,
}

/// Does `act` while `who` is at work; `tag` is in all that they write.
pub(crate) fn beside<T>(service: &Service<'_>, witness: &Witness, tag: &str, who: Who, act: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    let worker = |name: String| Worker { service, witness, is_over: &is_over, tag: name, agent: agent() };
    std::thread::scope(|scope| {
        for client in 0..if who == Who::Pusher { 0 } else { CLIENTS } {
            let client = worker(format!("{tag}-{client}"));
            scope.spawn(move || client.write());
        }
        if matches!(who, Who::Everybody | Who::ClientsAndEditor) {
            let editor = worker(format!("{tag}-e"));
            scope.spawn(move || editor.edit());
        }
        if matches!(who, Who::Everybody | Who::Pusher) {
            let pusher = worker(format!("{tag}-p"));
            scope.spawn(move || pusher.push());
        }
        let result = act();
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

fn agent() -> ureq::Agent {
    let timeout = Some(Duration::from_secs(20));
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(timeout).build().into()
}

/// One of them; each step returns `None` once it is over.
struct Worker<'a> {
    service: &'a Service<'a>,
    witness: &'a Witness,
    is_over: &'a AtomicBool,
    tag: String,
    agent: ureq::Agent,
}

impl Worker<'_> {
    fn goes_on(&self) -> Option<()> {
        (!self.is_over.load(Ordering::Relaxed)).then_some(())
    }

    /// Sends a request and returns the answer; `None` if there is none, or one that says
    /// that it could not be done.
    fn send(&self, method: &str, path: &str, body: &Value) -> Option<(u16, String, Value)> {
        self.goes_on()?;
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.service.base))
            .header("content-type", "application/json")
            .body(body.to_string())
            .expect("a request");
        let mut answer = self.agent.run(request).ok()?;
        let status = answer.status().as_u16();
        let commit = answer.headers().get("golive-commit")?.to_str().ok()?.to_owned();
        let text = answer.body_mut().read_to_string().ok()?;
        if status >= 500 {
            self.witness.hears(format!("{method} {path}: {status} {text}"));
        }
        (status < 500).then(|| Some((status, commit, serde_json::from_str(&text).ok()?)))?
    }

    fn submit(&self, name: &str) -> Option<String> {
        let mark = submits(name);
        self.witness.sends(None, &mark);
        let (status, commit, report) = self.send("POST", "/api/v1/reports", &submission(name))?;
        if status != 201 {
            self.witness.accuse(format!("{mark}: {status} {report}"));
            return None;
        }
        let id = report["id"].as_str()?.to_owned();
        self.witness.is_told(&mark, &commit, Some(report));
        Some(id)
    }

    fn decide(&self, id: &str, status: &str, note: &str) -> Option<u16> {
        self.witness.sends(Some(id), note);
        let path = format!("/api/v1/reports/{id}/status");
        let (code, commit, report) = self.send("PATCH", &path, &decision(status, note))?;
        if code == 200 {
            self.witness.is_told(note, &commit, Some(report));
        }
        Some(code)
    }

    /// Submits, and decides on every second, without a pause.
    fn write(&self) -> Option<()> {
        for n in 0.. {
            let name = format!("mcp-{}-{n}", self.tag);
            let id = self.submit(&name)?;
            if n % 2 == 0 {
                let code = self.decide(&id, "approved", &format!("note-{}-{n}", self.tag))?;
                if code != 200 {
                    self.witness.accuse(format!("a decision on {name}: {code}"));
                }
                // Else no push would land.
                std::thread::sleep(PAUSE);
            }
        }
        Some(())
    }

    /// Waits until `is_so`; `None` if it is over before.
    fn until(&self, is_so: impl Fn() -> bool) -> Option<()> {
        while !is_so() {
            self.goes_on()?;
            std::thread::sleep(Duration::from_millis(5)); // between two looks
        }
        Some(())
    }

    /// Saves edits by hand: one that is taken in, one beside a decision, one that is
    /// refused, and one that repairs it.
    fn edit(&self) -> Option<()> {
        let place = self.service.place;
        for n in 0.. {
            let name = format!("edit-{}-{n}", self.tag);
            let id = self.submit(&name)?;
            let file = place.report_file(&name);
            self.until(|| file.exists())?;
            let text = || std::fs::read_to_string(&file).ok();
            // As most editors do; the disk may be gone.
            let save = |text: &str, mark: &str| {
                self.witness.saves(&name, mark);
                let beside = file.with_extension("md.new~");
                std::fs::write(&beside, text).and_then(|()| std::fs::rename(beside, &file)).ok()
            };
            let mark = |what: &str| format!("[{what} {}-{n}]", self.tag);
            let marked = |text: &str, what: &str| text.replace("All well.", &format!("All well. {}", mark(what)));
            let is_served = |mark: &str| {
                let ask = || self.agent.get(format!("{}/api/v1/reports/{id}", self.service.base)).call().ok();
                let served = ask().and_then(|mut answer| answer.body_mut().read_to_string().ok());
                served.is_some_and(|served| served.contains(mark))
            };
            let is_taken_in = |mark: &str| self.until(|| is_served(mark)).map(|()| self.witness.is_taken_in(mark));
            save(&marked(&text()?, "first"), &mark("first"))?;
            is_taken_in(&mark("first"))?;

            let beside = marked(&text()?, "beside");
            save(&beside, &mark("beside"))?;
            self.decide(&id, "rejected", &format!("note-{}-{n}-beside", self.tag));
            is_taken_in(&mark("beside"))?;

            let both = marked(&text()?, "both");
            let decided = both
                .replace("status: pending_review", "status: approved")
                .replace("status: rejected", "status: approved");
            save(&decided, &mark("both"))?;
            let path = place.report_path(&name);
            let problems = || {
                let answer = self.agent.get(format!("{}/api/v1/problems", self.service.base)).call().ok();
                answer.and_then(|mut answer| answer.body_mut().read_to_string().ok()).unwrap_or_default()
            };
            self.until(|| problems().contains(&path))?;
            save(&both, &mark("both"))?;
            is_taken_in(&mark("both"))?;
        }
        Some(())
    }

    /// Pushes decisions and other files over HTTP, from a clone.
    fn push(&self) -> Option<()> {
        let place = self.service.place;
        let url = format!("{}/reports.git", self.service.base);
        for n in 0.. {
            let name = format!("push-{}-{n}", self.tag);
            self.submit(&name)?;
            let clone = format!("test -d clone || git clone -q {url} clone");
            self.until(|| place.sh("", &clone).status.success())?;
            let path = place.report_path(&name);
            self.witness.is_by_hand(&name);
            for attempt in 0.. {
                self.goes_on()?;
                let mark = format!("{name}-{attempt}");
                self.witness.sends(None, &mark);
                let work = format!(
                    "git rebase --abort 2>/dev/null || :; git fetch -q {url} main; git reset -q --hard FETCH_HEAD; \
                 sed -i 's/^status: .*/status: approved/' {path}; \
                 if test -e NOTES-{tag}.md; then git rm -q NOTES-{tag}.md; else echo {n} > NOTES-{tag}.md; fi; \
                 git add -A; git commit -qm {mark}; git push -q {url} HEAD:main; git rev-parse HEAD",
                    tag = self.tag
                );
                let pushed = place.sh("clone", &work);
                if pushed.status.success() {
                    self.witness.is_told(&mark, pushed.stdout.trim(), None);
                    break;
                }
                self.witness.hears(pushed.stderr);
            }
        }
        Some(())
    }
}
