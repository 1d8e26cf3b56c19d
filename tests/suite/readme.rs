//! The lines of the README do what it says.

use crate::common::Place;

#[test]
fn api_example_goes_from_submission_to_approval() {
    let place = Place::new();
    let service = place.serve();
    let readme = include_str!("../../README.md");
    let (_, example) = readme.split_once("```sh\nAPI=").expect("the example");
    let (example, _) = example.split_once("```").expect("its end");
    // An `-f` of curl fails the script at the first refusal.
    let script = format!("API={}/api/v1\nAPI={example}", service.base);
    let finished = place.sh_in(env!("CARGO_MANIFEST_DIR"), &script);
    assert!(finished.status.success(), "{finished:?}");
    let subjects = service.git(&["log", "--reverse", "--format=%s"]);
    let verbs: Vec<_> = subjects.lines().filter_map(|subject| subject.split(' ').next()).collect();
    assert_eq!(verbs, ["Start", "Submit", "Reject", "Resubmit", "Approve"]);
}

#[test]
fn every_setting_is_in_the_table() {
    let place = Place::new();
    let help = place.golive(&["serve", "--help"]).stdout;
    let readme = include_str!("../../README.md");
    let named = |prefix: &str| -> Vec<String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let mut names: Vec<_> = help
            .match_indices(prefix)
            .map(|(at, _)| help[at..].chars().take_while(|c| is_name(*c)).collect::<String>())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let flags = named("--").into_iter().filter(|flag| flag != "--help");
    for name in flags.chain(named("GOLIVE_")) {
        assert!(readme.contains(&format!("`{name}")), "`{name}` is not in the README");
    }
}
