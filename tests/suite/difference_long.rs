//! The difference of the longest texts, with as many hunks as they can have.

use crate::common::{Place, submission};
use serde_json::json;

#[test]
fn difference_of_fifty_thousand_hunks_is_answered_with_the_heading_of_each() {
    const LINES: usize = 500_000;
    let place = Place::new();
    let service = place.serve();
    let mut report = submission("mcp-long");
    // To look for the heading anew from each hunk takes minutes.
    let text = |changed: &str| {
        let line = |n| {
            if n == 1 {
                "# H"
            } else if n % 11 == 0 {
                changed
            } else {
                "y"
            }
        };
        (0..LINES).map(line).collect::<Vec<_>>().join("\n")
    };
    report["report_data"] = json!(text("a"));
    let id = service.post(&report).json()["id"].as_str().expect("an id").to_owned();
    report["report_data"] = json!(text("b"));
    assert_eq!(service.put(&id, &report).status, 200);
    let answer = service.get(&format!("/api/v1/reports/{id}/diff"));
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let diff = String::from_utf8(answer.body).expect("UTF-8");
    let heads: Vec<_> = diff.lines().filter(|line| line.starts_with("@@ ")).collect();
    assert!(heads.len() > LINES / 12, "{}", heads.len());
    assert!(heads[1..].iter().all(|head| head.ends_with(" @@ # H")), "{:?}", &heads[..3]);
}
