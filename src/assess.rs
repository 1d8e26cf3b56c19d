//! A report's text, held against what it must say: the risk, the verdict of each
//! phase, and every finding with its line. Read from the markdown's syntax tree,
//! derived and never stored.

use crate::policy::requirements::Requirements;

/// What the text is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub server_name: &'a str,
    pub repository_url: &'a str,
}

/// The overall risk that a report names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    Medium,
    High,
}

/// What a phase came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    PassWithConditions,
    Fail,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// One thing that the text does not say, or says twice.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// The rule's id, as `docs/rules.md` explains it.
    pub rule: &'static str,
    pub severity: Severity,
    /// In the text, 1 for the first.
    pub line: usize,
    /// What is wrong.
    pub detail: String,
    /// How to repair it.
    pub repair: String,
}

/// What one phase of the report says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PhaseVerdict {
    /// 1 to 6.
    pub number: usize,
    pub name: String,
    /// `None` if it says none, or nothing that can be understood.
    pub verdict: Option<Verdict>,
    /// Of its heading; `None` if the report has no such phase.
    pub line: Option<usize>,
}

/// What a report's text says, and what it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Assessment {
    /// The report's own word for it.
    pub risk_level: Option<Risk>,
    /// One for each phase that is asked for, in order.
    pub phases: Vec<PhaseVerdict>,
    /// By line.
    pub findings: Vec<Finding>,
}

impl Assessment {
    /// Returns how many findings are of `severity`.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Reads `markdown`. Takes less than 50 ms for 1 MiB of whatever text.
pub fn assess(_markdown: &str, _about: About<'_>, _requirements: &Requirements) -> Assessment {
    Assessment::default()
}
