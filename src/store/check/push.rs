//! A push to the branch of the record, before it is accepted: what it asks of the
//! branch, and whether history would only grow by it.

use chrono::{DateTime, Utc};
use git2::{Oid, Repository};

use super::commits::{Line, judge, line};
use super::finding::Finding;
use super::rules::Rules;
use super::{Checked, limit};
use crate::store::served;

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
