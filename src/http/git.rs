//! Git's own protocol at `/reports.git`: clone, fetch and push over HTTP.
//!
//! The work is done by the installed git ([`backend`]), a child for each request;
//! here stands what may be asked of it. Only the smart protocol is answered, never
//! a file of the repository. A push is taken only while the hook that checks it is
//! in place, and its end is answered when the API serves what it brought.

mod backend;
mod cgi;
mod flow;
#[cfg(test)]
mod tests;
mod turn;

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use tokio::sync::Semaphore;

use super::problem::Problem;
use super::{App, drain};
use crate::config::{GitHttp, Serve};
use crate::failpoint::failpoint;
use crate::store::Store;
use backend::{Backend, StartError};
use turn::{Push, Turns};

/// Children at once. Each takes memory and a core; more are told to come back.
const BACKENDS_MAX: usize = 16;
/// No byte came or went for so long: the client has stalled, and is cut off. Git
/// itself says something every 5 s while it works.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// The API serves what was pushed within a second anyway.
const LOOK_PATIENCE: Duration = Duration::from_secs(2);

/// What of git is served, and how many are at it.
pub(super) struct Access {
    mode: GitHttp,
    places: Arc<Semaphore>,
    turns: Arc<Turns>,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

impl Access {
    /// `address` is where the service listens.
    pub(super) fn new(settings: &Serve, address: SocketAddr) -> Self {
        Self { mode: settings.git_http(address), places: Arc::new(Semaphore::new(BACKENDS_MAX)), turns: Arc::default() }
    }

    /// Returns whether the repository can be cloned here.
    pub(super) fn is_on(&self) -> bool {
        self.mode != GitHttp::Off
    }
}

/// What git asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/reports.git/info/refs", get(info_refs))
        .route("/reports.git/git-upload-pack", post(upload_pack))
        .route("/reports.git/git-receive-pack", post(receive_pack))
        .route("/reports.git", any(elsewhere))
        .route("/reports.git/", any(elsewhere))
        .route("/reports.git/{*path}", any(elsewhere))
}

async fn info_refs(State(app): State<App>, request: Request) -> Response {
    let asked = request.uri().query().unwrap_or_default().split('&');
    let service = [Service::UploadPack, Service::ReceivePack]
        .into_iter()
        .find(|service| asked.clone().any(|pair| pair.strip_prefix("service=") == Some(service.name())));
    match service {
        Some(service) => answer(&app, service, None, request).await,
        None => elsewhere(State(app), request).await,
    }
}

async fn upload_pack(State(app): State<App>, request: Request) -> Response {
    let path = "/git-upload-pack";
    answer(&app, Service::UploadPack, Some(path), request).await
}

async fn receive_pack(State(app): State<App>, request: Request) -> Response {
    let path = "/git-receive-pack";
    answer(&app, Service::ReceivePack, Some(path), request).await
}

async fn elsewhere(State(app): State<App>, request: Request) -> Response {
    let problem = refusal(app.git.mode, Service::UploadPack).unwrap_or_else(|| {
        Problem::not_found("only git's smart protocol is answered here; use `git clone` with the address up to `.git`")
    });
    for_git(problem, request.headers())
}

/// Git shows a refusal to the person only as plain text.
fn for_git(problem: Problem, headers: &HeaderMap) -> Response {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with("git/")) { problem.into_text() } else { problem }.into_response()
}

fn refusal(mode: GitHttp, service: Service) -> Option<Problem> {
    match (mode, service) {
        (GitHttp::Off, _) => Some(Problem::not_found(
            "git is not served over HTTP here; start golive with `--git-http read` or `--git-http write`",
        )),
        (GitHttp::Read, Service::ReceivePack) => Some(Problem::forbidden(
            "pushes are not taken here; start golive with `--git-http write`, or ask whoever runs it",
        )),
        _ => None,
    }
}

/// Has git answer; `path` is `None` for the list of references that each exchange starts with.
async fn answer(app: &App, service: Service, path: Option<&'static str>, request: Request) -> Response {
    let headers = request.headers().clone();
    try_answer(app, service, path, request).await.unwrap_or_else(|problem| for_git(problem, &headers))
}

async fn try_answer(
    app: &App,
    service: Service,
    path: Option<&'static str>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(problem) = refusal(app.git.mode, service) {
        return Err(problem);
    }
    let Ok(place) = app.git.places.clone().try_acquire_owned() else {
        return Err(Problem::unavailable("too many others clone or push; try again in a moment").retry_after(2));
    };
    if service == Service::ReceivePack && !app.store.checks_pushes().await {
        return Err(Problem::unavailable(
            "pushes cannot be checked now, so none is taken; the service's log says why since its start",
        ));
    }
    let length = request.body().size_hint().exact();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let push = app.git.turns.take(&app.store, peer, service, path, length).await;
    let environment = environment(app, service, path, request.headers());
    let (head, backend) = Backend::start(environment, place).await?;
    failpoint!("push.begun");
    if head.status != StatusCode::OK {
        return Err(refused_by_git(head.status));
    }
    let store = (service == Service::ReceivePack && path.is_some()).then(|| app.store.clone());
    let body = backend.carry(request.into_body(), finish(push, store), IDLE_MAX).await;
    let mut response = (head.status, head.headers, body).into_response();
    response.extensions_mut().insert(drain::Taken);
    Ok(response)
}

/// What was pushed is on disk and served before the pusher hears that it is done.
/// Returns whether they may hear so.
async fn finish(push: Option<Push>, store: Option<Arc<Store>>) -> bool {
    failpoint!("push.landed");
    drop(push);
    let Some(store) = store else { return true };
    let (synced, _) = tokio::join!(store.sync_push(), tokio::time::timeout(LOOK_PATIENCE, store.look()));
    if let Err(error) = &synced {
        tracing::error!("A push could not be synced, and its answer is cut off: {error}");
    }
    synced.is_ok()
}

fn refused_by_git(status: StatusCode) -> Problem {
    match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::malformed("this is no request of git's; call this address with git")
        }
        status => Problem::internal(format!("`git http-backend` answered {status}")),
    }
}

/// The whole environment of the child: nothing of the service's own gets in by
/// chance. The repository's settings are not changed for it, so that nobody can
/// push by another server's leave.
fn environment(
    app: &App,
    service: Service,
    path: Option<&'static str>,
    headers: &HeaderMap,
) -> Vec<(String, OsString)> {
    let location = app.store.location();
    let can_push = if app.git.mode == GitHttp::Write { "true" } else { "false" };
    let hooks = location.hooks_dir();
    let settings: [(&str, &OsStr); _] = [
        ("http.receivepack", can_push.as_ref()),
        ("http.getanyfile", "false".as_ref()),
        ("uploadpack.allowFilter", "true".as_ref()),
        ("transfer.hideRefs", "refs/golive".as_ref()),
        ("receive.autogc", "false".as_ref()),
        // As a pack, whose one folder can be synced afterwards.
        ("receive.unpackLimit", "1".as_ref()),
        // Also where a person named a folder of their own: here nobody is trusted.
        ("core.hooksPath", hooks.as_ref()),
        // Whose repository it is was checked at start.
        ("safe.directory", "*".as_ref()),
    ];
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().into();
    let query = if path.is_none() { format!("service={}", service.name()) } else { String::new() };
    let mut environment: Vec<(String, OsString)> = vec![
        ("GIT_PROJECT_ROOT".into(), location.git_dir.clone().into()),
        ("GIT_HTTP_EXPORT_ALL".into(), "1".into()),
        ("REQUEST_METHOD".into(), if path.is_none() { "GET" } else { "POST" }.into()),
        ("PATH_INFO".into(), path.unwrap_or("/info/refs").into()),
        ("QUERY_STRING".into(), query.into()),
        ("CONTENT_TYPE".into(), header("content-type")),
        ("HTTP_CONTENT_ENCODING".into(), header("content-encoding")),
        ("GIT_PROTOCOL".into(), header("git-protocol")),
        ("GIT_CONFIG_COUNT".into(), settings.len().to_string().into()),
    ];
    // No `CONTENT_LENGTH`: git would wait for the rest of a request for ever, and spin, should this process die.
    for (n, (key, value)) in settings.into_iter().enumerate() {
        environment.push((format!("GIT_CONFIG_KEY_{n}"), key.into()));
        environment.push((format!("GIT_CONFIG_VALUE_{n}"), value.into()));
    }
    environment
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NoGit => Self::not_implemented(
                "clone and push need git on the machine that golive runs on, with `git http-backend`; install it there",
            ),
            StartError::Failed(cause) => Self::internal(cause),
        }
    }
}
