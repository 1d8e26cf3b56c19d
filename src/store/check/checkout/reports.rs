//! Every report file of a clone, read on all cores, and judged if it is not what
//! is committed.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::{fs, thread};

use git2::Repository;
use uuid::Uuid;

use super::read::{Files, Read};
use super::{Checkout, Source};
use crate::report::fault::{Fault, Rule};
use crate::report::{change, text};
use crate::store::check::base::Base;
use crate::store::check::finding::Finding;
use crate::store::check::rules::{By, Rules};
use crate::store::check::{CheckError, Checked};
use crate::store::load::{duplicate_id, is_report_path};

impl Checkout<'_> {
    /// Judges the files below `reports`.
    pub(super) fn reports(&self, base: &Base, rules: &mut Rules<'_>, checked: &mut Checked) -> Result<(), CheckError> {
        let paths: Vec<String> = self.paths(base)?.into_iter().collect();
        let by = By::whoever(self.git, base.commit);
        let mut owners: HashMap<Uuid, &str> = HashMap::new();
        let mut later = Vec::new();
        for (path, read) in paths.iter().zip(self.read_all(base, &paths)?) {
            checked.n_files += usize::from(!matches!(read, Read::Nothing));
            match read {
                Read::Nothing => {}
                Read::Refused(found) | Read::Same(Err(found)) => checked.findings.push(found),
                Read::Same(Ok(id)) => {
                    let other = owners.insert(id, path);
                    checked.findings.extend(other.map(|other| Finding::of(path, duplicate_id(other), b"")));
                }
                Read::Changed(after) => later.push((path, after)),
            }
        }
        for (path, after) in later {
            let after = after.as_ref().map(|(mode, file)| (*mode, &**file));
            let found = rules.report(&by, path, base.item(path), after)?;
            let id = after.and_then(|(_, file)| change::says(file).ok()).map(|report| report.id);
            let id = id.filter(|_| found.is_empty());
            checked.findings.extend(found);
            if let Some(other) = id.and_then(|id| owners.insert(id, path)) {
                checked.findings.push(Finding::of(path, duplicate_id(other), b""));
            }
        }
        Ok(())
    }

    /// Returns every path below `reports`, gone ones included.
    fn paths(&self, base: &Base) -> Result<BTreeSet<String>, CheckError> {
        let below = |path: &&String| path.starts_with("reports/") || *path == "reports";
        let mut paths: BTreeSet<String> = base.files.keys().filter(below).cloned().collect();
        paths.extend(self.index.keys().filter(below).cloned());
        paths.extend(self.conflicts.iter().filter(below).cloned());
        if let (Source::WorkTree, Some(root)) = (self.source, self.git.workdir()) {
            let folder = root.join("reports");
            if folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                list(&folder, "reports", &mut paths)
                    .map_err(|source| CheckError::Io { path: folder.display().to_string(), source })?;
            }
        }
        Ok(paths)
    }

    /// Reads `paths` on all cores.
    fn read_all(&self, base: &Base, paths: &[String]) -> Result<Vec<Read>, CheckError> {
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let share = paths.len().div_ceil(n_threads).max(1);
        let (git_dir, work_dir, source, limit_bytes) =
            (self.git.path(), self.git.workdir(), self.source, self.body_limit_bytes);
        let (index, conflicts) = (&self.index, &self.conflicts);
        thread::scope(|scope| {
            let read = move |paths: &[String]| {
                let git = Repository::open(git_dir)?;
                let files = Files { git: &git, work_dir, source, index };
                let one = |path: &String| match conflicts.contains(path) {
                    true => {
                        let fault = Fault::new(
                            Rule::ConflictMarkers,
                            "a merge is not finished here",
                            format!("{}, then `git add {path}`", text::RESOLVE),
                        );
                        Ok(Read::Refused(Finding::of(path, fault, b"")))
                    }
                    false => files.read(path, base.item(path), limit_bytes),
                };
                paths.iter().map(one).collect::<Result<Vec<_>, CheckError>>()
            };
            let readers: Vec<_> = paths.chunks(share).map(|paths| scope.spawn(move || read(paths))).collect();
            let mut all = Vec::with_capacity(paths.len());
            for reader in readers {
                all.extend(reader.join().expect("reading does not panic")?);
            }
            Ok(all)
        })
    }
}

/// Lists the files below `folder`; links are not followed.
fn list(folder: &Path, name: &str, paths: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() && !is_report_path(&path) {
            list(&entry.path(), &path, paths)?;
        } else {
            paths.insert(path);
        }
    }
    Ok(())
}
