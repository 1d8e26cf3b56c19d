//! Git's own doors: commits and trees that no git would make, pushed with the real git,
//! and garbage where git's protocol is spoken. Nothing moves that should not, the service
//! answers and lives, and what it did take in can be verified and started from.

use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

use crate::common::attack::{rounds, seed};
use crate::common::edits::place_of_robin;
use crate::common::{Place, Service};

use super::mutate::Corpus;

const MODES: &[&str] = &["100644", "100755", "120000", "160000", "40000", "040000", "100664", "0", "777777", "99", "x"];
const NAMES: &[&str] = &[
    "a",
    ".git",
    ".GIT",
    "git~1",
    ".git ",
    ".",
    "..",
    "",
    "a/b",
    "reports",
    "Reports",
    "REPORTS",
    "golive.yaml",
    "GOLIVE.yaml",
    ".gitattributes",
    ".gitmodules",
    ".gitignore",
    "a\nb",
    "a\x1b[31m",
    "\u{202e}a",
    ".g\u{200c}it",
    "con",
    "a:b",
    "a\\b",
    "-a",
    "README.md",
];

/// The first of each is as it should be.
const WHO: &[&str] = &["Test <test@example.com>", "golive <golive@invalid>", "\x1b[31m <>", "<", "a <b> <c>"];
const TIMES: &[&str] =
    &["1761000000 +0000", "-1 +0000", "99999999999999999999 +0000", "0 -9999", "x", "4102444800 +0000"];

/// Writes an object as it is, right or wrong; returns its id.
fn object(place: &Place, kind: &str, bytes: &[u8]) -> String {
    let mut git = place.command("git");
    git.args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"]).current_dir(place.path().join("clone"));
    let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git can be run");
    git.stdin.take().expect("piped").write_all(bytes).expect("taken");
    String::from_utf8(git.wait_with_output().expect("an end").stdout).expect("hex").trim().to_owned()
}

fn raw_id(hex: &str) -> Vec<u8> {
    (0..20).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).expect("hex")).collect()
}

/// A commit on top of the tip with something wrong, or nothing; made in the clone.
fn hostile_commit(place: &Place, path: &str, corpus: &Corpus, draw: &mut fastrand::Rng) -> String {
    let git = |script: &str| {
        let finished = place.sh("clone", script);
        assert!(finished.status.success(), "{script}: {finished:?}");
        finished.stdout.trim().to_owned()
    };
    let tip = git("git fetch -q origin && git rev-parse origin/main");
    let blob = if draw.bool() {
        let file = git(&format!("git show {tip}:{path}"));
        let lines: Vec<&str> = ["approved", "rejected", "aproved", "pending_review"].to_vec();
        let status = format!("status: {}", draw.choice(lines).expect("one"));
        let line = file.lines().find(|line| line.starts_with("status:")).expect("a status").to_owned();
        object(place, "blob", format!("{}\n", file.replacen(&line, &status, 1)).as_bytes())
    } else {
        object(place, "blob", &corpus.mutated(draw))
    };
    let mode = draw.choice(["100644", "100644", "100644", "100755", "120000"]).expect("one");
    let at = if draw.u8(..4) == 0 { format!("reports/{}/x.md", draw.u8(..)) } else { path.to_owned() };
    let index =
        format!("git read-tree {tip} && git update-index --add --cacheinfo {mode},{blob},{at} && git write-tree");
    let mut tree = git(&format!("export GIT_INDEX_FILE=hostile-index; {index}"));
    if draw.bool() {
        // Whatever order, twice, in the root.
        let mut raw = Vec::new();
        let listed = git(&format!("git ls-tree {tree}"));
        for line in listed.lines() {
            let (head, name) = line.split_once('\t').expect("a name");
            let words: Vec<_> = head.split(' ').collect();
            raw.push(
                [format!("{} {name}\0", words[0].trim_start_matches('0')).into_bytes(), raw_id(words[2])].concat(),
            );
        }
        for _ in 0..draw.usize(1..3) {
            let target = if draw.bool() { &blob } else { &tree };
            let name = draw.choice(NAMES).expect("one");
            let entry =
                [format!("{} {name}\0", draw.choice(MODES).expect("one")).into_bytes(), raw_id(target)].concat();
            raw.insert(draw.usize(..=raw.len()), entry);
        }
        let mut raw = raw.concat();
        if draw.u8(..8) == 0 {
            raw.truncate(draw.usize(..raw.len()));
        }
        tree = object(place, "tree", &raw);
    }
    let is_odd = draw.u8(..3) == 0;
    let who = draw.choice(&WHO[..if is_odd { WHO.len() } else { 1 }]).expect("one");
    let time = draw.choice(&TIMES[..if is_odd { TIMES.len() } else { 1 }]).expect("one");
    let message = draw.choice([
        "Change",
        "",
        "Approve report `x`\n\nVia: api\nStatus: pending_review -> approved\n",
        "\x1b]0;x\x07",
        "a\0b",
    ]);
    let mut commit = format!("tree {tree}\nparent {tip}\n");
    if draw.u8(..6) == 0 {
        commit.push_str(&format!("parent {}\n", git(&format!("git rev-list --max-parents=0 {tip}"))));
    }
    commit.push_str(&format!("author {who} {time}\ncommitter {who} {time}\n\n{}", message.expect("one")));
    let mut commit = commit.into_bytes();
    if draw.u8(..10) == 0 {
        commit.truncate(draw.usize(..commit.len()));
    }
    object(place, "commit", &commit)
}

/// Asserts that no answer was a fault of the service.
fn assert_sound(service: &Service, what: &str) {
    assert_eq!(service.get("/readyz").status, 200, "{what}");
    let log = service.log();
    let is_bad = |line: &&str| line.contains("panicked") || line.contains("\"status\":5");
    let bad = log.lines().find(is_bad);
    assert_eq!(bad, None, "{what}");
}

#[test]
fn hostile_commits_are_refused_or_taken_in_whole() {
    let (place, seed, n) = (place_of_robin(), seed(), rounds(15, 300));
    let (mut draw, corpus) = (fastrand::Rng::with_seed(seed), Corpus::of("front-matter"));
    let service = place.serve();
    service.submit("mcp-one");
    let path = place.report_path("mcp-one");
    assert!(place.sh("", &format!("git clone -q {}/reports.git clone", service.base)).status.success());
    let mut n_taken = 0;
    for round in 0..n {
        let commit = hostile_commit(&place, &path, &corpus, &mut draw);
        let before = service.tip();
        let branch = if draw.u8(..5) == 0 { "refs/heads/other" } else { "refs/heads/main" };
        let pushed = place.sh("clone", &format!("git push -q origin +{commit}:{branch}"));
        let what = format!("seed {seed}, round {round}, {commit}: {}", pushed.stderr);
        assert!(!pushed.stderr.contains("panicked") && !pushed.stderr.contains("HTTP 5"), "{what}");
        if pushed.status.success() && branch.ends_with("/main") {
            n_taken += 1;
            assert_eq!(
                place.try_git(&["merge-base", "--is-ancestor", &commit, "main"]).status.code(),
                Some(0),
                "{what}"
            );
            service.wait_until_settled();
        } else {
            assert_eq!(service.tip(), before, "{what}");
        }
        assert_sound(&service, &what);
        assert_eq!(service.problems().len(), 0, "a push that makes a problem was to be refused: {what}");
    }
    service.wait_until_assessed();
    let reports = service.get("/api/v1/reports?limit=1000").json();
    service.stop();
    let _ = fs::remove_file(place.repo().join(".git/golive/snapshot"));
    let service = place.serve();
    service.wait_until_assessed();
    assert_eq!(service.get("/api/v1/reports?limit=1000").json(), reports, "seed {seed}");
    service.stop();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert!(verified.status.success(), "seed {seed}: {verified:?}");
    eprintln!("fuzz: pre-receive: {n} hostile commits pushed, {n_taken} fit to be taken, seed {seed}");
}

/// Posts `body` and returns the status of the answer, which git may cut off: it is told
/// what it does not understand half way through its own.
fn post(service: &Service, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = service.connect();
    // What is refused by its head is not read to its end.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {line:.100}"))
}

#[test]
fn garbage_in_gits_protocol_is_no_fault_of_the_service() {
    let (place, seed, n) = (place_of_robin(), seed(), rounds(80, 3000));
    let mut draw = fastrand::Rng::with_seed(seed);
    let service = place.serve();
    let id = service.submit("mcp-one");
    let tip = service.tip();
    let zero = "0".repeat(40);
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let command =
        |old: &str, new: &str, name: &str| packet(&format!("{old} {new} {name}\0 report-status atomic\n")) + "0000";
    let corpus = Corpus::from_texts(&[
        command(&tip, &zero, "refs/heads/main"),
        command(&tip, &"1".repeat(40), "refs/heads/main") + "PACK\0\0\0\x02\0\0\0\0",
        command(&zero, &tip, "refs/heads/../../x"),
        command(&zero, &tip, "refs/golive/served"),
        packet(&format!("want {tip} ofs-delta\n")) + "0000" + &packet("done\n"),
        packet("command=ls-refs\n") + "0001" + &packet("peel\n") + "0000",
        packet("command=fetch") + "0001" + &packet("want x") + "0000",
        "0000".into(),
        "ffff".into(),
        "zzzz".into(),
        String::new(),
    ]);
    let references = place.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/golive"]);
    for round in 0..n {
        let body = corpus.mutated(&mut draw);
        let name = if draw.bool() { "receive-pack" } else { "upload-pack" };
        let path = format!("/reports.git/git-{name}");
        let kind = format!("application/x-git-{name}-request");
        let mut headers = vec![("content-type", &*kind)];
        if draw.bool() {
            headers.push(("git-protocol", "version=2"));
        }
        if draw.u8(..4) == 0 {
            headers.push(("content-encoding", "gzip"));
        }
        let what = format!("seed {seed}, round {round}: {headers:?} {:?}", String::from_utf8_lossy(&body));
        assert!(post(&service, &path, &headers, &body) < 500, "{what}");
    }
    assert_sound(&service, &format!("seed {seed}"));
    let is_other = |line: &&str| line.contains("refs/heads/main");
    let main = |text: &str| text.lines().find(is_other).map(str::to_owned);
    assert_eq!(main(&place.git(&["for-each-ref", "refs/heads"])), main(&references), "seed {seed}");
    assert_eq!(service.patch(&id, &crate::common::decision("approved", "fine")).status, 200);
    service.stop();
    place.git(&["fsck", "--strict"]);
    eprintln!("fuzz: git over HTTP: {n} bodies, seed {seed}");
}
