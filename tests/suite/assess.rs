//! A report's text held against what it must say: each finding with its rule and line.

mod variants;

use std::collections::BTreeSet;

use golive::assess::{About, Assessment, Risk, Verdict, assess, rules};
use golive::policy::requirements::Requirements;
use variants::Change;

const EXAMPLE: &str = include_str!("../../reports-repo-template/EXAMPLE.md");
const TEMPLATE: &str = include_str!("../../reports-repo-template/TEMPLATE.md");

/// Written by somebody else, in another style.
const PLAIN: &str = include_str!("../reports/plain.md");

const SEARCH: About<'_> =
    About { server_name: "mcp-invoice-search", repository_url: "git@git.example.org:finance/mcp-invoice-search.git" };

const PARKING: About<'_> =
    About { server_name: "mcp-fleet-parking", repository_url: "https://github.com/example/mcp-fleet-parking" };

fn check(text: &str, about: About<'_>) -> Assessment {
    assess(text, about, &Requirements::default())
}

#[test]
fn example_of_the_template_has_no_findings() {
    let assessment = check(EXAMPLE, PARKING);
    assert_eq!(assessment.findings, []);
    assert_eq!(assessment.risk_level, Some(Risk::Low));
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

#[test]
fn report_in_another_style_has_no_findings() {
    let assessment = check(PLAIN, SEARCH);
    assert_eq!(assessment.findings, []);
    assert_eq!(assessment.risk_level, Some(Risk::Medium));
    let verdicts: Vec<_> = assessment.phases.iter().map(|phase| phase.verdict.unwrap()).collect();
    use Verdict::{Pass, PassWithConditions};
    assert_eq!(verdicts, [Pass, Pass, Pass, PassWithConditions, Pass, PassWithConditions]);
}

#[test]
fn each_broken_report_has_exactly_its_finding_on_its_line() {
    let mut wrong = Vec::new();
    for (report, text, about, variants) in variants::REPORTS {
        for (name, change, rule, line) in *variants {
            let broken = variants::changed(text, *change);
            let lines: Vec<String> = check(&broken, *about)
                .findings
                .iter()
                .map(|finding| {
                    format!("{} in {:?}: {}", finding.rule, rest_from(&broken, finding.line), finding.detail)
                })
                .collect();
            let is_right = |found: &String| found.starts_with(&format!("{rule} in {}", quoted_start(line)));
            if lines.len() != 1 || !lines.iter().all(is_right) {
                wrong.push(format!("{report}, {name}: {rule} in {line:?}, not {lines:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the text from a line on, as far as it tells lines apart.
fn rest_from(text: &str, line: usize) -> String {
    text.split_inclusive('\n').skip(line - 1).collect::<String>().chars().take(60).collect()
}

fn quoted_start(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted[..quoted.len() - 1].to_owned()
}

#[test]
fn low_risk_beside_an_open_leg_is_found_where_the_phase_fails() {
    let text = variants::changed(EXAMPLE, Change::Put("✅ Not in the context", "❌ In the context"));
    let text = variants::changed(&text, Change::Put("**Security Assessment:** PASS", "**Security Assessment:** FAIL"));
    assert_eq!(found(&text, PARKING), [("risk-too-low", 25)]);
    let text = variants::changed(&text, Change::Put("🟢 LOW", "🟡 MEDIUM"));
    assert_eq!(found(&text, PARKING), []);
}

#[test]
fn text_without_phases_is_told_so_and_not_what_all_it_lacks() {
    assert_eq!(found("", PARKING), [("no-phases", 1), ("field-missing", 1)]);
    assert_eq!(found("# Report\n\nAll is well.\n", PARKING), [("no-phases", 1), ("field-missing", 1)]);
}

#[test]
fn text_that_is_too_much_to_read_has_one_finding() {
    let assessment = check(&"_a_ ".repeat(256 * 1024), PARKING);
    assert_eq!(assessment.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["too-much-markup"]);
    assert!(assessment.phases.len() == 6 && assessment.phases.iter().all(|phase| phase.line.is_none()));
}

/// The rules that no variant of a report breaks are found by the tests above.
#[test]
fn each_rule_is_found_by_a_test() {
    let mut found: BTreeSet<&str> = ["risk-too-low", "no-phases", "too-much-markup"].into();
    let variants = variants::REPORTS.iter().flat_map(|(_, _, _, variants)| variants.iter());
    found.extend(variants.map(|(_, _, rule, _)| *rule));
    assert_eq!(found, rules::all().map(|rule| rule.id).collect());
}

fn found(text: &str, about: About<'_>) -> Vec<(&'static str, usize)> {
    check(text, about).findings.iter().map(|finding| (finding.rule, finding.line)).collect()
}

/// The example of the requirements, which is cut short. Written anew with `GOLIVE_WRITE=1`.
#[test]
fn short_report_is_told_what_a_person_would_miss() {
    let about = About { server_name: "mcp-servicenow", repository_url: "https://github.com/intility/mcp-servicenow" };
    let assessment = check(include_str!("../reports/short.md"), about);
    let shown: String = assessment
        .findings
        .iter()
        .map(|it| format!("{}: {} ({:?})\n  {}\n  help: {}\n", it.line, it.rule, it.severity, it.detail, it.repair))
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/short-findings.txt");
    if std::env::var_os("GOLIVE_WRITE").is_some() {
        std::fs::write(path, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(path).unwrap());
    assert_eq!((assessment.risk_level, assessment.phases[0].verdict), (Some(Risk::Low), Some(Verdict::Pass)));
}
