//! Clients of the API: each draws what to do next, and notes what came of it.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::scene::{Contested, Scene, text, view};
use super::spec::{Answer, Call};
use crate::common::{Answer as Response, submission};

/// Submits every report, as all others do at that moment, and then makes `n` calls, with
/// up to `pace` between two: at full speed no push would land.
pub(super) fn work(scene: &Scene, mut draw: fastrand::Rng, n: usize, pace: Duration) {
    for report in &scene.reports {
        submit(scene, report, scene.token());
    }
    for _ in 0..n {
        let report = &scene.reports[draw.usize(..scene.reports.len())];
        call_once(scene, report, &mut draw);
        std::thread::sleep(pace.mul_f64(draw.f64()));
    }
}

fn call_once(scene: &Scene, report: &Contested, draw: &mut fastrand::Rng) {
    let token = scene.token();
    let Some(id) = report.id.get() else {
        return match draw.bool() {
            true => submit(scene, report, token),
            false => list(scene, report, token),
        };
    };
    let etag = report.etag.lock().expect("no panic").clone();
    let if_match = etag.filter(|_| draw.u8(..5) > 1);
    let by = format!("Reviewer {}", draw.u8(..3));
    let decide =
        |status: &str| Call::Decide { status: status.into(), by, notes: token.clone(), if_match: if_match.clone() };
    let call = match draw.u8(..20) {
        0 | 1 => return submit(scene, report, token),
        2 => return list(scene, report, token),
        3 | 4 => Call::Revise { text: text(&token), if_match },
        5..=7 => decide("approved"),
        8..=10 => decide("rejected"),
        11 => decide("pending_review"),
        12 | 13 => Call::History,
        _ => Call::Read,
    };
    let goes_away = draw.u8(..12) == 0 && matches!(call, Call::Revise { .. });
    scene.record(report, ("api", token), call, |call| {
        let (method, path, headers, body) = request(report, id, call);
        if goes_away {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {}\r\n\r\n",
                body.len()
            );
            // What is not taken was not asked for.
            let _ = scene.service.connect().write_all(format!("{head}{body}").as_bytes());
            return None;
        }
        let headers: Vec<_> = headers.lines().filter_map(|line| line.split_once(": ")).collect();
        Some(answer(call, &scene.service.send(method, &path, &headers, body)))
    });
}

fn submit(scene: &Scene, report: &Contested, token: String) {
    let call = Call::Submit { text: text(&token) };
    scene.record(report, ("api", token), call, |call| {
        let Call::Submit { text } = call else { unreachable!("just made") };
        let mut body = submission(&report.name);
        body["report_data"] = json!(text);
        let response = scene.service.post(&body);
        if response.status == 201 {
            let id = response.json()["id"].as_str().expect("an id").to_owned();
            assert_eq!(report.id.get_or_init(|| id.clone()), &id, "two reports of one repository");
        }
        Some(answer(call, &response))
    });
}

fn list(scene: &Scene, report: &Contested, token: String) {
    scene.record(report, ("api", token), Call::List, |_| {
        let path = format!("/api/v1/reports?status=all&repository_url=https://github.com/example/{}", report.name);
        let response = scene.service.get(&path);
        assert_eq!(response.status, 200, "{response:?}");
        let lines = response.json();
        let line = lines.as_array().expect("a list").first().cloned();
        if let Some(line) = &line {
            report.id.get_or_init(|| line["id"].as_str().expect("an id").to_owned());
        }
        let line = line.map(|line| {
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            (text("status").expect("a status"), line["revision"].as_u64().expect("a number"), text("reviewed_by"))
        });
        Some((Answer::Listed(line), Some(response.header("golive-commit").to_owned())))
    });
}

/// Method, path, headers and body.
fn request(report: &Contested, id: &str, call: &Call) -> (&'static str, String, String, String) {
    let path = format!("/api/v1/reports/{id}");
    let with = |if_match: &Option<String>| {
        let tag = if_match.as_ref().map(|etag| format!("if-match: \"{etag}\"\r\n"));
        format!("content-type: application/json\r\n{}", tag.unwrap_or_default())
    };
    match call {
        Call::Revise { text, if_match } => {
            let mut body = submission(&report.name);
            body["report_data"] = json!(text);
            ("PUT", path, with(if_match), body.to_string())
        }
        Call::Decide { status, by, notes, if_match } => {
            let body = json!({"status": status, "reviewed_by": by, "review_notes": notes});
            ("PATCH", format!("{path}/status"), with(if_match), body.to_string())
        }
        Call::History => ("GET", format!("{path}/history"), String::new(), String::new()),
        _ => ("GET", path, String::new(), String::new()),
    }
}

/// What an answer says, and the commit that it was made from.
fn answer(call: &Call, response: &Response) -> (Answer, Option<String>) {
    let from = response.header("golive-commit").to_owned();
    let answer = match (call, response.status) {
        (Call::Read, 200) => Answer::Seen(Some(view(response))),
        (Call::History, 200) => {
            let items = response.json();
            let commits = items.as_array().expect("a list").iter().rev();
            Answer::Told(commits.map(|item| item["commit"].as_str().expect("a commit").to_owned()).collect())
        }
        (_, 200 | 201) => Answer::Made { view: view(response), commit: from.clone() },
        (_, 412) => {
            let tag = response.problem(412)["current_etag"].clone();
            Answer::Stale(tag.as_str().expect("a tag").trim_matches('"').to_owned())
        }
        (_, 409) => match response.problem(409)["type"].as_str() {
            Some("urn:golive:problem:exists") => Answer::Exists,
            Some("urn:golive:problem:no-such-step") => Answer::NothingToReopen,
            Some("urn:golive:problem:broken-file") => Answer::Refused,
            other => panic!("{other:?}: {response:?}"),
        },
        (_, 503) => Answer::Refused,
        _ => panic!("{call:?}: {response:?}"),
    };
    (answer, (from.len() == 40).then_some(from))
}
