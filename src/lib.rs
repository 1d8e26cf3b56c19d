//! golive: the record of go-live reviews for MCP servers, kept in git.
//!
//! In reading order, lower floors first; none imports from one above it:
//! [`report`] the words and rules, [`policy`] the rules of one repository,
//! [`render`] text as HTML, [`assess`] what a text lacks, [`metrics`] what is
//! counted, [`store`] the repository and its one writer, [`intake`] the work
//! tree, [`assessments`] what the check found, [`http`] the edge, [`config`] the
//! settings. [`run`] puts them together.
//!
//! Invariants: the tip of the branch is the truth and everything else is
//! derived; a 2xx to a write means that its commit is at the tip, on disk; one
//! write is one commit; history only grows; a body comes back byte for byte.

pub mod assess;
pub mod assessments;
pub mod check;
pub mod config;
pub mod failpoint;
mod hex;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod policy;
pub mod render;
pub mod report;
pub mod store;
pub mod verify;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::assessments::{Assessments, Filler};
use crate::config::{GitHttp, Job};
use crate::intake::worktree::WorkTree;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::repository::{self, OpenError};

/// What is open after this long when the service stops is cut off, so that it
/// ends within 5 s.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);

/// And what works in the background after that long more.
const CLOSE_PATIENCE: Duration = Duration::from_millis(1500);

/// Serves `settings.repo` on `listener` until `stop` ends; then finishes what
/// was accepted. A missing repository is created.
///
/// # Errors
/// Why the service could not start, as a sentence that says what to do.
pub async fn run(
    listener: TcpListener,
    settings: config::Serve,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), OpenError> {
    let address = listener.local_addr().map_err(|source| OpenError::Io { path: settings.repo.clone(), source })?;
    let metrics = Arc::new(Metrics::default());
    let store = {
        let (repo, metrics, body_limit_bytes) = (settings.repo.clone(), metrics.clone(), settings.body_limit_bytes);
        let open = move || {
            if repository::can_create(&repo) {
                repository::create(&repo)?;
            }
            Store::open(&repo, metrics, body_limit_bytes).map(Arc::new)
        };
        tokio::task::spawn_blocking(open).await.expect("opening does not panic")?
    };
    if !settings.without.contains(&Job::Upkeep) {
        store.start_upkeep();
    }
    let work_tree = if settings.without.contains(&Job::WorkTree) { None } else { Some(follow(&store, &settings)?) };
    let (snapshot, opening) = (store.snapshot(), store.opening());
    let clone = match settings.git_http(address) {
        GitHttp::Off => None,
        GitHttp::Read | GitHttp::Write => Some(format!("http://{address}/reports.git")),
    };
    tracing::info!(
        address = format!("http://{address}"),
        repository = %store.location().work_dir.display(),
        reports = snapshot.len(),
        read_ms = opening.took.as_secs_f64() * 1000.0,
        tip = %snapshot.commit,
        clone,
        "Serving `{}` on http://{address}: {} reports (read from {}), tip {:.12}{}",
        store.location().work_dir.display(),
        snapshot.len(),
        if opening.is_saved { "what was saved" } else { "git" },
        snapshot.commit.to_string(),
        clone.as_ref().map(|clone| format!("; git clone {clone}")).unwrap_or_default(),
    );
    let assessments = Arc::new(Assessments::new(store.clone()));
    let filler = if settings.without.contains(&Job::Assessments) {
        None
    } else {
        let filler = Filler::start(assessments.clone(), metrics.clone(), tokio::runtime::Handle::current());
        Some(filler.map_err(|source| OpenError::Io { path: settings.repo.clone(), source })?)
    };
    let service = http::service(store.clone(), assessments, metrics, &settings, address);
    let stop = {
        let store = store.clone();
        async move {
            stop.await;
            store.end_feeds();
        }
    };
    http::server::serve(listener, service, stop, DRAIN_PATIENCE).await;
    let closed = tokio::task::spawn_blocking(move || {
        store.close();
        let assessed = filler.map_or(Ok(()), JoinHandle::join);
        work_tree.map_or(Ok(()), JoinHandle::join).and(assessed)
    });
    match tokio::time::timeout(CLOSE_PATIENCE, closed).await {
        Ok(Ok(Ok(()))) => {}
        Ok(_) => tracing::error!("A thread in the background panicked"),
        // Background work alone can take so long; cut off, it is done at the next start.
        Err(_) => {
            tracing::warn!("Background work did not finish within {} s and was cut off", CLOSE_PATIENCE.as_secs_f32());
        }
    }
    tracing::info!("Stopped");
    Ok(())
}

/// Starts the thread of the work tree. Before the first write, so that it knows
/// from where the work tree has to follow.
fn follow(store: &Arc<Store>, settings: &config::Serve) -> Result<JoinHandle<()>, OpenError> {
    let io_error = |source| OpenError::Io { path: settings.repo.clone(), source };
    let work_tree = WorkTree::open(store).map_err(io_error)?;
    let (store, published) = (store.clone(), store.listen());
    let run = move || work_tree.run(&store, published);
    store::spawn("worktree", run).map_err(io_error)
}
