//! People beside the API: one who edits files of the work tree, and one who pushes.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::scene::{Contested, Scene, text};
use super::spec::{Answer, Call};
use crate::common::Service;
use crate::common::edits::{ROBIN, TEST, save_by_rename};

/// A push that loses the race is made again, as the README says; beside a few writers
/// the second lands.
const PUSHES_MAX: usize = 25;
/// A refused edit that is not taken back by then is so once more.
const RESTORE_INTERVAL: Duration = Duration::from_secs(1);

/// What a person does to the file of a report: another text, or the other decision.
/// Returns the file, and the call that it stands for.
fn change(file: &str, token: &str, who: &str, has_new_text: bool) -> (String, Call) {
    let end = file.find("\n---\n").expect("a fence") + "\n---\n".len();
    let (head, body) = file.split_at(end);
    let field = |name: &str| {
        let start = head.find(&format!("\n{name}: ")).expect("the field") + name.len() + 3;
        (start, start + head[start..].find('\n').expect("a line"))
    };
    let with = |name: &str, value: &str, head: &str| {
        let line = head.lines().find(|line| line.starts_with(&format!("{name}: "))).expect("the field");
        head.replacen(line, &format!("{name}: {value}"), 1)
    };
    if has_new_text {
        // A decision stands over the text that it was made on; a push must say so.
        return (
            format!("{}{}", with("status", "pending_review", head), text(token)),
            Call::Revise { text: text(token), if_match: None },
        );
    }
    let (start, end) = field("status");
    let status = if &head[start..end] == "approved" { "rejected" } else { "approved" };
    let head = with("review_notes", token, &with("status", status, head));
    let (status, by, notes) = (status.to_owned(), who.to_owned(), token.to_owned());
    (format!("{head}{body}"), Call::Decide { status, by, notes, if_match: None })
}

/// Waits until the report `report` is known to be there.
fn wait_for_id<'a>(service: &Service, report: &'a Contested) -> &'a str {
    service.wait_until("the report is submitted", || report.id.get().is_some());
    report.id.get().expect("just looked")
}

/// Saves `n` changes in the work tree, each when the one before it was taken in, or refused.
pub(super) fn edit(scene: &Scene, mut draw: fastrand::Rng, n: usize) {
    let service = scene.service;
    for _ in 0..n {
        let report = &scene.reports[draw.usize(..scene.reports.len())];
        wait_for_id(service, report);
        let file = service.place.repo().join(&report.path);
        service.wait_until("the file is in the work tree", || file.exists());
        let token = scene.token();
        let read = fs::read_to_string(&file).expect("the report's file");
        let (saved, call) = change(&read, &token, ROBIN, draw.bool());
        scene.record(report, ("hand edit", token.clone()), call, |_| {
            save_by_rename(&file, &saved);
            let commit = taken_in(scene, report, &token)?;
            Some((Answer::Made { view: scene.view_at(report, &commit), commit }, None))
        });
    }
}

/// Waits until an edit is committed and shown, or explained; takes what was refused out again.
fn taken_in(scene: &Scene, report: &Contested, token: &str) -> Option<String> {
    let service = scene.service;
    let id = report.id.get().expect("a report with a file");
    let (mut commit, mut is_refused) = (None, false);
    service.wait_until(&format!("the edit {token} of {} is committed or explained", report.path), || {
        commit = scene.commit_of(report, token).filter(|commit| {
            let history = service.history(id);
            history.iter().any(|item| item["commit"] == **commit)
        });
        is_refused = service.problem_at(&report.path).is_some();
        commit.is_some() || is_refused
    });
    if commit.is_none() {
        let restore = format!("git restore --source=HEAD -- {}", report.path);
        // Not all the time: while a person's git is at work, the service keeps its hands off.
        let mut restored: Option<Instant> = None;
        service.wait_until("the refused edit is taken back", || {
            if restored.is_none_or(|at| at.elapsed() > RESTORE_INTERVAL)
                && service.place.sh_in(service.place.repo(), &restore).status.success()
            {
                restored = Some(Instant::now());
            }
            restored.is_some() && service.problem_at(&report.path).is_none()
        });
        // A save can have been taken in between two looks.
        commit = scene.commit_of(report, token);
    }
    commit
}

/// Pushes `n` commits over HTTP, from a clone of its own.
pub(super) fn push(scene: &Scene, mut draw: fastrand::Rng, n: usize) {
    let (service, place) = (scene.service, scene.service.place);
    let clone = place.path().join("clone");
    for _ in 0..n {
        // One whose push was cut off is left with git's locks in it.
        if !clone.exists() {
            let cloned = place.sh("", &format!("git clone -q -c gc.auto=0 {}/reports.git clone", service.base));
            assert!(cloned.status.success(), "{cloned:?}");
        }
        let report = &scene.reports[draw.usize(..scene.reports.len())];
        wait_for_id(service, report);
        let is_cut_off = draw.u8(..4) == 0;
        let (has_new_text, patience) = (draw.bool(), Duration::from_millis(draw.u64(..60)));
        for attempt in 1.. {
            assert!(attempt <= PUSHES_MAX, "a push was lost {PUSHES_MAX} times");
            let fetched = place.sh("clone", "git fetch -q && git reset -q --hard origin/main");
            assert!(fetched.status.success(), "{fetched:?}");
            let token = scene.token();
            let file = clone.join(&report.path);
            let (pushed, call) = change(&fs::read_to_string(&file).expect("its file"), &token, TEST, has_new_text);
            fs::write(&file, pushed).expect("written");
            assert!(place.sh("clone", "git commit -q -a -m 'Commit aside'").status.success());
            if is_cut_off {
                scene.record(report, ("push, cut off", token), call, |_| {
                    push_for(scene, patience);
                    None
                });
                fs::remove_dir_all(&clone).expect("removed");
                break;
            }
            let mut landed = false;
            scene.record(report, ("push", token), call, |_| {
                let finished = place.sh("clone", "git push -q");
                landed = finished.status.success();
                let told = &finished.stderr;
                assert!(landed || !told.contains("golive: nothing of this push") || told.contains("pull"), "{told}");
                let commit = place.sh("clone", "git rev-parse HEAD").stdout.trim().to_owned();
                landed.then(|| (Answer::Made { view: scene.view_at(report, &commit), commit }, None))
            });
            if landed {
                break;
            }
        }
    }
}

/// Pushes, and is gone after `patience`.
fn push_for(scene: &Scene, patience: Duration) {
    let mut git = scene.service.place.command("git");
    git.args(["push", "-q"]).current_dir(scene.service.place.path().join("clone")).stderr(Stdio::null());
    let mut git = git.spawn().expect("git can be run");
    let start = Instant::now();
    while start.elapsed() < patience && git.try_wait().expect("a child").is_none() {
        std::thread::sleep(Duration::from_millis(1)); // between two looks
    }
    let _ = git.kill();
    git.wait().expect("a child");
}
