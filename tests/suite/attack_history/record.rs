//! What was called, when, and what was answered; and what stateright says of it.

use std::collections::BTreeMap;
use std::time::Instant;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::spec::{Answer, Call, OneReport, Op};

/// One call on one report.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Unique; in the text or the notes of what it writes.
    pub(super) token: String,
    /// Who, for the reader of a failure.
    pub(super) by: &'static str,
    pub(super) call: Call,
    pub(super) start: Instant,
    /// `None`: when it happened, or whether, is not known.
    pub(super) end: Option<Instant>,
    pub(super) answer: Option<Answer>,
    /// The commit that the answer was made from.
    pub(super) from: Option<String>,
    /// What git says of a call without an answer.
    pub(super) found: Option<(super::spec::View, String)>,
}

impl Operation {
    /// Returns the commit that it made, if it did.
    pub(super) fn commit(&self) -> Option<&str> {
        match (&self.answer, &self.found) {
            (Some(Answer::Made { commit, .. }), _) | (None, Some((_, commit))) => Some(commit),
            _ => None,
        }
    }
}

/// Asserts that there is one order of `operations`, on one report, that every answer and
/// the clock agree with; and that git's `commits` are in such an order.
///
/// # Errors
/// What is wrong, with the record.
pub(super) fn judge(operations: &[Operation], commits: &[String]) -> Result<(), String> {
    let told = |what: &str| Err(format!("{what}; git has\n{}{}", lines(commits), show(operations)));
    let mut made: Vec<&str> = operations.iter().filter_map(Operation::commit).collect();
    made.sort_unstable();
    let mut in_git: Vec<&str> = commits.iter().map(String::as_str).collect();
    in_git.sort_unstable();
    if made != in_git {
        return told("accepted writes and commits are not one to one");
    }
    if is_consistent(OneReport::in_order(commits), operations) {
        return Ok(());
    }
    match is_consistent(OneReport::default(), operations) {
        true => told("there is an order for the answers, but git tells another one"),
        false => told("there is no order in which these answers are right"),
    }
}

fn is_consistent(report: OneReport, operations: &[Operation]) -> bool {
    // At one time, what begins comes before what ends: they overlap.
    let mut events = BTreeMap::new();
    for (n, operation) in operations.iter().enumerate() {
        // What changed nothing and was not answered says nothing.
        if operation.answer.is_none() && operation.found.is_none() {
            continue;
        }
        events.insert((operation.start, false, n), operation);
        if let (Some(end), Some(_)) = (operation.end, &operation.answer) {
            events.insert((end, true, n), operation);
        }
    }
    // A thread for each call that stays open; otherwise as few as can be, as each is another branch of the search.
    let (mut threads, mut free, mut n_threads) = (BTreeMap::new(), Vec::new(), 0);
    let mut tester = LinearizabilityTester::new(report);
    for ((_, is_end, n), operation) in events {
        let valid = match (is_end, &operation.answer) {
            (true, Some(answer)) => {
                free.push(threads[&n]);
                tester.on_return(threads[&n], answer.clone())
            }
            _ => {
                let thread = free.pop().unwrap_or_else(|| {
                    n_threads += 1;
                    n_threads
                });
                threads.insert(n, thread);
                tester.on_invoke(thread, Op { call: operation.call.clone(), found: operation.found.clone() })
            }
        };
        valid.expect("each call begins and ends once");
    }
    tester.is_consistent()
}

/// Asserts that no answer was made from an older commit than one that was there before
/// it was asked for, whatever report it was about. `line`: all commits, oldest first.
///
/// # Errors
/// The two answers.
pub(super) fn judge_all<'a>(operations: impl Iterator<Item = &'a Operation>, line: &[String]) -> Result<(), String> {
    let place: BTreeMap<&str, usize> =
        line.iter().enumerate().map(|(place, commit)| (commit.as_str(), place)).collect();
    let mut events = Vec::new();
    for operation in operations {
        let (Some(end), Some(from)) = (operation.end, &operation.from) else { continue };
        let Some(place) = place.get(from.as_str()) else {
            return Err(format!("an answer names a commit that is not on the branch: {operation:?}"));
        };
        events.push((operation.start, false, *place, operation));
        events.push((end, true, *place, operation));
    }
    events.sort_by_key(|(at, is_end, ..)| (*at, *is_end));
    let mut newest: Option<(usize, &Operation)> = None;
    let mut known = BTreeMap::new();
    for (_, is_end, place, operation) in events {
        if !is_end {
            known.insert(operation.token.as_str(), newest);
            continue;
        }
        if let Some((before, earlier)) = known[operation.token.as_str()].filter(|(before, _)| *before > place) {
            return Err(format!("commit {before} was shown before, now {place} is:\n{earlier:?}\n{operation:?}"));
        }
        newest = newest.filter(|(before, _)| *before >= place).or(Some((place, operation)));
    }
    Ok(())
}

fn lines(commits: &[String]) -> String {
    commits.iter().map(|commit| format!("  {commit}\n")).collect()
}

/// The record, by start: who, from when to when in ms, what, and the answer.
fn show(operations: &[Operation]) -> String {
    let Some(first) = operations.iter().map(|operation| operation.start).min() else { return String::new() };
    let ms = |at: Instant| (at - first).as_secs_f64() * 1000.0;
    let mut operations: Vec<_> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.start);
    let line = |operation: &&Operation| {
        let Operation { by, call, start, answer, found, .. } = operation;
        let end = operation.end.map_or("…".to_owned(), |end| format!("{:.1}", ms(end)));
        let answer = answer.as_ref().map_or(format!("not known; git: {found:?}"), |answer| format!("{answer:?}"));
        format!("{by} {:.1}–{end} ms: {call:?}\n    {answer}\n", ms(*start))
    };
    operations.iter().map(line).collect()
}
