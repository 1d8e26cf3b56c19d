//! How the queue went, week by week, from the reports as they are now: of a
//! report that was decided more than once, the decision that is in force counts.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};

use super::Snapshot;
use super::cursor::Order;
use crate::report::Status;

/// One week, from Monday, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekCount {
    pub start: NaiveDate,
    /// Reports that were submitted before its end and not decided by then.
    pub waiting: usize,
    pub approved: usize,
    pub rejected: usize,
}

/// The weeks as they were counted last. A copy of a snapshot is made to be
/// changed, so it starts with none.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<Arc<[WeekCount]>>>);

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Snapshot {
    /// Returns the last `n` weeks, oldest first, the one that `now` is in among
    /// them. Costs the number of reports, once for each commit.
    pub fn weeks(&self, now: DateTime<Utc>, n: usize) -> Arc<[WeekCount]> {
        let start = start_of(now, n);
        let mut kept = self.weeks.0.lock().expect("no panic under this lock");
        match kept.as_ref().filter(|weeks| weeks.len() == n && weeks.first().is_none_or(|week| week.start == start)) {
            Some(weeks) => weeks.clone(),
            None => kept.insert(self.count_weeks(start, n).into()).clone(),
        }
    }

    fn count_weeks(&self, start: NaiveDate, n: usize) -> Vec<WeekCount> {
        let empty = |week: u64| WeekCount { start: start + Days::new(7 * week), waiting: 0, approved: 0, rejected: 0 };
        let mut weeks: Vec<_> = (0..).take(n).map(empty).collect();
        let start = start.and_time(NaiveTime::MIN).and_utc();
        // What was before the first week counts as of its beginning.
        let week_of = |at: DateTime<Utc>| usize::try_from((at - start).num_days().max(0) / 7).unwrap_or(usize::MAX);
        let (mut begun, mut ended) = (vec![0; n], vec![0; n]);
        for entry in self.lists.in_order(Order::Newest, None, None) {
            let report = &entry.report;
            let decided_at = report.reviewed_at.unwrap_or(entry.updated_at);
            begun.get_mut(week_of(report.submitted_at)).into_iter().for_each(|n| *n += 1);
            if report.status == Status::PendingReview {
                continue;
            }
            ended.get_mut(week_of(decided_at.max(report.submitted_at))).into_iter().for_each(|n| *n += 1);
            if let Some(week) = weeks.get_mut(week_of(decided_at)).filter(|_| decided_at >= start) {
                *if report.status == Status::Approved { &mut week.approved } else { &mut week.rejected } += 1;
            }
        }
        let mut waiting = 0;
        for (week, (begun, ended)) in weeks.iter_mut().zip(begun.into_iter().zip(ended)) {
            waiting += begun;
            waiting -= ended;
            week.waiting = waiting;
        }
        weeks
    }
}

/// Returns the Monday on which the first of the `n` weeks begins.
fn start_of(now: DateTime<Utc>, n: usize) -> NaiveDate {
    let today = now.date_naive();
    let n_days = 7 * (n.max(1) - 1) as u64 + u64::from(today.weekday().num_days_from_monday());
    today - Days::new(n_days)
}
