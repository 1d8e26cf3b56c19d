//! What clients and people were told, and what they wrote: held against what a
//! service says, the history and the files after it came back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use serde_json::Value;

use super::{Place, Service};

/// Reports that are asked for at once, the newest: all that a crash can have touched.
const CHECKED: usize = 100;
/// Of one kind, told in full.
const FAULTS_MAX: usize = 5;
/// In each text, unless it was cut.
const START: &str = "All well.";

/// Remembers over any number of crashes.
#[derive(Default)]
pub(crate) struct Witness {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What was answered last of each report.
    reports: BTreeMap<String, Value>,
    /// The write to a report that has no answer yet, by its mark.
    unanswered: HashMap<String, String>,
    /// Marks of all writes that were sent, and of pushes.
    sent: HashSet<String>,
    /// The commit that was answered, by its mark.
    acknowledged: HashMap<String, String>,
    /// What people saved.
    saved: Vec<Saved>,
    /// The reports that people change, too.
    by_hand: HashSet<String>,
    /// Commits by their marks, and the tip up to which they were read.
    commits: HashMap<String, String>,
    tip: Option<String>,
    /// Files that are no reports are the person's, and so is what a power loss did to them.
    has_lost_power: bool,
    faults: Vec<String>,
    heard: String,
}

/// What a person saved.
#[derive(Clone)]
struct Saved {
    /// Of the report.
    name: String,
    /// Stands in its text from then on.
    mark: String,
    /// The service has answered so.
    is_told: bool,
}

/// The mark of a submission; a decision's is the first line of its notes.
pub(crate) fn submits(name: &str) -> String {
    format!("submit {name}")
}

impl Witness {
    fn with<T>(&self, act: impl FnOnce(&mut Known) -> T) -> T {
        act(&mut self.known.lock().expect("no panic"))
    }

    /// A write is sent; `id` if the report is there already.
    pub(crate) fn sends(&self, id: Option<&str>, mark: &str) {
        self.with(|known| {
            known.sent.insert(mark.to_owned());
            id.map(|id| known.unanswered.insert(id.to_owned(), mark.to_owned()));
        });
    }

    /// It was answered by success: `commit` holds it.
    pub(crate) fn is_told(&self, mark: &str, commit: &str, report: Option<Value>) {
        self.with(|known| {
            known.acknowledged.insert(mark.to_owned(), commit.to_owned());
            if let Some(report) = report {
                let id = report["id"].as_str().expect("an id").to_owned();
                known.unanswered.remove(&id);
                if report["server_name"].as_str().is_none_or(|name| !known.by_hand.contains(name)) {
                    known.reports.insert(id, report);
                }
            }
        });
    }

    /// People change the report `name` from now on: what a client was told of it last need
    /// not be so any more.
    pub(crate) fn is_by_hand(&self, name: &str) {
        self.with(|known| {
            known.reports.retain(|_, report| report["server_name"] != name);
            known.by_hand.insert(name.to_owned());
        });
    }

    /// A person is about to save the report `name` with `mark` in its text.
    pub(crate) fn saves(&self, name: &str, mark: &str) {
        self.is_by_hand(name);
        let saved = Saved { name: name.to_owned(), mark: mark.to_owned(), is_told: false };
        self.with(|known| known.saved.push(saved));
    }

    /// The service answers with the text that has `mark`.
    pub(crate) fn is_taken_in(&self, mark: &str) {
        self.with(|known| known.saved.iter_mut().filter(|saved| saved.mark == mark).for_each(|it| it.is_told = true));
    }

    /// What people saved is not asked for, unless it was taken in: nobody synced their files.
    pub(crate) fn forget_files(&self) {
        self.with(|known| {
            known.saved.retain(|saved| saved.is_told);
            known.has_lost_power = true;
        });
    }

    /// Something was wrong already while it was done.
    pub(crate) fn accuse(&self, fault: String) {
        self.with(|known| known.faults.push(fault));
    }

    /// What git said of the last push that was refused: for who asks why nothing came of it.
    pub(crate) fn hears(&self, words: String) {
        self.with(|known| known.heard = words);
    }

    #[cfg_attr(not(feature = "failpoints"), allow(dead_code, reason = "asked where a push dies at a step"))]
    pub(crate) fn heard(&self) -> String {
        self.with(|known| known.heard.clone())
    }

    pub(crate) fn n_acknowledged(&self) -> usize {
        self.with(|known| known.acknowledged.len())
    }

    /// Returns what is not as it has to be, once the service had the time to repair it.
    pub(crate) fn faults(&self, service: &Service<'_>) -> Vec<String> {
        let mut faults = eventually(|| unsettled(service));
        faults.extend(self.with(|known| {
            let mut faults = std::mem::take(&mut known.faults);
            faults.extend(known.history(service.place));
            faults.extend(known.served(service));
            faults
        }));
        let saved = self.with(|known| known.saved.clone());
        faults.extend(eventually(|| unexplained(service, &saved)));
        let has_lost_power = self.with(|known| known.has_lost_power);
        let is_ours = |path: &str| !has_lost_power || path.starts_with("reports/");
        let strange = eventually(|| strange_files(service, &is_ours));
        faults.extend(strange.into_iter().take(FAULTS_MAX).map(|fault| described(service.place, fault)));
        self.with(|known| known.tip = Some(service.tip()));
        faults
    }
}

impl Known {
    /// History only grew, each accepted write is one commit, and nobody else's is there.
    fn history(&mut self, place: &Place) -> Vec<String> {
        let mut faults = Vec::new();
        let since = match &self.tip {
            Some(tip) if place.try_git(&["merge-base", "--is-ancestor", tip, "main"]).status.success() => {
                format!("{tip}..main")
            }
            Some(tip) => return vec![format!("`{tip}` was the tip, and is not in the history any more")],
            None => "main".into(),
        };
        let log = place.git(&["log", "--first-parent", "--reverse", "--format=%H%x1f%P%x1f%B%x1e", &since]);
        for commit in log.split('\x1e').map(str::trim).filter(|commit| !commit.is_empty()) {
            let mut parts = commit.splitn(3, '\x1f');
            let mut part = || parts.next().unwrap_or_default();
            let (id, parents, message) = (part(), part(), part());
            if parents.split_whitespace().count() > 1 {
                faults.push(format!("`{id}` is a merge"));
            }
            let Some(mark) = mark(message) else {
                if message.contains("\nVia: hand-edit") && !message.contains("report `edit-") {
                    faults.push(format!("`{id}` is an edit that nobody made: {message}"));
                }
                if message.contains("\nVia: api") {
                    faults.push(format!("`{id}` is nobody's write: {message}"));
                }
                continue;
            };
            if !self.sent.contains(&mark) {
                faults.push(format!("`{id}`: nobody sent `{mark}`"));
            }
            if let Some(other) = self.commits.insert(mark.clone(), id.to_owned()) {
                faults.push(format!("`{mark}` was made twice: `{other}` and `{id}`"));
            }
        }
        for (mark, told) in &self.acknowledged {
            match self.commits.get(mark) {
                Some(found) if found == told => {}
                found => faults.push(format!("`{mark}` was acknowledged as `{told}`; in the history: {found:?}")),
            }
        }
        faults
    }

    /// Each report is as it was answered last, or as the write made it that had no answer.
    fn served(&mut self, service: &Service<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        // Ids are in the order of time.
        for (id, told) in self.reports.iter_mut().rev().take(CHECKED) {
            let answer = service.get(&format!("/api/v1/reports/{id}"));
            if answer.status != 200 {
                faults.push(format!("{} is gone: {answer:?}", told["server_name"]));
                continue;
            }
            let found = answer.json();
            let late = self.unanswered.remove(id).filter(|mark| self.commits.contains_key(mark));
            match late {
                Some(mark) if found["review_notes"] == mark.as_str() && same_text(&found, told) => *told = found,
                Some(mark) => faults.push(format!("`{mark}` is in the history, and served is {found}")),
                None if found == *told => {}
                None => faults.push(format!("told was {told}, and served is {found}")),
            }
        }
        faults
    }
}

fn same_text(found: &Value, told: &Value) -> bool {
    ["id", "server_name", "repository_url", "report_data", "submitted_at", "revision"]
        .iter()
        .all(|member| found[member] == told[member])
}

/// The mark of a write or push, by the message of its commit.
fn mark(message: &str) -> Option<String> {
    let subject = message.lines().next()?;
    if let Some(name) = subject.strip_prefix("Submit report `").and_then(|rest| rest.strip_suffix('`')) {
        return Some(submits(name));
    }
    let note = || message.lines().find_map(|line| line.strip_prefix("    note-")).map(|rest| format!("note-{rest}"));
    if subject.starts_with("push-") { Some(subject.to_owned()) } else { note() }
}

/// Looks until `look` finds nothing, or for as long as anything may take.
fn eventually(mut look: impl FnMut() -> Vec<String>) -> Vec<String> {
    let start = std::time::Instant::now();
    loop {
        let found = look();
        if found.is_empty() || start.elapsed() > super::PATIENCE {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20)); // between two looks
    }
}

/// The tip is served, writes are accepted, and the work tree has followed.
fn unsettled(service: &Service<'_>) -> Vec<String> {
    let (tip, ready) = (service.tip(), service.get("/readyz"));
    if ready.status != 200 {
        return vec![format!("not ready: {}", String::from_utf8_lossy(&ready.body))];
    }
    let mirrored = service.place.try_git(&["rev-parse", "-q", "--verify", "refs/golive/mirrored"]).stdout;
    let served = service.get("/api/v1/reports?limit=1").header("golive-commit").to_owned();
    if mirrored.trim() == tip && served == tip {
        Vec::new()
    } else {
        vec![format!("the tip is `{tip}`, served is `{served}`, mirrored is `{}`", mirrored.trim())]
    }
}

/// A hand edit is committed, or it is still there and a problem says why.
fn unexplained(service: &Service<'_>, saved: &[Saved]) -> Vec<String> {
    let place = service.place;
    let is_explained = |Saved { name, mark, is_told }: &&Saved| {
        let committed = place.try_git(&["show", &format!("main:{}", place.report_path(name))]).stdout;
        let is_there = || std::fs::read_to_string(place.report_file(name)).is_ok_and(|text| text.contains(mark));
        let is_problem = || service.problem_at(&place.report_path(name)).is_some();
        committed.contains(START) && (committed.contains(mark) || !is_told && is_there() && is_problem())
    };
    let lost = saved.iter().rev().take(CHECKED).filter(|edit| !is_explained(edit));
    lost.map(|Saved { name, mark, .. }| format!("the edit `{mark}` of {name} is neither committed nor explained"))
        .collect()
}

/// Every file of the work tree is the tip's, byte for byte, unless a person works on it
/// and a problem names it; git's index says so too.
fn strange_files(service: &Service<'_>, is_ours: &dyn Fn(&str) -> bool) -> Vec<String> {
    let place = service.place;
    let problems: Vec<_> = service.problems().iter().filter_map(|it| Some(it["path"].as_str()?.to_owned())).collect();
    let script = "export GIT_INDEX_FILE=.git/witness-index; git read-tree main; git diff --name-only; \
                  rm -f $GIT_INDEX_FILE; unset GIT_INDEX_FILE; git status --porcelain -uall | cut -c4-";
    let told = place.sh_in(place.repo(), script);
    if !told.status.success() {
        return vec![format!("{told:?}")];
    }
    // Of any other file a problem says that somebody saved what nobody did.
    let is_edited = |path: &str| path.contains("/example-edit-") && problems.iter().any(|problem| problem == path);
    let is_strange = |path: &&str| is_ours(path) && !is_edited(path);
    told.stdout.lines().filter(is_strange).map(|path| format!("{NOT_THE_TIPS}{path}")).collect()
}

/// Before the path of such a file.
const NOT_THE_TIPS: &str = "not as the tip has it: ";

/// Adds to a fault of a file what git says of it.
fn described(place: &Place, fault: String) -> String {
    let Some(path) = fault.strip_prefix(NOT_THE_TIPS) else { return fault };
    let script = "git status --porcelain $p; git ls-files -s $p; git log -5 --raw --no-abbrev --format='%h %s' main -- $p; \
                  git diff -U0 main -- $p | tail -n +5; head -c 64 $p | od -c | head -n 3; cat .git/golive/held || :";
    let told = place.sh_in(place.repo(), &format!("p='{path}'; {script}"));
    format!("{fault}: {:.1500}", told.stdout)
}

/// What git and the auditor find in the repository; nothing may run on it.
pub(crate) fn unsound(place: &Place) -> Vec<String> {
    // Git that the service had started may still be at work for a moment.
    eventually(|| unsound_now(place))
}

fn unsound_now(place: &Place) -> Vec<String> {
    let fsck = place.try_git(&["fsck", "--strict", "--no-dangling"]);
    let verify = place.golive(&["verify", "reports-repo"]);
    let found = [("git fsck", fsck), ("golive verify", verify)];
    let wrong = found.iter().filter(|(_, finished)| !finished.status.success());
    wrong.map(|(what, finished)| format!("{what}: {finished:?}")).collect()
}
