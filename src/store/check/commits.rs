//! The commits on the line from one tip to another, each judged by the one before
//! it, at the cost of what it changes.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use git2::{Oid, Repository};

use super::entries::{Changed, changed};
use super::finding::Finding;
use super::rules::{By, Rules};
use super::{Checked, elsewhere};
use crate::store::load::{is_report_path, time};
use crate::store::message::SERVICE_EMAIL;
use crate::store::outside::person;
use crate::store::rewind::contains;
use crate::store::served;

/// A clock may be ahead by so much.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// The way from one tip to another.
pub(super) enum Line {
    /// Oldest first, along first parents.
    Commits(Vec<Oid>),
    /// The old tip is not in the history of the new one.
    Rewound,
    /// It is, but not on the line of first parents.
    Foxtrot,
}

pub(super) fn line(git: &Repository, old: Oid, new: Oid) -> Result<Line, git2::Error> {
    if git.find_commit(new).is_err() || !contains(git, new, old) {
        return Ok(Line::Rewound);
    }
    let mut walk = git.revwalk()?;
    walk.push(new)?;
    walk.hide(old)?;
    let fresh = walk.collect::<Result<HashSet<Oid>, _>>()?;
    let (mut commits, mut at) = (Vec::new(), new);
    while fresh.contains(&at) {
        commits.push(at);
        match git.find_commit(at)?.parent_id(0) {
            Ok(parent) => at = parent,
            Err(_) => return Ok(Line::Foxtrot),
        }
    }
    commits.reverse();
    Ok(if at == old { Line::Commits(commits) } else { Line::Foxtrot })
}

/// Judges `commits`, which follow on `old` one by one.
pub(super) fn judge(
    rules: &mut Rules<'_>,
    old: Oid,
    commits: &[Oid],
    now: DateTime<Utc>,
    checked: &mut Checked,
) -> Result<(), git2::Error> {
    let git = rules.git;
    let lost = lost_tips(git, old)?;
    let mut parent = old;
    for id in commits {
        let commit = git.find_commit(*id)?;
        let by_service = is_by_service(&commit);
        let was_served = lost.iter().any(|tip| contains(git, *tip, *id));
        let mut found = Vec::new();
        if by_service && !was_served {
            let detail = format!("the committer is `{SERVICE_EMAIL}`, the service, which did not make this commit");
            let repair = "make it anew as yourself: `git commit --amend --no-edit`, with your `user.email`";
            found.push(Finding::new("service-identity", detail, repair));
        }
        let at = time(commit.time().seconds());
        if at > now + AHEAD_MAX {
            let detail = format!("the commit is of {}, and it is not so late yet", at.format("%Y-%m-%d %H:%M:%S UTC"));
            let repair = "set the clock, then `git commit --amend --no-edit`";
            found.push(Finding::new("committer-time", detail, repair));
        }
        if !was_served {
            let author = commit.author();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
            let who = person(&text(author.name_bytes()), &text(author.email_bytes()));
            let by = By { who: Some(who), at, parent: Some(parent) };
            for file in changed(git, Some(git.find_commit(parent)?.tree_id()), Some(commit.tree_id()))? {
                checked.n_files += 1;
                found.extend(one(rules, &by, &file)?);
            }
        }
        checked.findings.extend(found.into_iter().map(|found| found.by(git, *id)));
        parent = *id;
    }
    let root = git.find_commit(old)?.tree_id();
    checked.findings.extend(rules.duplicates(Some(root))?);
    Ok(())
}

/// Judges one path of a commit.
fn one(rules: &mut Rules<'_>, by: &By, file: &Changed) -> Result<Vec<Finding>, git2::Error> {
    let path = file.name();
    if let Some(found) = file.after.and_then(|after| elsewhere::refused(&path, after.mode)) {
        return Ok(vec![found]);
    }
    if let Some(after) = file.after {
        let (size, _) = rules.git.odb()?.read_header(after.id)?;
        if let Some(found) = elsewhere::too_large(&path, size, rules.file_limit_bytes(file.before)?) {
            return Ok(vec![found]);
        }
    }
    let blob = |id: Oid| rules.git.find_blob(id);
    if elsewhere::is_format_file(&path) {
        let file = file.after.map(|after| blob(after.id)).transpose()?;
        return Ok(elsewhere::bad_format(file.as_ref().map(git2::Blob::content)).into_iter().collect());
    }
    if !is_report_path(&path) {
        return Ok(Vec::new());
    }
    let content = file.after.map(|after| blob(after.id)).transpose()?;
    let after = file.after.zip(content.as_ref()).map(|(after, blob)| (after.mode, blob.content()));
    rules.report(by, &path, file.before, after)
}

/// By the bytes of the header: what git or anybody else may take for the name of the service.
fn is_by_service(commit: &git2::Commit<'_>) -> bool {
    let header = String::from_utf8_lossy(commit.raw_header_bytes()).to_ascii_lowercase();
    header.lines().any(|line| line.starts_with("committer ") && line.contains(SERVICE_EMAIL))
}

/// Returns the tips that were served here and are not in the history any more:
/// they may come back, and what is in them was judged. That an object is there
/// says nothing; anybody can push it to another branch.
fn lost_tips(git: &Repository, tip: Oid) -> Result<Vec<Oid>, git2::Error> {
    let lost = git.references_glob("refs/golive/lost/*")?;
    let lost = lost.filter_map(|reference| reference.ok()?.target());
    Ok(served::read(git).into_iter().chain(lost).filter(|lost| !contains(git, tip, *lost)).collect())
}
