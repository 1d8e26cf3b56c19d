//! Which reports have the ids that new ones bring. The only question for which a
//! push looks at every report; the front matter is read in full only where its
//! `id` is not written as the service writes it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::thread;

use git2::{Oid, Repository};
use uuid::Uuid;

use super::entries;
use crate::report::change;
use crate::store::load::is_report_path;

/// Returns the reports of the tree `root`, other than the new ones themselves,
/// that have one of their ids.
///
/// # Errors
/// libgit2's, if an object is missing.
pub(super) fn owners(
    git: &Repository,
    root: Oid,
    new: &HashMap<String, Uuid>,
) -> Result<HashMap<Uuid, String>, git2::Error> {
    let wanted: HashSet<Uuid> = new.values().copied().collect();
    let Ok(reports) = git.find_tree(root)?.get_path(Path::new("reports")).map(|entry| entry.id()) else {
        return Ok(HashMap::new());
    };
    let path = |(path, item): (Vec<u8>, entries::Item)| (format!("reports/{}", String::from_utf8_lossy(&path)), item);
    let files: Vec<_> = entries::all(git, reports)?
        .into_iter()
        .map(path)
        .filter(|(path, item)| item.mode != 0o160_000 && is_report_path(path) && !new.contains_key(path))
        .collect();
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(n_threads).max(1);
    // These were in the repository before the push: no need to see what is quarantined.
    let git_dir = git.path();
    let read = |files: &[(String, entries::Item)]| {
        let git = Repository::open(git_dir)?;
        let mut found = Vec::new();
        for (path, item) in files {
            let id = id_of(git.find_blob(item.id)?.content());
            found.extend(id.filter(|id| wanted.contains(id)).map(|id| (id, path.clone())));
        }
        Ok::<_, git2::Error>(found)
    };
    let read = &read;
    thread::scope(|scope| {
        let readers: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || read(files))).collect();
        let mut owners = HashMap::new();
        for reader in readers {
            owners.extend(reader.join().expect("reading does not panic")?);
        }
        Ok(owners)
    })
}

/// Returns the id of a report file, if it has one.
fn id_of(file: &[u8]) -> Option<Uuid> {
    let plain = file.strip_prefix(b"---\nid: ").and_then(|rest| rest.get(..37)?.strip_suffix(b"\n"));
    match plain.and_then(|id| Uuid::try_parse_ascii(id).ok()) {
        Some(id) => Some(id),
        None => change::says(file).ok().map(|report| report.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_read_wherever_it_stands() {
        const ID: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
        let rest = "server_name: x\nrepository_url: https://github.com/e/x\ndeveloper_email: a@example.com\n\
                    status: pending_review\nrevision: 1\nsubmitted_at: 2025-10-20T10:00:00Z\n";
        for file in [
            format!("---\nid: {ID}\n{rest}---\nx"),
            format!("---\nid: \"{ID}\" # mine\n{rest}---\nx"),
            format!("---\n{rest}id: {}\n---\nx", ID.to_uppercase()),
        ] {
            assert_eq!(id_of(file.as_bytes()).map(|id| id.to_string()).as_deref(), Some(ID), "{file}");
        }
        assert_eq!(id_of(b"---\nid: 12\n"), None);
    }
}
