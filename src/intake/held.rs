//! The version that a person's file was made from, for files that are left alone
//! while the tip moves on: `<git dir>/golive/held`, a line for each.
//!
//! Without it, a later merge would take what the record gained meanwhile for
//! something that the person removed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use git2::Oid;

use crate::failpoint::failpoint;

/// Where there was no file.
const NO_FILE: &str = "none";

/// By path; `None` where there was no file.
type Versions = BTreeMap<String, Option<Oid>>;

pub(super) struct Held {
    folder: PathBuf,
    bases: Versions,
    /// Files that are the tip's again, with what they hold. As long as git's index may lack
    /// that, they stay noted: nothing else would say so to a start after a crash.
    released: Versions,
    /// What is on disk; `None` where that is not known, as it could not be written.
    noted: Option<Versions>,
}

impl Held {
    /// Reads what was held at the last stop; what cannot be read is not held.
    pub(super) fn open(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("held")).unwrap_or_default();
        let bases = text.lines().filter_map(|line| {
            let (blob, path) = line.split_once(' ')?;
            let blob = if blob == NO_FILE { None } else { Some(Oid::from_str(blob).ok()?) };
            Some((path.to_owned(), blob))
        });
        let bases: Versions = bases.collect();
        Self { folder: folder.into(), noted: Some(bases.clone()), bases, released: Versions::new() }
    }

    /// Returns the base of the file at `path`, if it is held.
    pub(super) fn get(&self, path: &str) -> Option<Option<Oid>> {
        self.bases.get(path).copied()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.bases.keys()
    }

    /// Holds `base` for `path`, unless an older one is held: the person started there.
    pub(super) fn keep(&mut self, path: &str, base: Option<Oid>) {
        self.bases.entry(path.to_owned()).or_insert(base);
    }

    /// Holds `base` for `path`.
    pub(super) fn set(&mut self, path: &str, base: Option<Oid>) {
        self.bases.insert(path.to_owned(), base);
    }

    /// The file at `path` is the tip's again, which has `blob`; git's index is to follow.
    pub(super) fn release(&mut self, path: &str, blob: Option<Oid>) {
        self.bases.remove(path);
        if self.noted.as_ref().is_none_or(|noted| noted.contains_key(path)) {
            self.released.insert(path.to_owned(), blob);
        }
    }

    /// Returns the files that git's index is to follow.
    pub(super) fn released(&self) -> impl Iterator<Item = &String> {
        self.released.keys()
    }

    /// Git's index has all that was released.
    pub(super) fn index_is_written(&mut self) {
        self.released.clear();
    }

    /// Puts what changed on disk.
    ///
    /// # Errors
    /// The file system's; then it is tried again next time.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let mut lines = self.released.clone();
        lines.extend(self.bases.clone());
        if self.noted.as_ref() == Some(&lines) {
            return Ok(());
        }
        self.noted = None;
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join("held");
        if lines.is_empty() {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        } else {
            let draft = self.folder.join("held.new");
            let mut file = File::create(&draft)?;
            let line = |(path, blob): (&String, &Option<Oid>)| match blob {
                Some(blob) => format!("{blob} {path}\n"),
                None => format!("{NO_FILE} {path}\n"),
            };
            file.write_all(lines.iter().map(line).collect::<String>().as_bytes())?;
            failpoint!("held.written", io);
            file.sync_all()?;
            failpoint!("held.synced");
            fs::rename(&draft, &path)?;
            failpoint!("held.placed");
        }
        File::open(&self.folder)?.sync_all()?;
        failpoint!("held.kept");
        self.noted = Some(lines);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_written_though_nothing_is_held_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let mut held = Held::open(dir.path());
        held.keep("reports/one.md", None);
        held.save().unwrap();
        let file = dir.path().join("held");
        let (line, aside) = (fs::read(&file).unwrap(), dir.path().join("held.new"));
        held.keep("reports/two.md", None);
        fs::create_dir(&aside).unwrap();
        assert!(held.save().is_err());
        held.release("reports/two.md", None);
        held.index_is_written();
        fs::remove_dir(&aside).unwrap();
        // As if the error had come after the file was in its place.
        fs::write(&file, "none reports/two.md\n").unwrap();
        held.save().unwrap();
        assert_eq!(fs::read(&file).unwrap(), line);
    }

    #[test]
    fn what_is_held_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let id = |n| Some(Oid::from_bytes(&[n; 20]).unwrap());
        let mut held = Held::open(dir.path());
        held.keep("reports/a b.md", id(1));
        held.keep("reports/a b.md", id(2));
        held.keep("reports/new.md", None);
        held.keep("reports/gone.md", id(3));
        held.release("reports/gone.md", id(3));
        held.save().unwrap();
        let mut held = Held::open(dir.path());
        assert_eq!(held.get("reports/a b.md"), Some(id(1)));
        assert_eq!(held.get("reports/new.md"), Some(None));
        assert_eq!(held.get("reports/gone.md"), None);
        held.set("reports/a b.md", id(2));
        held.release("reports/new.md", id(4));
        held.save().unwrap();
        assert_eq!(held.get("reports/new.md"), None);
        assert_eq!(Held::open(dir.path()).get("reports/new.md"), Some(id(4)), "the index may lack it");
        assert_eq!(Held::open(dir.path()).get("reports/a b.md"), Some(id(2)));
        held.release("reports/a b.md", id(2));
        held.index_is_written();
        held.save().unwrap();
        assert!(!dir.path().join("held").exists());
    }
}
