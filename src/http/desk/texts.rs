//! What is made of report texts: HTML, and what changed between two. That takes
//! time for a long one, so it is done off the async threads, one per core at
//! once, and kept; a blob id names its bytes, so nothing kept can be out of date.

use std::sync::Arc;

use git2::Oid;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::http::cache;
use crate::http::problem::Problem;
use crate::render::{self, Changes, Rendered};
use crate::report::front_matter;

/// Rendered texts take at most this many bytes.
const RENDERED_BYTES: u64 = 48 * 1024 * 1024;
/// And differences.
const CHANGES_BYTES: u64 = 16 * 1024 * 1024;

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
    pub(super) async fn changes(&self, before: Option<&File>, after: &File) -> Result<Arc<Changes>, Problem> {
        let key = (before.map_or_else(|| Oid::ZERO_SHA1, |file| file.blob), after.blob);
        let make = async {
            let (before, after) = (before.cloned(), after.clone());
            self.off_async(move || {
                let before = before.as_ref().map(File::text).transpose()?.unwrap_or_default();
                Ok(Arc::new(render::changes(before, after.text()?)))
            })
            .await
        };
        self.changes.get_or_insert_async(&key, make).await
    }

    /// Runs `work` when there is a core for it.
    pub(super) async fn off_async<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| Problem::internal(error.to_string()))?;
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        task.await.map_err(|error| Problem::internal(error.to_string()))?
    }
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
}
