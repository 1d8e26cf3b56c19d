//! The walk back along first parents, and what each commit on it changed.
//!
//! At start it goes over the whole history, so each commit is read once, as
//! bytes, and only what the walk needs is picked out of it.

use std::collections::BTreeSet;

use git2::{ObjectType, Odb, Oid, Repository, Tree};
use uuid::Uuid;

use super::load::is_report_path;
use super::message::SERVICE_EMAIL;

/// A person's line is followed so far for a commit of the service.
const ASIDE_MAX: usize = 10_000;
/// Folders below `reports` that a report's path has.
const FOLDER_DEPTH: usize = 3;

/// A commit, as far as the walk needs it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) commit: Oid,
    pub(super) tree: Oid,
    parents: Vec<Oid>,
    /// Committer time in seconds since 1970.
    pub(super) committed_at: i64,
    /// The report that a commit of the service names.
    pub(super) own_report: Option<Uuid>,
}

/// One file below `reports` that a commit changed.
pub(super) struct FileStep {
    /// Relative to the root of the repository.
    pub(super) path: String,
    /// `None` if the file was deleted.
    pub(super) blob: Option<Oid>,
    /// No link and no submodule.
    pub(super) is_regular: bool,
    /// A person's `chmod` does not make a report disappear, but is set right.
    pub(super) is_executable: bool,
    /// Not at a path that a report can have.
    pub(super) is_stray: bool,
}

impl FileStep {
    /// `item` is the id and the mode of what stands there now.
    pub(super) fn of(path: String, item: Option<(Oid, i32)>, is_stray: bool) -> Self {
        Self {
            path,
            blob: item.map(|(id, _)| id),
            is_regular: item.is_none_or(|(_, mode)| is_regular(mode)),
            is_executable: item.is_some_and(|(_, mode)| mode == 0o100_755),
            is_stray,
        }
    }
}

impl Step {
    /// Reads the commit `id`.
    ///
    /// # Errors
    /// libgit2's, if it is missing or is no commit.
    pub(super) fn read(odb: &Odb<'_>, id: Oid) -> Result<Self, git2::Error> {
        let object = odb.read(id)?;
        let step = (object.kind() == ObjectType::Commit).then(|| parse(id, object.data())).flatten();
        step.ok_or_else(|| git2::Error::from_str(&format!("`{id}` is not a commit")))
    }

    /// Returns the commit before this one on the branch; `None` at the first, or
    /// where a shallow history ends.
    ///
    /// # Errors
    /// libgit2's.
    pub(super) fn before(&self, git: &Repository, odb: &Odb<'_>) -> Result<Option<Self>, git2::Error> {
        match self.parent(git, odb)? {
            Some(parent) => read_if_there(git, odb, parent),
            None => Ok(None),
        }
    }

    /// Returns the parent that the branch was at: the first, unless a person
    /// merged the record into their own line.
    ///
    /// # Errors
    /// libgit2's.
    pub(super) fn parent(&self, git: &Repository, odb: &Odb<'_>) -> Result<Option<Oid>, git2::Error> {
        Ok(match self.parents[..] {
            [] => None,
            [parent] => Some(parent),
            [first, second, ..] => {
                let was_served = |parent, other| has_own_commits(git, odb, parent, other);
                Some(if was_served(second, first)? && !was_served(first, second)? { second } else { first })
            }
        })
    }
}

/// Where git does not say that the history ends here, a commit that is not there was
/// lost, and what it brought is not known.
fn read_if_there(git: &Repository, odb: &Odb<'_>, id: Oid) -> Result<Option<Step>, git2::Error> {
    match Step::read(odb, id) {
        Err(error) if error.code() == git2::ErrorCode::NotFound && git.is_shallow() => Ok(None),
        read => read.map(Some),
    }
}

/// Returns whether the service committed on the line of `tip` since it parted
/// from that of `other`: then that line was the branch.
fn has_own_commits(git: &Repository, odb: &Odb<'_>, tip: Oid, other: Oid) -> Result<bool, git2::Error> {
    let mut next = read_if_there(git, odb, tip)?;
    for _ in 0..ASIDE_MAX {
        let Some(step) = next else { return Ok(false) };
        if step.own_report.is_some() {
            return Ok(step.commit != other && !git.graph_descendant_of(other, step.commit)?);
        }
        next = match step.parents.first() {
            Some(parent) => read_if_there(git, odb, *parent)?,
            None => None,
        };
    }
    Ok(false)
}

pub(super) fn parse(commit: Oid, bytes: &[u8]) -> Option<Step> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, message) = (&bytes[..end], &bytes[end + 2..]);
    let field = |name: &[u8]| head.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name));
    let id = |hex: &[u8]| Oid::from_str(std::str::from_utf8(hex).ok()?).ok();
    let committer = field(b"committer ")?;
    let (who, when) = committer.split_at(committer.iter().rposition(|byte| *byte == b'>')?);
    let when = std::str::from_utf8(&when[1..]).ok()?;
    let is_own = who.strip_suffix(SERVICE_EMAIL.as_bytes()).is_some_and(|before| before.ends_with(b"<"));
    Some(Step {
        commit,
        tree: id(field(b"tree ")?)?,
        parents: head.split(|byte| *byte == b'\n').filter_map(|line| id(line.strip_prefix(b"parent ")?)).collect(),
        committed_at: when.split_whitespace().next()?.parse().ok()?,
        own_report: if is_own { report_id(message) } else { None },
    })
}

/// Returns the `Report-Id` trailer.
fn report_id(message: &[u8]) -> Option<Uuid> {
    let trailers = std::str::from_utf8(message).ok()?.trim_end().rsplit("\n\n").next()?;
    trailers.lines().find_map(|line| line.strip_prefix("Report-Id: ")).and_then(|id| Uuid::try_parse(id).ok())
}

/// Returns the report files, and strays that may be some, that differ between two root trees. By hand: a
/// general diff of libgit2 was measured at 1.5 ms, and there can be one for each
/// commit of the history.
///
/// # Errors
/// libgit2's, if a tree is missing.
pub(super) fn changed_reports(git: &Repository, before: Option<Oid>, after: Oid) -> Result<Vec<FileStep>, git2::Error> {
    let mut changed = Vec::new();
    let before = before.map(|id| git.find_tree(id)).transpose()?;
    let [before, after] =
        [before.as_ref(), Some(&git.find_tree(after)?)].map(|root| id_in(root, "reports", ObjectType::Tree));
    compare(git, before, after, "reports", &mut changed)?;
    Ok(changed)
}

/// Adds what differs between two versions of `folder`.
fn compare(
    git: &Repository,
    before: Option<Oid>,
    after: Option<Oid>,
    folder: &str,
    changed: &mut Vec<FileStep>,
) -> Result<(), git2::Error> {
    if before == after || folder.matches('/').count() > FOLDER_DEPTH {
        return Ok(());
    }
    let tree = |id: Option<Oid>| id.map(|id| git.find_tree(id)).transpose();
    let (before, after) = (tree(before)?, tree(after)?);
    let names = |tree: &Option<Tree<'_>>| -> BTreeSet<String> {
        tree.iter().flat_map(Tree::iter).filter_map(|entry| Some(entry.name().ok()?.to_owned())).collect()
    };
    for name in &names(&before) | &names(&after) {
        let path = format!("{folder}/{name}");
        let (file_before, file_after) = (file_in(before.as_ref(), &name), file_in(after.as_ref(), &name));
        let is_stray = !is_report_path(&path);
        if file_before != file_after && (!is_stray || is_markdown(&path)) {
            changed.push(FileStep::of(path.clone(), file_after, is_stray));
        }
        let folder = |tree| id_in(tree, &name, ObjectType::Tree);
        compare(git, folder(before.as_ref()), folder(after.as_ref()), &path, changed)?;
    }
    Ok(())
}

/// Returns the id and the mode of what is at `name`, unless that is a folder.
fn file_in(tree: Option<&Tree<'_>>, name: &str) -> Option<(Oid, i32)> {
    let entry = tree?.get_name(name).filter(|entry| entry.kind() != Some(ObjectType::Tree))?;
    Some((entry.id(), entry.filemode()))
}

/// Returns whether a tree entry of this mode is a file, executable or not.
pub(super) const fn is_regular(mode: i32) -> bool {
    mode & 0o170_000 == 0o100_000
}

/// Returns whether a stray file may be a report.
pub(super) fn is_markdown(path: &str) -> bool {
    path.ends_with(".md")
}

fn id_in(tree: Option<&Tree<'_>>, name: &str, kind: ObjectType) -> Option<Oid> {
    tree?.get_name(name).filter(|entry| entry.kind() == Some(kind)).map(|entry| entry.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
    const HEX: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn read(head: &str, message: &str) -> Option<Step> {
        parse(Oid::from_str("ab").unwrap(), format!("tree {HEX}\n{head}\n\n{message}").as_bytes())
    }

    #[test]
    fn commit_names_its_report_only_if_the_service_made_it() {
        let trailers = format!("Submit report `x`\n\n    Report-Id: no\n\nReport-Id: {ID}\nRevision: 1\n");
        for (committer, own_report) in [
            ("golive <golive@invalid> 1760954400 +0000", Some(ID)),
            ("a > b <golive@invalid> 1760954400 -0130", Some(ID)),
            ("golive@invalid <a@example.com> 1760954400 +0000", None),
            ("golive <notgolive@invalid> 1760954400 +0000", None),
        ] {
            let head =
                format!("parent {HEX}\nparent {}\nauthor x <x@y> 5 +0000\ncommitter {committer}", "0".repeat(40));
            let step = read(&head, &trailers).unwrap();
            assert_eq!(step.own_report.map(|id| id.to_string()).as_deref(), own_report, "{committer}");
            assert_eq!(step.committed_at, 1_760_954_400);
            assert_eq!((step.tree.to_string(), step.parents.len()), (HEX.into(), 2));
        }
    }

    #[test]
    fn first_commit_has_no_parent_and_a_time_before_1970_is_read() {
        let step = read("author x <x@y> 5 +0000\ncommitter x <x@y> -5 +0000", "parent of all").unwrap();
        assert_eq!((step.parents.len(), step.committed_at, step.own_report), (0, -5, None));
        assert_eq!(read("author x <x@y> 5 +0000", "no committer"), None);
    }
}
