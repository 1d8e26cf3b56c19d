//! A commit of the service for one report: every word of its message held
//! against what it changed.

use git2::{Oid, Repository};
use uuid::Uuid;

use super::read::{Body, File};
use super::replay::Tracked;
use crate::policy::rules::{Breach, Judgement};
use crate::report::{Event, Report, Status, change, front_matter};
use crate::store::history::event::{self, WAYS_IN};
use crate::store::outside::Known;
use crate::store::policy::PolicyInForce;

/// Returns the event of a commit that brings `file`, and what is wrong with it.
pub(super) fn judge(
    git: &Repository,
    message: &str,
    id: Uuid,
    tracked: &Tracked,
    (file, blob): (&File, Oid),
    policy: &PolicyInForce,
) -> Result<(Option<Event>, Vec<String>), git2::Error> {
    let said = Said::read(message);
    let known = tracked.track.known.as_ref();
    let mut wrong = Vec::new();
    if id != file.report.id {
        wrong.push(format!("`Report-Id` is `{id}`, and the `id` in the file is `{}`", file.report.id));
    }
    wrong.extend(said.expect("Revision", &file.report.revision.to_string()));
    if !said.value("Via").is_some_and(|via| WAYS_IN.contains(&via)) {
        wrong.push(format!("`Via` is {}, which is no way in", quoted(said.value("Via"))));
    }
    let Some(event) = said.event else {
        wrong.push(format!("the subject begins with {}, which is no event", quoted(message.split(' ').next())));
        return Ok((None, wrong));
    };
    let change = Step { git, said: &said, event, tracked, file, blob };
    if event == Event::Restore {
        change.restore(&mut wrong)?;
        return Ok((Some(event), wrong));
    }
    let before = known.map(|known| &known.report);
    let made = event::event(before, &file.report, event != Event::Edit);
    if made != Some(event) {
        let word = made.map_or("no event that there is".to_owned(), |made| format!("`{}`", made.verb()));
        wrong.push(format!("the subject says `{}`, and the change is {word}", event.verb()));
        return Ok((made, wrong));
    }
    wrong.extend(said.expect("Status", &format!("{} -> {}", word(before), file.report.status)));
    let decided = known.filter(|_| event.is_decision()).map(|known| known.blob.to_string());
    match decided {
        Some(decided) => wrong.extend(said.expect("Report-Blob", &decided)),
        None if said.value("Report-Blob").is_some() => wrong.push("`Report-Blob` stands beside no decision".into()),
        None => {}
    }
    change.allowed(policy, &mut wrong);
    if let Some(known) = known {
        change.follows(known, &mut wrong)?;
    } else if file.report.revision != 1 {
        wrong.push(format!("the first revision is {}", file.report.revision));
    }
    Ok((Some(event), wrong))
}

fn word(report: Option<&Report>) -> &'static str {
    report.map_or("(none)", |report| report.status.as_str())
}

fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "missing".into(), |text| format!("`{text}`"))
}

/// What a message says.
struct Said<'a> {
    event: Option<Event>,
    trailers: Vec<(&'a str, &'a str)>,
}

impl<'a> Said<'a> {
    fn read(message: &'a str) -> Self {
        const EVENTS: [Event; 7] =
            [Event::Submit, Event::Resubmit, Event::Approve, Event::Reject, Event::Reopen, Event::Edit, Event::Restore];
        let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
        Self {
            event: message
                .split_once(" report `")
                .and_then(|(verb, _)| EVENTS.into_iter().find(|event| event.verb() == verb)),
            trailers: last.lines().filter_map(|line| line.split_once(": ")).collect(),
        }
    }

    /// Returns the value of a trailer that stands there once.
    fn value(&self, name: &str) -> Option<&'a str> {
        let mut all = self.trailers.iter().filter(|(found, _)| *found == name).map(|(_, value)| *value);
        all.next().filter(|_| all.next().is_none())
    }

    fn values(&self, name: &str) -> Vec<&'a str> {
        self.trailers.iter().filter(|(found, _)| *found == name).map(|(_, value)| *value).collect()
    }

    fn expect(&self, name: &str, value: &str) -> Option<String> {
        let said = self.value(name);
        (said != Some(value)).then(|| format!("`{name}` is {}, and by the change it is `{value}`", quoted(said)))
    }
}

/// The step from what was known to the file.
struct Step<'a> {
    git: &'a Repository,
    said: &'a Said<'a>,
    event: Event,
    tracked: &'a Tracked,
    file: &'a File,
    blob: Oid,
}

impl Step<'_> {
    /// Holds a decision that names its rules against those in force. There was a
    /// time when decisions named none.
    fn allowed(&self, policy: &PolicyInForce, wrong: &mut Vec<String>) {
        const NAME: &str = "Policy-Blob";
        let named = self.said.values(NAME);
        if named.is_empty() {
            return;
        }
        if !self.event.is_decision() {
            wrong.push(format!("`{NAME}` stands beside no decision"));
            return;
        }
        if let Some(detail) = self.said.expect(NAME, &policy.blob.to_string()) {
            wrong.push(detail);
            return;
        }
        let report = &self.file.report;
        let submitted_by = self.tracked.track.known.as_ref().map_or(report, |known| &known.report);
        let breaches = policy.policy.decision(Judgement {
            event: self.event,
            by: report.reviewed_by.as_deref(),
            developer_email: &submitted_by.developer_email,
            notes: report.review_notes.as_deref(),
        });
        // A reopened report does not say who did it.
        let is_told = |breach: &&Breach| self.event != Event::Reopen || !breach.is_about_who();
        wrong.extend(breaches.iter().filter(is_told).map(|breach| format!("`{}` {}", breach.field, breach.detail)));
    }

    /// Holds the new state against the one before.
    fn follows(&self, known: &Known, wrong: &mut Vec<String>) -> Result<(), git2::Error> {
        let (old, new) = (&known.report, &self.file.report);
        if old.id != new.id {
            wrong.push(format!("changes the `id` from `{}`", old.id));
        }
        if self.event == Event::Resubmit {
            if new.revision != old.revision + 1 {
                wrong.push(format!("revision {} follows on {}", new.revision, old.revision));
            }
            return Ok(());
        }
        if (new.revision, new.submitted_at) != (old.revision, old.submitted_at) {
            wrong.push("changes `revision` or `submitted_at`, and is no new revision".into());
        }
        if self.event == Event::Edit && (&new.reviewed_by, new.reviewed_at) != (&old.reviewed_by, old.reviewed_at) {
            wrong.push("changes who decided, or when, and is no decision".into());
        }
        if !self.has_text_of(known, self.tracked.body)? {
            wrong.push(format!("changes the text, and says `{}`", self.event.verb()));
        }
        Ok(())
    }

    /// What the service sets right is a state that was in force, and answers somebody's commit.
    fn restore(&self, wrong: &mut Vec<String>) -> Result<(), git2::Error> {
        let outside = &self.tracked.outside;
        let answers = self.said.value("Answers");
        if !outside.iter().any(|step| answers == Some(step.commit.to_string().as_str())) {
            wrong.push(format!("`Answers` is {}, no commit that changed this report since", quoted(answers)));
        }
        let candidates: Vec<&Known> =
            self.tracked.track.known.iter().chain(outside.iter().filter_map(|step| step.before.as_ref())).collect();
        let facts = |report: &Report| (report.status, report.revision, report.reviewed_by.clone(), report.reviewed_at);
        if !candidates.iter().any(|known| facts(&known.report) == facts(&self.file.report)) {
            wrong.push("restores a state that was not in force".into());
        }
        let mut is_known_text = false;
        for known in &candidates {
            is_known_text = is_known_text || self.has_text_of(known, None)?;
        }
        if !is_known_text {
            wrong.push("restores a text that was not in force".into());
        }
        let said = |known: &&Known| known.file_says.as_deref().unwrap_or(&known.report).status;
        let is_true =
            |from: Status| self.said.value("Status") == Some(format!("{from} -> {}", self.file.report.status).as_str());
        if !candidates.iter().map(said).any(is_true) {
            wrong.push(format!("`Status` is {}, and the change is another", quoted(self.said.value("Status"))));
        }
        Ok(())
    }

    /// Returns whether the text is that of `known`, but for line ends; `body` is its hash, if that is known.
    fn has_text_of(&self, known: &Known, body: Option<Body>) -> Result<bool, git2::Error> {
        if body == Some(self.file.body) || known.blob == self.blob {
            return Ok(true);
        }
        let (old, new) = (self.git.find_blob(known.blob)?, self.git.find_blob(self.blob)?);
        let [old, new] = [old.content(), new.content()].map(|file| front_matter::body(file).unwrap_or_default());
        Ok(change::is_same_text(old, new))
    }
}
