//! The short form of an assessment, and what a list can be narrowed to by it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::assess::{Assessment, Risk, Severity};

/// What the check found in a report, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Short {
    /// The report's own word for it; `null` if it names none.
    #[schema(value_type = Option<Risk>)]
    pub risk_level: Option<Risk>,
    /// How many findings are errors; 65535 stands for more as well.
    pub errors: u16,
    /// And warnings.
    pub warnings: u16,
}

impl Short {
    pub fn of(assessment: &Assessment) -> Self {
        let count = |severity| u16::try_from(assessment.count(severity)).unwrap_or(u16::MAX);
        Self { risk_level: assessment.risk_level, errors: count(Severity::Error), warnings: count(Severity::Warning) }
    }

    /// Returns the worst that was found.
    pub fn findings(self) -> Findings {
        match self {
            Self { errors: 1.., .. } => Findings::Errors,
            Self { warnings: 1.., .. } => Findings::Warnings,
            _ => Findings::None,
        }
    }
}

/// The worst that was found in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Findings {
    /// Nothing.
    None,
    /// Warnings and no error.
    Warnings,
    /// At least one error.
    Errors,
}

impl Findings {
    pub const ALL: [Self; 3] = [Self::None, Self::Warnings, Self::Errors];

    /// Returns the word of the parameter `findings`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Warnings => "warnings",
            Self::Errors => "errors",
        }
    }

    /// Returns what `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|findings| findings.as_str() == word)
    }
}

/// The risks that a list can be narrowed to; `None` for reports that name none.
pub const RISKS: [Option<Risk>; 4] = [Some(Risk::High), Some(Risk::Medium), Some(Risk::Low), None];

/// Returns the word of the parameter `risk`.
pub const fn risk_word(risk: Option<Risk>) -> &'static str {
    match risk {
        Some(Risk::Low) => "low",
        Some(Risk::Medium) => "medium",
        Some(Risk::High) => "high",
        None => "none",
    }
}

/// What a list is narrowed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// Reports with this risk; the inner `None` is for those that name none.
    pub risk: Option<Option<Risk>>,
    pub findings: Option<Findings>,
}

impl Narrowed {
    /// Returns whether it leaves out nothing.
    pub const fn is_idle(self) -> bool {
        self.risk.is_none() && self.findings.is_none()
    }

    pub fn passes(self, short: Short) -> bool {
        self.risk.is_none_or(|risk| risk == short.risk_level)
            && self.findings.is_none_or(|findings| findings == short.findings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worst_finding_decides() {
        for (errors, warnings, findings) in
            [(0, 0, Findings::None), (0, 2, Findings::Warnings), (1, 0, Findings::Errors), (3, 9, Findings::Errors)]
        {
            let short = Short { risk_level: Some(Risk::High), errors, warnings };
            assert_eq!(short.findings(), findings);
            for other in Findings::ALL {
                let narrowed = Narrowed { findings: Some(other), risk: None };
                assert_eq!(narrowed.passes(short), other == findings, "{other:?}");
                assert_eq!(Findings::from_word(other.as_str()), Some(other));
            }
            for risk in RISKS {
                let narrowed = Narrowed { risk: Some(risk), findings: Some(findings) };
                assert_eq!(narrowed.passes(short), risk == Some(Risk::High), "{risk:?}");
            }
        }
    }
}
