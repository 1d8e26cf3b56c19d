//! What `golive init`, `golive path`, `golive --help` and the start of
//! `golive serve` do, and what they refuse.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{BINARY, Finished, Place, submission};

/// The names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn is_whole(place: &Place) {
    assert_eq!(place.git(&["log", "--format=%s", "main"]), "Start the reports repository\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    let fsck = place.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert!(fsck.status.success(), "{fsck:?}");
}

#[test]
fn init_creates_a_clean_repository_with_one_commit() {
    let place = Place::new();
    let finished = place.golive(&["init", "reports-repo"]);
    assert!(finished.status.success(), "{finished:?}");
    assert!(finished.stdout.contains("golive serve --repo reports-repo"), "{finished:?}");
    is_whole(&place);
    assert_eq!(
        place.git(&["ls-tree", "--name-only", "main"]),
        ".gitattributes\nEXAMPLE.md\nREADME.md\nTEMPLATE.md\ngolive.yaml\n"
    );
    assert_eq!(
        names_in(&place.repo()),
        [".git", ".gitattributes", "EXAMPLE.md", "README.md", "TEMPLATE.md", "golive.yaml"]
    );
    assert!(place.git(&["show", "main:golive.yaml"]).contains("golive: 1\n"));
    assert_eq!(place.git(&["symbolic-ref", "HEAD"]), "refs/heads/main\n");
    for (name, value) in [("golive.branch", "main"), ("gc.auto", "0"), ("core.autocrlf", "false")] {
        assert_eq!(place.git(&["config", "--local", name]).trim(), value, "{name}");
    }
}

#[test]
fn init_takes_an_empty_folder_however_it_is_named() {
    for (folder, name) in
        [("reports-repo", "reports-repo"), ("reports-repo", "./reports-repo/"), ("reports-repo/x", "reports-repo")]
    {
        let place = Place::new();
        let is_free = folder == "reports-repo";
        fs::create_dir_all(place.path().join(folder)).expect("a folder");
        let finished = place.golive(&["init", name]);
        assert_eq!(finished.status.success(), is_free, "{name}: {finished:?}");
    }
    let place = Place::new();
    assert!(place.golive(&["init", "new/folders/reports"]).status.success());
    assert!(place.path().join("new/folders/reports/.git").is_dir());
}

#[test]
fn init_takes_the_empty_folder_that_it_is_called_in() {
    let place = Place::new();
    fs::create_dir(place.repo()).expect("a folder");
    let finished = Finished::of(place.command(BINARY).args(["init", "."]).current_dir(place.repo()));
    assert!(finished.status.success(), "{finished:?}");
    is_whole(&place);
}

#[test]
fn init_refuses_a_folder_that_is_not_empty_and_changes_nothing() {
    let place = Place::new();
    fs::create_dir(place.repo()).expect("a folder");
    fs::write(place.repo().join("notes.txt"), "mine").expect("a file");
    place.golive(&["init", "reports-repo"]).assert_refused(&["/reports-repo`", "not empty", "name a new folder"]);
    place.golive(&["init", "reports-repo/notes.txt"]).assert_refused(&["/reports-repo/notes.txt`"]);
    assert_eq!(names_in(&place.repo()), ["notes.txt"]);
    assert_eq!(fs::read(place.repo().join("notes.txt")).expect("a file"), b"mine");
    assert_eq!(names_in(place.path()), ["reports-repo"]);
}

#[test]
fn path_prints_one_path_for_all_spellings_of_a_repository() {
    let place = Place::new();
    for url in [
        "https://github.com/Intility/mcp-servicenow",
        "https://GitHub.com/intility/MCP-servicenow.git/",
        "ssh://git@github.com:22/intility/mcp-servicenow",
        "git@github.com:intility/mcp-servicenow.git",
    ] {
        let finished = place.golive(&["path", url]);
        assert!(finished.status.success(), "{finished:?}");
        assert_eq!(finished.stdout, "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md\n", "{url}");
    }
    place.golive(&["path", "https://me:secret@github.com/a/b"]).assert_refused(&["password", "remove"]);
    place.golive(&["path", "not a url"]).assert_refused(&["`not a url`"]);
}

#[test]
fn path_is_where_the_report_is_stored() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-path");
    let path = place.golive(&["path", "https://github.com/example/mcp-path"]).stdout;
    assert!(place.git(&["show", &format!("main:{}", path.trim_end())]).contains("server_name: "));
}

#[test]
fn help_names_every_flag_and_variable() {
    let place = Place::new();
    let help = place.golive(&["--help"]);
    assert!(help.status.success());
    for command in ["serve", "init", "path"] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
    }
    let help = place.golive(&["serve", "--help"]);
    assert!(help.status.success());
    for (flag, variable) in [
        ("--listen", "GOLIVE_LISTEN"),
        ("--repo", "GOLIVE_REPO"),
        ("--allowed-host", "GOLIVE_ALLOWED_HOSTS"),
        ("--body-limit-bytes", "GOLIVE_BODY_LIMIT_BYTES"),
        ("--log-format", "GOLIVE_LOG_FORMAT"),
        ("--log", "GOLIVE_LOG"),
    ] {
        assert!(help.stdout.contains(&format!("{flag} <")), "no {flag}: {}", help.stdout);
        assert!(help.stdout.contains(&format!("[env: {variable}=]")), "no {variable}: {}", help.stdout);
    }
    // A flag that is added comes with its variable.
    assert_eq!(help.stdout.matches("\n      --").count(), help.stdout.matches("[env: ").count());
    assert!(help.stdout.contains("127.0.0.1:8080") && help.stdout.contains("./data/reports"));
    for command in ["init", "path"] {
        assert!(place.golive(&[command, "--help"]).stdout.contains("Usage: golive"));
    }
}

#[test]
fn settings_come_from_the_environment_and_flags_win() {
    let place = Place::new();
    let command = || {
        let mut command = place.command(BINARY);
        command
            .arg("serve")
            .env("GOLIVE_LISTEN", "127.0.0.1:0")
            .env("GOLIVE_REPO", place.repo())
            .env("GOLIVE_LOG_FORMAT", "json")
            .env("GOLIVE_LOG", "debug")
            .env("GOLIVE_ALLOWED_HOSTS", "one.example,two.example")
            .env("GOLIVE_BODY_LIMIT_BYTES", "10");
        command
    };
    let service = place.start(&mut command()).expect("a start");
    assert!(place.repo().join(".git").is_dir());
    for (host, status) in [("one.example", 200), ("two.example:1", 200), ("localhost", 200), ("three.example", 421)] {
        assert_eq!(service.send("GET", "/api/v1/reports", &[("host", host)], []).status, status, "{host}");
    }
    assert!(matches!(service.post(&submission("too-long")).status, 413 | 422));
    service.wait_until("requests are logged", || service.log().contains("\"level\":\"DEBUG\""));
    service.stop();

    let service = place.start(command().args(["--body-limit-bytes", "1000", "--log", "info"])).expect("a start");
    service.submit("short-enough");
    assert!(!service.log().contains("\"level\":\"DEBUG\""));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let place = Place::new();
    for (args, word) in [
        (["--listen", "nonsense"], "--listen"),
        (["--body-limit-bytes", "0"], "--body-limit-bytes"),
        (["--body-limit-bytes", "many"], "--body-limit-bytes"),
        (["--log-format", "xml"], "--log-format"),
        (["--log", "golive=nonsense"], "--log"),
        (["--no-such-flag", "1"], "--no-such-flag"),
    ] {
        let finished = place.try_serve_with(&args).err().unwrap_or_else(|| panic!("{args:?} was taken"));
        assert!(!finished.status.success() && finished.stderr.contains(word), "{args:?}: {finished:?}");
    }
    assert!(!place.repo().exists());
}

#[test]
fn serve_creates_a_missing_repository_and_opens_it_again() {
    let place = Place::new();
    let service = place.serve();
    is_whole(&place);
    let id = service.submit("mcp-one");
    service.wait_until_assessed();
    let list = service.get("/api/v1/reports").body;
    service.stop();
    let service = place.serve();
    service.wait_until_assessed();
    assert_eq!(service.get("/api/v1/reports").body, list);
    assert_eq!(service.get(&format!("/api/v1/reports/{id}")).status, 200);
    assert_eq!(service.commits().len(), 2);
}

#[test]
fn a_clone_is_served_like_its_original() {
    let place = Place::new();
    let original = place.serve();
    let id = original.submit("mcp-one");
    let clone = Place::new();
    let cloned = Finished::of(clone.command("git").args(["clone", "-q"]).arg(place.repo()).arg(clone.repo()));
    assert!(cloned.status.success(), "{cloned:?}");
    let service = clone.serve();
    let path = format!("/api/v1/reports/{id}");
    assert_eq!(service.get(&path).body, original.get(&path).body);
    service.submit("mcp-two");
    service.wait_until_clean();
    assert_eq!(service.git(&["rev-list", "--count", "origin/main..main"]), "1\n");
    assert_eq!(original.get("/api/v1/reports").header("x-total-count"), "1");
}

#[test]
fn a_creation_that_was_cut_off_anywhere_does_not_stop_the_next() {
    let place = Place::new();
    let mut n_cut_off = 0;
    for round in 0..12 {
        let mut child = place
            .command(BINARY)
            .args(["init", "reports-repo"])
            .current_dir(place.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("golive can be started");
        std::thread::sleep(Duration::from_millis(4 * round)); // the moment of the cut
        child.kill().and_then(|()| child.wait()).expect("a child");
        let is_created = place.repo().join(".git").exists();
        if !is_created {
            n_cut_off += 1;
            assert!(place.golive(&["init", "reports-repo"]).status.success(), "round {round}");
        }
        is_whole(&place);
        assert_eq!(names_in(place.path()), ["reports-repo"], "round {round}");
        fs::remove_dir_all(place.repo()).expect("removed");
    }
    assert!(n_cut_off > 0);
}

#[test]
fn of_several_that_create_one_repository_at_once_one_succeeds() {
    for round in 0..10 {
        let place = Place::new();
        let spawn = || {
            let mut init = place.command(BINARY);
            init.args(["init", "reports-repo"]).current_dir(place.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
            init.spawn().expect("golive can be started")
        };
        let all: Vec<_> = (0..3).map(|_| spawn()).collect();
        let all = all.into_iter().map(|child| child.wait_with_output().expect("a child")).collect::<Vec<_>>();
        assert_eq!(all.iter().filter(|output| output.status.success()).count(), 1, "round {round}: {all:?}");
        is_whole(&place);
    }
}

#[test]
fn serve_starts_over_the_remains_of_a_creation() {
    let place = Place::new();
    let remains = place.repo().join(".golive-new-4194305/.git/objects");
    fs::create_dir_all(&remains).expect("a folder");
    fs::write(remains.join("half"), "").expect("a file");
    fs::write(place.repo().join("golive.yaml"), include_str!("../../reports-repo-template/golive.yaml"))
        .expect("a file");
    place.serve().submit("mcp-one");
    assert!(!remains.exists());
}

#[test]
fn another_branch_than_main_can_be_the_one() {
    for branch in ["trunk", "golive/live"] {
        let place = Place::new();
        assert!(place.golive(&["init", "reports-repo"]).status.success());
        place.git(&["branch", "-m", branch]);
        place.git(&["config", "golive.branch", branch]);
        let service = place.serve();
        let answer = service.post(&submission("mcp-one"));
        assert_eq!(answer.status, 201);
        assert_eq!(place.git(&["rev-parse", branch]).trim(), answer.header("golive-commit"));
        service.wait_until_clean();
        assert!(!place.try_git(&["rev-parse", "--verify", "-q", "main"]).status.success());
        place.git(&["switch", "-q", "-c", "other"]);
        let problem = service.post(&submission("mcp-two")).problem(503);
        assert!(problem["detail"].as_str().expect("text").contains(&format!("git switch {branch}")), "{problem}");
    }
}
