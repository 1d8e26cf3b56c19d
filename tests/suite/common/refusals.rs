//! Tables of requests that the service refuses, and that nothing comes of them.
//!
//! [`Refusals`] notes every row that is not refused as it should be, so that one
//! run shows them all, and at the end that the repository is as it was.
//! `raw` sends what no HTTP client would.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::{Answer, PATIENCE, Service};

/// What a refused request leaves as it was.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    tip: String,
    reports: Value,
    git_status: String,
}

pub(crate) struct Refusals<'a> {
    service: &'a Service<'a>,
    before: State,
    wrong: Vec<String>,
}

impl<'a> Refusals<'a> {
    pub(crate) fn of(service: &'a Service<'a>) -> Self {
        Self { service, before: service.state(), wrong: Vec::new() }
    }

    /// Notes it if `answer` is not a problem document of `status` that holds
    /// `part` and names exactly `pointers`, in any order.
    pub(crate) fn check(&mut self, name: &str, answer: &Answer, status: u16, pointers: &[&str], part: &str) {
        if let Err(fault) = check(answer, status, pointers, part) {
            self.note(name, &format!("{fault}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        }
    }

    pub(crate) fn note(&mut self, name: &str, fault: &str) {
        self.wrong.push(format!("{name}: {fault}"));
    }

    /// Asserts that every row was refused as it should be, and that nothing changed.
    pub(crate) fn end(self) {
        assert!(self.wrong.is_empty(), "{} rows:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(self.service.state(), self.before, "something changed");
    }
}

fn check(answer: &Answer, status: u16, pointers: &[&str], part: &str) -> Result<(), String> {
    if answer.status != status {
        return Err(format!("not {status}"));
    }
    if answer.header("content-type") != "application/problem+json" {
        return Err(format!("content type `{}`", answer.header("content-type")));
    }
    if answer.header("golive-commit").len() != 40 {
        return Err("no `Golive-Commit`".into());
    }
    let problem: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let is_text = |member: &&str| problem[*member].as_str().is_some_and(|text| !text.is_empty());
    if problem["status"] != status || !["type", "title", "detail", "request_id"].iter().all(is_text) {
        return Err("a member is missing".into());
    }
    if !problem["detail"].as_str().unwrap_or_default().contains(part) {
        return Err(format!("no `{part}` in the detail"));
    }
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    if errors.iter().any(|error| error["detail"].as_str().is_none_or(str::is_empty)) {
        return Err("an error without detail".into());
    }
    let mut found: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default()).collect();
    let mut expected = pointers.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    if found == expected { Ok(()) } else { Err(format!("pointers {found:?}, not {expected:?}")) }
}

impl Service<'_> {
    /// Returns what a refused request leaves as it was.
    pub(crate) fn state(&self) -> State {
        self.wait_until_clean();
        let git_status = self.git(&["status", "--porcelain"]);
        State { tip: self.git(&["rev-parse", "main"]), reports: self.get("/api/v1/reports").json(), git_status }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.base.trim_start_matches("http://")).expect("the service listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.set_write_timeout(Some(Duration::from_secs(30))).expect("a time");
        stream
    }

    /// Sends `head` and `body` as they are and returns the answer, or why there is none.
    pub(crate) fn try_raw(&self, head: &str, body: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect();
        stream.write_all(head.as_bytes()).map_err(|error| format!("the head was not taken: {error}"))?;
        stream.write_all(body).map_err(|error| format!("the body was not taken: {error}"))?;
        read_answer(&mut stream)
    }

    pub(crate) fn raw(&self, head: &str, body: &[u8]) -> Answer {
        self.try_raw(head, body).unwrap_or_else(|error| panic!("{head}{error}\n{}", self.log()))
    }

    /// Sends a request to a `target` that an HTTP client might change or refuse.
    pub(crate) fn send_to(&self, method: &str, target: &str, json: &str) -> Answer {
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            json.len()
        );
        self.raw(&head, json.as_bytes())
    }
}

/// Reads one answer with a `Content-Length`.
pub(crate) fn read_answer(stream: &mut TcpStream) -> Result<Answer, String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            // A read that has a time is not taken up again by the system.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) => return Err(format!("the connection ended in the head: {}", String::from_utf8_lossy(&head))),
            Err(error) => return Err(format!("no head: {error}")),
        }
    }
    let head = String::from_utf8(head).map_err(|error| error.to_string())?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or("no status line")?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    let length = answer.header("content-length").parse().unwrap_or(0);
    answer.body.resize(length, 0);
    stream.read_exact(&mut answer.body).map_err(|error| format!("the answer is cut off: {error}"))?;
    Ok(answer)
}
