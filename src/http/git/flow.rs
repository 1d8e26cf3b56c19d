//! What flows between a client and git, in pieces: the request in, the answer out,
//! and when a byte last did.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

const PIECE_BYTES: usize = 64 * 1024;
/// Of a push that git refused before all of it had come: who sends so much more
/// would not read the reason.
const REST_MAX: usize = 1024 * 1024 * 1024;

/// Sends `request` to git, and what git does not want nowhere. Returns whether all
/// of it came; drops `begun` when some of it did.
pub(super) async fn feed(mut request: Body, stdin: ChildStdin, pulse: &Pulse, begun: oneshot::Sender<()>) -> bool {
    let mut begun = Some(begun);
    let (mut stdin, mut n_unwanted) = (Some(stdin), 0);
    while let Some(frame) = request.frame().await {
        let Ok(frame) = frame else { return false };
        drop(begun.take());
        let Some(bytes) = frame.data_ref() else { continue };
        if let Some(pipe) = &mut stdin
            && pipe.write_all(bytes).await.is_err()
        {
            stdin = None;
        }
        if stdin.is_none() {
            n_unwanted += bytes.len();
            if n_unwanted > REST_MAX {
                return false;
            }
        }
        pulse.beat();
    }
    true
}

/// Hands on all that git says, after `first`.
///
/// # Errors
/// Why that is not to be had.
pub(super) async fn pour(
    first: Bytes,
    mut stdout: ChildStdout,
    pieces: &mpsc::Sender<Bytes>,
    pulse: &Pulse,
) -> Result<(), &'static str> {
    let gone = "the client went away";
    if !first.is_empty() {
        pieces.send(first).await.map_err(|_| gone)?;
    }
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match stdout.read(&mut piece).await {
            Ok(0) => return Ok(()),
            Ok(length) => pieces.send(Bytes::copy_from_slice(&piece[..length])).await.map_err(|_| gone)?,
            Err(_) => return Err("it cannot be read from"),
        }
        pulse.beat();
    }
}

/// The body of the answer.
pub(super) struct Answer {
    pieces: mpsc::Receiver<Bytes>,
    is_whole: Arc<AtomicBool>,
    /// Whoever sends the answer had a moment to send what there is of it.
    is_sent: bool,
}

impl Answer {
    /// `is_whole` is set before `pieces` end, unless they were cut off.
    pub(super) fn new(pieces: mpsc::Receiver<Bytes>, is_whole: Arc<AtomicBool>) -> Self {
        Self { pieces, is_whole, is_sent: false }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match ready!(self.pieces.poll_recv(context)) {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.is_whole.load(Ordering::Acquire) => Poll::Ready(None),
            // At an error hyper drops what it has not sent yet: the head, and git's own words. It sends
            // when there is nothing to be had.
            None if !std::mem::replace(&mut self.is_sent, true) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(Some(Err(io::Error::other("git was cut off")))),
        }
    }
}

/// When the last byte came or went.
pub(super) struct Pulse(Mutex<Instant>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Pulse {
    pub(super) fn beat(&self) {
        *self.0.lock().expect("no panic under this lock") = Instant::now();
    }

    pub(super) async fn stops(&self, idle: Duration) {
        loop {
            let end = *self.0.lock().expect("no panic under this lock") + idle;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}
