//! What `golive serve` refuses to serve, each with a sentence that says what to do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::common::Place;

/// The names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// A repository at `place` with one commit that holds `golive_yaml`.
fn foreign_repository(place: &Place, golive_yaml: &str) {
    fs::create_dir(place.repo()).expect("a folder");
    place.git(&["init", "-q", "-b", "main"]);
    fs::write(place.repo().join("golive.yaml"), golive_yaml).expect("a file");
    place.git(&["add", "."]);
    place.git(&["commit", "-q", "-m", "First"]);
}

#[test]
fn serve_refuses_what_is_no_golive_repository_and_says_what_to_do() {
    type Prepare = fn(&Place);
    let cases: [(&str, Prepare, &[&str]); 7] = [
        (
            "a folder",
            |place| {
                fs::create_dir(place.repo()).expect("a folder");
                fs::write(place.repo().join("notes.txt"), "").expect("a file");
            },
            &["not a git repository", "name a new folder"],
        ),
        ("a file", |place| fs::write(place.repo(), "").expect("a file"), &["name a new folder"]),
        (
            "without commits",
            |place| {
                fs::create_dir(place.repo()).expect("a folder");
                place.git(&["init", "-q"]);
            },
            &["branch `main`", "golive.branch"],
        ),
        ("other format", |place| foreign_repository(place, "golive: 2\n"), &["golive: 2", "install a newer golive"]),
        (
            "bare",
            |place| {
                place.command("git").args(["init", "-q", "--bare"]).arg(place.repo()).status().expect("git");
            },
            &["bare repository", "git clone"],
        ),
        (
            "linked",
            |place| {
                place.golive(&["init", "main-repo"]);
                let add = ["-C", "main-repo", "worktree", "add", "-q", "-b", "side", "../reports-repo"];
                assert!(place.command("git").args(add).current_dir(place.path()).status().expect("git").success());
            },
            &["linked work tree", "serve the repository"],
        ),
        (
            "branch missing",
            |place| {
                place.golive(&["init", "reports-repo"]);
                place.git(&["config", "golive.branch", "trunk"]);
            },
            &["no branch `trunk`", "config golive.branch"],
        ),
    ];
    for (name, prepare, words) in cases {
        let place = Place::new();
        prepare(&place);
        let before = names_in(place.path());
        let finished = place.try_serve_with(&[]).err().unwrap_or_else(|| panic!("{name} was served"));
        finished.assert_refused(words);
        assert!(finished.stderr.contains("reports-repo`"), "{name}: {}", finished.stderr);
        assert_eq!(names_in(place.path()), before, "{name}");
    }
}

#[test]
fn serve_says_what_to_do_about_a_repository_without_golive_yaml() {
    for yaml in ["other: 1\n", "golive: one\n", ": : :"] {
        let place = Place::new();
        foreign_repository(&place, yaml);
        let finished = place.try_serve_with(&[]).err().expect("a refusal");
        finished.assert_refused(&["not a golive repository", "golive.yaml"]);
        let repairs = ["golive init", "name a new folder", "name another", "commit a"];
        assert!(repairs.iter().any(|repair| finished.stderr.contains(repair)), "names no repair: {}", finished.stderr);
        assert_eq!(place.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn a_repository_in_use_is_refused_until_its_golive_is_gone() {
    let place = Place::new();
    let first = place.serve();
    let process = format!("process {} ", first.pid());
    let second = place.try_serve_with(&[]).err().expect("a refusal");
    second.assert_refused(&["in use by another golive", &process, "stop that one first"]);
    first.submit("still-served");
    first.kill_9();
    place.serve().submit("served-again");
}

#[test]
fn a_repository_of_somebody_else_is_refused_until_it_is_allowed() {
    let place = Place::new();
    assert!(place.golive(&["init", "reports-repo"]).status.success());
    for path in [place.repo(), place.repo().join(".git")] {
        if std::os::unix::fs::chown(path, Some(65_534), None).is_err() {
            // Only root can give a file away.
            return eprintln!("skipped: not root, so no folder can be made somebody else's");
        }
    }
    let finished = place.try_serve_with(&[]).err().expect("a refusal");
    finished.assert_refused(&["belongs to another user", "run golive as that user"]);
    // Named by a relative path, the repair is to work all the same.
    let finished = place.golive(&["serve", "--listen", "127.0.0.1:0", "--repo", "reports-repo"]);
    finished.assert_refused(&["belongs to another user"]);
    let (_, rest) = finished.stderr.split_once("`git config ").expect("a repair");
    let (repair, _) = rest.split_once('`').expect("a repair");
    let repair = place
        .command("git")
        .arg("config")
        .args(repair.split_whitespace())
        .current_dir(place.path())
        .env_remove("GIT_CONFIG_GLOBAL")
        .status();
    assert!(repair.expect("git").success());
    place.serve().submit("allowed-now");
}

#[test]
fn an_address_in_use_is_refused_before_anything_is_created() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let finished = place.golive(&["serve", "--listen", &address, "--repo", "reports-repo"]);
    finished.assert_refused(&[&address, "in use", "--listen"]);
    assert_eq!(names_in(place.path()), Vec::<String>::new());
}
