//! The rules of the record, held against what is not in it yet: the files of a
//! clone, and the commits of a push. Judged by [`crate::report::change`], like
//! everything that people write; nothing here writes.

mod base;
mod checkout;
mod commits;
mod elsewhere;
mod entries;
mod files;
mod finding;
mod ids;
pub mod limit;
mod push;
mod rules;

pub use base::Base;
pub use checkout::{Checkout, Source};
pub use files::check_files;
pub use finding::{Excerpt, Finding, visible};
pub use push::{Update, check_push};

pub(super) use elsewhere::is_golive;
pub(super) use entries::{Changed, Trees};
pub(super) use finding::subject;

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Checked {
    pub n_files: usize,
    pub findings: Vec<Finding>,
    /// What the texts of changed reports lack, where that refuses nothing.
    pub warnings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unread: Vec<CheckError>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("`{0}` is not in a git repository; go into a clone, or name one with `--repo`")]
    NotGit(String),
    #[error(
        "`{0}` is not a golive repository: no `golive.yaml` of it says `golive: 1`, in its files or where `HEAD` is; go into a clone \
             of one, or take that file from a commit of `git log -- golive.yaml`"
    )]
    NotGolive(String),
    #[error("`{name}` is not a commit of this repository: {source}")]
    NoCommit { name: String, source: git2::Error },
    #[error("there is no `{0}`; correct the path, or leave it out")]
    NoFile(String),
    #[error("`{path}`: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("the repository cannot be read: {0}")]
    Git(#[from] git2::Error),
}
