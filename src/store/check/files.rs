//! Single files, named by their paths: in a clone as there, elsewhere by form
//! and fields alone.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Utc;
use git2::Repository;

use super::base::Base;
use super::finding::Finding;
use super::rules::{By, Rules};
use super::{CheckError, Checked, elsewhere, limit};
use crate::report::change::{self, Hand, Way};
use crate::report::fault::{Fault, Rule};
use crate::report::key::RepositoryKey;
use crate::store::load::{is_report_path, stray_fault};

/// What is wrong with one file.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl From<Vec<Finding>> for Found {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings, ..Self::default() }
    }
}

impl From<Option<Finding>> for Found {
    fn from(finding: Option<Finding>) -> Self {
        Vec::from_iter(finding).into()
    }
}

/// A clone that files were found in.
struct Around {
    git: Repository,
    root: PathBuf,
    base: Base,
}

/// Checks the files at `paths`; a folder stands for the markdown files below it.
///
/// # Errors
/// [`CheckError`], if the clone around them cannot be read. A path that is not there
/// hides nothing about the others.
pub fn check_files(
    paths: &[PathBuf],
    against: Option<&str>,
    body_limit_bytes: Option<usize>,
) -> Result<Checked, CheckError> {
    let mut checked = Checked::default();
    let mut around: Option<Around> = None;
    for path in paths {
        let mut files = Vec::new();
        if let Err(source) = list(path, true, &mut files) {
            let path = path.display().to_string();
            checked.unread.push(match source.kind() {
                std::io::ErrorKind::NotFound => CheckError::NoFile(path),
                _ => CheckError::Io { path, source },
            });
        }
        for file in &files {
            match check_file(file, &mut around, against, body_limit_bytes) {
                Ok(Found { findings, warnings }) => {
                    checked.n_files += 1;
                    let name = file.display().to_string();
                    checked.findings.extend(findings.into_iter().map(|found| found.at(&name)));
                    checked.warnings.extend(warnings.into_iter().map(|found| found.at(&name)));
                }
                // What is wrong with the others is told all the same.
                Err(error @ CheckError::Io { .. }) => checked.unread.push(error),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(checked)
}

/// Checks one file; `around` is the clone that the one before was found in.
fn check_file(
    file: &Path,
    around: &mut Option<Around>,
    against: Option<&str>,
    body_limit_bytes: Option<usize>,
) -> Result<Found, CheckError> {
    let failed = |source| CheckError::Io { path: file.display().to_string(), source };
    let full = fs::canonicalize(file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")));
    let full = full.map_err(failed)?.join(file.file_name().unwrap_or_default());
    if !around.as_ref().is_some_and(|around| full.starts_with(&around.root)) {
        *around = find(&full, against)?;
    }
    match around {
        Some(around) => in_clone(around, file, &full, body_limit_bytes),
        None => alone(file, body_limit_bytes).map(Found::from),
    }
}

fn list(path: &Path, is_named: bool, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let found = if is_named { fs::metadata(path)? } else { fs::symlink_metadata(path)? };
    if found.is_dir() && path.file_name().is_none_or(|name| name != ".git") {
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        entries.sort();
        entries.iter().try_for_each(|path| list(path, false, files))?;
    } else if !found.is_dir() && (is_named || path.extension().is_some_and(|name| name == "md")) {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Finds the golive repository around a file.
fn find(full: &Path, against: Option<&str>) -> Result<Option<Around>, CheckError> {
    let Ok(git) = Repository::discover(full.parent().unwrap_or(full)) else { return Ok(None) };
    let Some(root) = git.workdir().and_then(|root| fs::canonicalize(root).ok()) else { return Ok(None) };
    let base = Base::of(&git, against)?;
    // Broken in the work tree, it is still the clone that it was.
    let is_here = fs::read(root.join("golive.yaml")).is_ok_and(|file| elsewhere::is_format(&file));
    if !is_here && !base.is_golive(&git)? {
        return Ok(None);
    }
    Ok(Some(Around { git, root, base }))
}

fn in_clone(around: &Around, file: &Path, full: &Path, body_limit_bytes: Option<usize>) -> Result<Found, CheckError> {
    let path = full.strip_prefix(&around.root).unwrap_or(full).to_string_lossy().into_owned();
    let limit_bytes = body_limit_bytes.unwrap_or_else(|| limit::read(&around.git));
    if elsewhere::is_format_file(&path) {
        let read = read(file, limit::of_file(limit_bytes))?;
        return Ok(read.map_or_else(Some, |(_, content)| elsewhere::bad_format(Some(&content))).into());
    }
    if !path.starts_with("reports/") {
        return alone(file, Some(limit_bytes)).map(Found::from);
    }
    let before = around.base.item(&path);
    let (mode, content) = match read(file, limit::of_next(&around.git, limit_bytes, before)?)? {
        Ok(read) => read,
        Err(found) => return Ok(vec![found].into()),
    };
    if !is_report_path(&path) {
        let stray = stray_fault(&content).map(|fault| Finding::of(&path, fault, &content));
        return Ok(stray.or_else(|| elsewhere::refused(&path, mode)).into());
    }
    let blob = crate::store::blob_id(&content);
    if before.is_some_and(|item| item.id == blob && item.mode == mode) {
        return Ok(change::read(&path, &content).err().map(|fault| Finding::of(&path, fault, &content)).into());
    }
    let by = By::whoever(&around.git, around.base.commit);
    let mut rules = Rules::telling(&around.git, limit_bytes);
    let mut findings = rules.report(&by, &path, before, Some((mode, &content)))?;
    let root =
        around.base.commit.map(|commit| around.git.find_commit(commit)).transpose()?.map(|commit| commit.tree_id());
    findings.extend(rules.duplicates(root)?);
    Ok(Found { findings, warnings: rules.into_warnings() })
}

/// Checks a file of which nothing is known but what it says.
fn alone(file: &Path, body_limit_bytes: Option<usize>) -> Result<Vec<Finding>, CheckError> {
    let limit_bytes = body_limit_bytes.unwrap_or(crate::report::validate::BODY_LIMIT_BYTES);
    let (_, content) = match read(file, limit::of_file(limit_bytes))? {
        Ok(read) => read,
        Err(found) => return Ok(vec![found]),
    };
    let says = change::says(&content).ok();
    let path = says.and_then(|report| RepositoryKey::parse(&report.repository_url).ok()).map(|key| key.path());
    let hand = Hand { way: Way::Push, who: None, at: Utc::now(), body_limit_bytes: limit_bytes };
    let judged = change::judge(path.as_deref().unwrap_or_default(), None, &content, hand);
    // What it followed on is not known; so it may be decided.
    let fault = judged.err().filter(|fault| fault.rule != Rule::NewReport);
    Ok(fault.map(|fault| Finding::of("", fault, &content)).into_iter().collect())
}

/// Reads a file; the inner error says why it cannot be a report.
fn read(file: &Path, limit_bytes: usize) -> Result<Result<(i32, Vec<u8>), Finding>, CheckError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| CheckError::Io { path: file.display().to_string(), source };
    let found = fs::symlink_metadata(file).map_err(failed)?;
    if !found.is_file() {
        let fault = Fault::new(Rule::NotAFile, "is not a plain file", "name a plain file, or put one there");
        return Ok(Err(Finding::of("", fault, b"")));
    }
    let size = usize::try_from(found.len()).unwrap_or(usize::MAX);
    if let Some(found) = elsewhere::too_large("", size, limit_bytes) {
        return Ok(Err(found));
    }
    let mode = if found.permissions().mode() & 0o100 != 0 { 0o100_755 } else { 0o100_644 };
    Ok(Ok((mode, fs::read(file).map_err(failed)?)))
}
