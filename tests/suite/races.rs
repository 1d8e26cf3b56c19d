//! People and the API at the same files at the same time, over and over. What
//! was acknowledged stays, and what a person wrote counts or is told.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::edits::{place_of_robin, restarted_the_same, save_by_rename};
use crate::common::{Place, Service, decision};
use serde_json::{Value, json};

/// How long each loop goes on.
const LOOP: Duration = Duration::from_secs(6);
const N_REPORTS: usize = 8;

fn served(place: &Place) -> (Service<'_>, Vec<String>) {
    let service = place.serve();
    let ids = (0..N_REPORTS).map(|n| service.submit(&format!("mcp-{n}"))).collect();
    service.wait_until_settled();
    service.wait_until_clean();
    (service, ids)
}

/// What the API acknowledged last, by report: status and notes.
type Acknowledged = HashMap<String, (String, String)>;

/// Decides over the API for [`LOOP`] while `person` acts; submits now and then.
/// Returns what was acknowledged, and of how many decisions.
fn while_the_api_writes(service: &Service, ids: &[String], person: impl Fn(usize) + Sync) -> (Acknowledged, usize) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !is_over.load(Ordering::Relaxed) {
                person(n);
                n += 1;
            }
            assert!(n > 0, "the person never came to act");
        });
        let (mut last, mut n, mut n_refused, start) = (Acknowledged::new(), 0, 0, Instant::now());
        while start.elapsed() < LOOP {
            let (id, notes) = (&ids[n % ids.len()], format!("Note {n}"));
            let status = ["approved", "rejected"][(n / ids.len()) % 2];
            let answer = service.patch(id, &decision(status, &notes));
            if answer.status == 200 {
                last.insert(id.clone(), (status.to_owned(), notes));
            } else {
                // The branch may be locked by a `git commit` for longer than a request waits.
                assert_eq!(answer.status, 503, "{answer:?}");
                n_refused += 1;
            }
            if n % 10 == 0 {
                let answer = service.post(&crate::common::submission(&format!("mcp-more-{n}")));
                if answer.status == 201 {
                    let id = answer.json()["id"].as_str().expect("an id").to_owned();
                    last.insert(id, ("pending_review".to_owned(), String::new()));
                }
            }
            n += 1;
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(last.len() >= ids.len(), "every report was decided");
        (last, n - n_refused)
    })
}

/// Everything acknowledged is what is answered and what the tip's files say,
/// now and after a restart.
fn assert_nothing_was_undone(service: Service<'_>, last: &Acknowledged) {
    let differs = |service: &Service| {
        last.iter().find_map(|(id, (status, notes))| {
            let answer = service.get(&format!("/api/v1/reports/{id}"));
            let report = (answer.status == 200).then(|| answer.json())?;
            let served = (&report["status"], report["review_notes"].as_str().unwrap_or_default());
            let file = service.place.try_git(&["show", &format!("main:{}", path_of(service.place, &report))]).stdout;
            let is_so = served == (&json!(status), notes) && file.contains(&format!("\nstatus: {status}\n"));
            (!is_so).then(|| format!("acknowledged {status} {notes}, served {report}, at the tip {file}"))
        })
    };
    service.wait_until_settled();
    // What a commit undid is restored right after it, so give that its moment.
    let start = Instant::now();
    while let Some(told) = differs(&service) {
        assert!(
            start.elapsed() < crate::common::PATIENCE,
            "{told}\n{}",
            service.git(&["log", "--oneline", "-20", "main"])
        );
        std::thread::sleep(Duration::from_millis(20)); // between two looks
    }
    for id in last.keys() {
        assert_eq!(service.get(&format!("/api/v1/reports/{id}")).status, 200, "{id}");
    }
    assert_eq!(service.problems(), Vec::<Value>::new());
    let service = restarted_the_same(service);
    assert_eq!(differs(&service), None);
    service.assert_record_is_whole(last.len());
}

fn path_of(place: &Place, report: &Value) -> String {
    place.report_path(report["server_name"].as_str().expect("a name"))
}

/// Sets the address in the report's file, in no more time than a rename takes.
fn set_email(place: &Place, name: &str, email: &str) {
    let file = place.report_file(name);
    let text = fs::read_to_string(&file).expect("a file");
    let old = text.lines().find(|line| line.starts_with("developer_email: ")).expect("a line").to_owned();
    save_by_rename(&file, text.replace(&old, &format!("developer_email: {email}")));
}

/// Runs git as people do: if another one is in the way, they try again.
fn try_until_it_works(place: &Place, args: &[&str]) -> bool {
    for _ in 0..200 {
        let finished = place.try_git(args);
        if finished.status.success() {
            return true;
        }
        let told = format!("{}{}", finished.stdout, finished.stderr);
        // Nothing to commit: git says how it stands, with what is staged of other files.
        if finished.stdout.starts_with("On branch ") {
            return false;
        }
        // The last two: git saw the file in the moment when the mirror exchanged it.
        let passing = [".lock", "cannot lock ref", "short read while indexing", "unable to index file"];
        assert!(passing.iter().any(|words| told.contains(words)), "git {args:?}: {told}");
    }
    false
}

#[test]
fn plain_commits_of_one_file_undo_no_acknowledged_write() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let n_committed = AtomicUsize::new(0);
    let (last, n) = while_the_api_writes(&service, &ids, |n| {
        let name = format!("note-{n}.md");
        fs::write(place.repo().join(&name), "Mine\n").expect("written");
        if try_until_it_works(&place, &["add", &name]) && try_until_it_works(&place, &["commit", "-q", "-m", "Note"]) {
            n_committed.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!("{n} decisions beside {} commits", n_committed.load(Ordering::Relaxed));
    assert!(n_committed.load(Ordering::Relaxed) > 0);
    assert_nothing_was_undone(service, &last);
    let notes = place.git(&["ls-tree", "--name-only", "main"]);
    assert!(notes.lines().filter(|name| name.starts_with("note-")).count() >= n_committed.load(Ordering::Relaxed));
}

#[test]
fn commits_of_all_that_changed_undo_no_acknowledged_write() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let (last, n) = while_the_api_writes(&service, &ids, |n| {
        fs::write(place.repo().join("README.md"), format!("Words {n}\n")).expect("written");
        try_until_it_works(&place, &["commit", "-q", "-a", "-m", "Say more"]);
    });
    println!("{n} decisions");
    assert_nothing_was_undone(service, &last);
}

#[test]
fn staged_files_beside_the_mirror_stay_staged() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let n_staged = AtomicUsize::new(0);
    let (last, n) = while_the_api_writes(&service, &ids, |n| {
        let name = format!("note-{n}.md");
        fs::write(place.repo().join(&name), "Mine\n").expect("written");
        assert!(try_until_it_works(&place, &["add", &name]), "{name}");
        n_staged.store(n + 1, Ordering::Relaxed);
    });
    let n_staged = n_staged.load(Ordering::Relaxed);
    println!("{n} decisions beside {n_staged} staged files");
    let mut staged: Vec<_> = (0..n_staged).map(|n| format!("A  note-{n}.md\n")).collect();
    staged.sort();
    service.wait_until("only the notes are staged", || place.git(&["status", "--porcelain"]) == staged.concat());
    assert_nothing_was_undone(service, &last);
}

#[test]
fn edits_of_other_fields_and_decisions_over_the_api_both_survive() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let (start, mut n) = (Instant::now(), 0);
    while start.elapsed() < LOOP {
        let (name, id) = (format!("mcp-{}", n % N_REPORTS), &ids[n % N_REPORTS]);
        let (email, notes) = (format!("kim{n}@example.com"), format!("Note {n}"));
        let status = ["approved", "rejected"][(n / N_REPORTS) % 2];
        let answer = std::thread::scope(|scope| {
            let person = scope.spawn(|| {
                // Some edits come before the decision, some after it, some beside it.
                std::thread::sleep(Duration::from_millis((n % 5) as u64 * 2));
                set_email(&place, &name, &email);
            });
            let answer = service.patch(id, &decision(status, &notes));
            person.join().expect("no panic");
            answer
        });
        assert_eq!(answer.status, 200, "{answer:?}");
        let report = service.wait_for_email(id, &email);
        assert_eq!((&report["status"], &report["review_notes"]), (&json!(status), &json!(notes)), "{n}: {report}");
        service.wait_until_settled();
        service.wait_until_clean();
        n += 1;
    }
    println!("{n} edits beside decisions");
    service.assert_record_is_whole(N_REPORTS);
    restarted_the_same(service);
}

#[test]
fn decisions_in_one_moment_leave_no_acknowledged_one_out_of_history() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let file = |n: usize| place.report_file(&format!("mcp-{n}"));
    let texts: Vec<_> = (0..N_REPORTS).map(|n| fs::read_to_string(file(n)).expect("a file")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (n, text) in texts.iter().enumerate() {
                save_by_rename(&file(n), text.replace("status: pending_review", "status: rejected"));
            }
        });
        for id in &ids {
            let answer = service.patch(id, &decision("approved", "Fine"));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
    for (n, id) in ids.iter().enumerate() {
        let path = place.report_path(&format!("mcp-{n}"));
        let has = |event: &str| service.history(id).iter().any(|item| item["event"] == event);
        service.wait_until("both are heard", || has("reject") || service.problem_at(&path).is_some());
        assert!(has("approve"), "{:?}", service.history(id));
    }
    service.wait_until_settled();
    let told = service.problems();
    println!("{} of {N_REPORTS} edits came second and were told", told.len());
    assert!(told.iter().all(|problem| problem["rule"] == "both-changed"), "{told:?}");
    restarted_the_same(service);
}

#[test]
fn commits_of_a_report_beside_decisions_over_the_api_are_all_in_history() {
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let n_committed = AtomicUsize::new(0);
    let (last, n) = while_the_api_writes(&service, &ids[1..], |n| {
        set_email(&place, "mcp-0", &format!("kim{n}@example.com"));
        let path = place.report_path("mcp-0");
        if try_until_it_works(&place, &["commit", "-q", "-m", "By hand", "--", &path]) {
            n_committed.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!("{n} decisions beside {} commits of a report", n_committed.load(Ordering::Relaxed));
    service.wait_until_settled();
    let said = service.report(&ids[0])["developer_email"].as_str().expect("text").to_owned();
    assert!(place.committed_report("mcp-0").contains(&said));
    let mut last = last;
    last.insert(ids[0].clone(), ("pending_review".to_owned(), String::new()));
    assert_nothing_was_undone(service, &last);
}

#[test]
fn edits_beside_a_service_that_writes_all_the_time_are_served_soon() {
    const EDITS: usize = 9;
    let place = place_of_robin();
    let (service, ids) = served(&place);
    let mine: Vec<_> =
        (0..EDITS).map(|n| (format!("mcp-mine-{n}"), service.submit(&format!("mcp-mine-{n}")))).collect();
    service.wait_until_settled();
    service.wait_until_clean();
    let took = std::sync::Mutex::new(Vec::new());
    let (mut last, _) = while_the_api_writes(&service, &ids, |n| {
        let Some((name, id)) = mine.get(n) else { return std::thread::yield_now() };
        place.edit(name, crate::common::edits::APPROVE);
        let start = Instant::now();
        service.wait_for_status(id, "approved");
        took.lock().expect("no panic").push(start.elapsed());
    });
    let mut took = took.into_inner().expect("no panic");
    took.sort();
    // Half a second of it is waiting for the file to be at rest; the rest is a slow machine's.
    assert!(took.len() > EDITS / 2 && took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
    for (n, (_, id)) in mine.into_iter().enumerate() {
        let status = if n < took.len() { "approved" } else { "pending_review" };
        last.insert(id, (status.to_owned(), String::new()));
    }
    assert_nothing_was_undone(service, &last);
}
