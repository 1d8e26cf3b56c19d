//! A push to the branch of the record, before it is accepted: each commit on its
//! line judged by the one before it, at the cost of what it changes.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use git2::{Oid, Repository};

use super::entries::{Changed, changed};
use super::finding::Finding;
use super::rules::{By, Rules};
use super::{Checked, elsewhere, limit};
use crate::store::load::{is_report_path, time};
use crate::store::message::SERVICE_EMAIL;
use crate::store::outside::person;
use crate::store::rewind::contains;
use crate::store::served;

/// A clock may be ahead by so much.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// What a push asks for: one line of a hook's input.
#[derive(Clone, Debug)]
pub struct Update {
    /// Zero for a new reference.
    pub old: Oid,
    /// Zero to delete it.
    pub new: Oid,
    pub name: String,
}

/// Judges a push. Only the branch of the record has rules; to other branches and
/// to tags, git's own apply. `body_limit_bytes` is the repository's if not given.
///
/// # Errors
/// libgit2's, if the repository cannot be read.
pub fn check_push(
    git: &Repository,
    updates: &[Update],
    body_limit_bytes: Option<usize>,
    now: DateTime<Utc>,
) -> Result<Checked, git2::Error> {
    let branch = git.config().and_then(|config| config.get_string("golive.branch"));
    let branch = branch.unwrap_or_else(|_| "main".into());
    let reference = format!("refs/heads/{branch}");
    let mut checked = Checked::default();
    for update in updates.iter().filter(|update| is_alias(git, &update.name, &reference)) {
        let push = Push { git, branch: &branch, now };
        let limit_bytes = body_limit_bytes.unwrap_or_else(|| limit::read(git));
        push.update(update, &mut Rules::new(git, limit_bytes), &mut checked)?;
    }
    Ok(checked)
}

/// Returns whether `name` is the reference, or stands for it.
fn is_alias(git: &Repository, name: &str, reference: &str) -> bool {
    let resolved = || git.find_reference(name)?.resolve();
    name == reference || resolved().is_ok_and(|found| found.name_bytes() == reference.as_bytes())
}

struct Push<'a> {
    git: &'a Repository,
    branch: &'a str,
    now: DateTime<Utc>,
}

impl Push<'_> {
    fn update(&self, update: &Update, rules: &mut Rules<'_>, checked: &mut Checked) -> Result<(), git2::Error> {
        let branch = self.branch;
        if update.new.is_zero() {
            let detail = format!("`{branch}` is the record and is never deleted");
            checked.findings.push(Finding::new("branch-deletion", detail, "push to it instead"));
            return Ok(());
        }
        let is_there = self.git.refname_to_id(&update.name).ok();
        let old = match is_there.or_else(|| served::read(self.git)) {
            Some(tip) if is_there.is_some() && tip != update.old => {
                checked.findings.push(self.moved(tip));
                return Ok(());
            }
            Some(tip) => tip,
            None => {
                let detail = format!("there is no branch `{branch}` here to continue");
                let repair = format!("where it is served, create it with `git branch {branch} COMMIT`");
                checked.findings.push(Finding::new("no-branch", detail, repair));
                return Ok(());
            }
        };
        match line(self.git, old, update.new)? {
            Line::Commits(commits) => judge(rules, old, &commits, self.now, checked)?,
            Line::Rewound => {
                let detail = format!("this would take back commits of `{branch}`, and history only grows");
                let repair = format!("run `git pull --rebase origin {branch}`, then push without `--force`");
                checked.findings.push(Finding::new("non-fast-forward", detail, repair));
            }
            Line::Foxtrot => checked.findings.push(self.foxtrot(old, update.new)),
        }
        // While this was looked at, the service went on.
        match self.git.refname_to_id(&update.name) {
            Ok(tip) if tip != old && is_there.is_some() => checked.findings.insert(0, self.moved(tip)),
            _ => {}
        }
        Ok(())
    }

    /// Git would refuse it as well, but cannot say why.
    fn moved(&self, tip: Oid) -> Finding {
        let detail = format!("`{}` moved to `{:.12}` meanwhile: somebody was faster", self.branch, tip.to_string());
        Finding::new("moved", detail, "nothing is wrong with your commits: `git pull --rebase`, and push again")
    }

    fn foxtrot(&self, old: Oid, new: Oid) -> Finding {
        let branch = self.branch;
        let detail = format!(
            "the merge takes `{branch}` (`{:.12}`) into your line; the record stays the first parent",
            old.to_string()
        );
        let repair = format!(
            "rebase with `git pull --rebase origin {branch}`, or merge the other way: `git fetch origin`, `git switch \
             --detach origin/{branch}`, `git merge {:.12}^1`, `git push origin HEAD:{branch}`",
            new.to_string()
        );
        Finding::new("foxtrot-merge", detail, repair)
    }
}

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
            let by = By { who: Some(&who), at, parent: Some(parent) };
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
fn one(rules: &mut Rules<'_>, by: &By<'_>, file: &Changed) -> Result<Option<Finding>, git2::Error> {
    let path = file.name();
    if let Some(found) = file.after.and_then(|after| elsewhere::refused(&path, after.mode)) {
        return Ok(Some(found));
    }
    if let Some(after) = file.after {
        let (size, _) = rules.git.odb()?.read_header(after.id)?;
        if let Some(found) = elsewhere::too_large(&path, size, rules.file_limit_bytes()) {
            return Ok(Some(found));
        }
    }
    let blob = |id: Oid| rules.git.find_blob(id);
    if elsewhere::is_format_file(&path) {
        let file = file.after.map(|after| blob(after.id)).transpose()?;
        return Ok(elsewhere::bad_format(file.as_ref().map(git2::Blob::content)));
    }
    if !is_report_path(&path) {
        return Ok(None);
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
