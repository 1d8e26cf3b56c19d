//! What a change of a report file means under a policy: the rules of
//! [`crate::report::change`], and those of `golive.yaml` after them.

use super::rules::{Breach, Judgement, Offer};
use super::{Policy, lacking};
use crate::report::change::{self, Before, Hand, Judged, Way};
use crate::report::fault::Fault;
use crate::report::{Event, front_matter};

/// Judges the new version `file` of the report at `path` under `policy`; `before` is
/// `None` for a path that had no report.
///
/// # Errors
/// [`Fault`]; the state is then what it was before.
pub fn judge(
    policy: &Policy,
    path: &str,
    before: Option<Before<'_>>,
    file: &[u8],
    hand: Hand<'_>,
) -> Result<Judged, Fault> {
    let judged = change::judge(path, before, file, hand)?;
    let Judged { event, report, .. } = &judged;
    let old = before.map(|before| before.report);
    let text_bytes = matches!(event, Event::Submit | Event::Resubmit)
        .then(|| front_matter::body(file).map(<[u8]>::len))
        .transpose()?;
    let offer = Offer {
        repository_url: Some(&report.repository_url),
        developer_email: Some(&report.developer_email),
        text_bytes,
    };
    let mut breaches = policy.submission(old, offer);
    if let (true, Some(old)) = (event.is_decision(), old) {
        let by = report.reviewed_by.as_deref().or(hand.who);
        let notes = report.review_notes.as_deref();
        // Whom the report names now, and whom it named when it was submitted.
        for developer_email in [&old.developer_email, &report.developer_email] {
            breaches.extend(policy.decision(Judgement { event: *event, by, developer_email, notes }));
        }
    }
    if let Some(breach) = breaches.into_iter().next() {
        return Err(fault(file, &breach));
    }
    // What is committed already counts as it is; who reviews it sees what it lacks.
    if text_bytes.is_some() && hand.way != Way::Commit {
        lacking::refuse(policy, report, file)?;
    }
    Ok(judged)
}

/// Returns a breach as what is wrong with `file`.
fn fault(file: &[u8], breach: &Breach) -> Fault {
    let (line, column) = match breach.field {
        "report_data" => {
            let n_head = file.len() - front_matter::body(file).map_or(0, <[u8]>::len);
            (file[..n_head].iter().filter(|byte| **byte == b'\n').count() + 1, 1)
        }
        field => front_matter::place(file, field),
    };
    let detail = match breach.field {
        "report_data" => format!("the text {}", breach.detail),
        field => format!("`{field}` {}", breach.detail),
    };
    Fault::new(breach.rule, detail, breach.repair.clone()).at(line, column)
}
