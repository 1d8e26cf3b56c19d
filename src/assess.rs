//! A report's text, held against what it must say: the risk, the verdict of each
//! phase, and every finding with its line. Read from the markdown's syntax tree,
//! derived and never stored.
//!
//! `read` makes blocks of the text, `structure` finds the parts that are asked
//! for, and one file for each kind of rule looks at them.

mod facts;
mod fields;
mod findings;
mod links;
mod marks;
mod phases;
mod placeholders;
mod read;
pub mod rules;
mod sections;
mod sign_off;
mod structure;
mod tables;
mod value;
mod verdicts;
mod words;

use fields::Field;
use findings::{Findings, quote};
use read::Document;
use structure::Structure;

use crate::policy::requirements::Requirements;

/// What the text is about; what is empty is not known, and nothing is held against it.
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

/// Reads `markdown`. Takes less than 50 ms for 1 MiB of whatever text: what is too
/// much to read within that has one finding, which says so.
pub fn assess(markdown: &str, about: About<'_>, requirements: &Requirements) -> Assessment {
    let Some(document) = read::read(markdown) else { return too_much(requirements) };
    let structure = Structure::of(&document, requirements);
    let fields = fields::all(&document, &structure);
    let mut report = Report {
        document: &document,
        structure: &structure,
        fields: &fields,
        requirements,
        findings: Findings::default(),
    };
    let is_empty = phases::check(&mut report);
    let verdicts = verdicts::check(&mut report, &is_empty);
    sections::check(&mut report, &is_empty, &verdicts);
    let risk_level = marks::check(&mut report, &verdicts);
    facts::check(&mut report, about);
    sign_off::check(&mut report);
    let is_reviewers = sign_off::lines(&report);
    for (line, text) in placeholders::all(&document, |block| phases::is_within(&structure, &is_empty, block)) {
        if !is_reviewers.contains(&line) {
            let detail = format!("{} was to be filled in", quote(&text));
            report.findings.add(&rules::PLACEHOLDER, line, detail, "write what belongs there, or `none`, and why");
        }
    }
    links::check(&mut report);
    let phases = requirements.phases.iter().zip(&structure.phases).zip(verdicts).enumerate();
    let phases = phases.map(|(n, ((phase, found), verdict))| PhaseVerdict {
        number: n + 1,
        name: phase.name.clone(),
        verdict: verdict.and_then(|said| said.verdict),
        line: found.as_ref().map(|found| document.line(found.heading)),
    });
    let phases = phases.collect();
    Assessment { risk_level, phases, findings: report.findings.into_sorted() }
}

/// What the rules look at, and what they found.
struct Report<'a> {
    document: &'a Document,
    structure: &'a Structure,
    fields: &'a [Field<'a>],
    requirements: &'a Requirements,
    findings: Findings,
}

fn too_much(requirements: &Requirements) -> Assessment {
    let mut findings = Findings::default();
    let detail = "the text has too many lines, words with marks and cells to be checked";
    let repair = "shorten it: leave out raw output, and link to where it is kept";
    findings.add(&rules::TOO_MUCH, 1, detail, repair);
    let phase = |(n, phase): (usize, &crate::policy::requirements::Phase)| PhaseVerdict {
        number: n + 1,
        name: phase.name.clone(),
        verdict: None,
        line: None,
    };
    let phases = requirements.phases.iter().enumerate().map(phase).collect();
    Assessment { risk_level: None, phases, findings: findings.into_sorted() }
}
