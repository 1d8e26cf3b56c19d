//! `golive check`: the rules of the record for people, before they commit, in the
//! CI of a reports repository, and for git as its `pre-receive` hook.
//!
//! Ends with 0 if all is fine, 1 if something is wrong, 2 if it cannot tell.

mod push;
pub mod shown;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use git2::Repository;

use crate::config::Check;
use crate::store::check::{Base, CheckError, Checked, Checkout, Source, check_files};

/// Runs the command.
pub fn run(settings: &Check) -> ExitCode {
    let checked = if settings.pre_receive {
        push::run(settings).map(|is_fine| if is_fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
    } else {
        files(settings)
    };
    checked.unwrap_or_else(|error| {
        tell(&error);
        ExitCode::from(2)
    })
}

fn tell(error: &CheckError) {
    let _ = writeln!(io::stderr(), "golive: {}", shown::line(&error.to_string()));
}

fn files(settings: &Check) -> Result<ExitCode, CheckError> {
    let against = settings.against.as_deref();
    let checked = if settings.paths.is_empty() {
        let git = open(settings.repo.as_deref())?;
        let source = if settings.staged { Source::Index } else { Source::WorkTree };
        Checkout::new(&git, source, settings.body_limit_bytes)?.check(&Base::of(&git, against)?)?
    } else {
        check_files(&settings.paths, against, settings.body_limit_bytes)?
    };
    let mut out = io::stderr();
    let is_styled = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    for found in checked.findings.iter().chain(&checked.warnings) {
        let _ = writeln!(out, "{}\n", shown::finding(found, is_styled));
    }
    if checked.n_files > 0 || checked.unread.is_empty() {
        let _ = writeln!(out, "{}", summary(&checked));
    }
    checked.unread.iter().for_each(tell);
    Ok(match (checked.unread.is_empty(), checked.findings.is_empty()) {
        (false, _) => ExitCode::from(2),
        (true, false) => ExitCode::from(1),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// Opens the repository at `path`, or the one around the folder that this was
/// called in; there, git says by the environment which index a commit takes.
pub fn open(path: Option<&Path>) -> Result<Repository, CheckError> {
    let git = match path {
        Some(path) => Repository::open_ext(path, git2::RepositoryOpenFlags::empty(), std::iter::empty::<&Path>()),
        None => Repository::open_from_env(),
    };
    git.map_err(|error| match error.code() {
        git2::ErrorCode::NotFound => CheckError::NotGit(path.unwrap_or(Path::new(".")).display().to_string()),
        _ => CheckError::Git(error),
    })
}

fn summary(checked: &Checked) -> String {
    let count = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    let files = count(checked.n_files, "file");
    let n_warnings = checked.warnings.len();
    let warnings = if n_warnings > 0 { format!(", with {}", count(n_warnings, "warning")) } else { String::new() };
    if checked.findings.is_empty() {
        return format!("{files} {} fine{warnings}", if checked.n_files == 1 { "is" } else { "are" });
    }
    let mut paths: Vec<_> = checked.findings.iter().map(|found| &found.path).collect();
    paths.sort();
    paths.dedup();
    format!("{} in {} of {files}{warnings}", count(checked.findings.len(), "problem"), paths.len())
}
