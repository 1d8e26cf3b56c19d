//! What the text of a report must hold, by heading, field, table and row.

mod built_in;

/// What a report must hold; the default is what `TEMPLATE.md` has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    /// Labels at the head of the report (`Repository` for `**Repository:** …`).
    pub fields: Vec<String>,
    /// In this order; phase N has the heading `## Phase N: NAME`.
    pub phases: Vec<Phase>,
}

impl Default for Requirements {
    fn default() -> Self {
        built_in::requirements()
    }
}

/// One phase of the checklist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    pub name: String,
    /// It ends with `**NAME:** PASS`, `FAIL` or `PASS WITH CONDITIONS`.
    pub has_verdict: bool,
    pub sections: Vec<Section>,
}

/// One `### HEADING` of a phase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub heading: String,
    /// Labels in it (`Risk Level` for `**Risk Level:** …`).
    pub fields: Vec<String>,
    /// The columns of its table; empty: it needs none.
    pub columns: Vec<String>,
    /// What the first column of that table must name.
    pub rows: Vec<String>,
}
