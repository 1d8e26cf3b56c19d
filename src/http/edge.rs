//! What every request passes: its id, the host check, a time limit, the headers
//! of every answer, the log and the numbers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span};

use super::problem::Problem;
use super::{App, COMMIT_HEADER, commit_header, desk, drain};
use crate::metrics::{Metrics, RequestLabels, RouteLabels};

/// Waiting for the commit; longer, and the client hears of it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// What a body may take besides; its own limit is this much.
const BODY_TIME: Duration = Duration::from_secs(30);
pub(super) static REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The hosts that are answered.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    Any,
    /// In lower case, without port.
    OneOf(Vec<String>),
}

impl Hosts {
    /// On a loopback address a page of any web site could reach the service
    /// through a name of its own (DNS rebinding), so names are checked there.
    pub(super) fn new(address: SocketAddr, allowed: &[String]) -> Self {
        if !address.ip().to_canonical().is_loopback() && allowed.is_empty() {
            return Self::Any;
        }
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        Self::OneOf(own.into_iter().chain(allowed.iter().map(|name| name.to_ascii_lowercase())).collect())
    }

    fn accept(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let Self::OneOf(names) = self else { return true };
        let mut given = headers.get_all(header::HOST).iter();
        let host = match (uri.authority(), given.next(), given.next()) {
            (Some(authority), _, None) => authority.as_str(),
            (None, Some(host), None) => host.to_str().unwrap_or_default(),
            _ => return false,
        };
        let (name, port) = match host.rfind(':') {
            Some(at) if !host[at..].contains(']') => (&host[..at], &host[at + 1..]),
            _ => (host, ""),
        };
        port.bytes().all(|b| b.is_ascii_digit()) && names.iter().any(|accepted| name.eq_ignore_ascii_case(accepted))
    }
}

/// Gives each request an id that is unique while the log is kept: when the
/// process started, and how many came.
pub(super) struct RequestIds {
    start: u64,
}

impl Default for RequestIds {
    fn default() -> Self {
        let start = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap_or_default();
        Self { start }
    }
}

impl RequestIds {
    fn next(&self, metrics: &Metrics) -> String {
        format!("{:x}-{:x}", self.start, metrics.received.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Says of a request that its connection is one too many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd;

/// Returns the whole answer, head and all, to what cannot be read as a request.
pub(super) fn unreadable(app: &App, status: StatusCode) -> Vec<u8> {
    let id = app.request_ids.next(&app.metrics);
    let problem = Problem::unreadable(status);
    let mut response = problem.clone().into_response();
    complete(app, &id, &mut response);
    problem.render(&id, &mut response);
    observe(app, "other", String::new(), &id, &response, Duration::ZERO);
    let body = serde_json::to_vec(&problem.document(&id)).unwrap_or_default();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// The layer around all routes.
pub(super) async fn handle(State(app): State<App>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = app.request_ids.next(&app.metrics);
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let mut is_for_people = desk::error::is_for_people(&parts.uri, &parts.headers);
    let (body, rest) = drain::watch(body, &parts.headers);
    let mut request = Request::from_parts(parts, body);
    // Held until the answer is made.
    let share = rest.is_some().then(|| app.room.share());
    if let Some(share) = &share {
        request.extensions_mut().insert(share.clone());
    }
    let limit = if rest.is_some() { REQUEST_TIMEOUT + BODY_TIME } else { REQUEST_TIMEOUT };
    let mut response = if request.extensions_mut().remove::<Crowd>().is_some() {
        Problem::busy("too many connections are open; try again in a moment").into_response()
    } else if app.hosts.accept(request.uri(), request.headers()) {
        match tokio::time::timeout(limit, next.run(request).instrument(span(method, &route, &id))).await {
            Ok(response) => response,
            Err(_) => Problem::unavailable(
                "this took too long; a write may still be stored, so look before you send it again",
            )
            .into_response(),
        }
    } else {
        // A page says how things stand, which is not for a stranger's host.
        is_for_people = false;
        Problem::misdirected().into_response()
    };
    drop(share);
    response = app.room.hold(response).unwrap_or_else(|| {
        Problem::busy("too many large answers are on their way to others; ask again").into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if is_for_people || problem.page().is_some() {
            desk::error::render(&app, &problem, &id, &mut response);
        } else {
            problem.render(&id, &mut response);
        }
        if let Some(cause) = problem.cause {
            tracing::error!(request.id = %id, method, route, status = problem.status.as_u16(), "{cause}");
        }
    }
    complete(&app, &id, &mut response);
    // Where an answer flows while its request still does, there is no rest.
    let is_taken = response.extensions_mut().remove::<drain::Taken>().is_some();
    if let Some(rest) = rest
        && !is_taken
    {
        rest.drain(&mut response).await;
    }
    observe(&app, method, route, &id, &response, start.elapsed());
    response
}

fn complete(app: &App, id: &str, response: &mut Response) {
    let headers = response.headers_mut();
    if !headers.contains_key(&COMMIT_HEADER) {
        headers.insert(&COMMIT_HEADER, commit_header(app.store.snapshot().commit));
    }
    headers.insert(&REQUEST_ID_HEADER, HeaderValue::try_from(id).expect("hex is ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

fn observe(app: &App, method: &'static str, route: String, id: &str, response: &Response, elapsed: Duration) {
    let status = response.status().as_u16();
    let duration_ms = elapsed.as_secs_f64() * 1000.0;
    if only_reads(method) {
        tracing::debug!(request.id = %id, method, route, status, duration_ms, "{method} {route} {status}");
    } else {
        tracing::info!(request.id = %id, method, route, status, duration_ms, "{method} {route} {status}");
    }
    let labels = RequestLabels { method, route, status };
    app.metrics.requests.get_or_create(&labels).inc();
    let labels = RouteLabels { method, route: labels.route };
    app.metrics.request_seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
}

/// What the log says within a request is said of this. Of one that only reads, where that is
/// logged itself: to keep a span for each takes a twentieth of what it takes to answer.
fn span(method: &'static str, route: &str, id: &str) -> Span {
    match only_reads(method) {
        true => tracing::debug_span!("request", request.id = id, method, route),
        false => tracing::info_span!("request", request.id = id, method, route),
    }
}

fn only_reads(method: &'static str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// Methods come from strangers; a label must not.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(hosts: &Hosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        hosts.accept(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn loopback_answers_its_own_names_and_those_allowed() {
        let hosts = Hosts::new("127.0.0.1:8080".parse().unwrap(), &["Golive.Example".into()]);
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "golive.example:8080"] {
            assert!(accepts(&hosts, host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[::2]",
            "localhost:80:80",
            "localhost:evil.example",
        ] {
            assert!(!accepts(&hosts, host), "{host}");
        }
        assert!(!hosts.accept(&Uri::from_static("http://evil.example/"), &HeaderMap::new()));
        assert!(!accepts(&Hosts::new("[::ffff:127.0.0.1]:80".parse().unwrap(), &[]), "evil.example"));
    }

    #[test]
    fn other_addresses_answer_all_names_unless_some_are_given() {
        assert!(accepts(&Hosts::new("0.0.0.0:80".parse().unwrap(), &[]), "any.example"));
        let hosts = Hosts::new("0.0.0.0:80".parse().unwrap(), &["golive.example".into()]);
        assert!(accepts(&hosts, "golive.example"));
        assert!(!accepts(&hosts, "any.example"));
    }
}
