//! What a power loss left of files, kept in `<git dir>/golive/set-aside` while
//! the whole files are back in place. A person looks at it and deletes it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SubsecRound, Utc};

use crate::failpoint::failpoint;
use crate::report::fault::{Fault, Rule};
use crate::store::problem::{FoundIn, Problem};

/// Part of a name that no report's file name has.
const SEPARATOR: &str = "--";

pub(super) struct SetAside {
    folder: PathBuf,
    /// By the path of the report.
    problems: HashMap<String, (PathBuf, Problem)>,
}

impl SetAside {
    /// Reads what is still there of earlier losses.
    pub(super) fn open(own_dir: &Path) -> Self {
        let mut set_aside = Self { folder: own_dir.join("set-aside"), problems: HashMap::new() };
        for file in fs::read_dir(&set_aside.folder).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let since = file.metadata().and_then(|metadata| metadata.modified()).map(DateTime::<Utc>::from);
            if let (Some(path), Ok(since)) = (report_path(&name), since) {
                set_aside.note(&path, file.path(), since);
            }
        }
        set_aside
    }

    /// Keeps `bytes`, found at `path`. When it returns, they are on disk.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn keep(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let now = Utc::now();
        let name = path.rsplit('/').next().unwrap_or(path);
        let kept = self.folder.join(format!("{}{SEPARATOR}{name}", now.format("%Y%m%dT%H%M%S")));
        fs::create_dir_all(&self.folder)?;
        let mut file = File::create(&kept)?;
        file.write_all(bytes)?;
        failpoint!("aside.written", io);
        file.sync_all()?;
        failpoint!("aside.synced");
        File::open(&self.folder)?.sync_all()?;
        self.note(path, kept, now);
        Ok(())
    }

    fn note(&mut self, path: &str, kept: PathBuf, since: DateTime<Utc>) {
        let name = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let repair = format!("compare it with `.git/golive/set-aside/{name}`, then delete that");
        let fault =
            Fault::new(Rule::CutFile, "the file was cut off by a crash, and was restored from the record", repair);
        let problem = Problem::new(fault, b"", FoundIn::WorkTree, since.trunc_subsecs(0));
        self.problems.insert(path.to_owned(), (kept, problem));
    }

    /// Returns what there is to look at for the report at `path`.
    pub(super) fn problem(&self, path: &str) -> Option<Problem> {
        self.problems.get(path).map(|(_, problem)| problem.clone())
    }

    /// Returns the reports that have something set aside.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.problems.keys()
    }

    /// Forgets what was deleted, and returns its reports.
    pub(super) fn take_deleted(&mut self) -> Vec<String> {
        let gone = self.problems.iter().filter(|(_, (kept, _))| !kept.exists());
        let gone: Vec<_> = gone.map(|(path, _)| path.clone()).collect();
        gone.iter().for_each(|path| drop(self.problems.remove(path)));
        gone
    }
}

/// Returns the path of the report whose file was set aside under `name`.
fn report_path(name: &str) -> Option<String> {
    let (_, name) = name.split_once(SEPARATOR)?;
    let hex = name.strip_suffix(".md")?.rsplit('-').next()?;
    let (a, b, c) = (hex.get(..1)?, hex.get(1..2)?, hex.get(2..3)?);
    Some(format!("reports/{a}/{b}/{c}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_told_until_it_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md";
        let mut set_aside = SetAside::open(dir.path());
        set_aside.keep(path, b"---\nid:").unwrap();
        let mut again = SetAside::open(dir.path());
        assert_eq!(again.problem(path).unwrap().fault, set_aside.problem(path).unwrap().fault);
        assert!(again.take_deleted().is_empty());
        fs::remove_dir_all(dir.path().join("set-aside")).unwrap();
        assert_eq!(again.take_deleted(), [path]);
        assert_eq!(again.problem(path), None);
    }
}
