//! Files that are no reports: plain files of a reasonable size, anywhere but
//! below `reports`, under names that no file system takes for git's own folder.

use git2::{Oid, Repository};

use super::finding::Finding;
use crate::policy::parse::{self, Refusal};
use crate::report::fault::{Fault, Rule};
use crate::store::load::is_report_path;

const FORMAT_FILE: &str = "golive.yaml";

/// Returns why nothing may stand at `path` in a tree with this mode, or `None`.
pub(super) fn refused(path: &str, mode: i32) -> Option<Finding> {
    if let Some(name) = path.split('/').find(|name| is_git_look_alike(name)) {
        let detail = format!("`{name}` is git's own folder to some file systems");
        return Some(Finding::new("git-look-alike", detail, "give it another name").at(path));
    }
    let is_below_reports = path == "reports" || path.starts_with("reports/");
    let back = format!("`git log -- {path}` shows its commits, `git checkout COMMIT -- {path}` takes it from one");
    let what = match mode {
        0o100_644 => None,
        0o100_755 if !is_below_reports => None,
        0o100_755 => Some((
            "is executable",
            format!("make it a plain file with `git update-index --chmod=-x {path}`, and `chmod -x`"),
        )),
        0o120_000 if is_report_path(path) => {
            Some(("is a symbolic link", format!("put the report's file there: {back}")))
        }
        0o120_000 => Some(("is a symbolic link", format!("put a plain file there, or `git rm {path}`"))),
        0o160_000 => Some(("is a submodule", format!("remove it with `git rm --cached {path}`"))),
        0o040_000 => Some(("is a folder too deep inside others", "move it up".to_owned())),
        _ if is_report_path(path) => Some(("is not a plain file", format!("put the report's file there: {back}"))),
        _ => Some(("is not a plain file", "put one there, or move it elsewhere".to_owned())),
    };
    if let Some((what, repair)) = what {
        return Some(Finding::new(&Rule::NotAFile.as_str(), what, repair).at(path));
    }
    if is_below_reports && !is_report_path(path) {
        let detail = "only report files may stand below `reports`, each at the path of its repository";
        let repair = "move it elsewhere; `golive path URL` prints where a report belongs";
        return Some(Finding::new(&Rule::WrongPath.as_str(), detail, repair).at(path));
    }
    None
}

/// Returns why a file of this size may not come in, or `None`.
pub(super) fn too_large(path: &str, size: usize, limit: usize) -> Option<Finding> {
    let detail = || format!("the file has {size} bytes, and at most {limit} are accepted");
    (size > limit).then(|| Finding::new("file-too-large", detail(), "shorten it, or keep it elsewhere").at(path))
}

pub(super) fn is_format_file(path: &str) -> bool {
    path == FORMAT_FILE
}

/// Returns why this cannot be the new `golive.yaml`, or `None`.
pub(super) fn bad_format(file: Option<&[u8]>) -> Option<Finding> {
    let back = "take it as it was: `git checkout COMMIT -- golive.yaml`, with a commit from `git log -- golive.yaml`";
    let (detail, repair) = match file.map(|file| (file, parse::parse(file))) {
        None => ("`golive.yaml` is gone, and it is the mark of a golive repository".to_owned(), back.to_owned()),
        Some((_, Ok(_))) => return None,
        Some((_, Err(Refusal::NoFormat))) => (
            "`golive.yaml` does not say `golive: 1`, the mark of a golive repository".to_owned(),
            format!("write that line into it, or {back}"),
        ),
        Some((file, Err(Refusal::Fault(fault)))) => {
            let repair = format!("{}, or {back}", fault.repair);
            return Some(Finding::of(FORMAT_FILE, Fault { repair, ..*fault }, file));
        }
    };
    Some(Finding::new("format-marker", detail, repair).at(FORMAT_FILE))
}

/// Returns whether a `golive.yaml` marks a repository that can be read.
pub(super) fn is_format(file: &[u8]) -> bool {
    parse::format(file) == Some(1)
}

/// Returns whether the tree of `commit` has such a `golive.yaml`.
///
/// # Errors
/// libgit2's.
pub(in crate::store) fn is_golive(git: &Repository, commit: Oid) -> Result<bool, git2::Error> {
    let tree = git.find_commit(commit)?.tree()?;
    let blob = tree.get_name(FORMAT_FILE).and_then(|entry| git.find_blob(entry.id()).ok());
    Ok(blob.is_some_and(|blob| is_format(blob.content())))
}

/// Returns whether a file system that folds case (NTFS, HFS+), drops dots and
/// spaces at the end, streams after a colon (NTFS) or characters that cannot be
/// seen (HFS+) takes `name` for `.git`.
fn is_git_look_alike(name: &str) -> bool {
    let is_ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = name.chars().filter(|c| !is_ignored(c)).collect();
    let short = seen.split([':', '\\']).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    short.eq_ignore_ascii_case(".git") || short.eq_ignore_ascii_case("git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_file_system_takes_for_git_are_known() {
        for name in [".git", ".GIT", ".Git.", ".git ", "git~1", "GIT~1", ".g\u{200c}it", ".git::$INDEX_ALLOCATION"] {
            assert!(is_git_look_alike(name), "{name}");
        }
        for name in [".gitattributes", ".gitignore", "git", "git~2", "a.git", "golive.yaml"] {
            assert!(!is_git_look_alike(name), "{name}");
        }
    }
}
