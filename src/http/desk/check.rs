//! What the check found in a report: whole on the report's page, as a mark in the
//! queue, and as the filters of the queue.

use super::queue::Choice;
use super::queue_view::View;
use super::show::{Prose, Shown};
use crate::assess::{Assessment, Finding, PhaseVerdict, Risk, Severity, Verdict};
use crate::assessments::{Findings, RISKS, Short, risk_word};
use crate::policy::Enforcement;
use crate::render::Heading;

/// More findings than these are folded away behind their number.
const OPEN_MAX: usize = 8;
/// Characters of a phase's name that are shown.
const NAME_MAX: usize = 80;

/// The panel on a report's page.
pub(super) struct Panel {
    pub(super) risk: RiskMark,
    pub(super) counts: String,
    pub(super) phases: Vec<Phase>,
    pub(super) findings: Vec<Found>,
    pub(super) is_open: bool,
}

/// What one phase of the report says.
pub(super) struct Phase {
    pub(super) number: usize,
    pub(super) name: Shown,
    /// Where it stands on the page.
    pub(super) anchor: Option<String>,
    pub(super) verdict: &'static str,
    pub(super) class: &'static str,
}

/// One finding.
pub(super) struct Found {
    pub(super) is_error: bool,
    pub(super) rule: &'static str,
    pub(super) line: usize,
    /// The heading above that line.
    pub(super) anchor: Option<String>,
    pub(super) detail: Prose,
    pub(super) repair: Prose,
}

/// A risk, as word and colour.
#[derive(Clone, Copy)]
pub(super) struct RiskMark {
    pub(super) text: &'static str,
    pub(super) class: &'static str,
}

/// The mark of a report in the queue.
pub(super) struct Mark {
    pub(super) risk: RiskMark,
    pub(super) counts: String,
    pub(super) has_errors: bool,
}

impl Panel {
    /// Returns the panel of a report whose page has `headings`; `None` if the rules
    /// ask for no check.
    pub(super) fn new(assessment: &Assessment, headings: &[Heading], enforcement: Enforcement) -> Option<Self> {
        if enforcement == Enforcement::Off {
            return None;
        }
        let (n_errors, n_warnings) = (assessment.count(Severity::Error), assessment.count(Severity::Warning));
        let anchor = |line| anchor(headings, line);
        Some(Self {
            risk: RiskMark::of(assessment.risk_level),
            counts: counts(n_errors, n_warnings),
            phases: assessment.phases.iter().map(|phase| Phase::new(phase, anchor)).collect(),
            findings: assessment.findings.iter().map(|finding| Found::new(finding, anchor)).collect(),
            is_open: assessment.findings.len() <= OPEN_MAX,
        })
    }
}

impl Phase {
    fn new(phase: &PhaseVerdict, anchor: impl Fn(usize) -> Option<String>) -> Self {
        let (verdict, class) = match (phase.verdict, phase.line) {
            (Some(Verdict::Pass), _) => ("Pass", "pass"),
            (Some(Verdict::PassWithConditions), _) => ("Pass with conditions", "conditions"),
            (Some(Verdict::Fail), _) => ("Fail", "fail"),
            (None, Some(_)) => ("No verdict", "unknown"),
            (None, None) => ("Missing", "unknown"),
        };
        let anchor = phase.line.and_then(anchor);
        Self { number: phase.number, name: Shown::shortened(&phase.name, NAME_MAX), anchor, verdict, class }
    }
}

impl Found {
    fn new(finding: &Finding, anchor: impl Fn(usize) -> Option<String>) -> Self {
        Self {
            is_error: finding.severity == Severity::Error,
            rule: finding.rule,
            line: finding.line,
            anchor: anchor(finding.line),
            detail: Prose::sentence(&finding.detail),
            repair: Prose::sentence(&finding.repair),
        }
    }
}

impl RiskMark {
    pub(super) const fn of(risk: Option<Risk>) -> Self {
        let (text, class) = match risk {
            Some(Risk::Low) => ("Low risk", "low"),
            Some(Risk::Medium) => ("Medium risk", "medium"),
            Some(Risk::High) => ("High risk", "high"),
            None => ("No risk named", "none"),
        };
        Self { text, class }
    }
}

impl Mark {
    pub(super) fn of(short: Short) -> Self {
        Self {
            risk: RiskMark::of(short.risk_level),
            counts: counts(short.errors.into(), short.warnings.into()),
            has_errors: short.findings() == Findings::Errors,
        }
    }
}

/// Returns the choices of the filter by risk.
pub(super) fn risks(view: &View) -> Vec<Choice> {
    let choice = |risk| Choice {
        value: risk_word(risk).to_owned(),
        text: Shown::new(RiskMark::of(risk).text),
        is_chosen: view.narrowed.risk == Some(risk),
    };
    RISKS.into_iter().map(choice).collect()
}

/// Returns the choices of the filter by findings.
pub(super) fn findings(view: &View) -> Vec<Choice> {
    let choice = |findings: Findings| Choice {
        value: findings.as_str().to_owned(),
        text: Shown::new(match findings {
            Findings::None => "Nothing",
            Findings::Warnings => "Warnings only",
            Findings::Errors => "Errors",
        }),
        is_chosen: view.narrowed.findings == Some(findings),
    };
    [Findings::Errors, Findings::Warnings, Findings::None].into_iter().map(choice).collect()
}

fn counts(n_errors: usize, n_warnings: usize) -> String {
    let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    match (n_errors, n_warnings) {
        (0, 0) => "no findings".to_owned(),
        (0, n) => count(n, "warning"),
        (n, 0) => count(n, "error"),
        (n, m) => format!("{}, {}", count(n, "error"), count(m, "warning")),
    }
}

/// Returns the last heading at or above `line`.
fn anchor(headings: &[Heading], line: usize) -> Option<String> {
    let n = headings.partition_point(|heading| heading.line <= line);
    headings[..n].last().map(|heading| heading.anchor.clone())
}
