//! One file of the work tree, brought to the version of the branch.
//!
//! That is done only if its bytes are what the service last put there; anything
//! else is a person's, stays, and is [`crate::intake::edits`]' to look at.

use std::io;
use std::time::{Duration, Instant};

use git2::Oid;

use super::{Mirror, RETRY_INTERVAL};
use crate::intake::place::Placed;
use crate::report::fault::Rule;
use crate::store::problem::FoundIn;
use crate::store::{Published, Store};

impl Mirror {
    /// Brings forward what was committed, unless a comparison will.
    pub(in crate::intake) fn follow(&mut self, published: &Published, store: &Store) {
        if self.compare_at.is_some() || self.at.has_been_at(published.snapshot.commit) {
            return;
        }
        if self.behind.is_empty() {
            self.behind_since = Instant::now();
        }
        let before = std::mem::replace(&mut self.at, published.snapshot.clone());
        for change in &published.changes {
            // Where news were missed, older ones come in after the comparison that made that good.
            if before.has_been_at(change.commit) {
                continue;
            }
            match self.ahead.get(&*change.path) {
                Some(newer) if *newer != change.blob => continue,
                Some(_) => drop(self.ahead.remove(&*change.path)),
                None => {}
            }
            let base = self.held.get(&change.path).unwrap_or(change.before);
            let file = match &change.file {
                Some(file) => Ok(file.clone()),
                None => store.peek(change.blob).map_err(io::Error::other),
            };
            let is_base = |found| Some(found) == base;
            let placed = file.and_then(|file| self.put(&change.path, &file, change.blob, base, &is_base));
            if let (Ok(Placed::Forward(_)), Some(base)) = (&placed, base.filter(|base| *base != change.blob)) {
                self.replaced.add(&change.path, base, Instant::now());
            }
            self.note(&change.path, placed, base, vec![change.before], Some(change.blob));
        }
        if self.compare_at.is_none() {
            self.commit = published.snapshot.commit;
        }
    }

    /// Puts `blob`, which is `file`, where the file was at `base`. A report's file that is gone may be about to be
    /// written anew, by git, that would not find it; whether it stays gone shows later.
    pub(super) fn put(
        &self,
        path: &str,
        file: &[u8],
        blob: Oid,
        base: Option<Oid>,
        is_base: &dyn Fn(Oid) -> bool,
    ) -> io::Result<Placed> {
        let is_gone = || {
            let found = std::fs::symlink_metadata(self.location.work_dir.join(path));
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        if base.is_some() && path.starts_with("reports/") && is_gone() {
            return Ok(Placed::LeftAlone);
        }
        self.places.put(path, file, blob, &|found| self.placed.is_known(path, found), is_base)
    }

    /// Brings the file at `path`, which holds `theirs`, to the tip. What the index
    /// holds may be `theirs`, too. Returns whether that was done.
    pub(in crate::intake) fn bring(&mut self, path: &str, theirs: Option<Oid>) -> bool {
        let (base, tip) = (self.base(path), self.tip(path));
        let has_link = self.at.problem(path).is_some_and(|problem| problem.fault.rule == Rule::NotAFile);
        if has_link && self.at.problem(path).is_some_and(|problem| problem.found_in != FoundIn::WorkTree) {
            // What the tip has there is no file of ours to place.
            return true;
        }
        let is_theirs = |found: Oid| Some(found) == theirs;
        let placed = match tip {
            Some(tip) => self.file(tip).and_then(|file| self.places.put_over(path, &file, tip, theirs)),
            None => self.places.remove(path, &is_theirs),
        };
        let is_done = matches!(placed, Ok(Placed::Forward(_) | Placed::Level));
        if is_done || placed.is_err() {
            self.note(path, placed, base, vec![theirs, tip], tip);
        }
        is_done
    }

    /// The file at `path` holds what a person made from `base`, and that was refused:
    /// it is still made from that after a restart, whatever is at the tip.
    pub(in crate::intake) fn hold(&mut self, path: &str, base: Oid) {
        self.held.set(path, Some(base));
    }

    /// The file at `path` holds what the tip has, whoever put it there.
    pub(in crate::intake) fn is_level(&mut self, path: &str) {
        if let Some(base) = self.held.get(path) {
            let tip = self.tip(path);
            self.note(path, Ok(Placed::Level), base, Vec::new(), tip);
        }
    }

    /// Puts `file`, the commit's version of what a person saved as `theirs`, in its
    /// place, unless they saved again.
    pub(in crate::intake) fn took_in(&mut self, path: &str, theirs: Oid, blob: Oid, file: Option<&[u8]>) {
        let (base, before) = (self.base(path), self.tip(path));
        self.replaced.forget(path);
        let older = self.any_version(path);
        if self.at.blob_at(path) == Some(blob) {
            self.ahead.remove(path);
        } else {
            self.ahead.insert(path.to_owned(), blob);
        }
        // Whatever comes next was made from this, or from what they saved.
        self.held.set(path, Some(blob));
        let put = |file: &[u8]| self.places.put_over(path, file, blob, Some(theirs));
        let placed = match file {
            Some(file) => put(file),
            None => self.file(blob).and_then(|file| put(&file)),
        };
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend([base, before, Some(theirs)]);
        target.bases.extend(older);
        target.bases.extend(self.passed.remove(path).unwrap_or_default());
        (target.blob, target.placed) = (Some(blob), None);
        match placed {
            Ok(placed @ (Placed::Forward(_) | Placed::Level)) => self.is_placed(path, placed, Some(blob)),
            Ok(Placed::LeftAlone) => self.left.push((path.to_owned(), Duration::ZERO)),
            Err(error) => {
                self.left.push((path.to_owned(), RETRY_INTERVAL));
                self.complain(format!("`{path}` could not be put into the work tree: {error}"));
            }
        }
    }

    /// Notes what became of a file that was at `base`: for the index, and for
    /// another look if it was left alone or failed.
    pub(super) fn note(
        &mut self,
        path: &str,
        placed: io::Result<Placed>,
        base: Option<Oid>,
        bases: Vec<Option<Oid>>,
        blob: Option<Oid>,
    ) {
        let is_report = path.starts_with("reports/");
        let signature = match placed {
            Ok(Placed::Forward(signature)) => signature,
            _ => None,
        };
        match placed {
            Ok(placed @ (Placed::Forward(_) | Placed::Level)) => self.is_placed(path, placed, blob),
            // The index stays where the file is, so that `git diff` shows what a person did.
            Ok(Placed::LeftAlone) if is_report => {
                self.held.keep(path, base);
                self.passed.entry(path.to_owned()).or_default().extend(bases);
                return self.left.push((path.to_owned(), Duration::ZERO));
            }
            Ok(Placed::LeftAlone) => {
                tracing::warn!(path, "`{path}` in the work tree was changed by hand and is left alone");
            }
            Err(error) => {
                if is_report {
                    self.held.keep(path, base);
                    self.left.push((path.to_owned(), RETRY_INTERVAL));
                } else {
                    self.compare_at = Some(Instant::now() + RETRY_INTERVAL);
                }
                return self.complain(format!("`{path}` could not be put into the work tree: {error}"));
            }
        }
        let older = if self.unsure.remove(path) { self.any_version(path) } else { Vec::new() };
        let target = self.behind.entry(path.to_owned()).or_default();
        target.bases.extend(bases);
        target.bases.extend(self.passed.remove(path).unwrap_or_default());
        target.bases.extend(older);
        target.bases.push(base);
        (target.blob, target.placed) = (blob, signature);
    }

    /// Returns what the index can hold for `path`, wherever several crashes left it.
    fn any_version(&self, path: &str) -> Vec<Option<Oid>> {
        self.older_versions(path).into_iter().map(Some).chain([None]).collect()
    }

    /// The file at `path` holds the tip's bytes, `blob`.
    fn is_placed(&mut self, path: &str, placed: Placed, blob: Option<Oid>) {
        self.held.release(path, blob);
        if let (Placed::Forward(Some(signature)), Some(entry)) = (placed, self.at.at_path(path)) {
            self.placed.add(entry.path.clone(), signature, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::intake::verified::Verified;
    use crate::report::key::RepositoryKey;
    use crate::report::{Decision, Status, Submission};
    use crate::store::snapshot::Entry;
    use crate::store::{Announced, Change, Expected, Via, repository};

    struct Scene {
        dir: tempfile::TempDir,
        store: Store,
        announced: Arc<Announced>,
        mirror: Mirror,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            repository::create(dir.path()).unwrap();
            let store = Store::open(dir.path(), Arc::default(), 1024).unwrap();
            let mut mirror = Mirror::open(&store, Verified::default()).unwrap();
            mirror.compare_if_due(&store, true);
            Self { dir, announced: store.listen(), store, mirror }
        }

        async fn submit(&self, name: &str) -> Arc<Entry> {
            let repository_url = format!("https://example.com/owner/{name}");
            let key = RepositoryKey::parse(&repository_url).unwrap();
            let (server_name, developer_email, body) = (name.into(), "dev@example.com".into(), "# Report".into());
            let submission = Submission { server_name, repository_url, key, developer_email, body };
            self.store.write(Change::Submit(submission), Via::Api).await.unwrap().entry
        }

        async fn approve(&self, entry: &Entry) {
            let (status, reviewed_by) = (Status::Approved, "ann@example.com".into());
            let decision = Decision { status, reviewed_by, review_notes: None };
            let change = Change::Decide { id: entry.report.id, decision, expected: Expected::Any };
            self.store.write(change, Via::Api).await.unwrap();
        }

        fn assert_files_are_at_the_tip(&self) {
            for entry in self.store.snapshot().entries() {
                let file = fs::read(self.dir.path().join(&*entry.path)).unwrap();
                assert_eq!(file, &*self.store.peek(entry.blob).unwrap(), "{}", entry.path);
            }
        }
    }

    #[tokio::test]
    async fn what_waited_too_long_to_be_kept_is_read_again() {
        let mut scene = Scene::new();
        let entry = scene.submit("one").await;
        scene.approve(&entry).await;
        let mut published = scene.announced.next().unwrap();
        assert_eq!(published.changes.len(), 2);
        published.changes.iter_mut().for_each(|change| change.file = None);
        scene.mirror.follow(&published, &scene.store);
        scene.assert_files_are_at_the_tip();
        assert!(scene.mirror.take_left().is_empty());
    }

    #[tokio::test]
    async fn a_burst_after_a_long_silence_does_not_wait_for_the_index() {
        let mut scene = Scene::new();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        (scene.mirror.index_written, scene.mirror.behind_since) = (long_ago, long_ago);
        for name in ["one", "two"] {
            scene.submit(name).await;
            scene.mirror.follow(&scene.announced.next().unwrap(), &scene.store);
            assert!(!scene.mirror.is_index_due(), "{name}");
        }
        scene.mirror.behind_since = long_ago;
        assert!(scene.mirror.is_index_due(), "that went on for long");
        scene.mirror.write_index(&scene.store);
        assert!(!scene.mirror.is_index_due());
    }

    #[tokio::test]
    async fn what_a_comparison_brought_forward_is_not_put_back() {
        let mut scene = Scene::new();
        let entry = scene.submit("one").await;
        scene.approve(&entry).await;
        scene.mirror.compare_soon();
        scene.mirror.compare_if_due(&scene.store, true);
        scene.assert_files_are_at_the_tip();
        scene.submit("two").await;
        let published = scene.announced.next().unwrap();
        assert_eq!(published.changes.len(), 3, "told at once");
        scene.mirror.follow(&published, &scene.store);
        scene.assert_files_are_at_the_tip();
        let left = scene.mirror.take_left();
        assert!(left.is_empty(), "{left:?}");
    }
}
