//! Watching `reports/` by the kernel's events. They are hints, nothing more: the
//! queue can overflow, there can be too few watches, and a network file system
//! tells nothing. What is true, comparing finds out.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RenameMode};
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher};
use walkdir::WalkDir;

use super::settle::Hint;
use super::told::is_local;
use super::worktree::News;

/// What was heard since the last time.
#[derive(Default)]
pub(super) struct Heard {
    /// By full paths.
    pub(super) files: HashMap<PathBuf, Hint>,
    /// Folders that appeared: what was put in before they were watched, nobody told.
    folders: Vec<PathBuf>,
    /// Something was not heard.
    pub(super) is_incomplete: bool,
    /// There is something.
    is_news: bool,
}

pub(super) struct Watch {
    reports: PathBuf,
    heard: Arc<Mutex<Heard>>,
    wake: SyncSender<News>,
    /// With the folder that is watched: device and inode.
    watcher: Option<(RecommendedWatcher, (u64, u64))>,
    /// Nothing happens to the folder without the kernel's knowledge.
    is_local: bool,
    has_complained: bool,
}

impl Watch {
    /// `wake` is told when something was heard.
    pub(super) fn new(work_dir: &Path, wake: SyncSender<News>) -> Self {
        let reports = work_dir.join("reports");
        Self { reports, heard: Arc::default(), wake, watcher: None, is_local: false, has_complained: false }
    }

    /// Returns whether all of the folder is watched, as far as that is known.
    pub(super) fn is_whole(&self) -> bool {
        self.watcher.is_some() && !self.has_complained
    }

    /// Returns whether all that happens in the folder is told, as far as that is known.
    pub(super) fn hears_all(&self) -> bool {
        self.is_whole() && self.is_local
    }

    /// Returns whether a folder is watched, be it the right one or not.
    pub(super) fn is_on(&self) -> bool {
        self.watcher.is_some()
    }

    /// Watches `reports/` if it is there and not watched yet. Returns whether it
    /// began to: what happened before, nobody told.
    pub(super) fn renew(&mut self) -> bool {
        let folder = fs::symlink_metadata(&self.reports).ok().filter(fs::Metadata::is_dir);
        let Some(folder) = folder.map(|metadata| (metadata.dev(), metadata.ino())) else {
            self.watcher = None;
            return false;
        };
        if self.watcher.as_ref().is_some_and(|(_, watched)| *watched == folder) {
            return false;
        }
        let (heard, wake) = (self.heard.clone(), self.wake.clone());
        let hear = move |event| {
            // Walks open folders, and that is told too.
            let mut heard = heard.lock().expect("no panic under this lock");
            let was_told = heard.is_news;
            heard.take_in(event);
            if heard.is_news && !was_told {
                // If there is no room, the other side is awake, and asks.
                let _ = wake.try_send(News::Heard);
            }
        };
        // The watcher needs a thread, and panics if it cannot have one, here and when it is dropped.
        if let Err(error) = std::thread::Builder::new().spawn(|| ()) {
            self.complain(&notify::Error::io(error));
            return false;
        }
        let watcher = RecommendedWatcher::new(hear, Config::default().with_follow_symlinks(false));
        match watcher {
            Ok(mut watcher) => {
                let watch = || watcher.watch(&self.reports, RecursiveMode::Recursive);
                match catch_unwind(AssertUnwindSafe(watch)) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => self.complain(&error),
                    Err(_) => {
                        std::mem::forget(watcher);
                        return false;
                    }
                }
                self.watcher = Some((watcher, folder));
                self.is_local = is_local(&self.reports);
                true
            }
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    fn complain(&mut self, error: &notify::Error) {
        if !std::mem::replace(&mut self.has_complained, true) {
            tracing::warn!(
                "`reports` cannot be watched as a whole, so that some hand edits are seen later, by comparing: {error}"
            );
        }
    }

    /// Returns whether something was heard since the last call of [`Watch::take`].
    pub(super) fn has_heard(&self) -> bool {
        self.heard.lock().expect("no panic under this lock").is_news
    }

    /// Returns what was heard since the last call.
    pub(super) fn take(&self) -> Heard {
        let mut heard = std::mem::take(&mut *self.heard.lock().expect("no panic under this lock"));
        for folder in std::mem::take(&mut heard.folders) {
            for entry in WalkDir::new(folder).into_iter().filter_map(Result::ok).filter(|entry| entry.depth() > 0) {
                heard.files.entry(entry.into_path()).or_insert(Hint::Done);
            }
        }
        heard
    }
}

impl Heard {
    /// Something has come to `path` by its name: whoever had it open has not this one.
    fn moved(&mut self, path: PathBuf) {
        let hint = self.files.entry(path).or_insert(Hint::Moved);
        *hint = if hint.is_of_bytes() { Hint::Done } else { Hint::Moved };
    }

    fn take_in(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            (self.is_incomplete, self.is_news) = (true, true);
            return;
        };
        self.is_incomplete |= event.need_rescan();
        self.is_news |= event.need_rescan();
        for path in event.paths {
            let is_folder_like = path.extension().is_none();
            let hint = match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => Hint::Done,
                EventKind::Create(CreateKind::Folder) => {
                    self.folders.push(path);
                    self.is_news = true;
                    continue;
                }
                EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => Hint::Writing,
                // A folder was moved: of what is in it nothing is told.
                EventKind::Modify(ModifyKind::Name(RenameMode::To)) if is_folder_like => {
                    self.folders.push(path.clone());
                    Hint::Done
                }
                EventKind::Modify(ModifyKind::Name(RenameMode::From)) if is_folder_like => {
                    self.is_incomplete = true;
                    Hint::Done
                }
                EventKind::Modify(ModifyKind::Name(_)) => Hint::Moved,
                // A change of mode does not say that the writer is done.
                EventKind::Modify(ModifyKind::Metadata(_)) => Hint::Touched,
                EventKind::Modify(_) | EventKind::Remove(_) => Hint::Done,
                _ => continue,
            };
            self.is_news = true;
            match hint {
                Hint::Touched => drop(self.files.entry(path).or_insert(hint)),
                // What was there before may have been written to, and what is there now as well.
                Hint::Moved => self.moved(path),
                hint => drop(self.files.insert(path, hint)),
            }
        }
    }
}
