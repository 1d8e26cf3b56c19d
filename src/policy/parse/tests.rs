//! Policies that are read, and those that are not, each with its line and column.

use super::*;
use crate::policy::requirements::{Phase, Section};

fn refused(file: &str) -> (String, Option<(usize, usize)>, String) {
    match parse(file.as_bytes()) {
        Err(Refusal::Fault(fault)) => {
            assert_eq!(fault.rule, Rule::InvalidPolicy);
            assert!(!fault.repair.is_empty(), "{file}");
            (fault.detail, fault.place, fault.repair)
        }
        other => panic!("{file:?} is {other:?}"),
    }
}

#[test]
fn mark_alone_is_the_default() {
    for file in [
        "golive: 1\n",
        "golive: 1",
        "\u{feff}golive: 1\n",
        "golive: 1\nreport:\nreview:\n  reviewers:\n",
        "---\ngolive: 1\n...\n",
    ] {
        assert_eq!(parse(file.as_bytes()), Ok(Policy::default()), "{file}");
    }
}

#[test]
fn template_is_the_default() {
    let template = include_bytes!("../../../reports-repo-template/golive.yaml");
    assert_eq!(parse(template), Ok(Policy::default()));
}

#[test]
fn line_is_the_one_that_an_editor_shows() {
    let (detail, place, _) = refused("golive:\u{2028} 1\nrep");
    assert!(detail.contains("not valid YAML"), "{detail}");
    assert_eq!(place, Some((2, 4)));
}

#[test]
fn every_key_is_read() {
    let file = "
golive: 1
report:
  enforcement: refuse
  max_bytes: 1000
  fields: [Repository, \"Review Date\"]
  phases:
    - name: Security
      verdict: true
      sections:
        - heading: Trifecta
          fields: [Risk Level]
          columns: [Component, Status]
          rows: [One, Two]
        - {heading: Other}
    - name: Runbook
submission:
  repository_hosts: [github.com, '*.example.com', '[::1]:8080']
  repository_owners:
    - intility
    - github.com/intility
  email_domains: [example.com]
review:
  reviewers: ['*@example.com', Morgan]
  four_eyes: true
  notes_required_on_reject: true
  overdue_days: 0
  approval_days: 365
";
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut expected = Policy {
        enforcement: Enforcement::Refuse,
        report_bytes_max: Some(1000),
        repository_hosts: texts(&["github.com", "*.example.com", "[::1]:8080"]),
        repository_owners: texts(&["intility", "github.com/intility"]),
        email_domains: texts(&["example.com"]),
        reviewers: texts(&["*@example.com", "Morgan"]),
        four_eyes: true,
        notes_required_on_reject: true,
        overdue_days: 0,
        approval_days: 365,
        ..Policy::default()
    };
    let trifecta = Section {
        heading: "Trifecta".into(),
        fields: texts(&["Risk Level"]),
        columns: texts(&["Component", "Status"]),
        rows: texts(&["One", "Two"]),
    };
    let other = Section { heading: "Other".into(), ..Section::default() };
    expected.requirements.fields = texts(&["Repository", "Review Date"]);
    expected.requirements.phases = vec![
        Phase { name: "Security".into(), has_verdict: true, sections: vec![trifecta, other] },
        Phase { name: "Runbook".into(), ..Phase::default() },
    ];
    assert_eq!(parse(file.as_bytes()), Ok(expected));
}

#[test]
fn empty_list_asks_for_nothing() {
    let policy = parse(b"golive: 1\nreport: {fields: [], phases: []}\n").expect("a policy");
    assert_eq!((policy.requirements.fields.len(), policy.requirements.phases.len()), (0, 0));
}

#[test]
fn file_without_the_mark_is_none_of_golive() {
    for file in ["", "# nothing\n", "golive: 2\n", "golive: '1'\n", "golive:\n", "review: {}\n", "[golive]\n", "golive"]
    {
        assert_eq!(parse(file.as_bytes()), Err(Refusal::NoFormat), "{file:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let many = format!("golive: 1\nsubmission:\n  email_domains: [{}]\n", "a.example,".repeat(1001));
    let deep = format!("golive: 1\nreview: {}{}\n", "[".repeat(20), "]".repeat(20));
    let long = format!("golive: 1\nreview:\n  reviewers:\n    - {}\n", "x".repeat(256));
    let review = |line: &str| format!("golive: 1\nreview:\n  {line}\n");
    let submission = |line: &str| format!("golive: 1\nsubmission:\n  {line}\n");
    let report = |line: &str| format!("golive: 1\nreport:\n  {line}\n");
    for (file, place, words) in [
        // The form of the file.
        ("golive: 1\nreview: [1".to_owned(), (2, 11), "not valid YAML"),
        ("golive: 1\n\treview: {}".to_owned(), (1, 9), "not valid YAML"),
        ("golive: 1\nreview: 'x".to_owned(), (2, 9), "not valid YAML"),
        ("golive: 1\ngolive: 1\n".to_owned(), (2, 1), "`golive` stands here twice"),
        (
            "golive: 1\nreview:\n  four_eyes: true\n  four_eyes: false\n".to_owned(),
            (4, 3),
            "`four_eyes` stands here twice",
        ),
        ("golive: 1\nreview: &a\n  four_eyes: true\n".to_owned(), (2, 1), "anchors"),
        ("a: &a [x]\ngolive: 1\nb: [*a, *a]\n".to_owned(), (1, 1), "anchors"),
        ("golive: 1\nreview: *a\n".to_owned(), (2, 9), "not valid YAML"),
        ("golive: !!int 1\n".to_owned(), (1, 15), "tags"),
        ("golive: 1\n---\ngolive: 1\n".to_owned(), (2, 1), "one YAML document"),
        ("golive: 1\n? [a]\n: b\n".to_owned(), (2, 3), "a key must be plain text"),
        (deep, (2, 24), "nested too deeply"),
        // Keys.
        ("golive: 1\nteam: platform\n".to_owned(), (2, 1), "`team` is not a key of golive.yaml"),
        ("golive: 1\ntrue: x\n".to_owned(), (2, 1), "`true` is not a key"),
        (review("reviwers: []"), (3, 3), "`review.reviwers` is not a key"),
        (report("phases: [{name: X, sektions: []}]"), (3, 22), "`report.phases[0].sektions` is not a key"),
        ("golive: 1\nreview: yes\n".to_owned(), (2, 9), "`review` must hold `name: value` lines"),
        ("golive: 1\nreview: []\n".to_owned(), (2, 9), "`review` must hold"),
        // Values.
        (report("enforcement: strict"), (3, 16), "must be `off`, `warn` or `refuse`"),
        (report("enforcement: false"), (3, 16), "must be `off`, `warn` or `refuse`"),
        (report("max_bytes: 0"), (3, 14), "between 1 and 67108864"),
        (report("max_bytes: 1.5"), (3, 14), "whole number"),
        (report("max_bytes: '1000'"), (3, 14), "whole number"),
        (report("fields: Repository"), (3, 11), "`report.fields` must be a list"),
        (report("fields: [Repository, 1]"), (3, 24), "`report.fields[1]` must be a text"),
        (report("fields: ['']"), (3, 12), "must not be blank"),
        (report("phases: [{verdict: true}]"), (3, 12), "`report.phases[0]` has no `name`"),
        (report("phases:\n    - verdict: true\n    - name: x"), (4, 7), "`report.phases[0]` has no `name`"),
        (report("phases: [{name: X, verdict: yes}]"), (3, 31), "must be `true` or `false`"),
        (report("phases: [{name: X, sections: [{rows: [a]}]}]"), (3, 33), "has no `heading`"),
        (
            report("phases: [{name: X, sections: [{heading: H, rows: [a]}]}]"),
            (3, 52),
            "`report.phases[0].sections[0].rows` are of a table without columns",
        ),
        (review("four_eyes: yes"), (3, 14), "must be `true` or `false`"),
        (review("four_eyes: 1"), (3, 14), "must be `true` or `false`"),
        (review("notes_required_on_reject: 'true'"), (3, 29), "must be `true` or `false`"),
        (review("overdue_days: -1"), (3, 17), "between 0 and 36500"),
        (review("overdue_days: soon"), (3, 17), "between 0 and 36500"),
        (review("approval_days: 36501"), (3, 18), "between 0 and 36500"),
        (review("approval_days: 99999999999999999999"), (3, 18), "invalid type: integer `99999999999999999999`"),
        // Patterns.
        (review("reviewers: Morgan"), (3, 14), "`review.reviewers` must be a list"),
        (review("reviewers: [\"a\\u202eb\"]"), (3, 15), "invisible character U+202E"),
        (review("reviewers: ['.*@example\\.com']"), (3, 15), "can never match"),
        (review("reviewers: [{a: b}]"), (3, 15), "`review.reviewers[0]` must be a text"),
        (long, (4, 7), "at most 255 characters, has 256"),
        (submission("repository_hosts: ['https://github.com']"), (3, 22), "`https://github.com` can never match"),
        (submission("repository_hosts: ['github.com/intility']"), (3, 22), "can never match"),
        (submission("repository_owners: ['https://github.com/intility']"), (3, 23), "can never match"),
        (submission("repository_owners: [/intility]"), (3, 23), "can never match"),
        (submission("repository_owners: [a//b]"), (3, 23), "can never match"),
        (submission("email_domains: ['@example.com']"), (3, 19), "can never match"),
        (submission("email_domains: [a.example, ' b.example']"), (3, 30), "white space"),
        (many, (3, 18), "at most 1000 items, has 1001"),
    ] {
        let (detail, found, repair) = refused(&file);
        assert!(detail.contains(words), "{file}: {detail}; {repair}");
        assert_eq!(found, Some(place), "{file}: {detail}");
    }
}

#[test]
fn long_and_unreadable_files_are_refused_before_they_are_read() {
    let (detail, ..) = refused(&format!("golive: 1\n#{}\n", "x".repeat(FILE_BYTES_MAX)));
    assert!(detail.contains("at most 262144 are read"), "{detail}");
    match parse(b"golive: 1\n# \xff\n") {
        Err(Refusal::Fault(fault)) => assert_eq!((fault.place, fault.rule), (Some((2, 1)), Rule::InvalidPolicy)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn alias_bomb_is_refused_at_once() {
    let mut bomb = "golive: 1\na0: &a0 [x, x]\n".to_owned();
    for n in 1..60 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    let start = std::time::Instant::now();
    let (detail, ..) = refused(&bomb);
    assert!(detail.contains("anchors"), "{detail}");
    assert!(start.elapsed().as_secs() < 2);
}
