//! A report's text held against what it must say: each finding with its rule and line.

use golive::assess::{About, Assessment, Verdict, assess};
use golive::policy::requirements::Requirements;

const EXAMPLE: &str = include_str!("../reports-repo-template/EXAMPLE.md");
const TEMPLATE: &str = include_str!("../reports-repo-template/TEMPLATE.md");

const PARKING: About<'_> =
    About { server_name: "mcp-fleet-parking", repository_url: "https://github.com/example/mcp-fleet-parking" };

fn check(text: &str, about: About<'_>) -> Assessment {
    assess(text, about, &Requirements::default())
}

#[test]
fn example_of_the_template_has_no_findings() {
    let assessment = check(EXAMPLE, PARKING);
    assert_eq!(assessment.findings, []);
    assert_eq!(assessment.risk_level, Some(golive::assess::Risk::Low));
    assert_eq!(assessment.phases.len(), 6);
    for phase in &assessment.phases {
        assert_eq!(phase.verdict, Some(Verdict::Pass), "{phase:?}");
        let line = EXAMPLE.lines().nth(phase.line.unwrap() - 1).unwrap();
        assert_eq!(line, format!("## Phase {}: {}", phase.number, phase.name));
    }
}

#[test]
fn template_has_a_finding_for_each_thing_that_is_left_open() {
    let assessment = check(TEMPLATE, PARKING);
    let lines: Vec<&str> = TEMPLATE.lines().collect();
    for finding in &assessment.findings {
        let line = lines[finding.line - 1];
        let is_open = match finding.rule {
            "field-empty" | "verdict-missing" | "risk-missing" => line.ends_with(":**"),
            "cell-empty" => line.ends_with("| |"),
            "section-empty" => line.starts_with("### "),
            _ => false,
        };
        assert!(is_open, "{finding:?} at {line}");
    }
    let n_labels = lines.iter().filter(|line| line.ends_with(":**") && **line != "**Reviewer:**").count();
    let n_rows = lines.iter().filter(|line| line.ends_with("| |")).count();
    let n_of = |rule: &str| assessment.findings.iter().filter(|finding| finding.rule == rule).count();
    assert_eq!(n_of("field-empty") + n_of("verdict-missing") + n_of("risk-missing"), n_labels);
    assert_eq!(n_of("cell-empty"), n_rows);
    assert_eq!((n_of("verdict-missing"), n_of("risk-missing")), (6, 1));
    assert_eq!(assessment.risk_level, None);
}
