//! `golive verify`: the history of a lively repository is proved, and each way
//! of tampering with it is found and named.

use std::fs;

use crate::common::{Finished, Place, decision, submission};

/// A repository with everything that happens to reports, through the service and
/// beside it.
fn lively() -> Place {
    let place = Place::new();
    let service = place.serve();
    let one = service.submit("mcp-one");
    let two = service.submit("mcp-two");
    service.submit("mcp-three");
    service.patch(&one, &decision("approved", "Good.\n\nVia: web"));
    service.patch(&one, &decision("pending_review", "Look again"));
    service.patch(&two, &decision("rejected", "Not yet"));
    service.post(&submission("mcp-two"));
    service.patch(&two, &decision("approved", ""));
    let mut other = submission("mcp-four");
    other["server_name"] = "mcp-fourth".into();
    assert_eq!(service.put(&service.submit("mcp-four"), &other).status, 200);
    service.wait_until_clean();
    // Decided by a person's commit, and then a text changed under a decision.
    let status = |name: &str, word: &str| {
        let text = fs::read_to_string(place.report_file(name)).expect("a report");
        fs::write(place.report_file(name), text.replace("status: pending_review", &format!("status: {word}")))
            .expect("written");
        place.git(&["commit", "-q", "-a", "-m", "By hand"]);
    };
    status("mcp-three", "rejected");
    let restored = |n: usize| {
        service.wait_until("the file was set right", || {
            place.git(&["log", "--format=%s", "main"]).matches("Restore").count() == n
        });
    };
    let text = fs::read_to_string(place.report_file("mcp-two")).expect("a report");
    fs::write(place.report_file("mcp-two"), format!("{text}\nMore.\n")).expect("written");
    place.git(&["commit", "-q", "-a", "-m", "Say more"]);
    restored(1);
    service.wait_until_clean();
    place.git(&["rm", "-q", &place.report_path("mcp-four")]);
    place.git(&["commit", "-q", "-m", "Remove"]);
    restored(2);
    service.patch(&two, &decision("approved", "Again"));
    service.wait_until_clean();
    service.stop();
    place
}

fn verify(place: &Place, repo: &str) -> Finished {
    place.golive(&["verify", repo])
}

#[test]
fn lively_history_is_right_in_every_kind_of_clone() {
    let place = lively();
    assert!(
        place.sh(".", "git clone -q --mirror reports-repo mirror; git clone -q reports-repo clone").status.success()
    );
    for repo in ["reports-repo", "mirror", "clone"] {
        let finished = verify(&place, repo);
        assert_eq!(finished.status.code(), Some(0), "{repo}: {finished:?}");
        for word in ["4 reports (2 pending_review, 1 approved, 1 rejected)", "6 decisions", "set right (2)"] {
            assert!(finished.stdout.contains(word), "{repo}: no `{word}` in {}", finished.stdout);
        }
        for word in ["set right by", "Say more", "deletes the report"] {
            assert!(finished.stderr.contains(word), "{repo}: no `{word}` in {}", finished.stderr);
        }
        assert!(!finished.stderr.contains("WRONG"), "{}", finished.stderr);
    }
}

/// Makes a commit as the service does, with an approval of `mcp-one` in the work
/// tree; `$message` can be changed before.
const OWN: &str = "
f=FILE; id=$(sed -n 's/^id: //p' $f); blob=$(git rev-parse HEAD:$f); tip=$(git rev-parse HEAD); rules=$(git rev-parse HEAD:golive.yaml)
export GIT_COMMITTER_NAME=golive GIT_COMMITTER_EMAIL=golive@invalid
sed -i 's/^status: .*/status: approved/; s/^reviewed_by: .*/reviewed_by: Morgan/' $f
sed -i 's/^reviewed_at: .*/reviewed_at: 2026-01-01T00:00:00Z/' $f
message=\"Approve report \\`mcp-one\\`

Report-Id: $id
Revision: 1
Status: pending_review -> approved
Report-Blob: $blob
Via: api
\"
own() { git add -A; printf '%s' \"$message\" | git commit -q --allow-empty -F -; }
swap() { message=$(printf '%s' \"$message\" | sed \"$1\"); }
";

/// Name, how the commit is made, what is said of it.
const TAMPERED: &[(&str, &str, &[&str])] = &[
    ("two parents", "own; git reset -q --soft $(git commit-tree -p $tip -p $tip~1 -m \"$message\" HEAD^{tree})", &["has 2 parents"]),
    ("another file beside", "echo x >> README.md; own", &["`README.md`", "its report's file alone"]),
    ("nothing at all", "git checkout -q .; own", &["changes nothing"]),
    ("a false revision", "swap 's/Revision: 1/Revision: 2/'; own", &["`Revision` is `2`", "by the change it is `1`"]),
    ("a false status", "swap 's/pending_review ->/rejected ->/'; own", &["`Status` is `rejected -> approved`"]),
    ("a false blob", "swap \"s/$blob/$tip/\"; own", &["`Report-Blob` is", "by the change it is"]),
    ("false rules", "swap \"s/^Via/Policy-Blob: $tip\\nVia/\"; own", &["`Policy-Blob` is", "by the change it is"]),
    (
        "rules twice",
        "swap \"s/^Via/Policy-Blob: $rules\\nPolicy-Blob: $rules\\nVia/\"; own",
        &["`Policy-Blob` is missing, and by the change it is"],
    ),
    (
        "rules of no decision",
        "git checkout -q .; sed -i 's/^server_name: .*/server_name: other/' $f
         swap \"s/^Approve/Edit/; s/-> approved/-> pending_review/; s/^Report-Blob: .*/Policy-Blob: $rules/\"; own",
        &["`Policy-Blob` stands beside no decision"],
    ),
    (
        "a decision that its rules forbid",
        "printf 'golive: 1\\nreview: {reviewers: [kim@example.com]}\\n' > golive.yaml
         export GIT_COMMITTER_NAME=Kim GIT_COMMITTER_EMAIL=kim@example.com; git commit -qm Rules golive.yaml
         export GIT_COMMITTER_NAME=golive GIT_COMMITTER_EMAIL=golive@invalid
         swap \"s/^Via/Policy-Blob: $(git rev-parse HEAD:golive.yaml)\\nVia/\"; own",
        &["`reviewed_by` must be one of those who may decide: `kim@example.com`"],
    ),
    (
        "rules that nobody can read",
        "git checkout -q .; echo 'reviewers: []' >> golive.yaml; export GIT_COMMITTER_EMAIL=a@example.com
         git commit -qam 'Break the rules'",
        &["`reviewers` is not a key of golive.yaml", "Break the rules"],
    ),
    ("no blob", "swap '/^Report-Blob/d'; own", &["`Report-Blob` is missing"]),
    ("a trailer twice", "swap 's/^Via: api/Via: api\\nVia: web/'; own", &["`Via` is missing"]),
    ("an unknown way in", "swap 's/Via: api/Via: post/'; own", &["`Via` is `post`", "no way in"]),
    ("a false verb", "swap 's/^Approve/Reject/'; own", &["says `Reject`", "the change is `Approve`"]),
    ("no verb", "swap 's/^Approve/Bless/'; own", &["begins with `Bless`"]),
    ("a text under a decision", "echo more >> $f; own", &["changes the text, and says `Approve`"]),
    ("a new date", "sed -i 's/^submitted_at: .*/submitted_at: 2020-01-01T00:00:00Z/' $f; own", &["`submitted_at`"]),
    ("another report's id", "swap \"s/$id/0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10/\"; own", &["`Report-Id` is `0198c5f2"]),
    ("an id that changes", "new=0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10; sed -i \"s/^id: .*/id: $new/\" $f; swap \"s/$id/$new/\"; own", &["changes the `id`"]),
    (
        "a revision that is left out",
        "git checkout -q .; sed -i 's/^revision: .*/revision: 7/' $f; echo more >> $f
         swap 's/^Approve/Resubmit/; s/Revision: 1/Revision: 7/; s/-> approved/-> pending_review/; /^Report-Blob/d'; own",
        &["revision 7 follows on 1"],
    ),
    ("a restored lie", "swap \"s/^Approve/Restore/; s/^Via: api/Answers: $tip\\nVia: golive/\"; own", &["`Answers`", "not in force"]),
    ("a second start", "git checkout -q .; echo x >> README.md; message='Start the reports repository'; own", &["not the first commit"]),
    ("no report", "git checkout -q .; echo x >> README.md; message='Tidy up'; own", &["names no report"]),
    ("an accepted rewind with a change", "message=\"Accept

Lost-Tip: $tip\"; own", &["accepts a rewind, and changes files"]),
    (
        "a person's nonsense",
        "export GIT_COMMITTER_EMAIL=a@example.com; sed -i 's/^status: .*/status: done/' $f; message=Decide; own",
        &["unknown-status", "Decide"],
    ),
];

#[test]
fn every_kind_of_tampering_is_found_and_named() {
    let place = lively();
    let own = OWN.replace("FILE", &place.report_path("mcp-one"));
    let tamper = |script: &str| {
        let made = place.sh(".", &format!("rm -rf t; git clone -q reports-repo t; cd t\n{own}{script}"));
        assert!(made.status.success(), "{script}: {}", made.stderr);
        verify(&place, "t")
    };
    // Made like the service's own, nothing is wrong with it.
    let honest = tamper("own");
    assert_eq!(honest.status.code(), Some(0), "{honest:?}");
    // As it was made before decisions named their rules, and since.
    let honest = tamper("swap \"s/^Via/Policy-Blob: $rules\\nVia/\"; own");
    assert_eq!(honest.status.code(), Some(0), "{honest:?}");
    for (name, script, words) in TAMPERED {
        let finished = tamper(script);
        assert_eq!(finished.status.code(), Some(1), "{name}: {finished:?}");
        let tip = place.sh("t", "git rev-parse HEAD").stdout;
        assert!(finished.stderr.contains(tip.trim()), "{name}: {}", finished.stderr);
        for word in *words {
            // The rule is shown by its sentence.
            let word = word.replace("unknown-status", "must be `pending_review`, `approved` or `rejected`");
            assert!(finished.stderr.contains(&word), "{name}: no `{word}` in {}", finished.stderr);
        }
    }
}

#[test]
fn rewound_history_is_named_until_it_is_accepted() {
    let place = lively();
    let served = place.git(&["rev-parse", "main"]);
    place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let finished = verify(&place, "reports-repo");
    assert_eq!(finished.status.code(), Some(1), "{finished:?}");
    for word in ["rewound or replaced", served.trim()] {
        assert!(finished.stderr.contains(word), "{finished:?}");
    }
    let tip = place.git(&["rev-parse", "main"]);
    assert!(place.golive(&["accept-rewind", "--repo", "reports-repo", tip.trim()]).status.success());
    let finished = verify(&place, "reports-repo");
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
}

#[test]
fn many_offences_are_counted_and_twenty_are_shown() {
    let place = Place::new();
    assert!(place.golive(&["init", "reports-repo"]).status.success());
    let script = "export GIT_COMMITTER_EMAIL=golive@invalid
        for n in $(seq 25); do git commit -q --allow-empty -m \"Forged $n\"; done";
    assert!(place.sh("reports-repo", script).status.success());
    let finished = verify(&place, "reports-repo");
    assert_eq!(finished.stderr.matches("WRONG").count(), 20, "{}", finished.stderr);
    assert!(finished.stderr.contains("… and 5 more") && finished.stdout.contains("25 wrong"), "{finished:?}");
}

#[test]
fn what_cannot_be_verified_ends_with_two() {
    let place = lively();
    let url = format!("file://{}", place.repo().display());
    assert!(place.sh(".", &format!("git clone -q --depth 1 {url} shallow; git init -q empty")).status.success());
    for (repo, word) in [("shallow", "--unshallow"), ("empty", "no branch `main`"), ("nowhere", "not a git repository")]
    {
        let finished = verify(&place, repo);
        assert_eq!(finished.status.code(), Some(2), "{finished:?}");
        assert!(finished.stderr.starts_with("golive: ") && finished.stderr.contains(word), "{finished:?}");
    }
}
