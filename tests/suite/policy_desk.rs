//! What the policy changes on the desk: who may decide and why, what is overdue, and
//! when approvals end.

use crate::common::edits::place_of_robin;
use crate::common::{Place, decision};

#[test]
fn desk_asks_the_same_and_gives_the_form_back() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    assert!(!service.html(&format!("/reports/{id}")).contains("id=\"who\""));
    service.commit_rules(
        "review: {reviewers: [kim@example.com], four_eyes: true, notes_required_on_reject: true, overdue_days: 0}\n",
    );
    let html = service.html(&format!("/reports/{id}"));
    for words in
        ["May decide: <code>kim@example.com</code>", "may not decide on it", "anyone can type", "needed to reject"]
    {
        assert!(html.contains(words), "no `{words}` in {html}");
    }
    let form = service.form(&id);
    let refused = service.send_form(&form.clone().decides("approved", "typed"), &[]).assert_page(403);
    for words in [
        "Not decided",
        "not-allowed-reviewer",
        "This must be one of those who may decide: <code>kim@",
        "typed</textarea>",
    ] {
        assert!(refused.contains(words), "no `{words}` in {refused}");
    }
    let by_kim = |notes: &str| form.clone().decides("rejected", notes).with("reviewed_by", "Kim <kim@example.com>");
    let refused = service.send_form(&by_kim(""), &[]).assert_page(422);
    assert!(refused.contains("The notes must say why the report is rejected"), "{refused}");
    let refused = service.send_form(&by_kim("").with("reviewed_by", ""), &[]).assert_page(422);
    assert!(refused.contains("The notes must say why") && refused.contains("This must not be blank"), "{refused}");
    assert_eq!(service.send_form(&by_kim("why"), &[]).status, 303);
    assert_eq!(place.trailer("main", "Policy-Blob"), service.rules_at("main"));
    assert_eq!(place.trailer("main", "Via"), "web");
}

#[test]
fn overdue_is_what_the_policy_says() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let is_late = || {
        [service.html("/"), service.html(&format!("/reports/{id}"))]
            .map(|html| html.contains("<span class=\"late\">overdue</span>"))
    };
    assert_eq!(is_late(), [false, false]);
    service.commit_rules("review: {overdue_days: 0}\n");
    service.wait_until("it has waited for a while", || is_late() == [true, true]);
}

#[test]
fn approvals_that_have_ended_or_soon_will_are_shown_and_found() {
    let place = place_of_robin();
    let service = place.serve();
    let (old, new) = (service.submit("mcp-old"), service.submit("mcp-new"));
    service.patch(&new, &decision("approved", ""));
    service.wait_until_settled();
    service.wait_until_clean();
    place.edit(
        "mcp-old",
        &[("status: pending_review", "status: approved"), ("reviewed_at: null", "reviewed_at: 2020-01-01T00:00:00Z")],
    );
    service.wait_for_status(&old, "approved");
    let list = |address: &str| {
        let html = service.html(address);
        [&old, &new].map(|id| html.contains(&format!("data-report=\"{id}\"")))
    };
    let html = service.html("/?status=approved");
    assert!(!html.contains("approval end") && !html.contains("id=\"expires\""), "{html}");
    assert_eq!(list("/?status=approved&expires=0"), [false, false]);

    service.commit_rules("review: {approval_days: 30}\n");
    let html = service.html("/?status=approved");
    assert!(html.contains("id=\"expires\"") && html.contains("approval ends <time"), "{html}");
    let ended = "approval ended <time class=\"day\" datetime=\"2020-01-31T00:00:00Z\"";
    assert_eq!((html.matches(ended).count(), html.matches("class=\"late\">expired").count()), (1, 1), "{html}");
    assert!(!service.html("/").contains("id=\"expires\""));
    for (expires, expected) in [(0, [true, false]), (7, [true, false]), (30, [true, true]), (90, [true, true])] {
        let found = list(&format!("/?status=approved&expires={expires}"));
        // The newer one ends in 30 days less what this test took.
        assert_eq!(found, expected, "{expires}");
    }
    let html = service.html(&format!("/reports/{old}"));
    assert!(html.contains("Approval ended") && html.contains("expired"), "{html}");
    let html = service.html(&format!("/reports/{new}"));
    assert!(html.contains("Approval ends") && !html.contains("expired"), "{html}");
    let address = "/?expires=soon&status=approved";
    assert_eq!(service.page(address).status, 422);
}

#[test]
fn broken_rules_are_named_as_such() {
    let place = Place::new();
    let service = place.serve();
    service.commit_rules("review: {overdue_days: soon}\n");
    let html = service.html("/problems");
    for words in ["The rules of this repository", "golive.yaml</code>, line 2, column 24", "invalid-policy"] {
        assert!(html.contains(words), "no `{words}` in {html}");
    }
}
