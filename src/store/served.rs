//! `refs/golive/served`: the last tip that was served. By it a start notices
//! that history was rewound while nobody looked, and takes in what others
//! committed meanwhile; it also keeps a lost tip from being collected.

use std::fs::{self, File};
use std::io::{self, Write};

use git2::{Oid, Repository};

use super::repository::Location;
use crate::failpoint::failpoint;

pub(super) const SERVED_REF: &str = "refs/golive/served";

/// Returns the last tip that was served, if that is known.
pub(super) fn read(git: &Repository) -> Option<Oid> {
    git.refname_to_id(SERVED_REF).ok().filter(|commit| git.find_commit(*commit).is_ok())
}

/// Notes `commit` on disk.
///
/// # Errors
/// The file system's; what was noted before stays.
pub(super) fn note(location: &Location, commit: Oid) -> io::Result<()> {
    let (path, folder) = (location.git_dir.join(SERVED_REF), location.git_dir.join("refs/golive"));
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(location.own_dir())?;
    let draft = location.own_dir().join("served");
    let mut file = File::create(&draft)?;
    file.write_all(format!("{commit}\n").as_bytes())?;
    failpoint!("served.written", io);
    file.sync_all()?;
    failpoint!("served.synced");
    fs::rename(&draft, &path)?;
    failpoint!("served.placed");
    File::open(folder)?.sync_all()
}
