//! The clients of a run, all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::answer::{self, Expected};
use crate::args::Run;
use crate::calls::Calls;
use crate::connection::Connection;
use crate::figures::Figures;
use crate::reports::{Known, Reports};
use crate::text::Numbers;

/// A client that meets so many faults gives up: the run has failed anyway.
const FAULTS_MAX: u64 = 20;

struct Shared {
    run: Run,
    calls: Calls,
    next: AtomicU64,
    start: Instant,
}

/// Runs the clients to their end; returns what they measured, and the reports they made.
pub async fn run_all(run: &Run, reports: Reports) -> (Figures, Vec<Known>) {
    let calls = Calls::new(run.clone(), reports);
    let shared = Arc::new(Shared { run: run.clone(), calls, next: AtomicU64::new(0), start: Instant::now() });
    let mut clients: JoinSet<_> = (0..run.clients).map(|number| one(Arc::clone(&shared), number as u64)).collect();
    let mut all = Figures::default();
    let mut created = Vec::new();
    while let Some(client) = clients.join_next().await {
        match client {
            Ok((figures, mut known)) => {
                all.add(figures);
                created.append(&mut known);
            }
            Err(panicked) => all.fault(panicked.to_string()),
        }
    }
    created.sort_by_key(|known| known.key);
    all.seconds = shared.start.elapsed().as_secs_f64();
    (all, created)
}

async fn one(shared: Arc<Shared>, number: u64) -> (Figures, Vec<Known>) {
    let mut figures = Figures::default();
    let mut created = Vec::new();
    let mut numbers = Numbers::new(shared.run.seed.wrapping_mul(7919).wrapping_add(number));
    let mut connection = None;
    while figures.n_faults < FAULTS_MAX {
        let n = shared.next.fetch_add(1, Relaxed);
        if n >= shared.run.count || shared.start.elapsed() >= Duration::from_secs_f64(shared.run.seconds) {
            break;
        }
        let (request, expected) = shared.calls.make(n, &mut numbers);
        let sent = Instant::now();
        match exchange(&mut connection, &shared.run.base, &request).await {
            Ok((status, body)) => {
                let took = sent.elapsed();
                figures.count(expected.name(), took, shared.start.elapsed());
                if let Err(fault) = expected.check(n, status, body) {
                    figures.fault(fault);
                } else if let Expected::Created { key } = expected {
                    match answer::id(body) {
                        Some(id) => created.push(Known { id, key }),
                        None => figures.fault("post: no id in the answer".into()),
                    }
                }
            }
            Err(error) => {
                figures.fault(format!("{}: {error}", expected.name()));
                connection = None;
            }
        }
    }
    (figures, created)
}

/// Sends over the connection, opening it if there is none.
async fn exchange<'a>(
    connection: &'a mut Option<Connection>,
    base: &str,
    request: &[u8],
) -> std::io::Result<(u16, &'a [u8])> {
    let open = match connection.take() {
        Some(open) => open,
        None => Connection::open(base).await?,
    };
    connection.insert(open).call(request).await
}
