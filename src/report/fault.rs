//! Why a report file, or a change to one, cannot be accepted: by which rule,
//! where in the file, what is wrong, and how to repair it.

use serde::{Deserialize, Serialize};

/// The rules that a report file and a change to it can break. The ids are
/// stable: programs and documentation name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    // The form of the file.
    MissingFence,
    UnclosedFrontMatter,
    FrontMatterTooLong,
    NotUtf8,
    InvalidYaml,
    Alias,
    Anchor,
    Tag,
    MergeKey,
    DuplicateKey,
    Nesting,
    SeveralDocuments,
    NotAMapping,
    KeyForm,
    ConflictMarkers,
    Binary,
    CutFile,
    NotAFile,
    // One field, or the text.
    MissingField,
    WrongType,
    InvalidId,
    UnknownStatus,
    InvalidRevision,
    InvalidTime,
    InvalidServerName,
    InvalidRepositoryUrl,
    InvalidDeveloperEmail,
    InvalidReviewedBy,
    InvalidReviewNotes,
    EmptyText,
    TextTooLong,
    // What may follow what.
    ChangedId,
    ChangedRepository,
    WrongPath,
    DuplicateId,
    TextAndDecision,
    StaleDecision,
    BothChanged,
    ReviewFields,
    UnknownReviewer,
    NewReport,
    Deleted,
    // What the policy asks for.
    InvalidPolicy,
    NotAllowedRepository,
    NotAllowedEmail,
    NotAllowedReviewer,
    FourEyes,
    NotesRequired,
    ReportFindings,
}

impl Rule {
    /// Returns whether the file as a whole is broken, and not one value in it: then
    /// the file as it was is the surest way back.
    const fn is_of_form(self) -> bool {
        matches!(
            self,
            Self::MissingFence
                | Self::UnclosedFrontMatter
                | Self::FrontMatterTooLong
                | Self::NotUtf8
                | Self::NotAMapping
                | Self::KeyForm
                | Self::ConflictMarkers
                | Self::Binary
                | Self::NotAFile
                | Self::MissingField
                | Self::EmptyText
                | Self::InvalidPolicy
        )
    }

    /// Returns the id, as messages and JSON show it: `unknown-status`.
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What is wrong with a report file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Fault {
    pub rule: Rule,
    /// Line and column, 1 for the first line of the file and the first character
    /// of a line; `None` if it is about the file as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub detail: String,
    /// How to repair it.
    pub repair: String,
}

impl Fault {
    /// A fault of the file as a whole.
    pub fn new(rule: Rule, detail: impl Into<String>, repair: impl Into<String>) -> Self {
        Self { rule, place: None, detail: detail.into(), repair: repair.into() }
    }

    /// The same fault, with the command that takes the file as it was.
    pub fn with_way_back(self, command: &str) -> Self {
        if !self.rule.is_of_form() {
            return self;
        }
        Self { repair: format!("{}, or take the file as it was: `{command}`", self.repair), ..self }
    }

    /// The same fault, at `line` and `column`.
    pub fn at(self, line: usize, column: usize) -> Self {
        Self { place: Some((line, column)), ..self }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        write!(f, "{}; {}", self.detail, self.repair)
    }
}
