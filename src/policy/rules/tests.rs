//! The rules of a policy as tables, one row a case.

use chrono::DateTime;

use super::*;
use crate::report::Status;

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn rules(breaches: &[Breach]) -> Vec<(Rule, &'static str)> {
    breaches.iter().map(|breach| (breach.rule, breach.field)).collect()
}

fn report() -> Report {
    Report {
        id: uuid::Uuid::nil(),
        server_name: "x".into(),
        repository_url: "https://evil.example/a/x".into(),
        developer_email: "alex@evil.example".into(),
        status: Status::PendingReview,
        revision: 1,
        submitted_at: DateTime::UNIX_EPOCH,
        reviewed_at: None,
        reviewed_by: None,
        review_notes: None,
    }
}

#[test]
fn repository_is_allowed_by_its_host_and_its_owner() {
    for (hosts, owners, url, is_allowed) in [
        (&[][..], &[][..], "https://anything.example/a/b", true),
        (&["github.com"], &[], "https://GitHub.com/a/b", true),
        (&["github.com"], &[], "git@github.com:a/b.git", true),
        (&["github.com"], &[], "https://github.com.evil.example/a/b", false),
        (&["*.example.com"], &[], "https://git.example.com/a/b", true),
        (&["*.example.com"], &[], "https://example.com/a/b", false),
        (&["git.example.com"], &[], "https://git.example.com:8443/a/b", true),
        (&["git.example.com:8443"], &[], "https://git.example.com:8443/a/b", true),
        (&["git.example.com:8443"], &[], "https://git.example.com/a/b", false),
        (&["[::1]"], &[], "http://[::1]:3000/a/b", true),
        (&["[::1]"], &[], "http://[::2]:3000/a/b", false),
        (&[], &["intility"], "https://github.com/Intility/b", true),
        (&[], &["Intility"], "https://github.com/intility/b", true),
        (&[], &["intility"], "https://github.com/intility2/b", false),
        (&[], &["intility"], "https://gitlab.com/intility/sub/b", false),
        (&[], &["intility/*"], "https://gitlab.com/intility/sub/b", true),
        (&[], &["github.com/intility"], "https://github.com/intility/b", true),
        (&[], &["github.com/intility"], "https://gitlab.com/intility/b", false),
        (&[], &["intility"], "https://git.example.com/b", false),
        (&[], &["*"], "https://git.example.com/b", true),
        (&["github.com"], &["intility"], "https://github.com/other/b", false),
        (&["github.com"], &["intility"], "https://gitlab.com/intility/b", false),
    ] {
        let policy = Policy { repository_hosts: texts(hosts), repository_owners: texts(owners), ..Policy::default() };
        let found = policy.submission(None, Offer { repository_url: Some(url), ..Offer::default() });
        assert_eq!(found.is_empty(), is_allowed, "{hosts:?} {owners:?} {url}: {found:?}");
        assert!(found.iter().all(|breach| breach.rule == Rule::NotAllowedRepository));
    }
}

#[test]
fn address_is_allowed_by_its_domain() {
    for (domains, email, is_allowed) in [
        (&[][..], "a@anything.example", true),
        (&["example.com"], "a@Example.COM", true),
        (&["example.com"], "a@sub.example.com", false),
        (&["example.com", "*.example.com"], "a@sub.example.com", true),
        (&["example.com"], "example.com@evil.example", false),
    ] {
        let policy = Policy { email_domains: texts(domains), ..Policy::default() };
        let found = policy.submission(None, Offer { developer_email: Some(email), ..Offer::default() });
        assert_eq!(found.is_empty(), is_allowed, "{domains:?} {email}: {found:?}");
    }
}

#[test]
fn everything_wrong_with_a_new_report_is_named_at_once_and_what_stays_is_not() {
    let policy = Policy {
        repository_hosts: texts(&["github.com"]),
        email_domains: texts(&["example.com"]),
        report_bytes_max: Some(10),
        ..Policy::default()
    };
    let (url, email) = ("https://evil.example/a/x", "alex@evil.example");
    let offer = Offer { repository_url: Some(url), developer_email: Some(email), text_bytes: Some(11) };
    let too_long = (Rule::TextTooLong, "report_data");
    let (repository, address) =
        ((Rule::NotAllowedRepository, "repository_url"), (Rule::NotAllowedEmail, "developer_email"));
    assert_eq!(rules(&policy.submission(None, offer)), [repository, address, too_long]);
    assert_eq!(rules(&policy.submission(Some(&report()), offer)), [too_long]);
    let other = Offer { developer_email: Some("kim@evil.example"), text_bytes: Some(10), ..offer };
    assert_eq!(rules(&policy.submission(Some(&report()), other)), [address]);
}

#[test]
fn reviewers_are_known_by_address_or_name() {
    for (reviewers, by, is_allowed) in [
        (&[][..], "anybody", true),
        (&["*@example.com"], "Morgan <morgan@example.com>", true),
        (&["*@example.com"], "MORGAN@EXAMPLE.COM", true),
        (&["*@example.com"], "Morgan", false),
        (&["*@example.com"], "x@example.com <x@evil.example>", false),
        (&["*@example.com"], "<x@evil.example> x@example.com", false),
        (&["Morgan"], "Morgan <morgan@example.com>", true),
        (&["morgan"], "Morgan", true),
        (&["Morgan"], "Morgana <morgan@example.com>", false),
        (&["Morgan <*@example.com>"], "Morgan <m@example.com>", true),
        (&["Morgan <*@example.com>"], "Kim <m@example.com>", false),
        (&["kim@example.com", "*@ops.example.com"], "a@ops.example.com", true),
    ] {
        let policy = Policy { reviewers: texts(reviewers), ..Policy::default() };
        for event in [Event::Approve, Event::Reject, Event::Reopen] {
            let found = policy.decision(Judgement { event, by: Some(by), developer_email: "a@b.example", notes: None });
            assert_eq!(found.is_empty(), is_allowed, "{reviewers:?} {by}: {found:?}");
        }
    }
    let policy = Policy { reviewers: texts(&["*@example.com"]), ..Policy::default() };
    let nobody = Judgement { event: Event::Approve, by: None, developer_email: "a@b.example", notes: None };
    assert_eq!(rules(&policy.decision(nobody)), [(Rule::NotAllowedReviewer, "reviewed_by")]);
}

#[test]
fn submitter_is_known_by_the_address_in_any_form() {
    let policy = Policy { four_eyes: true, ..Policy::default() };
    for (by, is_allowed) in [
        ("alex@example.com", false),
        ("Alex <ALEX@example.com>", false),
        ("<alex@example.com>", false),
        ("kim@example.com", true),
        ("alex", true),
    ] {
        let judgement =
            Judgement { event: Event::Approve, by: Some(by), developer_email: "alex@example.com", notes: None };
        assert_eq!(policy.decision(judgement).is_empty(), is_allowed, "{by}");
    }
}

#[test]
fn rejection_alone_needs_notes() {
    let policy = Policy { notes_required_on_reject: true, ..Policy::default() };
    for (event, notes, is_allowed) in [
        (Event::Reject, None, false),
        (Event::Reject, Some(" \n"), false),
        (Event::Reject, Some("why"), true),
        (Event::Approve, None, true),
        (Event::Reopen, None, true),
    ] {
        let judgement = Judgement { event, by: Some("Morgan"), developer_email: "alex@example.com", notes };
        assert_eq!(policy.decision(judgement).is_empty(), is_allowed, "{event:?} {notes:?}");
    }
}

#[test]
fn long_lists_are_cut_in_messages() {
    let hosts: Vec<String> = (0..9).map(|n| format!("h{n}.example")).collect();
    let policy = Policy { repository_hosts: hosts, ..Policy::default() };
    let found = policy.submission(None, Offer { repository_url: Some("https://x.example/a/b"), ..Offer::default() });
    assert!(found[0].detail.contains("`h4.example` and 4 more"), "{}", found[0].detail);
}
