//! A new text, held against what a report must hold: under the policy that refuses
//! one which does not, for every way in. Takes up to 50 ms under such a policy, and
//! no time under others.

use super::{Enforcement, Policy};
use crate::assess::{About, Assessment, Finding, Severity, assess};
use crate::report::fault::{Fault, Rule};
use crate::report::{Report, front_matter};

/// Findings that a fault names.
const NAMED_MAX: usize = 3;

/// Returns all findings in a text that is refused for them; none if it is not.
pub fn found(policy: &Policy, about: About<'_>, text: &str) -> Vec<Finding> {
    if policy.enforcement != Enforcement::Refuse {
        return Vec::new();
    }
    let assessment = assess(text, about, &policy.requirements);
    if assessment.count(Severity::Error) > 0 { assessment.findings } else { Vec::new() }
}

/// Refuses the text in `file`, a new one of `report`, if it lacks what is asked for.
///
/// # Errors
/// [`Rule::ReportFindings`] at the first error, which names some with their lines in
/// the file.
pub fn refuse(policy: &Policy, report: &Report, file: &[u8]) -> Result<(), Fault> {
    if policy.enforcement != Enforcement::Refuse {
        return Ok(());
    }
    let Assessment { findings, .. } = in_file(policy, report, file)?;
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let named = |part: fn(&Finding) -> &str| {
        let named = errors.iter().take(NAMED_MAX).map(|finding| format!("line {}: {}", finding.line, part(finding)));
        named.collect::<Vec<_>>().join("; ")
    };
    let more = match errors.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        n => format!("; and {n} more, which `golive check` lists"),
    };
    let detail = format!("the text lacks what `golive.yaml` asks for: {}{more}", named(|finding| &finding.detail));
    let repair = named(|finding| &finding.repair);
    Err(Fault::new(Rule::ReportFindings, detail, repair).at(first.line, 1))
}

/// Returns what is found in the text in `file`, each with its line in the file.
///
/// # Errors
/// [`Fault`] if it cannot be read.
pub fn in_file(policy: &Policy, report: &Report, file: &[u8]) -> Result<Assessment, Fault> {
    let body = front_matter::body(file)?;
    let n_before = file[..file.len() - body.len()].iter().filter(|byte| **byte == b'\n').count();
    let about = About { server_name: &report.server_name, repository_url: &report.repository_url };
    let mut assessment = assess(&String::from_utf8_lossy(body), about, &policy.requirements);
    assessment.findings.iter_mut().for_each(|finding| finding.line += n_before);
    Ok(assessment)
}
