use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::*;
use crate::report::Report;
use crate::store::trail::Trail;

/// A Monday.
const START: &str = "2026-06-01T00:00:00Z";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn days(n: i64) -> DateTime<Utc> {
    time(START) + TimeDelta::days(n)
}

fn report(n: u128, server_name: &str, owner: &str, submitted_at: DateTime<Utc>) -> Report {
    Report {
        id: Uuid::from_u128(n),
        server_name: server_name.into(),
        repository_url: format!("https://git.example.com/{owner}/{n}"),
        developer_email: format!("dev-{}@example.com", n % 5),
        status: Status::PendingReview,
        revision: 1,
        submitted_at,
        reviewed_at: None,
        reviewed_by: None,
        review_notes: None,
    }
}

fn decided(report: Report, status: Status, reviewed_at: DateTime<Utc>) -> Report {
    let notes = Some("Not yet: ÆRLIG".to_owned());
    Report { status, reviewed_at: Some(reviewed_at), reviewed_by: Some("Morgan".into()), review_notes: notes, ..report }
}

fn put(snapshot: &mut Snapshot, report: Report) {
    let updated_at = report.reviewed_at.unwrap_or(report.submitted_at);
    let path = report.id.to_string();
    snapshot.put(Arc::new(Entry::new(report, None, path, Oid::ZERO_SHA1, updated_at, Trail::default())));
}

fn empty() -> Snapshot {
    Snapshot::new(Oid::ZERO_SHA1, Oid::ZERO_SHA1)
}

/// Reports with many equal times, names, owners and statuses.
fn crowd() -> Snapshot {
    let mut snapshot = empty();
    for n in 0..200_u128 {
        let k = i64::try_from(n * 7919 % 40).unwrap();
        let name = ["Ærlig", "ærlig", "beta", "Beta", "gamma"][usize::try_from(n % 5).unwrap()];
        let owner = ["Team", "team", "team/sub", "other"][usize::try_from(n / 3 % 4).unwrap()];
        let report = report(n, name, owner, days(k));
        put(
            &mut snapshot,
            match n % 4 {
                0 => decided(report, Status::Approved, days(k + 3)),
                1 => decided(report, Status::Rejected, days(k + 9)),
                _ => report,
            },
        );
    }
    snapshot
}

fn queries() -> Vec<ListQuery> {
    let mut queries = vec![ListQuery::default()];
    let mut with = |change: &dyn Fn(&ListQuery) -> Vec<ListQuery>| {
        queries = queries.iter().flat_map(change).collect();
    };
    with(&|query| Order::ALL.map(|order| ListQuery { order, ..query.clone() }).into());
    with(&|query| [None, Some(Status::Rejected)].map(|status| ListQuery { status, ..query.clone() }).into());
    with(&|query| [None, Some(days(20))].map(|updated_since| ListQuery { updated_since, ..query.clone() }).into());
    with(&|query| {
        [None, Some(days(30))].map(|submitted_before| ListQuery { submitted_before, ..query.clone() }).into()
    });
    with(&|query| [None, Some("TEAM".into())].map(|owner| ListQuery { owner, ..query.clone() }).into());
    with(&|query| ["", "ÆRLIG dev-0"].map(|text| ListQuery { words: words(text), ..query.clone() }).into());
    with(&|query| [1, 7, 1000].map(|limit| ListQuery { limit, ..query.clone() }).into());
    queries
}

/// What `query` asks for, the slow way.
fn expected(snapshot: &Snapshot, query: &ListQuery) -> Vec<Uuid> {
    let matches = |entry: &&Arc<Entry>| {
        let report = &entry.report;
        let text = format!("{report:?}").to_lowercase();
        query.status.is_none_or(|status| status == report.status)
            && query.updated_since.is_none_or(|since| entry.updated_at >= since)
            && query.submitted_before.is_none_or(|before| report.submitted_at <= before)
            && query.owner.as_ref().is_none_or(|owner| owner.to_lowercase() == entry.owner.to_lowercase())
            && query.words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<_> = snapshot.by_id.values().filter(matches).collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.report.id));
    match query.order {
        Order::Newest => found.sort_by_key(|entry| std::cmp::Reverse(entry.report.submitted_at)),
        Order::Oldest => {
            found.reverse();
            found.sort_by_key(|entry| entry.report.submitted_at);
        }
        Order::Updated => found.sort_by_key(|entry| std::cmp::Reverse(entry.updated_at)),
        Order::Name => found.sort_by_key(|entry| entry.report.server_name.to_lowercase()),
    }
    found.into_iter().map(|entry| entry.report.id).collect()
}

#[test]
fn pages_together_are_the_list_for_every_query() {
    let snapshot = crowd();
    for query in queries() {
        let expected = expected(&snapshot, &query);
        let (mut found, mut next) = (Vec::new(), query.clone());
        loop {
            let page = snapshot.page(&next);
            assert_eq!(page.n_matching, expected.len(), "{next:?}");
            assert!(page.entries.len() <= query.limit);
            found.extend(page.entries.iter().map(|entry| entry.report.id));
            match page.next {
                // As a client sends it back.
                Some(cursor) => next.after = Cursor::read(query.order, &cursor.to_string()),
                None => break,
            }
        }
        assert_eq!(found, expected, "{query:?}");
        let counts = snapshot.counts(&query);
        for status in Status::ALL {
            let of_status = ListQuery { status: Some(status), ..query.clone() };
            assert_eq!(counts.of(status), snapshot.page(&of_status).n_matching, "{query:?}");
        }
    }
}

#[test]
fn place_in_another_order_is_none() {
    let snapshot = crowd();
    for order in Order::ALL {
        let query = ListQuery { order, limit: 5, ..ListQuery::default() };
        let first = snapshot.page(&query);
        for other in Order::ALL.into_iter().filter(|other| *other != order) {
            let from_other = snapshot.page(&ListQuery { order: other, ..query.clone() }).next;
            let page = snapshot.page(&ListQuery { after: from_other, ..query.clone() });
            assert_eq!(page.next, first.next);
        }
    }
}

#[test]
fn owners_are_counted_whatever_their_case_and_forgotten_with_their_last_report() {
    let mut snapshot = crowd();
    let owners = |snapshot: &Snapshot| -> Vec<_> {
        snapshot.owners().into_iter().map(|owner| (owner.name.to_lowercase(), owner.n_reports)).collect()
    };
    let expected: Vec<(String, usize)> = vec![("other".into(), 48), ("team".into(), 102), ("team/sub".into(), 50)];
    assert_eq!(owners(&snapshot), expected);
    for n in 0..200 {
        snapshot.remove(&Uuid::from_u128(n).to_string());
    }
    assert_eq!(owners(&snapshot), []);
    for n in 0..300 {
        put(&mut snapshot, report(n, "x", &format!("owner-{n:03}"), days(0)));
    }
    put(&mut snapshot, report(1000, "x", "owner-299", days(0)));
    let bounded = owners(&snapshot);
    assert_eq!((bounded.len(), bounded.last()), (200, Some(&("owner-299".into(), 2))));
    assert!(bounded.is_sorted());
}

#[test]
fn weeks_say_who_waited_at_their_end_and_what_was_decided_in_them() {
    let mut snapshot = empty();
    for (n, submitted_at, decision) in [
        // Waits from before the first week until now.
        (1, -30, None),
        // Submitted and decided before the first week.
        (2, -30, Some((Status::Approved, -20))),
        // Decided on the second Monday: it waited at the end of the first week.
        (3, -1, Some((Status::Approved, 7))),
        (4, 3, Some((Status::Rejected, 6))),
        (5, 13, None),
        (6, 14, Some((Status::Rejected, 14))),
        // By a clock that goes wrong.
        (7, 8, Some((Status::Rejected, 1))),
        (8, 99, None),
    ] {
        let report = report(n, "x", "o", days(submitted_at));
        put(
            &mut snapshot,
            match decision {
                Some((status, at)) => decided(report, status, days(at)),
                None => report,
            },
        );
    }
    let now = days(20) + TimeDelta::hours(23);
    let weeks: Vec<_> = snapshot
        .weeks(now, 3)
        .iter()
        .map(|week| (week.start.to_string(), week.waiting, week.approved, week.rejected))
        .collect();
    let week = |start: &str, waiting, approved, rejected| (start.to_owned(), waiting, approved, rejected);
    assert_eq!(weeks, [week("2026-06-01", 2, 0, 2), week("2026-06-08", 2, 1, 0), week("2026-06-15", 2, 0, 1)]);
    // Kept, until the next week or the next commit.
    assert!(Arc::ptr_eq(&snapshot.weeks(now, 3), &snapshot.weeks(days(14), 3)));
    assert_eq!(snapshot.weeks(days(21), 3)[0].start, NaiveDate::from_ymd_opt(2026, 6, 8).unwrap());
    assert_eq!(snapshot.weeks(now, 26).len(), 26);
    let mut next = snapshot.clone();
    put(&mut next, report(9, "x", "o", days(15)));
    assert_eq!((next.weeks(now, 3)[2].waiting, snapshot.weeks(now, 3)[2].waiting), (3, 2));
    assert!(snapshot.weeks(now, 0).is_empty());
}

#[test]
fn recent_commits_say_what_they_made_of_each_report() {
    let mut snapshot = empty();
    put(&mut snapshot, report(1, "read-from-git", "o", days(0)));
    assert_eq!(snapshot.n_recent(), 0);
    for n in 0..=RECENT_MAX {
        let commit = Oid::from_str(&format!("{n:040x}")).unwrap();
        snapshot.advance(commit, Oid::ZERO_SHA1, 0);
        let new = report(2, "x", "o", days(0));
        put(&mut snapshot, new.clone());
        put(&mut snapshot, decided(new, Status::Approved, days(1)));
    }
    assert_eq!(snapshot.n_recent(), RECENT_MAX);
    let last: Vec<_> = snapshot.recent(2).map(|committed| committed.commit.to_string()).collect();
    assert_eq!(last, [RECENT_MAX - 1, RECENT_MAX].map(|n| format!("{n:040x}")));
    let reports = &snapshot.recent(1).next().unwrap().reports;
    assert_eq!((reports.len(), reports[0].status), (1, Status::Approved));
}

#[test]
fn snapshot_is_read_from_all_of_its_parts_alone_and_who_saves_it_can_rest_between_them() {
    let (mut snapshot, n_pauses, mut parts) = (crowd(), std::cell::Cell::new(0), Vec::new());
    let commit = |n: i64| Oid::from_str(&format!("{n:040x}")).unwrap();
    for n in 1..=20_000 {
        snapshot.advance(commit(n), Oid::ZERO_SHA1, n);
    }
    let before: Vec<_> = snapshot.entries().cloned().collect();
    for (n, entry) in (1..).zip(before) {
        let mut entry = Entry::clone(&entry);
        entry.commits = [n, n + 9_000, n + 19_000].into_iter().fold(Trail::default(), |trail, n| trail.with(commit(n)));
        snapshot.put(Arc::new(entry));
    }
    // Two files with one id, of which one went: there is a file more than there are ids.
    let mut twin = Entry::clone(snapshot.entries().next().unwrap());
    twin.path = "reports/twin.md".into();
    snapshot.put(Arc::new(twin));
    let first = snapshot.entries().find(|entry| &*entry.path != "reports/twin.md").unwrap().path.clone();
    snapshot.remove(&first);
    let is_whole = snapshot.write_parts(&|| n_pauses.set(n_pauses.get() + 1), &mut |part| {
        parts.push(part.to_vec());
        Ok(())
    });
    assert!(is_whole.unwrap(), "nothing is to be set right");
    assert_eq!(
        (parts.len(), n_pauses.get()),
        (4, 4),
        "a head, two parts of commits, one of reports; before each, and before the reports"
    );
    let read = |parts: &[Vec<u8>]| Snapshot::from_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let found = read(&parts).unwrap();
    assert!(found.line.points().eq(snapshot.line.points()));
    let reports = |snapshot: &Snapshot| {
        let state = |entry: &Entry| (entry.report.clone(), entry.updated_at, entry.commits.iter().collect::<Vec<_>>());
        let all = snapshot.entries().map(|entry| (entry.path.clone(), state(entry)));
        all.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(reports(&found), reports(&snapshot));
    for n in 0..parts.len() {
        assert!(read(&parts[..n]).is_none(), "{n} of them");
    }
}

#[test]
fn report_that_was_replaced_stands_in_its_new_places_alone() {
    let mut snapshot = crowd();
    let before: Vec<_> = snapshot.entries().cloned().collect();
    for entry in before {
        let (n, mut report) = (entry.report.id.as_u128(), entry.report.clone());
        if n.is_multiple_of(2) {
            report.server_name.push_str(" renamed");
        }
        if n.is_multiple_of(3) {
            report.submitted_at += TimeDelta::days(5);
        }
        if n.is_multiple_of(5) {
            report = decided(report, Status::ALL[(n % 2) as usize + 1], days(60));
        }
        put(&mut snapshot, report);
    }
    assert_eq!(snapshot.len(), 200);
    for query in queries().into_iter().filter(|query| query.limit == 1000) {
        let found: Vec<_> = snapshot.page(&query).entries.iter().map(|entry| entry.report.id).collect();
        assert_eq!(found, expected(&snapshot, &query), "{query:?}");
    }
}
