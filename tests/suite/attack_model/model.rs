//! What the record is, in as few lines as can be, written from the specification. It
//! knows no code of golive: commands go in, the next state and what is answered come out.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::command::{Change, Command, Tag, Target, Way, Who, Word};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Approved,
    Rejected,
}

/// One report. Texts, addresses, and notes are numbers here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) status: Status,
    pub(super) revision: u32,
    pub(super) text: Word,
    pub(super) has_crlf: bool,
    pub(super) email: Word,
    pub(super) by: Option<Who>,
    pub(super) notes: Option<Word>,
    pub(super) n_commits: usize,
    /// A change that could not be accepted stands in its file.
    pub(super) broken: Option<(Way, Change)>,
    /// What pushes replaced in the work tree, a bit each.
    replaced: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) reports: [Option<Report>; Target::N],
    /// The rule `notes_required_on_reject`.
    pub(super) needs_notes: bool,
}

/// What comes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many commits.
    Done(usize),
    /// An answer of this status, or a push that is not taken; nothing changes.
    Refused(u16),
    /// The file stays as it is, and is a problem; with as many commits as the person made.
    Problem(usize),
}

impl State {
    /// Carries out `command`.
    pub(super) fn then(mut self, command: Command) -> (Self, Outcome) {
        let outcome = match command {
            Command::Policy { needs_notes } => {
                self.needs_notes = needs_notes;
                // What was saved and broke a rule may keep it now.
                for report in self.reports.iter_mut().flatten() {
                    if let Some((Way::Save, change)) = report.broken {
                        let (after, outcome) =
                            changed(Report { broken: None, ..*report }, Way::Save, change, needs_notes);
                        *report = if matches!(outcome, Outcome::Problem(_)) { *report } else { after };
                    }
                }
                Outcome::Done(1)
            }
            Command::Restart | Command::Kill => Outcome::Done(0),
            Command::Submit { target, .. }
            | Command::Revise { target, .. }
            | Command::Decide { target, .. }
            | Command::By { target, .. }
            | Command::TakeBack { target } => {
                let before = self.reports[target.n()];
                let (after, outcome) = next(before, command, self.needs_notes);
                let is_push = matches!(command, Command::By { way: Way::Push, .. });
                let replaced = before.filter(|_| is_push).map_or(0, Report::says);
                self.reports[target.n()] =
                    after.map(|report| Report { replaced: report.replaced | replaced, ..report });
                outcome
            }
        };
        (self, outcome)
    }

    /// Returns whether `command` makes sense: files that are broken are left alone until taken back.
    pub(super) fn allows(&self, command: Command) -> bool {
        let report = |target: Target| self.reports[target.n()];
        match command {
            Command::Revise { target, .. } | Command::Decide { target, .. } => report(target).is_some(),
            Command::TakeBack { target } => report(target).is_some_and(|report| report.broken.is_some()),
            Command::By { target, way, change } => match report(target) {
                None => matches!(change, Change::New { .. }),
                Some(report) if report.broken.is_some() || !is_change(report, change) => false,
                Some(report) => {
                    // Saved again, a file that a push replaced is an editor's that does not know of
                    // the push (`hand_edits_beside`).
                    let (after, _) = changed(report, way, change, self.needs_notes);
                    way != Way::Save || report.replaced & after.says() == 0
                }
            },
            Command::Policy { needs_notes } => needs_notes != self.needs_notes,
            Command::Submit { .. } | Command::Restart | Command::Kill => true,
        }
    }
}

impl Report {
    /// What the file says, as one of 64 bits; two that share one are rare.
    fn says(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.status as u8, self.text, self.has_crlf, self.email).hash(&mut hasher);
        1 << (hasher.finish() % 64)
    }
}

fn is_change(report: Report, change: Change) -> bool {
    match change {
        Change::New { .. } => false,
        Change::Status { status, notes } => status != report.status && (notes.is_none() || notes != report.notes),
        Change::Text { text, .. } => text != report.text,
        Change::TextAndStatus { text, status } => {
            text != report.text && status != report.status && status != Status::Pending
        }
        Change::Email { email } => email != report.email,
        Change::LineEnds | Change::Delete | Change::Id | Change::Garbage => true,
    }
}

/// The state machine.
fn next(before: Option<Report>, command: Command, needs_notes: bool) -> (Option<Report>, Outcome) {
    let done = |after: Report, n: usize| (Some(Report { n_commits: after.n_commits + n, ..after }), Outcome::Done(n));
    let refused = |status| (before, Outcome::Refused(status));
    match (before, command) {
        (Some(Report { broken: Some((way, _)), .. }), Command::TakeBack { .. }) => {
            let report = Report { broken: None, ..before.expect("just matched") };
            done(report, usize::from(way == Way::Commit))
        }
        (Some(Report { broken: Some(_), .. }), _) => refused(409),
        (None, Command::Submit { text, email, .. })
        | (None, Command::By { change: Change::New { text, email }, .. }) => {
            let (status, by, notes) = (Status::Pending, None, None);
            let (revision, has_crlf, n_commits, broken, replaced) = (1, false, 0, None, 0);
            done(Report { status, revision, text, has_crlf, email, by, notes, n_commits, broken, replaced }, 1)
        }
        (Some(report), Command::Submit { text, email, .. }) => match report.status {
            Status::Rejected => done(resubmitted(Report { email, ..report }, text), 1),
            Status::Pending | Status::Approved => refused(409),
        },
        (Some(report), Command::Revise { text, email, tag, .. }) => match tag {
            Tag::Other => refused(412),
            _ if (text, email, false) == (report.text, report.email, report.has_crlf) => done(report, 0),
            _ => done(resubmitted(Report { email, ..report }, text), 1),
        },
        (Some(report), Command::Decide { status, by, notes, tag, .. }) => match (report.status, status) {
            _ if tag == Tag::Other => refused(412),
            (Status::Pending, Status::Pending) => refused(409),
            (_, Status::Pending) => done(Report { status, by: None, notes: None, ..report }, 1),
            (old, new) if old == new && report.by == Some(by) && report.notes == notes => done(report, 0),
            (_, Status::Rejected) if needs_notes && notes.is_none() => refused(422),
            _ => done(Report { status, by: Some(by), notes, ..report }, 1),
        },
        (Some(report), Command::By { way, change, .. }) => {
            let (after, outcome) = changed(report, way, change, needs_notes);
            (Some(after), outcome)
        }
        (before, command) => unreachable!("{command} on {before:?}"),
    }
}

fn resubmitted(report: Report, text: Word) -> Report {
    let (status, by, notes, has_crlf) = (Status::Pending, None, None, false);
    Report { status, revision: report.revision + 1, text, has_crlf, by, notes, ..report }
}

/// What a person does to the file: the same machine, and what cannot be accepted stays theirs.
fn changed(report: Report, way: Way, change: Change, needs_notes: bool) -> (Report, Outcome) {
    let done = |after: Report, n: usize| (Report { n_commits: after.n_commits + n, ..after }, Outcome::Done(n));
    let not = || match way {
        Way::Push => (report, Outcome::Refused(0)),
        Way::Save => (Report { broken: Some((way, change)), ..report }, Outcome::Problem(0)),
        Way::Commit => {
            (Report { broken: Some((way, change)), n_commits: report.n_commits + 1, ..report }, Outcome::Problem(1))
        }
    };
    let is_decided = report.status != Status::Pending;
    // A commit that leaves something false is answered with one of the service's own.
    let answered = |after: Report| if way == Way::Commit { done(after, 2) } else { not() };
    match change {
        Change::Status { status: Status::Pending, .. } => {
            done(Report { status: Status::Pending, by: None, notes: None, ..report }, 1)
        }
        Change::Status { status, notes } => {
            let notes = notes.or(report.notes);
            let by = Some(if way == Way::Save { Who::Robin } else { Who::Test });
            let is_allowed = status != Status::Rejected || !needs_notes || notes.is_some();
            if is_allowed { done(Report { status, by, notes, ..report }, 1) } else { not() }
        }
        Change::Text { text, is_marked } if is_decided && !is_marked && way != Way::Save => {
            answered(resubmitted(report, text))
        }
        Change::Text { text, .. } => done(resubmitted(report, text), 1),
        Change::TextAndStatus { text, .. } => answered(resubmitted(report, text)),
        Change::Email { email } => done(Report { email, ..report }, 1),
        Change::LineEnds => done(Report { has_crlf: !report.has_crlf, ..report }, 1),
        // Saved, the file comes back.
        Change::Delete if way == Way::Save => done(report, 0),
        Change::Delete => answered(report),
        Change::Id => answered(report),
        Change::Garbage => not(),
        Change::New { .. } => unreachable!("there is a report"),
    }
}
