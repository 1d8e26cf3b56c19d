//! Git over HTTP with the real git: clone, fetch, push, and who may.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Finished, PATIENCE, Place, Service, decision};

/// Runs `script` in the folder `dir` of the place, with `$URL` the address to clone.
fn sh(service: &Service, dir: &str, script: &str) -> Finished {
    service.place.sh(dir, &format!("URL={}/reports.git\n{script}", service.base))
}

fn ok(finished: Finished) -> String {
    assert!(finished.status.success(), "{finished:?}");
    finished.stdout
}

/// The programs that work for this service, by name.
fn children(service: &Service) -> Vec<String> {
    let pid = service.pid().to_string();
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let stat = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    let parse = |stat: String| {
        let (start, rest) = stat.rsplit_once(')')?;
        (rest.split_whitespace().nth(1)? == pid).then(|| start.to_owned())
    };
    stat.filter_map(parse).collect()
}

fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.base.trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

#[test]
fn a_clone_is_the_repository_and_a_fetch_brings_what_is_new() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    ok(sh(&service, "", "git clone -q $URL clone"));
    let refs = ok(sh(&service, "clone", "git ls-remote"));
    let tip = service.git(&["rev-parse", "main"]);
    assert_eq!(refs, format!("{0}\tHEAD\n{0}\trefs/heads/main\n", tip.trim()), "golive's own are not shown");
    service.submit("mcp-two");
    ok(sh(&service, "clone", "git pull -q --ff-only; git fsck --strict"));
    assert_eq!(ok(sh(&service, "clone", "git rev-parse main")), service.git(&["rev-parse", "main"]));
    assert_eq!(
        ok(sh(&service, "clone", "git ls-files -s")),
        service.git(&["ls-tree", "-r", "--format=%(objectmode) %(objectname) 0%x09%(path)", "main"])
    );
    service.wait_until("all children are gone", || children(&service).is_empty());
}

#[test]
fn shallow_and_partial_clones_work_and_bring_the_rest_when_it_is_needed() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.patch(&id, &decision("approved", ""));
    ok(sh(
        &service,
        "",
        "git clone -q --depth 1 $URL shallow; git clone -q --no-checkout --filter=blob:none $URL partial",
    ));
    assert_eq!(ok(sh(&service, "shallow", "git rev-list --count HEAD")), "1\n");
    assert_eq!(ok(sh(&service, "shallow", "git fetch -q --unshallow; git rev-list --count HEAD")), "3\n");
    let missing = "git rev-list --objects --all --missing=print | grep -c '^?' || :";
    assert_ne!(ok(sh(&service, "partial", missing)), "0\n");
    // Also what only the history has.
    let path = place.report_path("mcp-one");
    for commit in ["main", "main~1"] {
        let file = ok(sh(&service, "partial", &format!("git show {commit}:{path}")));
        assert_eq!(file, service.git(&["show", &format!("{commit}:{path}")]));
    }
    ok(sh(&service, "partial", "git switch -q main; git status --porcelain"));
}

#[test]
fn protocol_version_2_is_spoken_and_the_older_ones_too() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    for (version, is_2) in [(0, false), (1, false), (2, true)] {
        let script = format!("GIT_TRACE_PACKET=1 git -c protocol.version={version} clone -q $URL clone-{version}");
        let finished = sh(&service, "", &script);
        assert!(finished.stderr.contains("version 2") == is_2 && finished.status.success(), "{finished:?}");
    }
}

#[test]
fn a_compressed_request_is_understood() {
    let place = Place::new();
    let service = place.serve();
    ok(sh(&service, "", "git clone -q $URL clone"));
    // Many commits of the clone's own, the newest of all: a long list of what it has, sent compressed.
    ok(sh(
        &service,
        "clone",
        "export GIT_COMMITTER_DATE=2040-01-01T00:00:00Z; for n in $(seq 60); do git commit -q --allow-empty -m $n; done",
    ));
    service.submit("mcp-one");
    let fetched = sh(&service, "clone", "GIT_TRACE_CURL=1 git fetch -q");
    assert!(
        fetched.status.success() && fetched.stderr.to_lowercase().contains("content-encoding: gzip"),
        "{fetched:?}"
    );
    assert_eq!(ok(sh(&service, "clone", "git rev-parse origin/main")), service.git(&["rev-parse", "main"]));
}

#[test]
fn a_push_is_served_when_git_says_that_it_is_done() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    ok(sh(&service, "", "git clone -q $URL clone"));
    let path = place.report_path("mcp-one");
    for (n, status) in ["approved", "rejected", "approved"].into_iter().enumerate() {
        let script = format!(
            "sed -i -e 's/^status: .*/status: {status}/' -e 's/^reviewed_by: .*/reviewed_by: Test <test@example.com>/' \
             -e 's/^reviewed_at: .*/reviewed_at: 2026-01-0{}T00:00:00Z/' {path}\n\
             git commit -q -a -m 'Decide by hand'; git push -q; git rev-parse HEAD",
            n + 1
        );
        let pushed = ok(sh(&service, "clone", &script));
        let answer = service.get(&format!("/api/v1/reports/{id}"));
        assert_eq!(answer.json()["status"], status, "{}", service.log());
        service.git(&["merge-base", "--is-ancestor", pushed.trim(), "main"]);
        service.wait_until_clean();
        ok(sh(&service, "clone", "git pull -q --rebase"));
    }
    service.submit("mcp-two");
    service.assert_record_is_whole(2);
}

#[test]
fn a_large_push_arrives_in_pieces() {
    let place = Place::new();
    let service = place.serve();
    ok(sh(&service, "", "git clone -q $URL clone"));
    let script = "for n in 1 2 3 4; do head -c 700000 /dev/urandom | base64 > notes-$n.txt; done\n\
         git add .; git commit -q -m 'Add notes'; GIT_TRACE_CURL=1 git push -q";
    let pushed = sh(&service, "clone", script);
    assert!(
        pushed.status.success(),
        "{}",
        pushed.stderr.lines().filter(|line| line.contains("remote")).collect::<String>()
    );
    assert!(pushed.stderr.to_lowercase().contains("transfer-encoding: chunked"));
    assert_eq!(ok(sh(&service, "clone", "git rev-parse main")), service.git(&["rev-parse", "main"]));
}

#[test]
fn golives_own_references_cannot_be_pushed() {
    let place = Place::new();
    let service = place.serve();
    ok(sh(&service, "", "git clone -q $URL clone"));
    service.wait_until_mirrored();
    let tip = service.git(&["rev-parse", "main"]);
    for reference in ["refs/golive/served", "refs/golive/mirrored", "refs/golive/lost/0123456789ab"] {
        let pushed =
            sh(&service, "clone", &format!("git commit -q --allow-empty -m x; git push origin HEAD:{reference}"));
        assert!(!pushed.status.success() && pushed.stderr.contains("hidden ref"), "{pushed:?}");
    }
    let refs = service.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
    assert!(refs.lines().all(|line| line.starts_with(tip.trim()) && !line.contains("lost")), "{refs}");
}

#[test]
fn a_push_that_is_too_large_is_refused_with_the_reason() {
    let place = Place::new();
    let service = place.serve();
    service.git(&["config", "receive.maxInputSize", "100k"]);
    ok(sh(&service, "", "git clone -q $URL clone"));
    let script = "head -c 9000000 /dev/urandom > big; git add .; git commit -q -m Big; git push";
    let pushed = sh(&service, "clone", script);
    assert!(!pushed.status.success() && pushed.stderr.contains("exceeds maximum allowed size"), "{pushed:?}");
    assert_eq!(service.commits().len(), 1);
}

#[test]
fn a_push_is_refused_when_nothing_can_check_it() {
    let place = Place::new();
    // A path that the scripts have to quote.
    let program = place.path().join("it's \"here\"/golive");
    fs::create_dir(program.parent().expect("a folder")).expect("a folder");
    fs::copy(crate::common::BINARY, &program).expect("a copy");
    let mut command = place.command(program.to_str().expect("UTF-8"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo"]).arg(place.repo());
    let service = place.start(&mut command).expect("a start");
    ok(sh(&service, "", "git clone -q $URL clone"));
    let push = "echo x >> notes.txt; git add .; git commit -q -m Notes; git push";
    ok(sh(&service, "clone", push));
    fs::remove_file(&program).expect("removed");
    let pushed = sh(&service, "clone", push);
    assert!(!pushed.status.success() && pushed.stderr.contains("start 'golive serve' here again"), "{pushed:?}");
    service.wait_until_clean();
    ok(place.sh_in(place.repo(), "echo y > notes.txt; git add .; git commit -q -m Notes"));
    fs::remove_file(place.repo().join(".git/golive/hooks/pre-receive")).expect("removed");
    let pushed = sh(&service, "clone", push);
    assert!(!pushed.status.success() && pushed.stderr.contains("pushes cannot be checked now"), "{pushed:?}");
    assert_eq!(service.commits().len(), 3);
}

#[test]
fn read_lets_clone_and_tells_who_pushes_why_not() {
    let place = Place::new();
    let service = place.serve_with(&["--git-http", "read"]);
    ok(sh(&service, "", "git clone -q $URL clone"));
    let pushed = sh(&service, "clone", "git commit -q --allow-empty -m Empty; git push");
    assert!(!pushed.status.success(), "{pushed:?}");
    assert!(
        pushed.stderr.contains("remote: pushes are not taken here; start golive with `--git-http write`"),
        "{pushed:?}"
    );
    service.get("/reports.git/info/refs?service=git-receive-pack").problem(403);
    service.send("POST", "/reports.git/git-receive-pack", &[], "0000").problem(403);
    assert_eq!(service.commits().len(), 1);
}

#[test]
fn off_names_the_flag() {
    let place = Place::new();
    let service = place.serve_with(&["--git-http", "off"]);
    let cloned = sh(&service, "", "git clone -q $URL clone");
    assert!(
        !cloned.status.success() && cloned.stderr.contains("remote: git is not served over HTTP here"),
        "{cloned:?}"
    );
    for path in ["/info/refs?service=git-upload-pack", "/HEAD", "", "/"] {
        let problem = service.get(&format!("/reports.git{path}")).problem(404);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("--git-http")), "{problem}");
    }
    assert!(!service.log().contains("/reports.git"), "{}", service.log());
}

#[test]
fn it_is_on_by_itself_on_loopback_only_and_the_start_line_says_so() {
    let place = Place::new();
    let service = place.serve();
    assert!(service.log().contains(&format!("git clone {}/reports.git", service.base)), "{}", service.log());
    assert_eq!(service.get("/reports.git/info/refs?service=git-receive-pack").status, 200);
    service.stop();
    let start = |value: Option<&str>| {
        let mut command = place.command(crate::common::BINARY);
        command.args(["serve", "--listen", "0.0.0.0:0", "--log-format", "json", "--repo"]).arg(place.repo());
        if let Some(value) = value {
            command.env("GOLIVE_GIT_HTTP", value);
        }
        let service = place.start(&mut command).expect("a start");
        let status = |service_name: &str| {
            let path = format!("/reports.git/info/refs?service={service_name}");
            let base = service.base.replace("0.0.0.0", "127.0.0.1");
            let mut stream = TcpStream::connect(base.trim_start_matches("http://")).expect("a connection");
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer[9..12].to_owned()
        };
        [status("git-upload-pack"), status("git-receive-pack")]
    };
    assert_eq!(start(None), ["404", "404"]);
    assert_eq!(start(Some("read")), ["200", "403"]);
    assert_eq!(start(Some("write")), ["200", "200"]);
}

#[test]
fn only_the_smart_protocol_is_answered() {
    let place = Place::new();
    let service = place.serve();
    for path in [
        "",
        "/",
        "/HEAD",
        "/config",
        "/info/refs",
        "/info/refs?service=git-upload-archive",
        "/objects/info/packs",
        "/../.git/config",
    ] {
        service.get(&format!("/reports.git{path}")).problem(404);
    }
    service.get("/reports.git/git-upload-pack").problem(405);
    service.send("POST", "/reports.git/git-receive-pack", &[("content-type", "text/plain")], "0000").problem(400);
    assert_eq!(sh(&service, "", "GIT_SMART_HTTP=0 git clone -q $URL clone").status.code(), Some(128));
}

#[test]
fn a_wrong_host_gets_nothing() {
    let place = Place::new();
    let service = place.serve();
    let cloned = sh(&service, "", "git -c http.extraHeader='Host: evil.example' clone -q $URL clone");
    assert!(!cloned.status.success() && cloned.stderr.contains("421"), "{cloned:?}");
    let answer = service.send("POST", "/reports.git/git-receive-pack", &[("host", "evil.example")], vec![0; 3_000_000]);
    answer.problem(421);
}

#[test]
fn without_git_on_the_machine_it_says_so() {
    let place = Place::new();
    let mut command = place.command(crate::common::BINARY);
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo"]).arg(place.repo());
    let service = place.start(command.env("PATH", "/nowhere")).expect("a start");
    let problem = service.get("/reports.git/info/refs?service=git-upload-pack").problem(501);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("install")), "{problem}");
    service.submit("mcp-one");
}

#[test]
fn clones_beside_writing_clients_are_whole() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-first");
    std::thread::scope(|scope| {
        for client in 0..4 {
            let service = &service;
            scope.spawn(move || (0..40).for_each(|n| drop(service.submit(&format!("mcp-{client}-{n}")))));
        }
        for cloner in 0..2 {
            let service = &service;
            scope.spawn(move || {
                for n in 0..5 {
                    let dir = format!("clone-{cloner}-{n}");
                    ok(sh(service, "", &format!("git clone -q $URL {dir}; git -C {dir} fsck --strict --no-progress")));
                }
            });
        }
    });
    ok(sh(&service, "clone-0-0", "git pull -q --ff-only"));
    assert_eq!(ok(sh(&service, "clone-0-0", "git rev-parse main")), service.git(&["rev-parse", "main"]));
    service.wait_until_clean();
    service.assert_record_is_whole(161);
}

#[test]
fn a_client_that_breaks_off_leaves_no_child_behind() {
    let place = Place::new();
    let service = place.serve();
    let head = "POST /reports.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n00";
    let half_sent: Vec<_> = (0..17)
        .map(|_| {
            let mut stream = connect(&service);
            stream.write_all(head.as_bytes()).expect("sent");
            let mut status = [0; 12];
            stream.read_exact(&mut status).expect("an answer");
            (stream, String::from_utf8_lossy(&status[9..]).into_owned())
        })
        .collect();
    // As many as may run do, and the others were told to come back.
    let n_running = half_sent.iter().filter(|(_, status)| status == "200").count();
    let n_refused = half_sent.iter().filter(|(_, status)| status == "503").count();
    assert_eq!((n_running, n_refused), (16, 1));
    assert!(!children(&service).is_empty());
    drop(half_sent);
    service.wait_until("no child is left", || children(&service).is_empty());
    ok(sh(&service, "", "git clone -q $URL clone"));
    assert_eq!(
        service.git(&["for-each-ref", "--format=%(refname)"]).lines().filter(|name| name.contains("heads")).count(),
        1
    );
}

/// Returns the ids of the process groups that have a process.
fn groups() -> HashSet<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let stat = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stat.filter_map(|stat| Some(stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.to_owned())).collect()
}

/// Was: git was told how long the request is, waited for the rest of it after the
/// service had died, and took a core for ever.
#[test]
fn a_push_under_way_ends_with_a_service_that_is_killed() {
    let place = Place::new();
    let service = place.serve();
    let head = "POST /reports.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n00";
    let mut stream = connect(&service);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.read_exact(&mut [0; 12]).expect("an answer");
    let started: HashSet<String> =
        children(&service).iter().filter_map(|child| Some(child.split_once(' ')?.0.to_owned())).collect();
    assert!(!started.is_empty() && started.is_subset(&groups()), "{started:?}");
    service.kill_9();
    let start = std::time::Instant::now();
    while !started.is_disjoint(&groups()) {
        assert!(start.elapsed() < PATIENCE, "git is still there: {started:?}");
        std::thread::sleep(std::time::Duration::from_millis(10)); // between two looks; nothing to be woken by
    }
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_push_is_asked() {
    let place = Place::new();
    let service = place.serve();
    let mut stream = connect(&service);
    let head = "POST /reports.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status[9..], b"100");
    stream.write_all(b"0000").expect("sent");
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).expect("an answer");
    assert!(String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"), "{answer:?}");
}

#[test]
fn a_stop_ends_a_push_that_is_under_way() {
    let place = Place::new();
    let service = place.serve();
    let mut stream = connect(&service);
    let head = "POST /reports.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000000\r\n\r\n00";
    stream.write_all(head.as_bytes()).expect("sent");
    service.wait_until("git is at work", || !children(&service).is_empty());
    service.stop();
    place.serve().submit("mcp-one");
}

/// Puts an executable script at `path` in the repository's `.git`.
fn put_hook(place: &Place, path: &str, script: &str) {
    let path = place.repo().join(".git").join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[test]
fn a_persons_own_hooks_run_all_the_same() {
    let place = Place::new();
    let service = place.serve();
    put_hook(
        &place,
        "hooks/pre-receive",
        "cat > ../../seen-by-pre-receive; ! grep -q refs/heads/no ../../seen-by-pre-receive",
    );
    put_hook(&place, "hooks/post-receive", "echo post-receive ran");
    put_hook(&place, "hooks/pre-commit", "test ! -e no-commit");
    put_hook(&place, "hooks/commit-msg", "echo 'By hand: yes' >> \"$1\"");
    ok(sh(&service, "", "git clone -q $URL clone"));
    let pushed = sh(&service, "clone", "echo x > notes.txt; git add .; git commit -q -m Notes; git push");
    assert!(pushed.status.success() && pushed.stderr.contains("post-receive ran"), "{pushed:?}");
    let seen = fs::read_to_string(place.path().join("seen-by-pre-receive")).expect("the hook ran");
    let tip = service.git(&["rev-parse", "main"]);
    assert!(seen.ends_with(&format!("{} refs/heads/main\n", tip.trim())) && seen.lines().count() == 1, "{seen:?}");
    service.wait_until_clean();
    ok(place.sh_in(place.repo(), "echo y > notes.txt; git add notes.txt; git commit -q -m More"));
    assert!(service.git(&["log", "-1", "--format=%B"]).contains("By hand: yes"));
    ok(place.sh_in(place.repo(), "touch no-commit; echo z > notes.txt; git add notes.txt; ! git commit -q -m No"));
}

#[test]
fn a_commit_waits_until_the_index_has_followed() {
    let place = Place::new();
    let service = place.serve();
    ok(place.sh_in(place.repo(), "echo 0 > notes.txt; git add notes.txt; git commit -q -m Notes"));
    for n in 0..20 {
        let name = format!("mcp-{n}");
        service.submit(&name);
        // At once: without the hook this takes the submission back. The mirror holds
        // git's lock on its index for moments; a person tries again then.
        let script = format!(
            "again() {{ for n in $(seq 500); do \"$@\" 2> ../err && return; grep -q index.lock ../err || return; done; return 1; }}\n\
             echo {n}. >> notes.txt; again git add notes.txt; again git commit -q -m 'Note {n}'"
        );
        ok(place.sh_in(place.repo(), &script));
        let changed = service.git(&["show", "--format=", "--name-only", "HEAD"]);
        assert_eq!(changed, "notes.txt\n", "{name}");
    }
    assert_eq!(service.get("/api/v1/reports").header("x-total-count"), "20");
}

#[test]
fn a_commit_does_not_wait_where_that_is_in_vain() {
    let place = Place::new();
    place.serve().stop();
    let repo = place.repo();
    ok(place.sh_in(&repo, "echo 0 > notes.txt; git add notes.txt; git commit -q -m Notes"));
    // Nobody serves, nobody holds the index, nobody is on the branch, nothing is to be run.
    let start = std::time::Instant::now();
    ok(place.sh_in(&repo, "echo 1 > notes.txt; git commit -q -a -m More"));
    let hook = |env: &str| format!("{env} '{}' hook pre-commit", crate::common::BINARY);
    let owner = format!("flock {}/.git/golive/owner sh -c ", repo.display());
    for script in [
        hook("GIT_INDEX_FILE=.git/index.lock"),
        hook("GIT_DIR=/nowhere"),
        format!("git switch -q --detach; {}", hook("")),
    ] {
        ok(place.sh_in(&repo, &format!("{owner} \"{script}\"")));
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(2));
    ok(place.sh_in(&repo, "git switch -q main"));
    let start = std::time::Instant::now();
    for env in ["", "GIT_INDEX_FILE=.git/index", "GIT_DIR=.git"] {
        ok(place.sh_in(&repo, &format!("{owner} \"{}\"", hook(env))));
    }
    // Three times two seconds: a service that does not bring the index forward.
    assert!(start.elapsed() >= std::time::Duration::from_secs(6));
}

#[test]
fn a_hooks_path_that_a_person_set_stays_and_pushes_over_http_are_checked_all_the_same() {
    let place = Place::new();
    place.serve().stop();
    put_hook(&place, "mine/pre-receive", "exit 0");
    place.git(&["config", "core.hooksPath", ".git/mine"]);
    let service = place.serve();
    assert_eq!(service.git(&["config", "core.hooksPath"]), ".git/mine\n");
    assert!(service.log().contains("pushes by path or SSH are not checked"), "{}", service.log());
    ok(sh(&service, "", "git clone -q $URL clone"));
    let pushed = sh(&service, "clone", "git rm -q golive.yaml; git commit -q -m Break; git push");
    assert!(!pushed.status.success() && pushed.stderr.contains("golive.yaml"), "{pushed:?}");
}

#[test]
fn a_clone_that_is_served_has_hooks_and_settings() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    service.wait_until_clean();
    service.stop();
    // Moved, with what was set for the place where it was.
    fs::rename(place.repo(), place.path().join("it's moved")).expect("moved");
    ok(place.sh("", "git clone -q \"it's moved\" reports-repo"));
    for repo in ["reports-repo", "it's moved"] {
        let mut command = place.command(crate::common::BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo", repo]);
        let service = place.start(&mut command).expect("a start");
        let hooks = fs::canonicalize(place.path().join(repo).join(".git/golive/hooks")).expect("the hooks");
        let setting = |name: &str| ok(place.sh(repo, &format!("git config {name}")));
        assert_eq!(setting("core.hooksPath"), format!("{}\n", hooks.display()));
        assert_eq!(setting("receive.denyCurrentBranch"), "ignore\n");
        assert_eq!(setting("receive.maxInputSize"), "256m\n");
        ok(sh(&service, "", "rm -rf clone; git clone -q $URL clone"));
        ok(sh(&service, "clone", "echo x > notes.txt; git add .; git commit -q -m Notes; git push -q"));
        ok(sh(
            &service,
            "clone",
            &format!("echo y > notes.txt; git commit -q -a -m More; git push -q \"../{repo}\" main"),
        ));
    }
}
