//! A whole clone, as it is in the work tree or in git's index, and what a push of
//! it would be refused for: its commits, its reports, and what else is staged.

mod read;
mod reports;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use git2::{Index, Repository};

use super::base::Base;
use super::commits::{self, Line};
use super::entries::Item;
use super::finding::Finding;
use super::rules::Rules;
use super::{CheckError, Checked, elsewhere, limit};
use read::{Content, Files};

/// Where the files are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    WorkTree,
    /// What the next `git commit` takes.
    Index,
    /// What is committed: a bare repository has nothing else.
    Head,
}

/// A repository to be checked.
pub struct Checkout<'a> {
    git: &'a Repository,
    source: Source,
    body_limit_bytes: usize,
    index: BTreeMap<String, Item>,
    conflicts: BTreeSet<String>,
}

impl<'a> Checkout<'a> {
    /// Looks at the repository `git`.
    ///
    /// # Errors
    /// libgit2's, if the index cannot be read.
    pub fn new(git: &'a Repository, source: Source, body_limit_bytes: Option<usize>) -> Result<Self, CheckError> {
        let source = if git.is_bare() { Source::Head } else { source };
        let body_limit_bytes = body_limit_bytes.unwrap_or_else(|| limit::read(git));
        let (mut index, mut conflicts) = (BTreeMap::new(), BTreeSet::new());
        if source != Source::Head {
            read_index(&git.index()?, &mut index, &mut conflicts);
        }
        Ok(Self { git, source, body_limit_bytes, index, conflicts })
    }

    /// Checks all of it.
    ///
    /// # Errors
    /// [`CheckError`], if something cannot be read.
    pub fn check(&self, base: &Base) -> Result<Checked, CheckError> {
        let format = self.content("golive.yaml", base)?;
        if !base.is_golive(self.git)? && !format.as_ref().is_some_and(|(_, file)| elsewhere::is_format(file)) {
            let path = self.git.workdir().unwrap_or(self.git.path());
            return Err(CheckError::NotGolive(path.display().to_string()));
        }
        let mut checked = Checked::default();
        let mut rules = Rules::telling(self.git, self.body_limit_bytes);
        if let (Some(record), Some(head)) = (base.record, base.commit)
            && let Line::Commits(commits) = commits::line(self.git, record, head)?
        {
            commits::judge(&mut rules, record, &commits, Utc::now(), &mut checked)?;
            checked.n_files = 0;
            rules.new_reports.clear();
        }
        checked.findings.extend(elsewhere::bad_format(format.as_ref().map(|(_, file)| &**file)));
        checked.findings.extend(self.elsewhere(base)?);
        let n_pushed = checked.findings.len();
        self.reports(base, &mut rules, &mut checked)?;
        // What a commit brought and nobody changed since is one problem.
        let (pushed, here) = checked.findings.split_at(n_pushed);
        let is_new = |found: &&Finding| !pushed.iter().any(|other| other.is_same(found));
        let here: Vec<_> = here.iter().filter(is_new).cloned().collect();
        checked.findings.truncate(n_pushed);
        checked.findings.extend(here);
        checked.warnings = rules.into_warnings();
        Ok(checked)
    }

    fn content(&self, path: &str, base: &Base) -> Result<Option<(i32, Vec<u8>)>, CheckError> {
        let files = Files { git: self.git, work_dir: self.git.workdir(), source: self.source, index: &self.index };
        files.content(path, base.item(path), limit::of_file(self.body_limit_bytes)).map(|read| match read {
            Content::File(mode, file) => Some((mode, file)),
            _ => None,
        })
    }

    /// Judges what is staged outside of `reports`; what is not, cannot be pushed.
    fn elsewhere(&self, base: &Base) -> Result<Vec<Finding>, CheckError> {
        let odb = self.git.odb()?;
        let mut found = Vec::new();
        for (path, item) in &self.index {
            if base.item(path) == Some(*item) || path.starts_with("reports/") {
                continue;
            }
            let refused = match elsewhere::refused(path, item.mode) {
                Some(refused) => Some(refused),
                None => elsewhere::too_large(path, odb.read_header(item.id)?.0, limit::of_file(self.body_limit_bytes)),
            };
            found.extend(refused);
        }
        Ok(found)
    }
}

fn read_index(index: &Index, files: &mut BTreeMap<String, Item>, conflicts: &mut BTreeSet<String>) {
    for entry in index.iter() {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        // Bits 12 and 13: the side of a merge that is not finished.
        if entry.flags >> 12 & 3 != 0 {
            conflicts.insert(path);
        } else {
            files.insert(path, Item { mode: entry.mode.cast_signed(), id: entry.id });
        }
    }
}
