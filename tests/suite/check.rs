//! `golive check` as a person runs it: on files, on a clone, before a commit.

use std::fs;
use std::path::PathBuf;

use crate::common::{BINARY, Finished, Place};

const ID: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

/// A reports repository in git's hands alone, with one report committed.
struct Clone {
    place: Place,
    file: PathBuf,
    path: String,
}

impl Clone {
    fn new() -> Self {
        let place = Place::new();
        assert!(place.golive(&["init", "reports-repo"]).status.success());
        let path = place.report_path("mcp-one");
        let file = place.repo().join(&path);
        let clone = Self { place, file, path };
        clone.write(&report("mcp-one", ID));
        clone.commit();
        clone
    }

    fn write(&self, text: &str) {
        fs::create_dir_all(self.file.parent().expect("a folder")).expect("a folder");
        fs::write(&self.file, text).expect("written");
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.file).expect("the report");
        assert!(text.contains(from));
        self.write(&text.replace(from, to));
    }

    fn commit(&self) {
        self.place.git(&["add", "-A"]);
        self.place.git(&["commit", "-q", "-m", "By hand"]);
    }

    /// Runs `golive check ARGS` in the repository.
    fn check(&self, args: &[&str]) -> Finished {
        Finished::of(self.place.command(BINARY).arg("check").args(args).current_dir(self.place.repo()))
    }

    fn assert_fine(&self, args: &[&str], summary: &str) {
        let finished = self.check(args);
        let last = finished.stderr.trim_end().lines().last();
        assert_eq!((finished.status.code(), last), (Some(0), Some(summary)), "{args:?}: {}", finished.stderr);
        assert!(!finished.stderr.contains("error["), "{args:?}: {}", finished.stderr);
    }

    fn assert_found(&self, args: &[&str], words: &[&str]) -> String {
        let finished = self.check(args);
        assert_eq!(finished.status.code(), Some(1), "{args:?}: {}", finished.stderr);
        for word in words {
            assert!(finished.stderr.contains(word), "{args:?}: no `{word}` in {}", finished.stderr);
        }
        finished.stderr
    }
}

fn report(name: &str, id: &str) -> String {
    format!(
        "---\nid: {id}\nserver_name: {name}\nrepository_url: https://github.com/example/{name}\n\
         developer_email: alex@example.com\nstatus: pending_review\nrevision: 1\nsubmitted_at: 2025-10-20T10:00:00Z\n\
         ---\n# Report\n"
    )
}

#[test]
fn message_has_rule_place_excerpt_and_repair() {
    let clone = Clone::new();
    clone.assert_fine(&[], "1 file is fine");
    clone.edit("status: pending_review", "status: done");
    let path = &clone.path;
    let message = clone.assert_found(&[], &[]);
    assert_eq!(
        message,
        format!(
            "error[unknown-status]: `status` must be `pending_review`, `approved` or `rejected`\n \
             --> {path}:6:9\n  |\n6 | status: done\n  |         ^^^^\n  |\n  = help: correct it\n\n\
             1 problem in 1 of 1 file\n"
        )
    );
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let clone = Clone::new();
    clone.edit("status: pending_review", "status: \x1b]0;owned\x07\u{202e}\u{9b}31m");
    let message = clone.assert_found(&[], &["unknown-status", "\u{241b}]0;owned\u{2407}<U+202E><U+009B>31m"]);
    assert!(!message.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{message:?}");
    let stray = clone.place.repo().join("reports/\x1b[2J.md");
    fs::write(stray, report("mcp-two", ID)).expect("written");
    let message = clone.assert_found(&[], &["reports/\u{241b}[2J.md", "wrong-path"]);
    assert!(!message.contains('\x1b'), "{message:?}");
}

#[test]
fn long_line_is_shown_around_the_fault() {
    let clone = Clone::new();
    clone.edit("status: pending_review", &format!("{}: 1", "k".repeat(90_000)));
    let message = clone.assert_found(&[], &["invalid-yaml", ":6:90001"]);
    assert!(message.len() < 2000, "{}", message.len());
}

#[test]
fn change_in_a_clone_is_judged_as_a_push_of_it_would_be() {
    let clone = Clone::new();
    let (before, id) = (fs::read_to_string(&clone.file).expect("the report"), "11111111-7a51-7c3e-9b52-0d6a4e1b7f10");
    for (from, to, words) in [
        (ID, id, &["changed-id", ":2:5", "write `id: 0198"][..]),
        ("github.com/example/mcp-one", "github.com/example/x", &["changed-repository"]),
        ("pending_review", "approved\n# Report", &[]),
        ("---\n# Report\n", "---\n", &["empty-text"]),
    ] {
        clone.edit(from, to);
        match words {
            // Who decides is whoever commits.
            [] => clone.assert_fine(&[], "1 file is fine"),
            words => drop(clone.assert_found(&[], words)),
        }
        clone.write(&before);
    }
    clone.edit("status: pending_review", "status: approved");
    clone.edit("# Report", "# Other");
    clone.assert_found(&[], &["text-and-decision", "two steps"]);
    fs::remove_file(&clone.file).expect("removed");
    clone.assert_found(&[], &["error[deleted]", "git checkout"]);
}

#[test]
fn strays_and_second_reports_with_one_id_are_named() {
    let clone = Clone::new();
    let second = clone.place.repo().join(clone.place.report_path("mcp-two"));
    fs::create_dir_all(second.parent().expect("a folder")).expect("a folder");
    fs::write(&second, report("mcp-two", ID)).expect("written");
    clone.assert_found(&[], &["duplicate-id", "mcp-two", &format!("`id` is that of `{}`", clone.path), "of 2 files"]);
    fs::write(&second, report("mcp-two", &ID.replace('0', "1"))).expect("written");
    clone.assert_fine(&[], "2 files are fine, with 2 warnings");
    fs::write(clone.place.repo().join("reports/copy.md"), report("mcp-two", ID)).expect("written");
    fs::write(clone.place.repo().join("reports/.swap"), "mine").expect("written");
    let message = clone.assert_found(&[], &["wrong-path", "reports/copy.md", "belongs at `reports/"]);
    assert!(!message.contains(".swap"), "{message}");
    // Once it is added, a push would be refused for it.
    clone.place.git(&["add", "-A"]);
    clone.assert_found(&[], &["reports/.swap", "only report files"]);
}

#[test]
fn staged_is_what_the_commit_takes() {
    let clone = Clone::new();
    clone.edit("status: pending_review", "status: done");
    clone.assert_fine(&["--staged"], "1 file is fine");
    clone.place.git(&["add", "-A"]);
    clone.edit("status: done", "status: rejected");
    clone.assert_fine(&[], "1 file is fine");
    clone.assert_found(&["--staged"], &["unknown-status", ":6:9"]);

    let hook = clone.place.repo().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    fs::write(&hook, format!("#!/bin/sh\nexec '{BINARY}' check --staged\n")).expect("a hook");
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a hook");
    let commit = |args: &str| clone.place.sh("reports-repo", &format!("git commit -q -m x {args}"));
    let refused = commit("");
    assert!(!refused.status.success() && refused.stderr.contains("unknown-status"), "{refused:?}");
    // Git gives the hook another index here: the one of this commit.
    assert!(commit("-a").status.success());

    let link = clone.place.repo().join("link");
    std::os::unix::fs::symlink("/etc/passwd", link).expect("a link");
    clone.place.git(&["add", "-A"]);
    clone.assert_found(&["--staged"], &["symbolic link", "--> link"]);
}

#[test]
fn commits_since_the_record_are_judged_one_by_one() {
    let clone = Clone::new();
    clone.place.git(&["branch", "record"]);
    clone.edit("# Report", "# Other");
    clone.commit();
    clone.edit("status: pending_review", "status: approved");
    clone.commit();
    clone.assert_fine(&["--against", "record"], "1 file is fine, with 2 warnings");
    clone.edit("# Other", "# Another");
    clone.commit();
    clone.assert_fine(&[], "1 file is fine");
    let message = clone.assert_found(&["--against", "record"], &["text-and-decision", "note: in commit", "By hand"]);
    assert!(message.contains("1 problem in 1 of 1 file"), "{message}");
}

#[test]
fn files_anywhere_are_checked_by_form_and_fields() {
    let clone = Clone::new();
    let dir = clone.place.path().join("elsewhere");
    fs::create_dir(&dir).expect("a folder");
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("written");
    write("fine.md", &report("mcp-x", ID));
    write("decided.md", &report("mcp-y", ID).replace("pending_review", "approved"));
    write("bad.md", &report("mcp-z", ID).replace("alex@example.com", "alex"));
    let path = |name: &str| dir.join(name).display().to_string();
    clone.assert_fine(&[&path("fine.md"), &path("decided.md")], "2 files are fine");
    clone.assert_found(
        &[&path("")],
        &["invalid-developer-email", &format!("{}:5:18", path("bad.md")), "1 problem in 1 of 3 files"],
    );
    // A file of a clone is judged as there.
    clone.edit(ID, &ID.replace('0', "1"));
    clone.assert_found(&[&clone.path], &["changed-id", "1 problem in 1 of 1 file"]);
}

#[test]
fn what_cannot_be_checked_ends_with_two() {
    let clone = Clone::new();
    let place = Place::new();
    for (args, word) in [
        (&["check"][..], "not in a git repository"),
        (&["check", "nothing.md"], "nothing.md"),
        (&["check", "--repo", "."], "not in a git repository"),
    ] {
        let finished = place.golive(args);
        assert_eq!(finished.status.code(), Some(2), "{finished:?}");
        assert!(finished.stderr.starts_with("golive: ") && finished.stderr.contains(word), "{finished:?}");
    }
    assert!(place.sh(".", "git init -q other").status.success());
    let finished = place.golive(&["check", "--repo", "other"]);
    assert!(finished.status.code() == Some(2) && finished.stderr.contains("golive: 1"), "{finished:?}");
    assert_eq!(clone.check(&["--against", "nowhere"]).status.code(), Some(2));
    assert_eq!(clone.check(&["--staged", "x.md"]).status.code(), Some(2));
}

#[test]
fn bare_repository_is_checked_by_what_is_committed() {
    let clone = Clone::new();
    assert!(clone.place.sh(".", "git clone -q --mirror reports-repo mirror").status.success());
    let finished = clone.place.golive(&["check", "--repo", "mirror"]);
    assert_eq!(finished.stderr, "1 file is fine\n");
    clone.edit("status: pending_review", "status: done");
    clone.commit();
    assert!(clone.place.sh("mirror", "git fetch -q").status.success());
    assert_eq!(clone.place.golive(&["check", "--repo", "mirror"]).status.code(), Some(1));
}

#[test]
fn marks_of_a_merge_that_is_not_finished_are_named() {
    let clone = Clone::new();
    let script = format!(
        "git switch -q -c side; sed -i 's/# Report/# Side/' {0}; git commit -q -a -m side; git switch -q main; \
         sed -i 's/# Report/# Main/' {0}; git commit -q -a -m main; git merge -q side || true",
        clone.path
    );
    assert!(clone.place.sh("reports-repo", &script).status.success());
    clone.assert_found(&["--staged"], &["conflict-markers", "not finished"]);
}

#[test]
fn missing_file_hides_nothing_about_the_others() {
    let clone = Clone::new();
    clone.edit("pending_review", "aproved");
    let finished = clone.check(&[&clone.path, "nonexist.md"]);
    assert_eq!(finished.status.code(), Some(2));
    for words in ["unknown-status", "1 problem in 1 of 1 file", "no `nonexist.md`; correct the path, or leave it out"] {
        assert!(finished.stderr.contains(words), "no `{words}` in {}", finished.stderr);
    }
    let finished = clone.check(&["nonexist.md"]);
    assert_eq!(finished.stderr, "golive: there is no `nonexist.md`; correct the path, or leave it out\n");
}

#[test]
fn broken_golive_yaml_is_told_with_what_to_do_and_hides_nothing() {
    let clone = Clone::new();
    clone.edit("pending_review", "aproved");
    let mark = clone.place.repo().join("golive.yaml");
    for (text, words) in [
        (
            "golive: [1",
            &["invalid-policy", "not valid YAML", "correct that, or take it as it was: `git checkout COMMIT"][..],
        ),
        (
            "golive: 1\nreview:\n  four_eyse: true\n",
            &["invalid-policy", "golive.yaml:3:3", "`review.four_eyse` is not a key", "`four_eyes`"],
        ),
        ("golive: 2\n", &["format-marker", "does not say `golive: 1`", "write that line into it"]),
    ] {
        fs::write(&mark, text).expect("written");
        clone.assert_found(&[], &[words, &["unknown-status"]].concat());
        clone.assert_found(&["golive.yaml"], words);
        clone.assert_found(&[&clone.path], &["unknown-status"]);
    }
    clone.commit();
    let refused = clone.check(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("git log -- golive.yaml"), "{}", refused.stderr);
}

#[test]
fn who_would_commit_is_held_against_the_policy_of_the_last_commit() {
    let clone = Clone::new();
    clone.place.write_rules("review: {reviewers: [test@example.com]}\n");
    clone.commit();
    // Not in force before it is committed.
    clone.place.write_rules("review: {reviewers: [nobody@example.com]}\n");
    clone.edit("status: pending_review", "status: approved");
    let check = |name: &str, email: &str, args: &[&str]| {
        let mut command = clone.place.command(BINARY);
        command.env("GIT_AUTHOR_NAME", name).env("GIT_AUTHOR_EMAIL", email);
        Finished::of(command.arg("check").args(args).current_dir(clone.place.repo()))
    };
    for args in [&[][..], &[clone.path.as_str()]] {
        let fine = check("Test", "test@example.com", args);
        assert_eq!(fine.status.code(), Some(0), "{fine:?}");
        let refused = check("Kim", "kim@example.com", args);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        for words in ["not-allowed-reviewer", "`test@example.com`"] {
            assert!(refused.stderr.contains(words), "no `{words}` in {}", refused.stderr);
        }
    }
    // As git itself has it, the environment names nobody else.
    for (email, code) in [("test@example.com", 0), ("kim@example.com", 1)] {
        clone.place.git(&["config", "user.email", email]);
        assert_eq!(check("", "", &[]).status.code(), Some(code), "{email}");
    }
}

#[test]
fn file_that_is_broken_as_a_whole_is_told_with_the_way_back() {
    let clone = Clone::new();
    let before = fs::read_to_string(&clone.file).expect("the report");
    let conflict = "<<<<<<< a\none\n=======\ntwo\n>>>>>>> b\n";
    for (rule, text, how) in [
        ("missing-fence", before[4..].to_owned(), "write `---` as its first line"),
        ("empty-text", before.replace("# Report\n", ""), "write the report below the second `---`"),
        ("conflict-markers", before.clone() + conflict, "keep what is right between"),
    ] {
        clone.write(&text);
        let message = clone.assert_found(&[], &[rule, how]);
        let (_, command) = message.split_once("take the file as it was: `").expect("a way back");
        let (command, _) = command.split_once('`').expect("a command");
        let taken = clone.place.sh("reports-repo", command);
        assert!(taken.status.success(), "{taken:?}");
        assert_eq!(fs::read_to_string(&clone.file).expect("the report"), before);
    }
    fs::remove_file(&clone.file).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", &clone.file).expect("a link");
    clone.assert_found(&[], &["symbolic link", &format!("git checkout COMMIT -- {}", clone.path)]);
}
