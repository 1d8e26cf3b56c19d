//! Attack: a reports repository that was damaged, or made to do harm. A start either
//! works or says in a sentence what to repair; nothing crashes, hangs, reads without
//! bounds, follows a link out, or runs what somebody configured.

#![expect(clippy::print_stderr, reason = "tells how many cases there were, or why there were none")]

mod cases;
mod devices;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use crate::common::attack::size;
use crate::common::{BINARY, Finished, Place, Service, decision, submission};
use cases::{CASES, Case, Expected, LARGE};
use devices::Opened;

const REPORTS: [&str; 3] = ["mcp-a", "mcp-b", "mcp-c"];
/// What a start may take, however much there is to look at.
const START_MAX: &str = "60";

/// A repository with a history, whose objects are in one pack, and a folder
/// `outside` that is nobody's business.
fn template() -> Place {
    let place = crate::common::edits::place_of_robin();
    let service = place.serve();
    let ids = REPORTS.map(|name| service.submit(name));
    assert_eq!(service.patch(&ids[0], &decision("approved", "Fine")).status, 200);
    service.wait_until_clean();
    service.stop();
    // What was saved would do without the objects.
    fs::remove_file(place.repo().join(".git/golive/snapshot")).expect("a saved state");
    place.git(&["repack", "-adq"]);
    fs::create_dir(place.path().join("outside")).expect("a folder");
    fs::write(place.path().join("outside/file"), "theirs\n").expect("a file");
    place
}

/// What is in `outside`, by name: bytes, or where a link leads.
fn outside(place: &Place) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(place.path().join("outside")).expect("a folder").map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.map(|file| (file.clone(), fs::read(&file).unwrap_or_default())).collect();
    files.sort();
    files
}

/// Starts the service; one that hangs is ended, and its end is no refusal.
fn try_serve(place: &Place) -> Result<Service<'_>, Finished> {
    let mut command = place.command("timeout");
    command.args([
        "-s",
        "KILL",
        START_MAX,
        "setpriv",
        "--pdeathsig",
        "KILL",
        BINARY,
        "serve",
        "--listen",
        "127.0.0.1:0",
    ]);
    place.start(command.args(["--log-format", "json", "--repo"]).arg(place.repo()))
}

/// Asserts that the service does all it can: what it cannot is a problem document.
fn assert_serves(service: &Service, name: &str, n_reports: usize) {
    let list = service.get("/api/v1/reports");
    assert_eq!(list.status, 200, "{name}");
    let list = list.json();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), n_reports, "{name}\n{}", service.log());
    for report in list {
        let id = report["id"].as_str().expect("an id");
        for path in ["", "/history", "/diff", "/revisions/1", "/assessment"] {
            let answer = service.get(&format!("/api/v1/reports/{id}{path}"));
            if answer.status != 200 {
                answer.problem(503);
            }
        }
    }
}

/// Memory of the service at its largest, in bytes.
fn memory_max(service: &Service) -> u64 {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", service.pid())).expect("a process");
    let pid = children.split_whitespace().next().expect("the service");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// `prelude` says what the case's script can use.
fn try_case(case: &Case, template: &Place, prelude: &str) {
    let place = Place::new();
    assert!(place.sh("", &format!("cp -a '{}'/. .", template.path().display())).status.success());
    let size = size(1, LARGE).to_string();
    let script = format!("{prelude}\n{}", case.script);
    let prepared = place.command("sh").args(["-ec", &script, "sh", &size]).current_dir(place.repo()).output();
    let prepared = prepared.expect("sh");
    let name = case.name;
    assert!(prepared.status.success(), "{name}: {}", String::from_utf8_lossy(&prepared.stderr));
    let (before, tip) = (outside(&place), place.try_git(&["rev-parse", "main"]).stdout);
    let opened = Opened::watch(&place);
    let start = Instant::now();
    match (try_serve(&place), &case.expected) {
        (Err(finished), Expected::Refused(words)) => {
            let message = finished.stderr.lines().last().unwrap_or_default();
            assert_eq!(finished.status.code(), Some(1), "{name}: {finished:?}");
            assert!(message.starts_with("golive: "), "{name}: {finished:?}");
            for word in *words {
                assert!(message.contains(word), "{name}: no `{word}` in: {message}");
            }
            assert!(!finished.stderr.contains("panicked"), "{name}: {finished:?}");
            assert_eq!(place.try_git(&["rev-parse", "main"]).stdout, tip, "{name}");
        }
        (Ok(service), Expected::Works(n_reports)) => {
            assert_serves(&service, name, *n_reports);
            let answer = service.post(&submission("mcp-new"));
            assert_eq!(answer.status, 201, "{name}: {answer:?}\n{}", service.log());
            // And while it runs: the files are compared with a tip that moved.
            service.wait_until("the new report is in the work tree", || {
                place.report_file("mcp-new").exists()
                    || fs::symlink_metadata(place.repo().join("reports")).is_ok_and(|found| !found.is_dir())
            });
            assert_serves(&service, name, *n_reports + 1);
            let memory = memory_max(&service);
            assert!(memory < 160 << 20, "{name}: {} MiB\n{}", memory >> 20, service.log());
            let (status, _, log) = service.stop_with("TERM");
            assert!(status.success() && !log.contains("panicked"), "{name}: {status}\n{log}");
        }
        (Err(finished), Expected::Works(_)) => panic!("{name} is not served: {finished:?}"),
        (Ok(service), Expected::Refused(words)) => {
            panic!("{name} is served, not refused with {words:?}\n{}", service.log())
        }
    }
    assert_eq!(outside(&place), before, "{name}: something outside was touched");
    assert_eq!(opened.paths(), Vec::<PathBuf>::new(), "{name}: opened");
    eprintln!("{name}: {:.1} s", start.elapsed().as_secs_f32());
    // Whatever a person could not delete by hand, the temporary folder's end could not either.
    let _ = place.sh("", "chmod -R u+rwX . 2>/dev/null || :");
}

/// Commits `planted.md` at the path that `parts` make, which no `git add` would.
fn plant(place: &Place, parts: &[&str]) {
    let script = r#"
        tree=$(printf '100644 blob %s\tplanted.md\n' $(echo planted | git hash-object -w --stdin) | git mktree)
        top=$1; shift
        for part; do tree=$(printf '040000 tree %s\t%s\n' $tree "$part" | git mktree); done
        if [ $top = reports ]; then
            tree=$({ git ls-tree main:reports; printf '040000 tree %s\t..\n' $tree; } | git mktree)
        fi
        tree=$({ git ls-tree main | grep -v "	$top\$"; printf '040000 tree %s\t%s\n' $tree "$top"; } | git mktree)
        git update-ref -m commit refs/heads/main $(git commit-tree -m x -p main $tree)
    "#;
    let planted = place.command("sh").args(["-ec", script, "sh"]).args(parts).current_dir(place.repo()).output();
    let planted = planted.expect("sh");
    assert!(planted.status.success(), "{planted:?}");
}

/// A commit can name paths that no work tree has: git itself would not check them out.
#[test]
fn paths_that_lead_out_are_never_written() {
    // The innermost folder comes last but one, the outermost first.
    let all: [(&[&str], &str); 5] = [
        (&["..", "outside"], "../outside"),
        (&["guide", "outside", "..", ".."], "../outside"),
        (&["reports", "outside", ".."], "../outside"),
        (&[".git", "hooks"], ".git/hooks"),
        (&["docs", ".git"], "docs/.git"),
    ];
    let template = template();
    for (parts, folder) in all {
        let place = Place::new();
        assert!(place.sh("", &format!("cp -a '{}'/. .", template.path().display())).status.success());
        let before = outside(&place);
        let assert_clean = |when: &str| {
            assert_eq!(outside(&place), before, "{parts:?} {when}");
            assert!(!place.repo().join(folder).join("planted.md").exists(), "{parts:?} {when}");
        };
        let service = place.serve();
        plant(&place, parts);
        service.wait_until_mirrored();
        assert_clean("while it runs");
        assert_serves(&service, "planted", 3);
        service.submit("mcp-new");
        service.wait_until("the new report is there", || place.report_file("mcp-new").exists());
        service.stop();
        fs::remove_file(place.repo().join(".git/refs/golive/mirrored")).expect("there");
        plant(&place, parts);
        let service = place.serve();
        service.wait_until_mirrored();
        assert_clean("at a start");
        assert_serves(&service, "planted", 4);
        let log = service.log();
        assert!(!log.contains("panicked"), "{parts:?}: {log}");
    }
}

fn try_share(share: usize) {
    let template = template();
    let cases: Vec<_> = CASES.iter().skip(share).step_by(2).collect();
    let failed: Vec<_> =
        cases.iter().filter(|case| catch_unwind(AssertUnwindSafe(|| try_case(case, &template, ""))).is_err()).collect();
    let failed: Vec<_> = failed.iter().map(|case| case.name).collect();
    assert!(failed.is_empty(), "{failed:?}");
    eprintln!("hostile-repository: {} repositories", cases.len());
}

#[test]
fn devices_and_sockets_are_never_opened() {
    let template = template();
    let mut n_cases = 0;
    for (n, (kind, prelude)) in devices::KINDS.iter().enumerate() {
        let made = template.sh("", &format!("{prelude}\nnode probe; rm probe"));
        if !made.status.success() {
            eprintln!("hostile-repository: skipped: no {kind} can be made here: {}", made.stderr.trim());
            continue;
        }
        // In the suite all for the first kind, and of the others each a part.
        let every = size(if n == 0 { 1 } else { 3 }, 1);
        for case in devices::CASES.iter().skip(n % every).step_by(every) {
            eprintln!("{kind}:");
            try_case(case, &template, prelude);
            n_cases += 1;
        }
    }
    eprintln!("hostile-repository: {n_cases} repositories with nodes");
}

#[test]
fn a_hostile_repository_is_served_or_refused_in_a_sentence() {
    try_share(0);
}

#[test]
fn a_damaged_repository_is_served_or_refused_in_a_sentence() {
    try_share(1);
}
