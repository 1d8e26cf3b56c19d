//! The work tree: one thread that brings files forward behind the branch, and
//! takes in what people save there.
//!
//! It hears of what was committed, of what the kernel saw, and of what a walk
//! found; everything is decided here, by the content of files.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::edits::{Edits, Looked};
use super::mirror::Mirror;
use super::scan::{Scan, Scanner, report_like};
use super::settle::{Hint, Suspects};
use super::taken_out;
use super::verified::Verified;
use super::watch::Watch;
use crate::store::repository::Location;
use crate::store::{Announced, Published, Store};

/// After so long without news, the index is brought forward.
const QUIET: Duration = Duration::from_millis(100);
/// A person's git that has just let go of the index has a reference to move yet.
const GIT_QUIET: Duration = Duration::from_millis(100);
/// How often it is looked whether the right folder is watched.
const RENEW_INTERVAL: Duration = Duration::from_millis(500);
/// The service's own writes are heard of, too: many of them at once cost less.
const HEAR_INTERVAL: Duration = Duration::from_millis(20);
/// Files that are looked at before news are heard again.
const LOOKS_MAX: usize = 128;
/// Each keeps a snapshot.
const NEWS_MAX: usize = 8;

/// What the thread is told.
pub(super) enum News {
    /// A batch was committed.
    Committed(Published),
    /// Something happened to files; what, [`Watch`] knows.
    Heard,
    Scanned(Scan),
    /// The store is closed.
    Closed,
}

/// The work tree of the reports repository.
pub struct WorkTree {
    location: Location,
    mirror: Mirror,
    suspects: Suspects,
    verified: Verified,
    /// Every file was compared with the tip since the start.
    is_compared: bool,
    /// Until then a person's git is taken to be at work.
    hands_off_until: Instant,
}

/// What runs beside the thread.
struct Senses {
    news: Receiver<News>,
    watch: Watch,
    scanner: Scanner,
    renewed_at: Instant,
    heard_at: Instant,
}

impl WorkTree {
    /// Reads how far the work tree is. Called before the first write, as the work
    /// tree of a repository that never had a mirror, a clone, is at the tip.
    ///
    /// # Errors
    /// libgit2's.
    pub fn open(store: &Store) -> io::Result<Self> {
        taken_out::give_back(store);
        let verified = Verified::default();
        Ok(Self {
            location: store.location().clone(),
            mirror: Mirror::open(store, verified.clone())?,
            suspects: Suspects::default(),
            verified,
            is_compared: false,
            hands_off_until: Instant::now(),
        })
    }

    /// Works until the store is closed. Errors are logged: the record is not in
    /// the work tree, and the next comparison tries again.
    pub fn run(mut self, store: &Arc<Store>, published: Arc<Announced>) {
        let (sender, news) = sync_channel(NEWS_MAX);
        let mut edits = Edits::new(store, self.verified.clone());
        let watch = Watch::new(&self.location.work_dir, sender.clone());
        let scanner = Scanner::start(&self.location, self.verified.clone(), store.is_whole(), sender.clone());
        let long_ago = Instant::now() - RENEW_INTERVAL;
        let mut senses = Senses { news, watch, scanner, renewed_at: long_ago, heard_at: long_ago };
        let pass_on = move || pass_on(&published, &sender);
        std::thread::Builder::new().name("news".into()).spawn(pass_on).expect("a thread can be started at start");
        let mut committed_at = Instant::now();
        loop {
            let is_idle = committed_at.elapsed() > 2 * QUIET && !self.mirror.is_behind();
            let longest = if is_idle { RENEW_INTERVAL } else { QUIET };
            let heard = senses.news.recv_timeout(self.pause(&senses, longest));
            let is_closed = matches!(heard, Ok(News::Closed) | Err(RecvTimeoutError::Disconnected));
            if store.take_missed() {
                self.mirror.compare_soon();
            }
            if !self.location.is_checked_out().unwrap_or(false) || store.is_rewound() {
                // Another branch, none, or other history: the work tree is a person's until they are back.
                self.mirror.start_over();
                self.suspects.clear();
                self.is_compared = false;
                senses.watch.take();
                if let Ok(News::Scanned(scan)) = &heard {
                    senses.scanner.is_done(scan, Instant::now());
                }
                senses.scanner.hurry(Instant::now());
            } else {
                let is_committed = matches!(heard, Ok(News::Committed(_)));
                self.hear(heard, &mut senses, &mut edits, store);
                if is_committed {
                    // From here on: to bring many files forward can take longer than that quiet.
                    committed_at = Instant::now();
                }
                self.mirror.compare_if_due(store, is_closed);
                self.renew(&mut senses);
                if !is_closed {
                    self.look(&mut edits, store);
                    self.note_if_repaired(store);
                }
                if is_closed || committed_at.elapsed() >= QUIET || self.mirror.is_index_due() {
                    self.mirror.write_index(store);
                }
            }
            if is_closed {
                return;
            }
        }
    }

    /// Returns how long to wait for news: until something else is due, `longest` at most.
    fn pause(&self, senses: &Senses, longest: Duration) -> Duration {
        let now = Instant::now();
        // Before the work tree is compared, no file is looked at.
        let look = self.mirror.at().and_then(|_| self.suspects.next_due()).map(|due| due.max(self.hands_off_until));
        let hear = senses.watch.has_heard().then(|| senses.heard_at + HEAR_INTERVAL);
        let next = look.into_iter().chain(hear).min();
        next.map_or(longest, |due| due.saturating_duration_since(now)).min(longest)
    }

    fn hear(&mut self, heard: Result<News, RecvTimeoutError>, senses: &mut Senses, edits: &mut Edits, store: &Store) {
        let now = Instant::now();
        match heard {
            Ok(News::Committed(published)) => self.mirror.follow(&published, store),
            Ok(News::Scanned(scan)) => {
                let is_first = senses.scanner.is_done(&scan, now);
                self.is_compared |= is_first;
                let hint = if is_first { Hint::ComparedAtStart } else { Hint::Compared };
                for path in scan.suspects.into_iter().chain(edits.with_problems(store)) {
                    self.suspects.hint(path, hint, now);
                }
            }
            Ok(News::Heard | News::Closed) | Err(_) => {}
        }
        if senses.heard_at.elapsed() < HEAR_INTERVAL {
            return;
        }
        senses.heard_at = now;
        let heard = senses.watch.take();
        for (file, hint) in heard.files {
            if let Some(path) = report_like(&self.location.work_dir, &file) {
                if hint.is_of_bytes() {
                    edits.doubt(path);
                }
                self.suspects.hint(path.to_owned(), hint, now);
            }
        }
        if heard.is_incomplete {
            self.suspects.forget_writers();
            self.mirror.placed.doubt();
            senses.scanner.soon(now);
        }
    }

    fn renew(&mut self, senses: &mut Senses) {
        let now = Instant::now();
        if !senses.watch.is_on() || senses.renewed_at.elapsed() >= RENEW_INTERVAL {
            senses.renewed_at = now;
            if senses.watch.renew() {
                senses.scanner.soon(now);
            }
            self.mirror.placed.is_watched = senses.watch.is_whole();
            senses.scanner.all_is_told(senses.watch.hears_all(), now);
        }
        if let Some(at) = self.mirror.at() {
            senses.scanner.scan_if_due(at, now);
        }
    }

    /// Looks at files that are due, and takes in what people saved.
    fn look(&mut self, edits: &mut Edits, store: &Store) {
        let now = Instant::now();
        for (path, after) in self.mirror.take_left() {
            edits.doubt(&path);
            self.suspects.add(path, now, after);
        }
        // Before the work tree is compared, no file's base is known.
        if self.mirror.at().is_none() || self.suspects.next_due().is_none_or(|due| due > now) {
            return;
        }
        // What others just committed, or took back, is not known yet.
        if is_git_at_work(&self.location) || !store.is_at_tip() {
            self.hands_off_until = now + GIT_QUIET;
        }
        if self.hands_off_until > now {
            return;
        }
        let mut saved = Vec::new();
        for (path, suspect) in self.suspects.take_due(now, LOOKS_MAX) {
            match edits.look(&mut self.mirror, store, &path, suspect) {
                Looked::Done => {}
                Looked::Again(suspect) => self.suspects.put_back(path, suspect),
                Looked::Edit(edit) => saved.push(edit),
            }
        }
        for (path, suspect) in edits.take_in(&mut self.mirror, store, saved) {
            self.suspects.put_back(path, suspect);
        }
    }

    /// Says so when everything that a power loss can have cut was looked at.
    fn note_if_repaired(&self, store: &Store) {
        if !store.is_whole() && self.is_compared && self.mirror.at().is_some() && !self.suspects.has_of_start() {
            store.is_repaired();
        }
    }
}

/// Passes on what was committed, until nothing more will be. Answers come first, files after
/// them: what people do to files is heard of all the same.
fn pass_on(announced: &Announced, news: &SyncSender<News>) {
    loop {
        announced.give_way();
        let Some(published) = announced.next() else { break };
        if news.send(News::Committed(published)).is_err() {
            return;
        }
    }
    let _ = news.send(News::Closed);
}

/// Returns whether a person's git command is under way, or a merge or rebase
/// that waits for them: what it does to files is no edit, or not done.
fn is_git_at_work(location: &Location) -> bool {
    let marks = ["index.lock", "MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD"];
    marks.iter().any(|mark| location.git_dir.join(mark).exists())
}
