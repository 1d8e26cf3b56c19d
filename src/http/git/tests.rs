//! The child by itself, with programs that stall where git does not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::Frame;
use rustix::process::{Pid, test_kill_process_group};
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::backend::{Backend, StartError};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);

/// Runs `script`, whose first line of output is the id of its group.
async fn run(script: &str) -> (Backend, Pid, Arc<Semaphore>) {
    let places = Arc::new(Semaphore::new(1));
    #[expect(clippy::disallowed_methods, reason = "stands for git")]
    let mut command = Command::new("sh");
    command.args(["-c", &format!("echo Group: $$; echo; {script}")]);
    let place = places.clone().try_acquire_owned().unwrap();
    let (head, backend) = Backend::run(command, place).await.unwrap();
    let group = head.headers["group"].to_str().unwrap().parse().unwrap();
    (backend, Pid::from_raw(group).unwrap(), places)
}

/// Waits until all of `group` have ended and their place is free.
async fn assert_ended(group: Pid, places: &Semaphore) {
    let ended = async {
        let _place = places.acquire().await.unwrap();
        while test_kill_process_group(group).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await; // between two looks
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it ends");
}

#[tokio::test]
async fn what_flows_in_flows_out_and_the_end_is_waited_for() {
    let (backend, group, places) = run("cat").await;
    let sent = vec![7; 1_000_000];
    let body = backend.carry(sent.clone().into(), async { true }, LONG).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), sent);
    assert_ended(group, &places).await;
}

/// A body that never comes.
struct Silent;

impl HttpBody for Silent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn who_sends_nothing_for_long_is_cut_off() {
    let (backend, group, places) = run("sleep 600 & cat; wait").await;
    let body = backend.carry(Body::new(Silent), async { true }, SHORT).await;
    assert!(body.collect().await.is_err());
    assert_ended(group, &places).await;
}

#[tokio::test]
async fn who_reads_nothing_for_long_is_cut_off() {
    let (backend, group, places) = run("yes").await;
    let body = backend.carry(Body::empty(), async { true }, SHORT).await;
    assert_ended(group, &places).await;
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn who_goes_away_ends_all_children_even_stubborn_ones() {
    let (backend, group, places) = run("trap '' TERM; sleep 600").await;
    let carried = backend.carry(Body::new(Silent), async { true }, LONG);
    assert!(tokio::time::timeout(SHORT, carried).await.is_err());
    assert_ended(group, &places).await;
}

#[tokio::test]
async fn a_failure_after_the_head_is_no_whole_answer() {
    let (backend, group, places) = run("echo half; exit 3").await;
    assert!(backend.carry(Body::empty(), async { true }, LONG).await.collect().await.is_err());
    assert_ended(group, &places).await;
}

#[tokio::test]
async fn what_was_said_before_a_failure_can_be_sent() {
    let (backend, group, places) = run("echo half; exit 3").await;
    let mut body = backend.carry(Body::empty(), async { true }, LONG).await;
    assert_ended(group, &places).await;
    let mut poll = || Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll(), Poll::Ready(Some(Ok(_)))));
    assert!(poll().is_pending(), "hyper sends what it has when there is no more");
    assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
}

#[tokio::test]
async fn what_the_child_does_not_read_does_not_spoil_the_answer() {
    let (backend, group, places) = run("echo no").await;
    let body = backend.carry(vec![7; 1_000_000].into(), async { true }, LONG).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "no\n");
    assert_ended(group, &places).await;
}

#[tokio::test]
async fn a_program_without_an_answer_is_an_error() {
    for (script, is_missing) in
        [("echo nonsense", false), ("true", false), ("echo \"'http-backend' is not a git command\" >&2; exit 1", true)]
    {
        #[expect(clippy::disallowed_methods, reason = "stands for git")]
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let error = Backend::run(command, place).await.err().expect("an error");
        assert_eq!(matches!(error, StartError::NoGit), is_missing, "{error:?}");
    }
}
