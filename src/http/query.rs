//! The query of a call, strictly: every parameter once, none that is not known.

use axum::extract::{Query, rejection::QueryRejection};
use chrono::{DateTime, Utc};
use git2::Oid;

use super::problem::Problem;
use crate::report::validate::Faults;
use crate::store::history::{At, CommitName};

/// What axum makes of the query, refusals included.
pub(super) type RawQuery = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// No call knows nearly as many; each one more would be named in the answer.
const PARAMETERS_MAX: usize = 32;

/// The parameters that nobody took yet.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// # Errors
    /// 400 if the query cannot be decoded.
    pub(super) fn read(query: RawQuery) -> Result<Self, Problem> {
        let Query(parameters) =
            query.map_err(|_| Problem::malformed("the query cannot be read; percent-encode it as UTF-8"))?;
        if parameters.len() > PARAMETERS_MAX {
            return Err(Problem::malformed(format!("the query has more than {PARAMETERS_MAX} parameters")));
        }
        Ok(Self(parameters))
    }

    /// Returns the parameters in their order.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// Drops the parameters without a value: a form sends every field.
    pub(super) fn forget_empty(&mut self) {
        self.0.retain(|(_, value)| !value.trim().is_empty());
    }

    /// Takes the parameter `name` and reads it.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        faults: &mut Faults,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let found: Vec<_> = self.0.extract_if(.., |(other, _)| other == name).collect();
        match &found[..] {
            [] => None,
            [(_, value)] => faults.take(name, read(value)),
            _ => {
                faults.push(name, "must be given once");
                None
            }
        }
    }

    /// Refuses what was not taken; `known` lists what there is.
    pub(super) fn refuse_others(self, faults: &mut Faults, known: &str) {
        for (name, _) in self.0 {
            faults.push(&name, format!("is not known here; use {known}"));
        }
    }
}

pub(super) fn read_time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| "must be a time like `2025-10-20T10:00:00Z`".into())
}

/// Reads a number of items between 1 and `max`.
pub(super) fn read_limit(text: &str, max: usize) -> Result<usize, String> {
    let digits = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let limit = digits.and_then(|text| text.parse().ok()).filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| format!("must be a whole number between 1 and {max}"))
}

/// Reads the whole id of a commit.
pub(super) fn read_commit(text: &str) -> Option<Oid> {
    // Letter for letter: `Oid::from_str` would take other spellings of an id.
    Oid::from_str(text).ok().filter(|id| id.to_string() == text)
}

/// Reads a commit id or a time.
pub(super) fn read_at(text: &str) -> Result<At, String> {
    let commit = CommitName::parse(text).map(At::Commit);
    commit
        .or_else(|| read_time(text).map(At::Time).ok())
        .ok_or_else(|| "must be a commit id (at least its first 7 digits) or a time like `2025-10-20T10:00:00Z`".into())
}
