//! The template, its `golive.yaml`, and what is asked for by default are the same;
//! so are the rules and their page.

use std::collections::BTreeSet;

use crate::common::Place;
use golive::assess::rules;
use golive::policy::Policy;
use golive::policy::parse::parse;
use golive::policy::requirements::{Phase, Requirements, Section};

const TEMPLATE: &str = include_str!("../../reports-repo-template/TEMPLATE.md");
const MARK: &str = include_str!("../../reports-repo-template/golive.yaml");

/// What the template has, by its lines: it is written by us, one way.
fn of_the_template() -> Requirements {
    let mut found = Requirements { fields: Vec::new(), phases: Vec::new() };
    for line in TEMPLATE.lines() {
        if let Some(heading) = line.strip_prefix("## Phase ") {
            let (number, name) = heading.split_once(": ").expect("a number and a name");
            assert_eq!(number, (found.phases.len() + 1).to_string());
            found.phases.push(Phase { name: name.into(), ..Phase::default() });
            continue;
        }
        let label = line.strip_prefix("**").and_then(|line| line.strip_suffix(":**"));
        let Some(phase) = found.phases.last_mut() else {
            found.fields.extend(label.map(str::to_owned));
            continue;
        };
        if let Some(heading) = line.strip_prefix("### ") {
            phase.sections.push(Section { heading: heading.into(), ..Section::default() });
        } else if label == Some(phase.name.as_str()) {
            phase.has_verdict = true;
        } else if let (Some(label), Some(section)) = (label, phase.sections.last_mut()) {
            section.fields.push(label.into());
        } else if let (true, Some(section)) = (line.starts_with("| "), phase.sections.last_mut()) {
            let cells = || line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
            if section.columns.is_empty() {
                section.columns = cells().collect();
            } else {
                section.rows.extend(cells().next().filter(|cell| !cell.is_empty()));
            }
        }
    }
    found
}

#[test]
fn template_has_what_is_asked_for_and_nothing_else() {
    let mut template = of_the_template();
    // The rows of the template say more than their number.
    for row in template.phases[0].sections[3].rows.iter_mut() {
        row.truncate("MCP01".len());
    }
    assert_eq!(template, Requirements::default());
}

#[test]
fn golive_yaml_of_the_template_asks_for_what_is_asked_for_without_it() {
    let policy = parse(MARK.as_bytes()).expect("a policy");
    assert_eq!(policy, Policy::default());
    let keys: serde_yaml::Value = serde_yaml::from_str(MARK).expect("YAML");
    assert!(keys["report"]["fields"].is_sequence() && keys["report"]["phases"].is_sequence());
}

#[test]
fn page_of_the_rules_is_what_the_program_prints() {
    let place = Place::new();
    let printed = place.golive(&["rules", "--markdown"]);
    assert!(printed.status.success(), "{printed:?}");
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap_or_default();
    assert!(page == printed.stdout, "write it anew: `golive rules --markdown > docs/rules.md`");
}

#[test]
fn rules_are_listed_and_each_is_explained() {
    let place = Place::new();
    let list = place.golive(&["rules"]).stdout;
    assert_eq!(list.lines().count(), rules::all().count());
    let ids: BTreeSet<&str> = rules::all().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules::all().count());
    for (line, rule) in list.lines().zip(rules::all()) {
        assert!(line.starts_with(rule.id) && line.ends_with(rule.what), "{line}");
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
    }
    let one = place.golive(&["rules", "verdict-missing"]);
    assert!(one.stdout.contains("**Observability:** PASS") && one.status.success(), "{one:?}");
    let none = place.golive(&["rules", "no-such-rule"]);
    assert!(!none.status.success() && none.stderr.contains("`golive rules` lists them"), "{none:?}");
}
