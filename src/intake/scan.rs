//! Comparing: a walk over `reports/` that finds what nobody told of, by `stat`
//! alone. On a thread of its own, so that it holds up nothing.
//!
//! A file is suspect if its signature is not the one at which its content was
//! last seen to be the tip's; a report file is, if it is not there.

mod trust;

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::time::{Duration, Instant};

use git2::Oid;
use rustix::fs::{AtFlags, Mode, OFlags, open, statat};
use walkdir::WalkDir;

use super::look::Signature;
use super::verified::Verified;
use super::worktree::News;
use crate::store::repository::Location;
use crate::store::snapshot::{ListQuery, Snapshot};

/// A walk may take this share of the time: half a percent. That it opens folders costs a
/// part of that once more, as the kernel tells the watcher of each.
const SHARE: u32 = 200;
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// However long a walk takes, where not all is told otherwise.
const INTERVAL_MAX: Duration = Duration::from_secs(30);
/// And where it is.
const INTERVAL_MAX_TOLD: Duration = Duration::from_secs(600);

/// The thread that walks, and when it does so next.
pub(super) struct Scanner {
    requests: Sender<Arc<Snapshot>>,
    is_stopped: Arc<AtomicBool>,
    is_busy: bool,
    next_at: Instant,
    hurried_at: Option<Instant>,
    n_done: usize,
    /// A walk finds nothing that is not told otherwise, as far as that is known.
    is_all_told: bool,
}

/// What a walk found.
pub(super) struct Scan {
    pub(super) suspects: Vec<String>,
    took: Duration,
}

impl Scanner {
    /// Starts the thread; it tells `news` what it found.
    /// `is_whole`: git's index can be trusted, as no file was cut off behind its back.
    pub(super) fn start(location: &Location, verified: Verified, is_whole: bool, news: SyncSender<News>) -> Self {
        let (requests, waiting) = channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let walk =
            Walk { location: location.clone(), verified, is_stopped: is_stopped.clone(), hasher: RandomState::new() };
        let run = move || walk.run(&waiting, is_whole, &news);
        std::thread::Builder::new().name("scan".into()).spawn(run).expect("a thread can be started at start");
        Self {
            requests,
            is_stopped,
            is_busy: false,
            next_at: Instant::now(),
            hurried_at: None,
            n_done: 0,
            is_all_told: false,
        }
    }

    /// Starts a walk if one is due. `at` is the state that the work tree was brought to.
    pub(super) fn scan_if_due(&mut self, at: &Arc<Snapshot>, now: Instant) {
        if !self.is_busy && self.next_at <= now && self.requests.send(at.clone()).is_ok() {
            self.is_busy = true;
        }
    }

    /// Notes that a walk has come to its end; returns whether it was the first.
    pub(super) fn is_done(&mut self, scan: &Scan, now: Instant) -> bool {
        self.is_busy = false;
        self.next_at = now + interval(scan.took, self.is_all_told);
        self.n_done += 1;
        self.n_done == 1
    }

    /// Notes whether all is told that a walk could find; if it is no longer, one is due.
    pub(super) fn all_is_told(&mut self, is_all_told: bool, now: Instant) {
        if std::mem::replace(&mut self.is_all_told, is_all_told) && !is_all_told {
            self.soon(now);
        }
    }

    /// Something happened that nobody told of. Under constant trouble, walks keep
    /// their share all the same.
    pub(super) fn soon(&mut self, now: Instant) {
        if self.hurried_at.is_none_or(|at| now.saturating_duration_since(at) > INTERVAL_MAX) {
            self.hurried_at = Some(now);
            self.hurry(now);
        }
    }

    /// Has the next walk begin at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next_at = now;
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

/// Returns how long to wait after a walk that `took` so long.
fn interval(took: Duration, is_all_told: bool) -> Duration {
    (took * SHARE).clamp(INTERVAL_MIN, if is_all_told { INTERVAL_MAX_TOLD } else { INTERVAL_MAX })
}

struct Walk {
    location: Location,
    verified: Verified,
    is_stopped: Arc<AtomicBool>,
    hasher: RandomState,
}

impl Walk {
    fn run(&self, waiting: &Receiver<Arc<Snapshot>>, is_whole: bool, news: &SyncSender<News>) {
        let mut is_first = is_whole;
        let mut complete = None;
        while let Ok(at) = waiting.recv() {
            let start = Instant::now();
            if std::mem::take(&mut is_first) {
                self.trust_index(&at);
            }
            let suspects = self.walk(&at, &mut complete);
            let scan = Scan { suspects, took: start.elapsed() };
            tracing::debug!(
                duration_ms = scan.took.as_secs_f64() * 1000.0,
                suspects = scan.suspects.len(),
                "Compared the work tree"
            );
            if self.is_stopped.load(Ordering::Relaxed) || news.send(News::Scanned(scan)).is_err() {
                return;
            }
        }
    }

    /// Returns the suspects. `complete` is what the walk before met, if no report was missing.
    fn walk(&self, at: &Snapshot, complete: &mut Option<Met>) -> Vec<String> {
        let (mut suspects, mut met, mut n_known) = (Vec::new(), Met { commit: at.commit, paths: 0 }, 0);
        let is_commit_known = complete.is_some_and(|met| met.commit == at.commit);
        let work_dir = &self.location.work_dir;
        let mut folder = Folder::default();
        for entry in WalkDir::new(work_dir.join("reports")).follow_root_links(false) {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Vec::new();
            }
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_dir() {
                continue;
            }
            let Some(path) = report_like(work_dir, entry.path()) else { continue };
            met.paths = met.paths.wrapping_add(self.hasher.hash_one(path));
            n_known += usize::from(!is_commit_known && at.at_path(path).is_some());
            let signature = folder.stat(entry.path());
            if !signature.is_some_and(|signature| self.verified.has(path, signature)) {
                suspects.push(path.to_owned());
            }
        }
        let is_complete = if is_commit_known { *complete == Some(met) } else { n_known == at.len() };
        *complete = is_complete.then_some(met);
        if !is_complete {
            suspects.extend(missing(work_dir, at));
        }
        suspects
    }
}

/// The files that a walk met. Where it meets the same ones at the same commit again, no report
/// is missing that was not before: looking all up is what a walk of an idle service would spend.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Met {
    commit: Oid,
    /// The sum of the hashes of their paths.
    paths: u64,
}

/// The folder of the last file: `stat` from there costs half of what it costs
/// from the root.
#[derive(Default)]
struct Folder(Option<(OsString, OwnedFd)>);

impl Folder {
    /// `file` is a path as the walk makes it, a folder's and a name. It is not taken for
    /// components, as `Path` does: that costs as much as `stat`.
    fn stat(&mut self, file: &Path) -> Option<Signature> {
        let bytes = file.as_os_str().as_bytes();
        let at = memchr::memrchr(b'/', bytes)?;
        let (parent, name) = (OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + 1..]));
        if self.0.as_ref().is_none_or(|(path, _)| path != parent) {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            self.0 = Some((parent.to_owned(), open(parent, flags, Mode::empty()).ok()?));
        }
        let (_, folder) = self.0.as_ref()?;
        statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| Signature::of_stat(&stat))
    }
}

/// Returns the path within the repository, if a report could be there.
pub(super) fn report_like<'a>(work_dir: &Path, file: &'a Path) -> Option<&'a str> {
    // `file` was made by `Path::join`, so bytes say it as well as components, in a tenth of the time.
    let work_dir = work_dir.as_os_str().as_bytes();
    let path = file.as_os_str().as_bytes().strip_prefix(work_dir)?;
    let path = if work_dir.ends_with(b"/") { path } else { path.strip_prefix(b"/")? };
    let path = std::str::from_utf8(path).ok()?;
    (path.ends_with(".md") && path.starts_with("reports/")).then_some(path)
}

/// Returns the reports of `at` that have no file.
fn missing<'a>(work_dir: &'a Path, at: &Snapshot) -> impl Iterator<Item = String> + use<'a> {
    let all = ListQuery { limit: at.len(), ..ListQuery::default() };
    let is_there = |path: &String| std::fs::symlink_metadata(work_dir.join(path)).is_ok();
    at.page(&all).entries.into_iter().map(|entry| entry.path.to_string()).filter(move |path| !is_there(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::Submission;
    use crate::report::key::RepositoryKey;
    use crate::store::{Change, Store, Via, repository};

    #[test]
    fn walks_take_half_a_percent_and_are_half_a_minute_apart_at_most_where_not_all_is_told() {
        let ms = Duration::from_millis;
        for (took, told, untold) in [(1, 1000, 1000), (100, 20_000, 20_000), (600, 120_000, 30_000)] {
            assert_eq!(interval(ms(took), true), ms(told));
            assert_eq!(interval(ms(took), false), ms(untold));
        }
        assert_eq!(interval(ms(5000), true), ms(600_000));
    }

    #[test]
    fn only_names_that_a_report_can_have_are_looked_at() {
        let work_dir = Path::new("/srv/r");
        let path = |file| report_like(work_dir, Path::new(file));
        assert_eq!(path("/srv/r/reports/a/b/c/x.md"), Some("reports/a/b/c/x.md"));
        for file in [
            "/srv/r/reports/x.md~",
            "/srv/r/reports/.x.md.swp",
            "/srv/r/reports/#x.md#",
            "/srv/r/README.md",
            "/x.md",
            "/srv/rreports/x.md",
        ] {
            assert_eq!(path(file), None, "{file}");
        }
        assert_eq!(report_like(Path::new("r/"), &Path::new("r/").join("reports/x.md")), Some("reports/x.md"));
    }

    fn submission(name: &str) -> Change {
        let repository_url = format!("https://example.com/owner/{name}");
        let key = RepositoryKey::parse(&repository_url).expect("a key");
        let (server_name, developer_email, body) =
            (name.to_owned(), "dev@example.com".to_owned(), "# Report".to_owned());
        Change::Submit(Submission { server_name, repository_url, key, developer_email, body })
    }

    #[tokio::test]
    async fn file_that_goes_away_between_two_walks_of_one_commit_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        repository::create(dir.path()).expect("a repository");
        let store = Store::open(dir.path(), Arc::default(), 1024).expect("a store");
        for name in ["one", "two"] {
            store.write(submission(name), Via::Api).await.expect("written");
        }
        let at = store.snapshot();
        let paths: Vec<_> = at.entries().map(|entry| entry.path.to_string()).collect();
        let verified = Verified::default();
        for path in &paths {
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(&file, "as it is").expect("written");
            let signature = Signature::of(&fs::symlink_metadata(&file).expect("a file"));
            verified.add(path, signature);
        }
        let (location, hasher) = (store.location().clone(), RandomState::new());
        let (walk, mut complete) = (Walk { location, verified, is_stopped: Arc::default(), hasher }, None);
        for _ in 0..2 {
            assert_eq!(walk.walk(&at, &mut complete), Vec::<String>::new());
        }
        fs::rename(dir.path().join(&paths[0]), dir.path().join(&paths[0]).with_extension("txt")).expect("renamed");
        for _ in 0..2 {
            assert_eq!(walk.walk(&at, &mut complete), [paths[0].clone()]);
        }
        fs::rename(dir.path().join(&paths[0]).with_extension("txt"), dir.path().join(&paths[0])).expect("renamed");
        assert!(walk.walk(&at, &mut complete).iter().all(|suspect| *suspect == paths[0]), "its time may be another");
    }
}
