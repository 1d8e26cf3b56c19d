//! Commits, what they change, and the report files they bring, read once each.

use git2::{ObjectType, Oid, Repository};
use sha1::{Digest, Sha1};

use crate::report::fault::Fault;
use crate::report::{Report, change};
use crate::store::check::{Changed, Trees};
use crate::store::load::is_report_path;
use crate::store::message::SERVICE_EMAIL;
use crate::store::walk::{self, Step};

/// One commit on the line of the branch.
pub(super) struct Commit {
    pub(super) step: Step,
    pub(super) n_parents: usize,
    /// The committer is the service.
    pub(super) is_by_service: bool,
    /// Kept for commits of the service alone.
    pub(super) message: Box<str>,
}

/// What a commit did to the files.
pub(super) struct Content {
    pub(super) changed: Vec<Changed>,
    /// The one file of a commit of the service, if it is one and a report's.
    pub(super) file: Option<Result<File, Fault>>,
}

/// A report file, read.
pub(super) struct File {
    pub(super) report: Report,
    pub(super) body: Body,
}

/// The hash of a text.
pub(super) type Body = [u8; 20];

/// Returns the commits from the first to `tip`, along first parents.
pub(super) fn line(git: &Repository, tip: Oid) -> Result<Vec<Commit>, git2::Error> {
    let odb = git.odb()?;
    let mut commits = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next {
        let object = odb.read(id)?;
        let step = (object.kind() == ObjectType::Commit).then(|| walk::parse(id, object.data())).flatten();
        let step = step.ok_or_else(|| git2::Error::from_str(&format!("`{id}` is not a commit")))?;
        next = step.parent(git, &odb)?;
        commits.push(commit(step, object.data()));
    }
    commits.reverse();
    Ok(commits)
}

fn commit(step: Step, bytes: &[u8]) -> Commit {
    let text = String::from_utf8_lossy(bytes);
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let is_by_service = head.lines().any(|line| {
        let who = line.strip_prefix("committer ").and_then(|line| line.rsplit_once('>'));
        who.is_some_and(|(who, _)| who.ends_with(&format!("<{SERVICE_EMAIL}")))
    });
    let n_parents = head.lines().filter(|line| line.starts_with("parent ")).count();
    Commit { step, n_parents, is_by_service, message: if is_by_service { message.into() } else { Box::default() } }
}

/// Reads what commits brought; quick along a line, as the trees before are at hand.
pub(super) struct Reader<'a> {
    git: &'a Repository,
    trees: Trees<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(git: &'a Repository) -> Self {
        Self { git, trees: Trees::new(git) }
    }

    /// Reads what `commit` brought after `before`.
    pub(super) fn content(&mut self, before: Option<&Commit>, commit: &Commit) -> Result<Content, git2::Error> {
        let git = self.git;
        let changed = self.trees.changed(before.map(|before| before.step.tree), Some(commit.step.tree))?;
        let file = match (&changed[..], commit.step.own_report) {
            ([one], Some(_)) if is_report_path(&one.name()) => match one.after {
                Some(after) if walk::is_regular(after.mode) => Some(file(git, &one.name(), after.id)?),
                _ => None,
            },
            _ => None,
        };
        Ok(Content { changed, file })
    }
}

/// Reads a report file.
pub(super) fn file(git: &Repository, path: &str, blob: Oid) -> Result<Result<File, Fault>, git2::Error> {
    let blob = git.find_blob(blob)?;
    let read = change::read(path, blob.content());
    Ok(read.map(|decoded| File { report: decoded.report, body: Sha1::digest(decoded.body).into() }))
}
