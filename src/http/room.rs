//! How much memory requests and answers may take, all together.
//!
//! Connections are bounded in number, and a request in size, but the one times the
//! other is more than a machine has. What is small goes free: it is bounded by the
//! number of connections.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::problem::Problem;

/// Of each request and answer, so many bytes are not counted.
const FREE_BYTES: usize = 64 * 1024;
/// What has arrived of requests, until they are answered. Reading and storing one
/// takes about six times its size for a moment.
const REQUESTS_BYTES: usize = 64 * 1024 * 1024;
/// Answers that are made and not sent yet.
const ANSWERS_BYTES: usize = 256 * 1024 * 1024;
const UNIT: usize = 1024;

/// So many are read from git and written out at once: while one is, it takes several
/// times its size.
const MAKING_MAX: usize = 8;

/// The room that is left.
pub(super) struct Room {
    requests: Arc<Semaphore>,
    making: Semaphore,
    answers: Arc<Semaphore>,
}

impl Room {
    /// A request of `request_max` bytes always fits where there is no other.
    pub(super) fn new(request_max: usize) -> Self {
        let places = |bytes: usize| Arc::new(Semaphore::new(bytes / UNIT + 1));
        Self {
            requests: places(REQUESTS_BYTES.max(request_max)),
            making: Semaphore::new(MAKING_MAX),
            answers: places(ANSWERS_BYTES),
        }
    }

    /// Waits for a turn to make an answer that can be long.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.making.acquire().await.ok()
    }

    /// Returns what a request takes of it: nothing yet.
    pub(super) fn share(&self) -> Share {
        Share { room: self.requests.clone(), taken: Arc::default() }
    }

    /// Returns `response`, which takes its part until it is sent, or `None` if there
    /// is no room for it.
    pub(super) fn hold(&self, response: Response) -> Option<Response> {
        let n_bytes = response.body().size_hint().exact().and_then(|n| usize::try_from(n).ok());
        let Some(n_bytes) = n_bytes.filter(|n| *n > FREE_BYTES) else { return Some(response) };
        let n = u32::try_from(n_bytes / UNIT).unwrap_or(u32::MAX);
        let taken = Arc::new(self.answers.clone().try_acquire_many_owned(n).ok()?);
        let held = move |frame: hyper::body::Frame<Bytes>| {
            frame.map_data(|bytes| Bytes::from_owner(Held { bytes, _taken: taken.clone() }))
        };
        Some(
            response
                .map(|body| Body::new(WithLength { n_bytes: n_bytes as u64, body: Body::new(body.map_frame(held)) })),
        )
    }
}

/// What one request takes; it is free again once this is dropped.
#[derive(Clone)]
pub(super) struct Share {
    room: Arc<Semaphore>,
    taken: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Share {
    /// Makes room for a body of `n_bytes`, of which `n_more` have just arrived.
    ///
    /// # Errors
    /// 503: others take all of it.
    pub(super) fn take(&self, n_bytes: usize, n_more: usize) -> Result<(), Problem> {
        let n = n_more.min(n_bytes.saturating_sub(FREE_BYTES)).div_ceil(UNIT);
        if n == 0 {
            return Ok(());
        }
        let more = self.room.clone().try_acquire_many_owned(u32::try_from(n).unwrap_or(u32::MAX));
        let more = more.map_err(|_| Problem::busy("too many large requests are on their way; send it again"))?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *taken {
            Some(taken) => taken.merge(more),
            None => *taken = Some(more),
        }
        Ok(())
    }
}

/// Bytes that take room until the connection has written them.
struct Held {
    bytes: Bytes,
    _taken: Arc<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body whose length is known, which a mapped one has forgotten.
struct WithLength {
    n_bytes: u64,
    body: Body,
}

impl HttpBody for WithLength {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_takes_room_until_its_last_byte_is_gone() {
        let room = Room::new(0);
        let all = room.answers.available_permits();
        let response = room.hold(Response::new(Body::from(vec![0; 1 << 20]))).expect("room");
        assert_eq!(response.body().size_hint().exact(), Some(1 << 20));
        let mut body = response.into_body();
        let bytes = body.frame().await.expect("a frame").expect("no fault").into_data().expect("data");
        drop(body);
        assert_eq!(all - room.answers.available_permits(), 1024);
        drop(bytes);
        assert_eq!(all, room.answers.available_permits());
    }

    #[test]
    fn requests_that_are_too_many_are_refused_until_others_are_done() {
        let room = Room::new(0);
        let shares: Vec<_> = (0..16).map(|_| room.share()).collect();
        assert!(shares.iter().all(|share| share.take(4 << 20, 4 << 20).is_ok()));
        assert!(room.share().take(4 << 20, 4 << 20).is_err());
        assert!(room.share().take(2048, 2048).is_ok(), "what is small goes free");
        drop(shares);
        assert!(room.share().take(4 << 20, 4 << 20).is_ok());
    }
}
