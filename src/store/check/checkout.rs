//! A whole clone: every report file as it is in the work tree or in git's index,
//! and what a push of it would be refused for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::{fs, thread};

use chrono::Utc;
use git2::{Index, ObjectType, Oid, Repository};
use uuid::Uuid;

use super::entries::{self, Item};
use super::finding::Finding;
use super::push::{self, Line};
use super::rules::{By, Rules};
use super::{CheckError, Checked, elsewhere, limit};
use crate::report::change;
use crate::report::fault::{Fault, Rule};
use crate::store::load::{duplicate_id, is_report_path, stray_fault};
use crate::store::walk::is_regular;

/// Where the files are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    WorkTree,
    /// What the next `git commit` takes.
    Index,
    /// What is committed: a bare repository has nothing else.
    Head,
}

/// The commits that the files are compared with.
pub struct Base {
    /// What is in the record; the commits after it are judged one by one.
    record: Option<Oid>,
    /// The commit that the files follow on.
    pub(super) commit: Option<Oid>,
    files: BTreeMap<String, Item>,
}

/// A repository to be checked.
pub struct Checkout<'a> {
    git: &'a Repository,
    source: Source,
    body_limit_bytes: usize,
    index: BTreeMap<String, Item>,
    conflicts: BTreeSet<String>,
}

/// A report file, read.
enum Read {
    Same(Result<Uuid, Finding>),
    /// A file that is no report's and says nothing.
    Nothing,
    Changed(Option<(i32, Vec<u8>)>),
    Refused(Finding),
}

impl Base {
    /// Returns what the repository's files are compared with: `HEAD`, or the
    /// commits since `against` and then `HEAD`.
    ///
    /// # Errors
    /// [`CheckError::NoCommit`], or libgit2's.
    pub fn of(git: &Repository, against: Option<&str>) -> Result<Self, CheckError> {
        let head = git.head().ok().and_then(|head| head.peel_to_commit().ok()).map(|commit| commit.id());
        let Some(name) = against else { return Self::at(git, None, head) };
        let named = git.revparse_single(name).and_then(|object| object.peel(ObjectType::Commit));
        let named = named.map_err(|source| CheckError::NoCommit { name: name.into(), source })?.id();
        let Some(head) = head else { return Self::at(git, None, Some(named)) };
        let record =
            git.merge_base(named, head).map_err(|source| CheckError::NoCommit { name: name.into(), source })?;
        match push::line(git, record, head)? {
            Line::Commits(_) => Self::at(git, Some(record), Some(head)),
            // Its line goes another way; then all of it is one step.
            _ => Self::at(git, None, Some(record)),
        }
    }

    fn at(git: &Repository, record: Option<Oid>, commit: Option<Oid>) -> Result<Self, CheckError> {
        let mut files = BTreeMap::new();
        if let Some(commit) = commit {
            for (path, item) in entries::all(git, git.find_commit(commit)?.tree_id())? {
                files.insert(String::from_utf8_lossy(&path).into_owned(), item);
            }
        }
        Ok(Self { record, commit, files })
    }

    pub(super) fn item(&self, path: &str) -> Option<Item> {
        self.files.get(path).copied()
    }

    fn is_golive(&self, git: &Repository) -> Result<bool, git2::Error> {
        self.commit.map_or(Ok(false), |commit| elsewhere::is_golive(git, commit))
    }
}

impl<'a> Checkout<'a> {
    /// Looks at the repository `git`.
    ///
    /// # Errors
    /// libgit2's, if the index cannot be read.
    pub fn new(git: &'a Repository, source: Source, body_limit_bytes: Option<usize>) -> Result<Self, CheckError> {
        let source = if git.is_bare() { Source::Head } else { source };
        let body_limit_bytes = body_limit_bytes.unwrap_or_else(|| limit::read(git));
        let (mut index, mut conflicts) = (BTreeMap::new(), BTreeSet::new());
        if source != Source::Head {
            read_index(&git.index()?, &mut index, &mut conflicts);
        }
        Ok(Self { git, source, body_limit_bytes, index, conflicts })
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// [`CheckError`], if something cannot be read.
    pub fn check(&self, base: &Base) -> Result<Checked, CheckError> {
        let format = self.content("golive.yaml", base)?;
        if !base.is_golive(self.git)? && !format.as_ref().is_some_and(|(_, file)| elsewhere::is_format(file)) {
            let path = self.git.workdir().unwrap_or(self.git.path());
            return Err(CheckError::NotGolive(path.display().to_string()));
        }
        let mut checked = Checked::default();
        let mut rules = Rules::new(self.git, self.body_limit_bytes);
        if let (Some(record), Some(head)) = (base.record, base.commit)
            && let Line::Commits(commits) = push::line(self.git, record, head)?
        {
            push::judge(&mut rules, record, &commits, Utc::now(), &mut checked)?;
            checked.n_files = 0;
            rules.new_reports.clear();
        }
        checked.findings.extend(elsewhere::bad_format(format.as_ref().map(|(_, file)| &**file)));
        checked.findings.extend(self.elsewhere(base)?);
        let n_pushed = checked.findings.len();
        self.reports(base, &mut rules, &mut checked)?;
        // What a commit brought and nobody changed since is one problem.
        let (pushed, here) = checked.findings.split_at(n_pushed);
        let is_new = |found: &&Finding| !pushed.iter().any(|other| other.is_same(found));
        let here: Vec<_> = here.iter().filter(is_new).cloned().collect();
        checked.findings.truncate(n_pushed);
        checked.findings.extend(here);
        Ok(checked)
    }

    /// Judges the files below `reports`.
    fn reports(&self, base: &Base, rules: &mut Rules<'_>, checked: &mut Checked) -> Result<(), CheckError> {
        let paths: Vec<String> = self.paths(base)?.into_iter().collect();
        let by = By::whoever(base.commit);
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
            match rules.report(&by, path, base.item(path), after)? {
                Some(found) => checked.findings.push(found),
                None => {
                    let Some(id) = after.and_then(|(_, file)| change::says(file).ok()).map(|report| report.id) else {
                        continue;
                    };
                    if let Some(other) = owners.insert(id, path) {
                        checked.findings.push(Finding::of(path, duplicate_id(other), b""));
                    }
                }
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
                            "resolve it, then `git add` it",
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

    fn content(&self, path: &str, base: &Base) -> Result<Option<(i32, Vec<u8>)>, CheckError> {
        let files = Files { git: self.git, work_dir: self.git.workdir(), source: self.source, index: &self.index };
        files.content(path, base.item(path), limit::of_file(self.body_limit_bytes)).map(|read| match read {
            Content::File(mode, file) => Some((mode, file)),
            _ => None,
        })
    }

    /// Judges what is staged outside of `reports`; what is not, cannot be pushed.
    fn elsewhere(&self, base: &Base) -> Result<Vec<Finding>, CheckError> {
        let odb = self.git.odb()?;
        let mut found = Vec::new();
        for (path, item) in &self.index {
            if base.item(path) == Some(*item) || path.starts_with("reports/") {
                continue;
            }
            let refused = match elsewhere::refused(path, item.mode) {
                Some(refused) => Some(refused),
                None => elsewhere::too_large(path, odb.read_header(item.id)?.0, limit::of_file(self.body_limit_bytes)),
            };
            found.extend(refused);
        }
        Ok(found)
    }
}

/// What is at a path.
enum Content {
    Gone,
    File(i32, Vec<u8>),
    /// A link, a folder or the like, by its mode; or a file of this size.
    Other(i32),
    TooLarge(usize),
}

/// Where files are read from; one for each thread.
struct Files<'a> {
    git: &'a Repository,
    work_dir: Option<&'a Path>,
    source: Source,
    index: &'a BTreeMap<String, Item>,
}

impl Files<'_> {
    fn read(&self, path: &str, base: Option<Item>, limit_bytes: usize) -> Result<Read, CheckError> {
        let is_tracked = base.is_some() || self.index.contains_key(path);
        let (mode, file) = match self.content(path, base, limit::of_file(limit_bytes))? {
            Content::Gone if base.is_none() || !is_report_path(path) => return Ok(Read::Nothing),
            Content::Gone => return Ok(Read::Changed(None)),
            Content::TooLarge(size) => {
                let found = elsewhere::too_large(path, size, limit::of_file(limit_bytes));
                return Ok(found.map_or(Read::Nothing, Read::Refused));
            }
            Content::Other(mode) => {
                let refused = elsewhere::refused(path, mode).filter(|_| is_report_path(path) || base.is_none());
                return Ok(refused.filter(|_| is_tracked || is_report_path(path)).map_or(Read::Nothing, Read::Refused));
            }
            Content::File(mode, file) => (mode, file),
        };
        let is_same = base.is_some_and(|base| {
            base.mode == mode && Oid::hash_object(ObjectType::Blob, &file).is_ok_and(|id| id == base.id)
        });
        if !is_report_path(path) {
            let fault = stray_fault(&file).map(|fault| Finding::of(path, fault, &file));
            // Swap files and notes that nobody adds are nobody's.
            let fault = fault.or_else(|| elsewhere::refused(path, mode).filter(|_| is_tracked && !is_same));
            return Ok(fault.map_or(Read::Nothing, Read::Refused));
        }
        if !is_same {
            return Ok(Read::Changed(Some((mode, file))));
        }
        let read = change::read(path, &file).map(|decoded| decoded.report.id);
        Ok(Read::Same(read.map_err(|fault| Finding::of(path, fault, &file))))
    }

    fn content(&self, path: &str, base: Option<Item>, limit_bytes: usize) -> Result<Content, CheckError> {
        let item = match self.source {
            Source::WorkTree => return self.on_disk(path, limit_bytes),
            Source::Index => self.index.get(path).copied(),
            Source::Head => base,
        };
        let Some(item) = item else { return Ok(Content::Gone) };
        if !is_regular(item.mode) {
            return Ok(Content::Other(item.mode));
        }
        let (size, _) = self.git.odb()?.read_header(item.id)?;
        if size > limit_bytes {
            return Ok(Content::TooLarge(size));
        }
        Ok(Content::File(item.mode, self.git.find_blob(item.id)?.content().to_vec()))
    }

    fn on_disk(&self, path: &str, limit_bytes: usize) -> Result<Content, CheckError> {
        use std::os::unix::fs::PermissionsExt;
        let full = self.work_dir.unwrap_or(Path::new(".")).join(path);
        let failed = |source| CheckError::Io { path: full.display().to_string(), source };
        let found = match fs::symlink_metadata(&full) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Content::Gone);
            }
            Err(error) => return Err(failed(error)),
        };
        if !found.is_file() {
            return Ok(Content::Other(if found.is_symlink() { 0o120_000 } else { 0 }));
        }
        if usize::try_from(found.len()).is_ok_and(|size| size > limit_bytes) {
            return Ok(Content::TooLarge(usize::try_from(found.len()).unwrap_or(usize::MAX)));
        }
        let mode = if found.permissions().mode() & 0o100 != 0 { 0o100_755 } else { 0o100_644 };
        Ok(Content::File(mode, fs::read(&full).map_err(failed)?))
    }
}

fn read_index(index: &Index, files: &mut BTreeMap<String, Item>, conflicts: &mut BTreeSet<String>) {
    for entry in index.iter() {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        // Bits 12 and 13: the side of a merge that is not finished.
        if entry.flags >> 12 & 3 != 0 {
            conflicts.insert(path);
        } else {
            files.insert(path, Item { mode: entry.mode.cast_signed(), id: entry.id });
        }
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
