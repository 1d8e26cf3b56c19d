//! What a report must hold where `golive.yaml` says nothing of it: the headings,
//! fields and tables of `TEMPLATE.md`. A test holds the two, and the template's
//! `golive.yaml`, against each other.

use super::{Phase, Requirements, Section};

/// Heading, fields, columns, rows.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const FIELDS: &[&str] = &[
    "MCP Server Name",
    "Repository",
    "Commit",
    "Version / Image Digest",
    "Developer",
    "Review Date",
    "Review Duration",
    "MCP Spec Revision",
    "Transport",
    "Data Classification",
];

const PHASES: &[(&str, &[Row])] = &[
    (
        "Security Assessment",
        &[
            (
                "Lethal Trifecta Compliance",
                &["Risk Level"],
                &["Component", "Status", "Notes"],
                &["Access to private data", "Untrusted content", "External communication"],
            ),
            ("Prohibited Content Types", &[], &[], &[]),
            ("Tool Inventory", &[], &["Tool", "Read/Write", "Destructive", "Data Touched", "Scope"], &[]),
            (
                "Threat Review",
                &[],
                &["Risk", "Applies", "Control", "Proof"],
                &["MCP01", "MCP02", "MCP03", "MCP04", "MCP05", "MCP06", "MCP07", "MCP08", "MCP09", "MCP10"],
            ),
            ("Input Validation and SSRF", &[], &[], &[]),
            ("Secrets", &[], &[], &[]),
        ],
    ),
    (
        "Policy Compliance",
        &[
            ("Ownership", &["Owner", "Team", "On-Call"], &[], &[]),
            ("Data Protection", &["Classification", "Retention", "Personal Data in Logs"], &[], &[]),
            ("Licence", &[], &[], &[]),
            ("Change Control", &["Branch Protection", "Reviews", "Signed Commits"], &[], &[]),
            ("Exceptions", &[], &[], &[]),
        ],
    ),
    (
        "Infrastructure",
        &[
            ("Image", &["Registry", "Digest", "Size", "Base Image", "User", "Privileges"], &[], &[]),
            ("Runtime", &["Replicas", "Requests and Limits", "Probes", "Network Policy", "Exposure"], &[], &[]),
            ("Configuration and Secrets", &[], &[], &[]),
            ("Rollout and Rollback", &[], &[], &[]),
            ("Build Provenance", &["Git Commit", "Image Tag", "Image Digest"], &[], &[]),
        ],
    ),
    (
        "Observability",
        &[
            ("Logs", &[], &[], &[]),
            ("Metrics", &[], &[], &[]),
            ("Traces", &[], &[], &[]),
            ("Alerts", &["Restart Loop", "Error Rate", "Server Down"], &[], &[]),
            ("Audit Trail", &[], &[], &[]),
            ("Dashboards and Runbook", &[], &[], &[]),
        ],
    ),
    (
        "Authentication",
        &[
            ("Inbound", &["Metadata URL", "Issuer", "Audience", "Scopes", "Challenges"], &[], &[]),
            ("Downstream / OBO", &["Token per User", "Token Passthrough", "Scopes"], &[], &[]),
            ("Roles", &[], &[], &[]),
            ("Token Lifetime and Storage", &[], &[], &[]),
            ("Service Accounts", &[], &[], &[]),
        ],
    ),
    (
        "Final Verification",
        &[
            ("Test Results", &["Unit Tests", "Integration Tests", "Coverage"], &[], &[]),
            ("CI Status", &[], &[], &[]),
            ("Quality Gate", &[], &[], &[]),
            ("Open Findings", &[], &[], &[]),
            ("Sign-off", &["Developer", "Date", "Reviewer"], &[], &[]),
            ("Conditions", &[], &[], &[]),
        ],
    ),
];

pub(super) fn requirements() -> Requirements {
    let phase = |(name, sections): &(&str, &[Row])| Phase {
        name: (*name).into(),
        has_verdict: true,
        sections: sections.iter().map(section).collect(),
    };
    Requirements { fields: texts(FIELDS), phases: PHASES.iter().map(phase).collect() }
}

fn section((heading, fields, columns, rows): &Row) -> Section {
    Section { heading: (*heading).into(), fields: texts(fields), columns: texts(columns), rows: texts(rows) }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
