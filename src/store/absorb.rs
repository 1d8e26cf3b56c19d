//! Takes in what others committed: brings the snapshot from the tip that was
//! served to the tip that is there now, commit by commit along first parents. A
//! merge is one step, whatever it brought.

use git2::{Oid, Repository};

use super::snapshot::{Entry, Problem, Snapshot};
use super::walk::{self, FileStep, Step};
use super::{load, trail::Trail};

/// Why the new tip cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum AbsorbError {
    #[error("history was rewound or replaced: `{served}` was served, and `{tip}` does not contain it")]
    Rewound { served: Oid, tip: Oid },
    #[error(transparent)]
    Git(#[from] git2::Error),
}

/// Returns `served`, brought forward to `tip`. A report whose file was deleted
/// or cannot be read keeps its last good state and is a problem.
///
/// # Errors
/// [`AbsorbError`]; `served` stays what is served.
pub(super) fn absorb(git: &Repository, served: &Snapshot, tip: Oid) -> Result<Snapshot, AbsorbError> {
    if !git.graph_descendant_of(tip, served.commit)? {
        return Err(AbsorbError::Rewound { served: served.commit, tip });
    }
    let mut snapshot = served.clone();
    for step in steps(git, served.commit, tip)? {
        let files = walk::changed_reports(git, Some(snapshot.tree), step.tree)?;
        snapshot.advance(step.commit, step.tree, step.committed_at);
        for file in files {
            take(git, &mut snapshot, &step, file)?;
        }
    }
    Ok(snapshot)
}

/// Returns the commits after `served` up to `tip`, oldest first. If somebody
/// merged the served line into theirs, `served` is not among the first parents,
/// and the merge is the one step from it.
fn steps(git: &Repository, served: Oid, tip: Oid) -> Result<Vec<Step>, git2::Error> {
    let odb = git.odb()?;
    let mut steps = Vec::new();
    let mut next = Some(Step::read(&odb, tip)?);
    while let Some(step) = next {
        if step.commit == served {
            steps.reverse();
            return Ok(steps);
        }
        next = step.before(&odb)?;
        steps.push(step);
    }
    steps.truncate(1);
    Ok(steps)
}

/// Takes in what `step` did to one file.
fn take(git: &Repository, snapshot: &mut Snapshot, step: &Step, file: FileStep) -> Result<(), git2::Error> {
    let known = snapshot.at_path(&file.path).cloned();
    let commits = known.as_ref().map_or_else(Trail::default, |entry| entry.commits.clone()).with(step.commit);
    let read = match file.blob {
        Some(blob) => load::read_file(&file.path, blob, git.find_blob(blob)?.content()),
        None => Err(Problem { detail: "the report was deleted; restore its file".into() }),
    };
    let put = match read {
        Ok(entry) => load::put(snapshot, Entry { updated_at: load::time(step.committed_at), commits, ..entry }),
        Err(problem) => {
            if let Some(known) = known {
                let (report, path) = (known.report.clone(), known.path.clone());
                let last_good = Entry { report, path, blob: known.blob, updated_at: known.updated_at, commits };
                snapshot.put(last_good.into());
            }
            Err((file.path, problem))
        }
    };
    if let Err((path, problem)) = put {
        log(&path, &problem);
        snapshot.put_problem(path, problem);
    }
    Ok(())
}

/// Logs that a file cannot be read.
pub(super) fn log(path: &str, problem: &Problem) {
    tracing::warn!(path, "`{path}` cannot be read: {}", problem.detail);
}
