//! One `git http-backend`, a CGI child: the request's body flows into it and its
//! answer out of it, in pieces, both at once.
//!
//! It lives no longer than its request. A client that goes away or stalls ends it,
//! and with it all processes that it started: they are a process group of their
//! own, and are asked (`SIGTERM`) first, so that git removes its locks.

use std::ffi::OsString;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::Instrument;

use super::cgi::{self, Head};
use super::flow::{Answer, Pulse, feed, pour};

/// The settings of the process that git and its hooks may see.
const INHERITED: &[&str] = &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR"];
/// Git writes the head before it starts to work.
const HEAD_PATIENCE: Duration = Duration::from_secs(20);
/// What a process asked to end may take for that.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// Pieces that wait for a slow reader.
const PIECES_MAX: usize = 2;

/// Why there is no answer of git's.
#[derive(Debug)]
pub(super) enum StartError {
    NoGit,
    /// For the log.
    Failed(String),
}

pub(super) struct Backend {
    group: Group,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    /// What of the answer was read with its head.
    first: Bytes,
    place: OwnedSemaphorePermit,
}

impl Backend {
    /// Starts git in nothing but `environment` and reads the head of its answer.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs any more.
    pub(super) async fn start(
        environment: Vec<(String, OsString)>,
        place: OwnedSemaphorePermit,
    ) -> Result<(Head, Self), StartError> {
        #[expect(clippy::disallowed_methods, reason = "git's protocol is git's own business")]
        let mut command = Command::new("git");
        command.arg("http-backend").env_clear().envs(environment);
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        Self::run(command, place).await
    }

    pub(super) async fn run(mut command: Command, place: OwnedSemaphorePermit) -> Result<(Head, Self), StartError> {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Starting a process reads files; not a thing for an async thread.
        let spawned = tokio::task::spawn_blocking(move || command.spawn()).await.expect("starting does not panic");
        let mut child = spawned.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StartError::NoGit,
            _ => StartError::Failed(format!("`git http-backend` cannot be started: {error}")),
        })?;
        let pipes = "all three are pipes";
        let (stdin, stdout) = (child.stdin.take().expect(pipes), child.stdout.take().expect(pipes));
        let stderr = child.stderr.take().expect(pipes);
        let mut backend = Self { group: Group(child), stdin, stdout, stderr, first: Bytes::new(), place };
        match tokio::time::timeout(HEAD_PATIENCE, backend.read_head()).await {
            Ok(Ok(head)) => Ok((head, backend)),
            Ok(Err(error)) => Err(backend.failed(&error).await),
            Err(_) => Err(backend.failed("it did not answer in time").await),
        }
    }

    async fn read_head(&mut self) -> Result<Head, String> {
        let mut bytes = Vec::with_capacity(cgi::HEAD_MAX);
        loop {
            match self.stdout.read_buf(&mut bytes).await {
                Ok(0) => return Err("it ended without an answer".into()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
            if let Some((head, start)) = cgi::parse(&bytes)? {
                self.first = Bytes::from(bytes.split_off(start));
                return Ok(head);
            }
        }
    }

    async fn failed(mut self, why: &str) -> StartError {
        self.group.end().await;
        let said = said(self.stderr).await;
        if said.contains("not a git command") {
            return StartError::NoGit;
        }
        StartError::Failed(format!("`git http-backend` failed: {why}: {said:?}"))
    }

    /// Lets `request` flow in and returns what flows out. The answer ends when
    /// git has ended and `at_end` is done; one that was cut off, be it because
    /// `at_end` says that it may not be believed, ends in an error.
    /// Nothing may pause for longer than `idle`.
    ///
    /// Waits until the request flows: a client that waits to be asked for its body
    /// is not asked any more once the answer has begun.
    pub(super) async fn carry(
        self,
        request: Body,
        at_end: impl Future<Output = bool> + Send + 'static,
        idle: Duration,
    ) -> Body {
        let (pieces, receiver) = mpsc::channel(PIECES_MAX);
        let is_whole = Arc::<AtomicBool>::default();
        let answer = Answer::new(receiver, is_whole.clone());
        let (begun, begins) = oneshot::channel();
        let work = self.work(request, begun, pieces, is_whole, at_end, idle);
        tokio::spawn(work.instrument(tracing::Span::current()));
        let _ = begins.await;
        Body::new(answer)
    }

    async fn work(
        self,
        request: Body,
        begun: oneshot::Sender<()>,
        pieces: mpsc::Sender<Bytes>,
        is_whole: Arc<AtomicBool>,
        at_end: impl Future<Output = bool>,
        idle: Duration,
    ) {
        let Self { mut group, stdin, stdout, stderr, first, place } = self;
        let pulse = Pulse::default();
        let mut feed = pin!(feed(request, stdin, &pulse, begun));
        let mut is_fed = false;
        let said = tokio::spawn(said(stderr));
        let outcome = {
            let poured = async {
                pour(first, stdout, &pieces, &pulse).await?;
                group.0.wait().await.map_err(|_| "it cannot be waited for")
            };
            let mut poured = pin!(poured);
            loop {
                tokio::select! {
                    is_all = &mut feed, if !is_fed => match is_all {
                        true => is_fed = true,
                        false => break Err("the client broke off"),
                    },
                    ended = &mut poured => break ended,
                    () = pieces.closed() => break Err("the client went away"),
                    () = pulse.stops(idle) => break Err("the client stalled"),
                }
            }
        };
        match outcome {
            Ok(status) if status.success() => {
                is_whole.store(at_end.await, Ordering::Release);
            }
            Ok(status) => {
                let said = tokio::time::timeout(END_PATIENCE, said).await.ok().and_then(Result::ok).unwrap_or_default();
                tracing::warn!("`git http-backend` ended with {status}: {said:?}");
            }
            Err(why) => {
                tracing::debug!("`git http-backend` is ended: {why}");
                group.end().await;
            }
        }
        drop((pieces, place));
        // Who still sends would miss the answer, if nobody listened.
        if !is_fed && outcome.is_ok() {
            tokio::select! {
                _ = feed => {}
                () = pulse.stops(idle) => {}
            }
        }
    }
}

/// Returns the start of what a child says about itself, and lets it say the rest.
async fn said(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let _ = (&mut stderr).take(4096).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).trim_end().to_owned()
}

/// A child and all that it starts; ended when dropped.
struct Group(Child);

impl Group {
    async fn end(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            self.send(signal);
            if tokio::time::timeout(END_PATIENCE, self.0.wait()).await.is_ok() {
                return;
            }
        }
    }

    fn send(&self, signal: Signal) {
        // Without an id it has ended, and the number may be another's by now.
        if let Some(id) = self.0.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            let _ = kill_process_group(id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.send(Signal::TERM);
    }
}
