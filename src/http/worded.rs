//! A connection on which the server's own answers are problem documents too.
//!
//! What cannot be read as a request at all, hyper answers by itself, with a status
//! and nothing else, before any of our code hears of it. Such an answer is known by
//! its lack of what every other one has, and one with words goes out in its place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Returns the whole answer for a request that cannot be read.
pub(super) type Words = Arc<dyn Fn(StatusCode) -> Vec<u8> + Send + Sync>;

pub(super) struct Worded<S> {
    stream: S,
    words: Words,
    /// What goes out instead, how much of it has, and how much it stands for.
    instead: Option<(Vec<u8>, usize, usize)>,
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S, words: Words) -> Self {
        Self { stream, words, instead: None }
    }
}

/// Returns the status of an answer that hyper made by itself.
fn bare(bytes: &[u8]) -> Option<StatusCode> {
    // The length of a head without anything but what hyper puts there.
    const MAX: usize = 256;
    let head = std::str::from_utf8(bytes.get(..bytes.len().min(MAX))?).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3).filter(|status| matches!(*status, "400" | "414" | "431"))?;
    let is_bare = head.ends_with("\r\n\r\n") && !head.contains(super::edge::REQUEST_ID_HEADER.as_str());
    status.parse().ok().filter(|_| is_bare)
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some((bytes, n_sent, n_stood_for)) = &mut self.instead {
            if *n_sent == bytes.len() {
                let n = *n_stood_for;
                self.instead = None;
                return Poll::Ready(Ok(n));
            }
            *n_sent += ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[*n_sent..]))?;
        }
        Poll::Ready(Ok(0))
    }

    /// Takes `bytes` if they are an answer to be replaced, or are being replaced.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if self.instead.is_none()
            && let Some(status) = bare(bytes)
        {
            self.instead = Some(((self.words)(status), 0, bytes.len()));
        }
        self.instead.is_some()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(buf) {
            return self.poll_instead(context);
        }
        Pin::new(&mut self.stream).poll_write(context, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = bufs.iter().find(|buf| !buf.is_empty())
            && self.replaces(first)
        {
            return self.poll_instead(context);
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn sent(bytes: &[u8]) -> String {
        let (stream, mut client) = tokio::io::duplex(16);
        let words: Words = Arc::new(|status| format!("{status}, in many words").into_bytes());
        let mut stream = Worded::new(stream, words);
        let bytes = bytes.to_vec();
        let writer = tokio::spawn(async move { stream.write_all(&bytes).await });
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        writer.await.unwrap().unwrap();
        text
    }

    #[tokio::test]
    async fn only_an_answer_without_words_is_replaced() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(sent(bare.as_bytes()).await, "431 Request Header Fields Too Large, in many words");
        for whole in [
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 1-1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "text that has HTTP/1.1 400 in it\r\n\r\n",
        ] {
            assert_eq!(sent(whole.as_bytes()).await, whole);
        }
    }
}
