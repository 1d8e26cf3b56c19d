//! The rules of a reports repository, `golive.yaml`: what a report must hold, who
//! may submit and decide, and until when. Plain values; where they come from is
//! the store's business.

pub mod requirements;

use requirements::Requirements;

/// What happens to a submission whose text does not hold what it must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Nothing is looked at.
    Off,
    /// It is taken in, and the findings are shown.
    #[default]
    Warn,
    /// Findings that are errors refuse it.
    Refuse,
}

/// One version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub enforcement: Enforcement,
    pub requirements: Requirements,
    /// The bytes that a text may have, beside the service's own limit; `None` for that alone.
    pub report_bytes_max: Option<usize>,
    /// Hosts that a repository may be on (`github.com`, `*.example.com`); empty: any.
    pub repository_hosts: Vec<String>,
    /// Owners that a repository may have (`intility`, `github.com/intility`); empty: any.
    pub repository_owners: Vec<String>,
    /// Domains that a developer's address may be of; empty: any.
    pub email_domains: Vec<String>,
    /// Patterns of who may decide (`*@example.com`); empty: anyone.
    pub reviewers: Vec<String>,
    /// A submitter may not decide their own.
    pub four_eyes: bool,
    pub notes_required_on_reject: bool,
    /// A report that waits for longer is overdue.
    pub overdue_days: u32,
    /// An approval holds for so long; 0: for ever.
    pub approval_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::default(),
            requirements: Requirements::default(),
            report_bytes_max: None,
            repository_hosts: Vec::new(),
            repository_owners: Vec::new(),
            email_domains: Vec::new(),
            reviewers: Vec::new(),
            four_eyes: false,
            notes_required_on_reject: false,
            overdue_days: 7,
            approval_days: 0,
        }
    }
}
