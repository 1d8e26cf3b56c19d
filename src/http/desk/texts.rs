//! What is made of report texts: HTML, and what changed between two. That takes
//! time for a long one, so it is done off the async threads, one per core at
//! once, and kept; a blob id names its bytes, so nothing kept can be out of date.
//! Comparisons, which take longest, have turns of their own: they hold up no
//! page that compares nothing.

use std::sync::Arc;
use std::time::Duration;

use git2::Oid;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::http::cache;
use crate::http::problem::Problem;
use crate::render::{self, Changes, Rendered};
use crate::report::front_matter;

/// Rendered texts take at most this many bytes.
const RENDERED_BYTES: u64 = 48 * 1024 * 1024;
/// And differences.
const CHANGES_BYTES: u64 = 16 * 1024 * 1024;
/// A page with less HTML than this in it is put together in place.
const IN_PLACE_BYTES: usize = 256 * 1024;
/// A comparison waits at most this long for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A version of a report's file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) blob: Oid,
    pub(super) bytes: Arc<[u8]>,
}

impl File {
    fn text(&self) -> Result<&str, Problem> {
        let body = front_matter::body(&self.bytes).map_err(|fault| Problem::internal(fault.to_string()))?;
        std::str::from_utf8(body).map_err(|error| Problem::internal(error.to_string()))
    }
}

pub(super) struct Texts {
    rendered: Cache<Oid, Arc<Rendered>, Weight>,
    changes: Cache<(Oid, Oid), Arc<Changes>, Weight>,
    turns: Arc<Semaphore>,
    turns_to_compare: Arc<Semaphore>,
    patience: Duration,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Oid, Arc<Rendered>> for Weight {
    fn weight(&self, _: &Oid, rendered: &Arc<Rendered>) -> u64 {
        (rendered.html.len() + rendered.contents.len() * 128) as u64 + 256
    }
}

impl Weighter<(Oid, Oid), Arc<Changes>> for Weight {
    fn weight(&self, _: &(Oid, Oid), changes: &Arc<Changes>) -> u64 {
        changes.html.len() as u64 + 256
    }
}

impl Default for Texts {
    fn default() -> Self {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            rendered: cache::of_bytes(2_000, RENDERED_BYTES, 1, Weight),
            changes: cache::of_bytes(500, CHANGES_BYTES, 1, Weight),
            turns: Arc::new(Semaphore::new(n_cores)),
            turns_to_compare: Arc::new(Semaphore::new((n_cores / 2).max(1))),
            patience: PATIENCE,
        }
    }
}

impl Texts {
    /// Returns the text of `file` as HTML.
    pub(super) async fn rendered(&self, file: &File) -> Result<Arc<Rendered>, Problem> {
        let make = async {
            let file = file.clone();
            self.off_async(move || Ok(Arc::new(render::markdown(file.text()?)))).await
        };
        self.rendered.get_or_insert_async(&file.blob, make).await
    }

    /// Returns what changed in the text from `before` to `after`; all is new if
    /// there is nothing before.
    ///
    /// # Errors
    /// 503 if too many others are compared now.
    pub(super) async fn changes(&self, before: Option<&File>, after: &File) -> Result<Arc<Changes>, Problem> {
        let key = (before.map_or_else(|| Oid::ZERO_SHA1, |file| file.blob), after.blob);
        // Of all that wait for the same comparison, none waits longer.
        let deadline = Instant::now() + self.patience;
        let make = async {
            let (before, after) = (before.cloned(), after.clone());
            let turn = timeout_at(deadline, turn(&self.turns_to_compare)).await.map_err(|_| {
                Problem::unavailable("other long texts are being compared now; load the page again in a moment")
            })??;
            run(turn, move || {
                let before = before.as_ref().map(File::text).transpose()?.unwrap_or_default();
                Ok(Arc::new(render::changes(before, after.text()?)))
            })
            .await
        };
        self.changes.get_or_insert_async(&key, make).await
    }

    /// Puts a page together that has `n_bytes` of HTML in it: a long one when there
    /// is a core for it.
    pub(super) async fn page(
        &self,
        n_bytes: usize,
        work: impl FnOnce() -> Result<String, Problem> + Send + 'static,
    ) -> Result<String, Problem> {
        if n_bytes < IN_PLACE_BYTES { work() } else { self.off_async(work).await }
    }

    /// Runs `work` when there is a core for it.
    async fn off_async<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        run(turn(&self.turns).await?, work).await
    }
}

async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    turns.clone().acquire_owned().await.map_err(|error| Problem::internal(error.to_string()))
}

/// Runs `work` off the async threads; the turn is over when it is done, even if
/// nobody waits for it any more.
async fn run<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let task = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    task.await.map_err(|error| Problem::internal(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::MAX_HTML_BYTES;

    #[test]
    fn largest_result_is_kept() {
        let texts = Texts::default();
        let key = (Oid::ZERO_SHA1, Oid::ZERO_SHA1);
        let html = "a".repeat(MAX_HTML_BYTES);
        texts.changes.insert(key, Arc::new(Changes { html, n_added: 1, n_removed: 0 }));
        assert!(texts.changes.get(&key).is_some());
        // A report of 1 MiB can become eight times as long.
        let html = "a".repeat(8 * 1024 * 1024);
        texts.rendered.insert(key.0, Arc::new(Rendered { html, contents: Vec::new() }));
        assert!(texts.rendered.get(&key.0).is_some());
    }

    /// A file of which only the text counts.
    fn file(n: u8) -> File {
        let bytes = format!("---\nid: x\n---\n\nText {n}\n").into_bytes();
        File { blob: Oid::from_bytes(&[n; 20]).expect("20 bytes"), bytes: bytes.into() }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    #[test]
    fn comparisons_hold_up_no_other_page_and_nobody_for_long() {
        let texts = Texts { patience: Duration::from_millis(20), ..Texts::default() };
        runtime().block_on(async {
            let n_turns = texts.turns_to_compare.available_permits();
            let held = texts.turns_to_compare.acquire_many(n_turns as u32).await.expect("turns");
            texts.rendered(&file(1)).await.expect("a text");
            let refused = texts.changes(Some(&file(1)), &file(2)).await.err().expect("no turn");
            assert_eq!(refused.status, 503);
            drop(held);
            assert_eq!(texts.changes(Some(&file(1)), &file(2)).await.expect("a turn").n_added, 1);
        });
    }

    #[test]
    fn short_page_waits_for_nobody() {
        let texts = Texts::default();
        runtime().block_on(async {
            let n_turns = texts.turns.available_permits();
            let _held = texts.turns.acquire_many(n_turns as u32).await.expect("turns");
            assert_eq!(texts.page(IN_PLACE_BYTES - 1, || Ok("a page".into())).await.expect("a page"), "a page");
            let long = texts.page(IN_PLACE_BYTES, || Ok(String::new()));
            assert!(tokio::time::timeout(Duration::from_millis(20), long).await.is_err(), "it waits");
        });
    }
}
