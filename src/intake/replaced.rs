//! What the service took out of files lately. An editor that had such a version
//! open saves it again, and what came in its place meanwhile must not look as if
//! the person had taken it back.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use git2::Oid;

use super::earlier::has_loaded;

/// For so long an editor may have a version open that is not the newest.
pub(super) const AGE_MAX: Duration = Duration::from_secs(3600);
const VERSIONS_MAX: usize = 4096;

#[derive(Default)]
pub(super) struct Replaced {
    by_path: HashMap<String, Vec<Oid>>,
    order: VecDeque<(Instant, String)>,
}

impl Replaced {
    /// Notes that the file at `path` held `version`, and no longer does.
    pub(super) fn add(&mut self, path: &str, version: Oid, now: Instant) {
        self.by_path.entry(path.to_owned()).or_default().push(version);
        self.order.push_back((now, path.to_owned()));
        let is_old = |at: Instant| now.saturating_duration_since(at) > AGE_MAX;
        while self.order.len() > VERSIONS_MAX || self.order.front().is_some_and(|(at, _)| is_old(*at)) {
            let Some((_, path)) = self.order.pop_front() else { break };
            if let Some(versions) = self.by_path.get_mut(&path) {
                versions.drain(..1.min(versions.len()));
                if versions.is_empty() {
                    self.by_path.remove(&path);
                }
            }
        }
    }

    /// A person saved the file: whatever they have open is newer.
    pub(super) fn forget(&mut self, path: &str) {
        self.by_path.remove(path);
    }

    /// Returns the version that `theirs` was made from, if it shows something of that
    /// and nothing of `base`, which is in its place now: of several, the one it is most like.
    ///
    /// `before_start` are the versions that were replaced before this process began.
    pub(super) fn origin(
        &self,
        path: &str,
        base: &[u8],
        theirs: &[u8],
        before_start: &[Oid],
        read: impl Fn(Oid) -> Option<Vec<u8>>,
    ) -> Option<Oid> {
        let versions = self.by_path.get(path).into_iter().flatten().chain(before_start);
        let files = versions.filter_map(|version| Some((*version, read(*version)?)));
        // A line that nobody has changed on the way from `file`, and that is no more in `base`.
        let shows = |file: &[u8]| !has_loaded(file, base, theirs) && has_loaded(base, file, theirs);
        let unseen = files.filter(|(_, file)| file != base && shows(file));
        unseen.min_by_key(|(_, file)| n_lines_apart(file, theirs)).map(|(version, _)| version)
    }
}

/// Returns whether `theirs` was made from `newer` and not from `older`: who was told
/// to take the record's version and make the change anew may do both in one moment.
/// That both have one status says nothing: two people can decide alike.
pub(super) fn is_made_from(newer: &[u8], older: &[u8], theirs: &[u8]) -> bool {
    let without_status = |file: &[u8]| {
        let is_kept = |line: &&[u8]| !line.starts_with(b"status:");
        file.split(|byte| *byte == b'\n').filter(is_kept).collect::<Vec<_>>().join(&b'\n')
    };
    has_loaded(older, &without_status(newer), theirs) && n_lines_apart(newer, theirs) < n_lines_apart(older, theirs)
}

fn n_lines_apart(a: &[u8], b: &[u8]) -> usize {
    let lines = |file: &'_ [u8]| file.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (a, b) = (lines(a), lines(b));
    a.iter().filter(|line| !b.contains(line)).count() + b.iter().filter(|line| !a.contains(line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_alike_has_not_loaded_the_other_decision() {
        let older = b"status: pending\nnotes: null\nby: null\n";
        let newer = b"status: rejected\nnotes: Theirs\nby: Kim\n";
        assert!(!is_made_from(newer, older, b"status: rejected\nnotes: Mine\nby: null\n"));
        assert!(is_made_from(newer, older, b"status: rejected\nnotes: Mine\nby: Kim\n"));
        assert!(is_made_from(newer, older, b"status: approved\nnotes: Mine\nby: Kim\n"));
    }

    #[test]
    fn change_of_all_that_is_new_was_made_from_the_newest_version() {
        let id = Oid::from_bytes(&[1; 20]).unwrap();
        let (old, new) = (b"status: pending\nby: null\n", b"status: approved\nby: null\n");
        let (read, mut replaced) = (|_| Some(old.to_vec()), Replaced::default());
        replaced.add("a", id, Instant::now());
        assert_eq!(replaced.origin("a", new, b"status: rejected\nby: null\n", &[], read), None);
        assert_eq!(replaced.origin("a", new, b"status: pending\nby: null\nname: b\n", &[], read), Some(id));
    }

    #[test]
    fn editor_that_saw_nothing_of_the_new_version_had_the_old_one() {
        let id = |n: u8| Oid::from_bytes(&[n; 20]).unwrap();
        let (old, new) = (b"status: pending\nby: null\nname: a\n", b"status: approved\nby: Kim\nname: a\n");
        let read = |_| Some(old.to_vec());
        let (mut replaced, now) = (Replaced::default(), Instant::now());
        replaced.add("a", id(1), now);
        assert_eq!(replaced.origin("a", new, b"status: pending\nby: null\nname: b\n", &[], read), Some(id(1)));
        // Reopened by hand: who decided is still there.
        assert_eq!(replaced.origin("a", new, b"status: pending\nby: Kim\nname: a\n", &[], read), None);
        assert_eq!(replaced.origin("b", new, old, &[], read), None);
        assert_eq!(replaced.origin("b", new, old, &[id(3)], read), Some(id(3)));
        replaced.add("b", id(2), now + AGE_MAX + Duration::from_secs(1));
        assert_eq!(replaced.origin("a", new, old, &[], read), None);
    }
}
