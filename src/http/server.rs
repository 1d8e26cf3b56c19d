//! Accepts connections, bounds them in number and time, and ends them well.
//!
//! Written on hyper-util rather than `axum::serve`, which has neither a header
//! time-out nor a bound on connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::Service;
use super::edge::Crowd;
use super::git::Peer;
use super::patience::Patient;
use super::worded::Worded;

/// Connections at once, if the process may open so many files.
const CONNECTIONS_MAX: usize = 2048;
/// Connections more that are told to come back; all others wait in the operating
/// system's queue.
const CROWD_MAX: usize = 64;
/// Files that are left for the repository.
const FILES_KEPT: usize = 512;
/// The head of a request has to arrive within this time, counted from the end of
/// the one before: it ends idle connections too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Or this, of a connection that is one too many.
const CROWD_PATIENCE: Duration = Duration::from_secs(1);
/// And within this many bytes: there is one such buffer for each connection.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// A client that takes nothing of its answer for so long is cut off.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// When accepting fails (too many open files), this long passes before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves on `listener` until `stop` ends, then lets what is under way finish, for at
/// most `patience`.
pub(crate) async fn serve(listener: TcpListener, service: Service, stop: impl Future<Output = ()>, patience: Duration) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(connections_max()));
    let crowd = Arc::new(Semaphore::new(CROWD_MAX));
    tokio::pin!(stop);
    loop {
        let place = Place::free(&places, &crowd);
        let (place, connection) = tokio::select! {
            () = &mut stop => break,
            (place, accepted) = async { (place.await, listener.accept().await) } => match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    let place = place.or_better(&places);
                    let connection = connection(stream, peer, &service, place.is_crowd);
                    (place, connection)
                }
                (_, Err(error)) => {
                    tracing::warn!(%error, "A connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
                (Err(_), _) => break,
            },
        };
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off is its own business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("Some requests did not finish within {} s and were cut off", patience.as_secs());
    }
}

/// The right to a connection.
struct Place {
    _permit: OwnedSemaphorePermit,
    /// It is one too many, and only told so.
    is_crowd: bool,
}

impl Place {
    /// Waits until there is one, among the `crowd` if need be.
    async fn free(places: &Arc<Semaphore>, crowd: &Arc<Semaphore>) -> Result<Self, AcquireError> {
        let (permit, is_crowd) = tokio::select! {
            biased;
            permit = places.clone().acquire_owned() => (permit, false),
            permit = crowd.clone().acquire_owned() => (permit, true),
        };
        Ok(Self { _permit: permit?, is_crowd })
    }

    /// Returns a proper one if that became free meanwhile: who knocks only now may come in.
    fn or_better(self, places: &Arc<Semaphore>) -> Self {
        match places.clone().try_acquire_owned() {
            Ok(permit) if self.is_crowd => Self { _permit: permit, is_crowd: false },
            _ => self,
        }
    }
}

/// Raises the limit of open files as far as it goes, and leaves enough of them to
/// the store: a service without a file to write to can only refuse.
pub(super) fn connections_max() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        limit.current = limit.maximum;
        let _ = setrlimit(Resource::Nofile, limit);
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    CONNECTIONS_MAX.min(files.saturating_sub(FILES_KEPT).max(files / 4))
}

type Connection = http1::Connection<TokioIo<Worded<Patient<TcpStream>>>, TowerToHyperService<HyperRouter>>;

fn connection(stream: TcpStream, peer: SocketAddr, service: &Service, is_crowd: bool) -> Connection {
    // Answers are written in one go; waiting to join them only adds latency.
    let _ = stream.set_nodelay(true);
    let stream = Worded::new(Patient::new(stream, WRITE_PATIENCE), service.words.clone());
    let router = HyperRouter { router: service.router.clone(), peer: Peer(peer.ip().to_canonical()), is_crowd };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if is_crowd { CROWD_PATIENCE } else { HEADER_TIMEOUT })
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(!is_crowd)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// The router for hyper's kind of body, and for one connection.
#[derive(Clone)]
struct HyperRouter {
    router: Router,
    peer: Peer,
    is_crowd: bool,
}

impl tower::Service<hyper::Request<hyper::body::Incoming>> for HyperRouter {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = axum::routing::future::RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: hyper::Request<hyper::body::Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        if self.is_crowd {
            request.extensions_mut().insert(Crowd);
        }
        self.router.call(request)
    }
}
