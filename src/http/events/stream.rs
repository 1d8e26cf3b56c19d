//! One stream of events: a task that hears of news, and the body that a client
//! reads.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use git2::Oid;
use hyper::body::Frame;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::text::{self, HEARTBEAT};
use crate::http::{App, server};
use crate::metrics::Metrics;
use crate::store::feed::{Feed, News};

/// Streams at once, and at most half of all connections: the other half is for
/// those who ask and go.
const STREAMS_MAX: usize = 1000;
/// Proxies cut off what is silent for long.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// What comes within this time after a piece goes out with the next: a burst of
/// commits is a few pieces to each of a thousand clients, not thousands.
const PAUSE: Duration = Duration::from_millis(50);
/// Events that are ready go out together, in pieces of about this size.
const PIECE_BYTES: usize = 16 * 1024;
/// The latest events as text: all streams say the same.
const TEXTS_MAX: usize = 1024;

/// What all streams share.
pub(in crate::http) struct Streams {
    places: Arc<Semaphore>,
    texts: Cache<Oid, Bytes>,
}

impl Default for Streams {
    fn default() -> Self {
        let n_places = STREAMS_MAX.min(server::connections_max() / 2);
        Self { places: Arc::new(Semaphore::new(n_places)), texts: Cache::new(TEXTS_MAX) }
    }
}

/// The right to a stream, counted while it is held.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.event_streams.dec();
    }
}

impl Streams {
    /// Returns a place, or `None` if all are taken.
    pub(super) fn enter(&self, metrics: &Arc<Metrics>) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        metrics.event_streams.inc();
        Some(Place { _permit: permit, metrics: metrics.clone() })
    }

    fn text(&self, news: &News) -> Bytes {
        let News::Commit(commit) = news else { return text::event(news) };
        if let Some(text) = self.texts.get(&commit.commit) {
            return text;
        }
        let text = text::event(news);
        self.texts.insert(commit.commit, text.clone());
        text
    }
}

/// Starts to hand on what `feed` hears.
pub(super) fn start(app: &App, feed: Feed, place: Place) -> Body {
    // One piece waits at most: what comes meanwhile stays in the store.
    let (sender, pieces) = mpsc::channel(1);
    let streams = app.streams.clone();
    tokio::spawn(async move {
        let gone = sender.clone();
        tokio::select! {
            () = gone.closed() => {}
            () = pour(&streams, feed, sender) => {}
        }
        drop(place);
    });
    Body::new(Pieces(pieces))
}

/// Hands on news until there are none any more, or nobody takes them.
async fn pour(streams: &Streams, mut feed: Feed, sender: mpsc::Sender<Bytes>) {
    let mut piece = text::start(feed.last());
    while sender.send(piece).await.is_ok() {
        if !feed.is_ready() {
            sleep(PAUSE).await; // nothing is queued meanwhile, and nobody waits
        }
        piece = match timeout(SILENCE_MAX, feed.next()).await {
            Ok(Some(news)) => collected(streams, &news, &mut feed),
            Ok(None) => return,
            Err(_) => Bytes::from_static(HEARTBEAT.as_bytes()),
        };
    }
}

/// Returns `first` and what is ready behind it.
fn collected(streams: &Streams, first: &News, feed: &mut Feed) -> Bytes {
    let first = streams.text(first);
    let Some(mut news) = feed.ready() else { return first };
    let mut piece = first.to_vec();
    loop {
        piece.extend_from_slice(&streams.text(&news));
        if piece.len() >= PIECE_BYTES {
            return piece.into();
        }
        match feed.ready() {
            Some(next) => news = next,
            None => return piece.into(),
        }
    }
}

/// The body of the answer.
struct Pieces(mpsc::Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
