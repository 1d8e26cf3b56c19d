//! Many at work on the same reports: clients of the API, an editor, somebody who pushes.
//! Every answer is noted with its time, and stateright has to find one order in which all
//! of them are right; the commits in git have to be in that order.
//!
//! The search takes exponential time in calls that overlap, so that a scene has few
//! reports and a report some 30 calls.

mod clients;
mod people;
mod record;
mod scene;
mod spec;

use std::time::Duration;

use crate::common::attack::{rounds, seed};
use crate::common::edits::place_of_robin;
use scene::Scene;

/// So that a push lands beside them.
const PACE: Duration = Duration::from_millis(200);

/// Four clients as fast as they can, on two reports.
fn crowd(scene: &Scene, draw: &mut fastrand::Rng) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let draw = draw.fork();
            scope.spawn(|| clients::work(scene, draw, 10, Duration::ZERO));
        }
    });
}

/// Three clients, an editor and somebody who pushes, on three reports.
fn everybody(scene: &Scene, draw: &mut fastrand::Rng) {
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let draw = draw.fork();
            scope.spawn(|| clients::work(scene, draw, 20, PACE));
        }
        let (editor, pusher) = (draw.fork(), draw.fork());
        scope.spawn(|| people::edit(scene, editor, 3));
        scope.spawn(|| people::push(scene, pusher, 3));
    });
}

#[test]
fn all_answers_fit_one_order_which_is_that_of_the_commits() {
    let (seed, place) = (seed(), place_of_robin());
    let service = place.serve();
    let mut draw = fastrand::Rng::with_seed(seed);
    let (n_crowds, n_others) = (rounds(8, 100), rounds(2, 20));
    let (mut n_calls, mut n_reports) = (0, 0);
    for n in 0..n_crowds + n_others {
        let is_crowd = n % (n_crowds / n_others + 1) != 0;
        let scene = Scene::new(&service, n, if is_crowd { 2 } else { 3 });
        if is_crowd {
            crowd(&scene, &mut draw);
        } else {
            everybody(&scene, &mut draw);
        }
        n_reports += scene.reports.len();
        n_calls += scene.judge().unwrap_or_else(|wrong| panic!("seed {seed}, scene {n}: {wrong}\n{}", service.log()));
    }
    service.stop();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert!(verified.status.success(), "{verified:?}");
    eprintln!("history: {n_calls} calls on {n_reports} reports in {} scenes, seed {seed}", n_crowds + n_others);
}

/// The checker itself: what it has to notice.
mod checker {
    use std::time::{Duration, Instant};

    use super::record::{Operation, judge, judge_all};
    use super::spec::{Answer, Call, View};

    fn view(n: u64) -> View {
        let (status, text, etag) = ("pending_review".into(), format!("Text {n}"), format!("etag {n}"));
        View { status, revision: n, text, by: None, notes: None, etag }
    }

    fn revise(n: u64) -> Call {
        match n {
            1 => Call::Submit { text: view(1).text },
            _ => Call::Revise { text: view(n).text, if_match: None },
        }
    }

    /// Each with its times; the commit of revision `n` is `c<n>`.
    fn record(calls: &[(u64, u64, Call, Answer)]) -> Vec<Operation> {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let operation = |(n, (start, end, call, answer)): (usize, &(u64, u64, Call, Answer))| Operation {
            token: n.to_string(),
            by: "test",
            call: call.clone(),
            start: at(*start),
            end: Some(at(*end)),
            answer: Some(answer.clone()),
            from: Some(format!("c{end}")),
            found: None,
        };
        calls.iter().enumerate().map(operation).collect()
    }

    fn made(n: u64) -> Answer {
        Answer::Made { view: view(n), commit: format!("c{n}") }
    }

    fn commits(numbers: &[u64]) -> Vec<String> {
        numbers.iter().map(|n| format!("c{n}")).collect()
    }

    #[track_caller]
    fn refused(calls: &[(u64, u64, Call, Answer)], in_git: &[u64], part: &str) {
        let wrong = judge(&record(calls), &commits(in_git)).expect_err("must be noticed");
        assert!(wrong.contains(part), "{wrong}");
    }

    #[test]
    fn calls_that_overlap_may_have_been_in_any_order() {
        let read = |n| (Call::Read, Answer::Seen(Some(view(n))));
        let calls = [
            (0, 10, revise(1), made(1)),
            (11, 30, revise(2), made(2)),
            (12, 13, read(1).0, read(1).1),
            (14, 15, read(2).0, read(2).1),
            (12, 31, read(1).0, read(1).1),
        ];
        assert_eq!(judge(&record(&calls), &commits(&[1, 2])), Ok(()));
    }

    #[test]
    fn a_stale_read_is_noticed() {
        let read = (21, 30, Call::Read, Answer::Seen(Some(view(1))));
        let calls = [(0, 10, revise(1), made(1)), (11, 20, revise(2), made(2)), read];
        refused(&calls, &[1, 2], "no order");
    }

    #[test]
    fn a_write_that_another_overwrote_is_noticed() {
        // Both are answered as revision 2.
        let lost = (Answer::Made { view: View { etag: "etag 3".into(), ..view(2) }, commit: "c3".into() }, revise(2));
        let calls = [(0, 10, revise(1), made(1)), (11, 20, revise(2), made(2)), (12, 21, lost.1, lost.0)];
        refused(&calls, &[1, 2, 3], "no order");
    }

    #[test]
    fn a_write_without_a_commit_and_a_commit_without_a_write_are_noticed() {
        let calls = [(0, 10, revise(1), made(1)), (11, 20, revise(2), made(2))];
        refused(&calls, &[1], "one to one");
        refused(&calls, &[1, 2, 3], "one to one");
    }

    #[test]
    fn a_decision_on_another_version_than_it_asks_for_is_noticed() {
        let (status, by, notes) = ("approved".to_owned(), "Morgan".to_owned(), "fine".to_owned());
        let approved = View { status: status.clone(), by: Some(by.clone()), notes: Some(notes.clone()), ..view(2) };
        let approved = Answer::Made { view: View { etag: "etag 3".into(), ..approved }, commit: "c3".into() };
        let decide = |etag: &str| Call::Decide {
            status: status.clone(),
            by: by.clone(),
            notes: notes.clone(),
            if_match: Some(etag.into()),
        };
        let calls = |etag| {
            [(0, 10, revise(1), made(1)), (11, 20, revise(2), made(2)), (12, 21, decide(etag), approved.clone())]
        };
        assert_eq!(judge(&record(&calls("etag 2")), &commits(&[1, 2, 3])), Ok(()));
        refused(&calls("etag 1"), &[1, 2, 3], "no order");
    }

    #[test]
    fn another_order_in_git_than_the_answers_have_is_noticed() {
        let calls = [(0, 10, revise(1), made(1)), (11, 20, revise(2), made(2))];
        refused(&calls, &[2, 1], "git tells another one");
    }

    #[test]
    fn a_write_that_was_not_answered_may_count_from_any_time_on() {
        let mut operations = record(&[
            (0, 10, revise(1), made(1)),
            (11, 12, revise(2), made(2)),
            (21, 22, Call::Read, Answer::Seen(Some(view(1)))),
            (23, 24, Call::Read, Answer::Seen(Some(view(2)))),
        ]);
        let write = &mut operations[1];
        (write.answer, write.end, write.found) = (None, None, Some((view(2), "c2".into())));
        assert_eq!(judge(&operations, &commits(&[1, 2])), Ok(()));
        operations.swap(2, 3);
        (operations[2].start, operations[3].start) = (operations[3].start, operations[2].start);
        (operations[2].end, operations[3].end) = (operations[3].end, operations[2].end);
        assert!(judge(&operations, &commits(&[1, 2])).is_err(), "it was there, and then not");
    }

    #[test]
    fn an_older_commit_after_a_newer_one_is_noticed_whatever_report_it_is_about() {
        let read = |start, end| (start, end, Call::Read, Answer::Seen(None));
        let line: Vec<String> = commits(&[10, 12, 20, 30]);
        assert_eq!(judge_all(record(&[read(0, 20), read(5, 10), read(21, 30)]).iter(), &line), Ok(()));
        let mut operations = record(&[read(0, 20), read(21, 30)]);
        operations[1].from = Some("c12".into());
        assert!(judge_all(operations.iter(), &line).is_err_and(|wrong| wrong.contains("shown before")));
        operations[1].from = Some("c99".into());
        assert!(judge_all(operations.iter(), &line).is_err_and(|wrong| wrong.contains("not on the branch")));
    }
}
