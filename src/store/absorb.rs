//! Takes in what others committed: brings the snapshot from the tip that was
//! served to the tip that is there now, by what differs between the two trees.

use git2::{Delta, Oid, Repository};

use super::load;
use super::snapshot::Snapshot;

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
    let commit = git.find_commit(tip)?;
    let committed_at = chrono::DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default();
    let tree = commit.tree()?;
    let mut snapshot = served.clone();
    (snapshot.commit, snapshot.tree) = (tip, tree.id());
    let diff = git.diff_tree_to_tree(Some(&git.find_tree(served.tree)?), Some(&tree), None)?;
    for delta in diff.deltas() {
        let Some(path) =
            delta.new_file().path().and_then(|path| path.to_str()).filter(|path| load::is_report_path(path))
        else {
            continue;
        };
        if delta.status() == Delta::Deleted {
            let detail = "the report was deleted; restore its file".into();
            load::put_problem(&mut snapshot, path.into(), super::snapshot::Problem { detail });
            continue;
        }
        let blob = delta.new_file().id();
        match load::read_file(path, blob, git.find_blob(blob)?.content()) {
            Ok(mut entry) => {
                entry.updated_at = committed_at;
                load::put(&mut snapshot, entry);
            }
            Err(problem) => load::put_problem(&mut snapshot, path.into(), problem),
        }
    }
    Ok(snapshot)
}
