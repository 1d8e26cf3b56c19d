//! Reads away what a handler left of a request's body before the answer goes out.
//!
//! A client that sends first and reads later would otherwise find its connection
//! reset in the middle of sending, and one that keeps the connection would find
//! it closed at its next request. Bounded in bytes and time.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use http_body_util::BodyExt;

/// A body has to arrive within this time, counted from its head, however steadily it
/// comes.
const TIME_MAX: Duration = Duration::from_secs(30);
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// A body that pauses this long is not waited for: the connection ends instead.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What is left of a body; the other end is the body that the handler has.
pub(super) struct Rest {
    shared: Shared,
    start: Instant,
    /// The client waits for `100 Continue` and sends nothing without it.
    is_held_back: bool,
}

/// Says of an answer that somebody still reads the request, and will to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken;

/// A std mutex: never held over a wait, and only one side uses it at a time.
type Shared = Arc<Mutex<Body>>;

/// Returns `body` for the handler, and the handle for what it leaves; `None` if
/// there is no body.
pub(super) fn watch(body: Body, headers: &HeaderMap) -> (Body, Option<Rest>) {
    if body.is_end_stream() {
        return (body, None);
    }
    let shared = Arc::new(Mutex::new(body));
    let is_held_back = headers.contains_key(header::EXPECT);
    (Body::new(Watched(shared.clone())), Some(Rest { shared, start: Instant::now(), is_held_back }))
}

impl Rest {
    /// Reads the rest. If there is too much of it, `response` says that the
    /// connection ends.
    pub(super) async fn drain(self, response: &mut Response) {
        let mut body = Watched(self.shared);
        if body.is_end_stream() {
            return;
        }
        let is_drained = async {
            let mut n_bytes = 0;
            loop {
                let frame = match tokio::time::timeout(PAUSE_MAX, body.frame()).await {
                    Ok(Some(Ok(frame))) => frame,
                    Ok(None) => return true,
                    Ok(Some(Err(_))) | Err(_) => return false,
                };
                n_bytes += frame.data_ref().map_or(0, Bytes::len);
                if n_bytes > MAX_BYTES {
                    return false;
                }
            }
        };
        let is_drained = tokio::time::timeout(TIME_MAX.saturating_sub(self.start.elapsed()), is_drained);
        if self.is_held_back || !is_drained.await.unwrap_or(false) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

struct Watched(Shared);

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.0.lock().expect("no panic under this lock")).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().expect("no panic under this lock").is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.0.lock().expect("no panic under this lock").size_hint()
    }
}
