//! What a commit did to a report: the event from the file before and after it,
//! the rest from its message. Trailers can be written by anybody; where the file
//! tells it, the file is asked.

use crate::report::{self, Event, Report, Status};

/// The ways in that a `Via` trailer may name.
pub(in crate::store) const WAYS_IN: [&str; 5] = ["api", "mcp", "web", "hand-edit", "golive"];

/// Returns the event between two states of a report, or `None` if the file
/// does not tell. `decides_anew` says whether equal statuses before and after
/// can be two decisions; by a person's commit they are one, edited.
pub(in crate::store) fn event(before: Option<&Report>, after: &Report, decides_anew: bool) -> Option<Event> {
    let is_pending = after.status == Status::PendingReview;
    let Some(before) = before else { return is_pending.then_some(Event::Submit) };
    let review = |report: &Report| (report.reviewed_at, report.reviewed_by.clone(), report.review_notes.clone());
    if is_pending && after.revision > before.revision {
        return Some(Event::Resubmit);
    }
    if before.status != after.status || (!is_pending && decides_anew && review(before) != review(after)) {
        return report::decision_event(before.status, after.status);
    }
    Some(Event::Edit)
}

/// Returns the event of a commit that the service made.
pub(super) fn own(message: &str, before: Option<&Report>, after: &Report) -> Option<Event> {
    match message.split(' ').next() {
        Some(verb) if verb == Event::Restore.verb() => Some(Event::Restore),
        verb => event(before, after, verb != Some(Event::Edit.verb())),
    }
}

/// Returns the indented text of a message, without its indentation: the notes
/// of the service's commits.
pub(super) fn notes(message: &str) -> Option<String> {
    let (_, body) = message.split_once("\n\n")?;
    let lines = body.lines().map_while(|line| if line.is_empty() { Some("") } else { line.strip_prefix("    ") });
    let notes = lines.collect::<Vec<_>>().join("\n");
    let notes = notes.trim_matches('\n');
    (!notes.is_empty()).then(|| notes.to_owned())
}

/// Returns the way in that the trailers of a message name.
pub(crate) fn via(message: &str) -> Option<&'static str> {
    let trailers = message.trim_end().rsplit("\n\n").next()?;
    let found = trailers.lines().rev().find_map(|line| line.strip_prefix("Via: "))?;
    WAYS_IN.into_iter().find(|word| *word == found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn state(status: Status, revision: u32, notes: &str) -> Report {
        let is_decided = status != Status::PendingReview;
        Report {
            id: uuid::Uuid::nil(),
            server_name: "x".into(),
            repository_url: "https://github.com/example/x".into(),
            developer_email: "alex@example.com".into(),
            status,
            revision,
            submitted_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(revision.into()),
            reviewed_at: is_decided.then_some(DateTime::UNIX_EPOCH),
            reviewed_by: is_decided.then(|| "Morgan".into()),
            review_notes: (is_decided && !notes.is_empty()).then(|| notes.into()),
        }
    }

    #[test]
    fn two_states_tell_the_event_between_them() {
        use Status::{Approved, PendingReview, Rejected};
        let pending = state(PendingReview, 1, "");
        let approved = state(Approved, 1, "a");
        for (name, before, after, decides_anew, expected) in [
            ("first", None, pending.clone(), true, Some(Event::Submit)),
            ("first and decided", None, approved.clone(), false, None),
            ("approve", Some(&pending), approved.clone(), true, Some(Event::Approve)),
            ("approve by hand", Some(&pending), approved.clone(), false, Some(Event::Approve)),
            ("reject", Some(&pending), state(Rejected, 1, ""), true, Some(Event::Reject)),
            ("the other decision", Some(&approved), state(Rejected, 1, "a"), true, Some(Event::Reject)),
            ("reopen", Some(&approved), pending.clone(), true, Some(Event::Reopen)),
            ("resubmit", Some(&approved), state(PendingReview, 2, ""), true, Some(Event::Resubmit)),
            ("resubmit while pending", Some(&pending), state(PendingReview, 2, ""), true, Some(Event::Resubmit)),
            ("decide anew", Some(&approved), state(Approved, 1, "b"), true, Some(Event::Approve)),
            ("notes by hand", Some(&approved), state(Approved, 1, "b"), false, Some(Event::Edit)),
            ("a name", Some(&pending), Report { server_name: "y".into(), ..pending.clone() }, false, Some(Event::Edit)),
        ] {
            assert_eq!(event(before, &after, decides_anew), expected, "{name}");
        }
    }

    #[test]
    fn notes_are_the_indented_text_and_nothing_else() {
        for (message, expected) in [
            ("Reopen report `x`\n\n    one\n\n      two\n\nVia: api\n", Some("one\n\n  two")),
            ("Reopen report `x`\n\nVia: api\n", None),
            ("Reopen report `x`\n\n    Via: web\n\nVia: api\n", Some("Via: web")),
            ("Reopen", None),
            ("Reopen\n\nby hand\n\n    quoted\n", None),
        ] {
            assert_eq!(notes(message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn way_in_is_one_of_the_known_words_in_the_trailers() {
        for (message, expected) in [
            ("x\n\n    Via: web\n\nRevision: 1\nVia: mcp\n", Some("mcp")),
            ("x\n\nVia: web\n\nRevision: 1\n", None),
            ("x\n\nVia: something\n", None),
        ] {
            assert_eq!(via(message), expected, "{message}");
        }
    }
}
