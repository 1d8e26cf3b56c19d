//! Pushes, by real git with `golive check --pre-receive` as its hook: what is
//! refused, in which words, and what is accepted.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{BINARY, Finished, Place, decision};

/// A reports repository with a pending report (`$one`), an approved one (`$two`),
/// the hook, and a clone.
struct Hub {
    place: Place,
    names: String,
}

impl Hub {
    fn new() -> Self {
        let place = Place::new();
        let service = place.serve();
        service.submit("mcp-one");
        let two = service.submit("mcp-two");
        assert_eq!(service.patch(&two, &decision("approved", "fine")).status, 200);
        service.wait_until_clean();
        service.stop();
        // Of a time before this test: what comes on top is later.
        let hook = place.repo().join(".git/hooks/pre-receive");
        fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
        fs::write(&hook, format!("#!/bin/sh\nexec '{BINARY}' check --pre-receive\n")).expect("a hook");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a hook");
        let names = format!(
            "one={}; two={}; new={}; golive='{BINARY}'; hub='{}'\n",
            place.report_path("mcp-one"),
            place.report_path("mcp-two"),
            place.report_path("mcp-new"),
            place.repo().display(),
        );
        let hub = Self { place, names };
        assert!(hub.place.sh(".", "git clone -q reports-repo clone").status.success());
        hub
    }

    /// Runs `script` in the clone, brought to what is in the record, and pushes.
    fn push(&self, script: &str, push: &str) -> Finished {
        let fresh = "git fetch -q origin; git checkout -q -f -B main origin/main; git clean -q -f -d\n";
        let made = self.place.sh("clone", &format!("{}{fresh}{NEW}{script}", self.names));
        assert!(made.status.success(), "{script}: {}", made.stderr);
        self.place.sh("clone", &format!("{}git push {push}", self.names))
    }

    fn tip(&self) -> String {
        self.place.git(&["rev-parse", "main"])
    }

    fn assert_refused(&self, name: &str, script: &str, push: &str, words: &[&str]) {
        let tip = self.tip();
        let finished = self.push(script, push);
        assert!(!finished.status.success(), "{name} was accepted");
        for word in words {
            assert!(finished.stderr.contains(word), "{name}: no `{word}` in {}", finished.stderr);
        }
        assert!(!finished.stderr.contains('\x1b'), "{name}: {:?}", finished.stderr);
        assert!(finished.stderr.contains("remote:   help: "), "{name}: no repair in {}", finished.stderr);
        assert_eq!(self.tip(), tip, "{name} moved the tip");
    }

    fn assert_accepted(&self, name: &str, script: &str, push: &str) {
        let tip = self.tip();
        let finished = self.push(script, push);
        assert!(finished.status.success(), "{name}: {}", finished.stderr);
        assert!(!finished.stderr.contains("golive"), "{name}: {}", finished.stderr);
        assert_ne!(self.tip(), tip, "{name} moved nothing");
    }
}

/// A shell function that writes a new report.
const NEW: &str = "write_new() {
  mkdir -p \"$(dirname \"$1\")\"
  printf -- '---\\nid: %s\\nserver_name: mcp-new\\nrepository_url: https://github.com/example/mcp-new\\n' \"$2\" > \"$1\"
  printf 'developer_email: alex@example.com\\nstatus: %s\\nrevision: 1\\n' \"${3:-pending_review}\" >> \"$1\"
  printf 'submitted_at: 2025-10-20T10:00:00Z\\n---\\n# New\\n' >> \"$1\"
  git add \"$1\"
}
fresh=0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10
";

const SERVICE: &str = "export GIT_COMMITTER_NAME=golive GIT_COMMITTER_EMAIL=golive@invalid\n";

/// Name, what is done in the clone, how it is pushed, what the pusher reads.
const REFUSED: &[(&str, &str, &str, &[&str])] = &[
    (
        "unknown status",
        "sed -i 's/^status: .*/status: done/' $one; git commit -q -a -m 'Decide'",
        "",
        &[":6:9", "unknown-status", "| status: done", "in commit", ": Decide", "help: correct it"],
    ),
    (
        "control characters",
        "printf 'x' > x; sed -i 's/^status: .*/status: \\x1b[31mdone\\x07/' $one; git commit -q -a -m 'Hide'",
        "",
        &["unknown-status", "\u{241b}[31mdone\u{2407}"],
    ),
    ("broken YAML", "sed -i 's/^status: .*/status: \"x/' $one; git commit -q -a -m x", "", &["invalid-yaml"]),
    ("no fence", "sed -i 1d $one; git commit -q -a -m x", "", &["missing-fence", ":1:1"]),
    (
        "an anchor",
        "sed -i 's/^status: .*/status: \\&x pending_review/' $one; git commit -q -a -m x",
        "",
        &["anchor: anchors"],
    ),
    (
        "another id",
        "sed -i \"s/^id: .*/id: $fresh/\" $one; git commit -q -a -m x",
        "",
        &["changed-id", "never changes", "help: write `id: "],
    ),
    (
        "another repository",
        "sed -i 's/^repository_url: .*/repository_url: https:\\/\\/github.com\\/example\\/other/' $one; git commit -q -a -m x",
        "",
        &["changed-repository", "write `repository_url: https://github.com/example/mcp-one`"],
    ),
    (
        "a deleted report",
        "git rm -q $one; git commit -q -m x",
        "",
        &["deleted: a report is never deleted", "git checkout"],
    ),
    ("a moved report", "git mv $one README2.md; git commit -q -m x", "", &["deleted"]),
    (
        "text and decision",
        "echo more >> $one; sed -i 's/^status: .*/status: approved/' $one; git commit -q -a -m x",
        "",
        &["text-and-decision", "change the text and decide in two steps"],
    ),
    (
        "a text under its decision",
        "echo more >> $two; git commit -q -a -m x",
        "",
        &["text-and-decision", "still says `approved`", "write `status: pending_review`"],
    ),
    (
        "another reviewer",
        "sed -i 's/^reviewed_by: .*/reviewed_by: Robin/' $two; git commit -q -a -m x",
        "",
        &["review-fields", "without a decision"],
    ),
    (
        "conflict marks",
        "printf '<<<<<<< a\\n=======\\n>>>>>>> b\\n' >> $one; git commit -q -a -m x",
        "",
        &["conflict-markers"],
    ),
    ("a NUL", "printf 'a\\000b\\n' >> $one; git commit -q -a -m x", "", &["binary", "U+0000"]),
    (
        "a text over the limit",
        "head -c 1100000 /dev/zero | tr '\\000' x >> $one; git commit -q -a -m x",
        "",
        &["text-too-long", "1048576"],
    ),
    (
        "a stray file",
        "echo x > reports/notes.txt; git add -A; git commit -q -m x",
        "",
        &["wrong-path", "golive path URL"],
    ),
    ("an executable report", "chmod +x $one; git commit -q -a -m x", "", &["not-a-file", "--chmod=-x"]),
    ("a link for a report", "ln -sf /etc/passwd $one; git commit -q -a -m x", "", &["not-a-file: is a symbolic link"]),
    (
        "a folder that is a file",
        "git rm -q -r reports; echo x > reports; git add -A; git commit -q -m x",
        "",
        &["deleted", "reports"],
    ),
    ("a link elsewhere", "ln -s /etc/passwd passwd; git add -A; git commit -q -m x", "", &["passwd", "symbolic link"]),
    (
        "a submodule",
        "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -q -m x",
        "",
        &["submodule", "git rm --cached sub"],
    ),
    (
        "a file that is too large",
        "head -c 1700000 /dev/zero > big.bin; git add -A; git commit -q -m x",
        "",
        &["file-too-large", "1700000 bytes", "at most 1572864"],
    ),
    ("no golive.yaml", "git rm -q golive.yaml; git commit -q -m x", "", &["format-marker", "is gone"]),
    ("another format", "echo 'golive: 2' > golive.yaml; git commit -q -a -m x", "", &["format-marker", "golive: 1"]),
    (
        "a commit of the future",
        "export GIT_COMMITTER_DATE=2099-01-01T00:00:00Z; echo x >> README.md; git commit -q -a -m x",
        "",
        &["committer-time", "2099-01-01", "set the clock"],
    ),
    (
        "the service's name",
        "export GIT_COMMITTER_NAME=golive GIT_COMMITTER_EMAIL=GoLive@invalid; echo x >> README.md; git commit -q -a -m x",
        "",
        &["service-identity", "golive@invalid"],
    ),
    (
        "rewritten history",
        "git reset -q --hard HEAD~1; echo x >> README.md; git commit -q -a -m x",
        "--force origin main",
        &["non-fast-forward", "history only grows", "git pull --rebase origin main"],
    ),
    ("no branch any more", "true", "origin :main", &["branch-deletion", "never deleted"]),
    (
        "a foxtrot merge",
        "git checkout -q -b mine HEAD~1; echo x >> README.md; git commit -q -a -m x; git merge -q --no-edit main",
        "origin mine:main",
        &["foxtrot-merge", "git pull --rebase origin main", "git switch", "git push origin HEAD:main"],
    ),
    (
        "unrelated history",
        "git checkout -q --orphan o; git commit -q -m x",
        "--force origin o:main",
        &["non-fast-forward"],
    ),
    (
        "a new report that is decided",
        "write_new $new $fresh approved; git commit -q -m x",
        "",
        &["new-report", "decide in a second step"],
    ),
    (
        "a new report elsewhere",
        "write_new reports/f/f/f/example-mcp-new-fff0000000000000.md $fresh; git commit -q -m x",
        "",
        &["wrong-path", "belongs at `reports/"],
    ),
    (
        "a second report with one id",
        "write_new $new \"$(sed -n 's/^id: //p' $two)\"; git commit -q -m x",
        "",
        &["duplicate-id", "mcp-two", "an id of its own"],
    ),
    (
        "a good commit on a bad one",
        "sed -i 's/^status: .*/status: done/' $one; git commit -q -a -m Bad; git revert --no-edit HEAD",
        "",
        &["unknown-status", ": Bad"],
    ),
    (
        "a dozen at once",
        "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo x > reports/$n.txt; done; git add -A; git commit -q -m x",
        "",
        &["12 problems", "… and 2 more"],
    ),
    (
        "a forged commit that is there already",
        "export GIT_COMMITTER_EMAIL=golive@invalid; sed -i 's/^status: .*/status: approved/' $one; git commit -q -a -m x; \
         git push -q origin HEAD:refs/heads/side",
        "origin main",
        &["service-identity"],
    ),
];

#[test]
fn push_against_the_rules_is_refused_in_words() {
    let hub = Hub::new();
    for (name, script, push, words) in REFUSED {
        hub.assert_refused(name, script, push, words);
    }
    // What was refused is nowhere.
    assert!(hub.place.try_git(&["fsck", "--strict"]).status.success());
}

#[test]
fn names_that_look_like_git_are_refused_where_git_lets_them_through() {
    let hub = Hub::new();
    hub.place.git(&["config", "receive.fsckObjects", "false"]);
    for name in ["git~1", ".GIT ", ".git::$INDEX_ALLOCATION", ".g\u{200c}it"] {
        let script = format!(
            "blob=$(git hash-object -w README.md)
             tree=$( (git ls-tree HEAD; printf '100644 blob %s\\t%s\\n' $blob '{name}') | git mktree)
             git reset -q --soft \"$(git commit-tree -p HEAD -m x $tree)\""
        );
        hub.assert_refused(name, &script, "", &["git-look-alike", "another name"]);
    }
}

#[test]
fn push_within_the_rules_is_accepted_and_counts() {
    let hub = Hub::new();
    for (name, script, push) in [
        ("an approval", "sed -i 's/^status: .*/status: approved/' $one; git commit -q -a -m 'Approve mcp-one'", ""),
        (
            "a rejection",
            "sed -i 's/^status: .*/status: rejected/; s/^review_notes: .*/review_notes: Not yet/' $one; git commit -q -a -m x",
            "",
        ),
        (
            "a new text",
            "echo more >> $one; sed -i 's/^status: .*/status: pending_review/; s/^review_notes: .*/review_notes: null/' $one; \
             git commit -q -a -m x",
            "",
        ),
        ("notes", "sed -i 's/^review_notes: .*/review_notes: Better/' $two; git commit -q -a -m x", ""),
        ("a new report", "write_new $new $fresh; git commit -q -m x", ""),
        (
            "several commits",
            "echo more >> README.md; git commit -q -a -m 1; sed -i 's/^status: .*/status: rejected/' $two; \
             git commit -q -a -m 2; sed -i 's/^status: .*/status: pending_review/' $two; git commit -q -a -m 3",
            "",
        ),
        (
            "a merge the right way round",
            "git checkout -q -b mine HEAD~1; echo x > other.md; git add -A; git commit -q -m x; git checkout -q main; \
             git merge -q --no-edit mine",
            "",
        ),
        ("an executable elsewhere", "echo x > run; chmod +x run; git add -A; git commit -q -m x", ""),
        (
            "other rules",
            "echo 'golive: 1' > golive.yaml; echo 'review: {four_eyes: true}' >> golive.yaml; git commit -q -a -m x",
            "",
        ),
    ] {
        hub.assert_accepted(name, script, push);
    }
    assert!(hub.push("true", "origin HEAD:refs/heads/other HEAD:refs/tags/v1").status.success());

    let service = hub.place.serve();
    let reports = service.get("/api/v1/reports?status=all").json();
    let status = |name: &str| {
        let mut all = reports.as_array().expect("a list").iter();
        let report = all.find(|report| report["server_name"] == name).expect("the report");
        (report["status"].as_str().expect("text").to_owned(), report["revision"].as_u64().expect("a number"))
    };
    assert_eq!(status("mcp-one"), ("pending_review".into(), 2));
    assert_eq!(status("mcp-two"), ("pending_review".into(), 1));
    assert_eq!(status("mcp-new"), ("pending_review".into(), 1));
    assert_eq!(service.get("/api/v1/problems").json(), serde_json::json!([]));
}

#[test]
fn file_that_a_local_commit_broke_is_repaired_by_a_push() {
    let hub = Hub::new();
    let broke = "sed -i 's/^status: .*/status: done/' $one; git commit -q -a -m Break";
    assert!(hub.place.sh("reports-repo", &format!("{}{broke}", hub.names)).status.success());
    let approve = "sed -i 's/^status: .*/status: approved/; s/^id: .*/id: '$fresh'/' $one; git commit -q -a -m x";
    hub.assert_refused("another id", approve, "", &["changed-id"]);
    hub.assert_accepted("the state before", "git checkout -q HEAD~1 -- $one; git commit -q -m Repair", "");
}

#[test]
fn lost_tip_can_be_pushed_back() {
    let hub = Hub::new();
    let served = hub.tip();
    assert_eq!(hub.place.git(&["rev-parse", "refs/golive/served"]), served);
    hub.place.git(&["reset", "-q", "--hard", "HEAD~2"]);
    let pushed = hub.place.sh("clone", "git push origin main");
    assert!(pushed.status.success(), "{}", pushed.stderr);
    assert_eq!(hub.tip(), served);
}

#[test]
fn limit_that_the_service_was_started_with_holds_for_pushes() {
    let hub = Hub::new();
    let script = "head -c 1100000 /dev/zero | tr '\\000' x >> $one; git commit -q -a -m x";
    hub.assert_refused("the default", script, "", &["text-too-long", "1048576"]);
    hub.place.serve_with(&["--body-limit-bytes", "2000000"]).stop();
    assert_eq!(hub.place.git(&["config", "golive.bodyLimitBytes"]), "2000000\n");
    hub.assert_accepted("the higher limit", script, "");
    hub.place.serve().stop();
    assert!(!hub.place.try_git(&["config", "golive.bodyLimitBytes"]).status.success());
}

#[test]
fn served_commits_count_for_themselves_and_forged_ones_do_not() {
    let hub = Hub::new();
    let script = format!("{SERVICE}echo x >> README.md; git commit -q -a -m 'Start the reports repository'");
    hub.assert_refused("forged", &script, "", &["service-identity", "as yourself"]);
}

#[test]
fn input_that_is_no_hooks_refuses_everything() {
    let hub = Hub::new();
    let script = format!("{}echo nonsense | \"$golive\" check --pre-receive", hub.names);
    assert_eq!(hub.place.sh("reports-repo", &script).status.code(), Some(2));
}
