//! The commits that the branch was at, one after the other: its first-parent
//! line. Finds one by the start of its id, or by the time when it was the tip,
//! at a cost that hardly grows with the length of the line.

use chrono::{DateTime, Utc};
use git2::Oid;

use super::dense::dense;

/// Abbreviations shorter than this name too many commits.
const PREFIX_MIN: usize = 7;
const ID_LEN: usize = 40;

/// The id of a commit, or the start of one, in lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitName(String);

impl CommitName {
    /// Reads 7 to 40 hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (PREFIX_MIN..=ID_LEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct Point {
    commit: Oid,
    /// The latest committer time up to here, in seconds since 1970. Clocks go
    /// back; the branch does not.
    latest: i64,
}

/// Persistent, like everything in a snapshot: a copy shares what both have.
#[derive(Clone, Default)]
pub(super) struct Line {
    points: imbl::Vector<Point>,
    /// The place of each among the points.
    places: imbl::OrdMap<Oid, usize>,
}

impl Line {
    /// Adds the commit that the branch went to; `committed_at` in seconds since 1970.
    pub(super) fn push(&mut self, commit: Oid, committed_at: i64) {
        let latest = self.points.last().map_or(committed_at, |point| point.latest.max(committed_at));
        self.points.push_back(Point { commit, latest });
        self.places.insert(commit, self.points.len() - 1);
    }

    /// Takes less memory from here on.
    pub(super) fn make_dense(&mut self) {
        self.places = dense(&self.places);
    }

    /// Returns the number of commits.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// Returns the commits, oldest first, with times that [`Self::push`] takes.
    pub(super) fn points(&self) -> impl Iterator<Item = (Oid, i64)> {
        self.points.iter().map(|point| (point.commit, point.latest))
    }

    /// Returns the commit at `place`, the first one being at 0.
    pub(super) fn get(&self, place: usize) -> Option<Oid> {
        self.points.get(place).map(|point| point.commit)
    }

    /// Returns where `commit` is, if it is on the line.
    pub(super) fn place(&self, commit: Oid) -> Option<usize> {
        self.places.get(&commit).copied()
    }

    /// Returns the commit that was the tip at `time`, or `None` before the first.
    pub(super) fn at(&self, time: DateTime<Utc>) -> Option<Oid> {
        let (mut before, mut after) = (0, self.points.len());
        while before < after {
            let middle = usize::midpoint(before, after);
            if self.points[middle].latest <= time.timestamp() {
                before = middle + 1;
            } else {
                after = middle;
            }
        }
        Some(self.points[before.checked_sub(1)?].commit)
    }

    /// Returns the commits on the line whose id starts with `name`, at most two.
    pub(super) fn named(&self, name: &CommitName) -> Vec<Oid> {
        let Ok(first) = Oid::from_str(&name.0) else { return Vec::new() };
        let from_there = self.places.range(first..).map(|(id, _)| id);
        from_there.take_while(|id| id.to_string().starts_with(&name.0)).take(2).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(commits: &[(&str, i64)]) -> Line {
        let mut line = Line::default();
        for (id, at) in commits {
            line.push(Oid::from_str(id).unwrap(), *at);
        }
        line
    }

    #[test]
    fn time_names_the_newest_commit_that_was_there() {
        // The third commit's clock went back; the fourth is of the same second as the second.
        let line = line(&[("a1", 10), ("a2", 20), ("a3", 5), ("a4", 20), ("a5", 30)]);
        for (seconds, expected) in
            [(9, None), (10, Some("a1")), (19, Some("a1")), (20, Some("a4")), (29, Some("a4")), (99, Some("a5"))]
        {
            let expected = expected.map(|id| Oid::from_str(id).unwrap());
            assert_eq!(line.at(DateTime::from_timestamp(seconds, 0).unwrap()), expected, "{seconds}");
        }
        assert_eq!(Line::default().at(DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn start_of_an_id_names_all_that_start_so() {
        let line = line(&[("abcdef01", 1), ("abcdef02", 2), ("abcdee", 3), ("ffffffffff", 4)]);
        for (name, n) in [("abcdef0", 2), ("abcdef01", 1), ("ABCDEF02", 1), ("abcdef03", 0), ("fffffff", 1)] {
            assert_eq!(line.named(&CommitName::parse(name).unwrap()).len(), n, "{name}");
        }
        for text in ["", "abcdef", "abcdefg", &"a".repeat(41), "-abcdef", "HEAD~12"] {
            assert_eq!(CommitName::parse(text), None, "{text}");
        }
    }
}
