//! `golive check --pre-receive`: git runs it inside a push, with one line for each
//! reference on standard input and the new objects apart, until they are accepted.

use std::io::{self, Read, Write};

use chrono::Utc;
use git2::{Oid, Repository};

use super::shown;
use crate::config::Check;
use crate::store::check::{CheckError, Update, check_push};

/// More findings than these are only counted.
const SHOWN_MAX: usize = 10;

/// Returns whether the push can be accepted; if not, the pusher was told why.
pub(super) fn run(settings: &Check) -> Result<bool, CheckError> {
    let mut input = String::new();
    let failed = |source| CheckError::Io { path: "standard input".into(), source };
    io::stdin().read_to_string(&mut input).map_err(failed)?;
    let updates = input.lines().map(update).collect::<Option<Vec<_>>>();
    let invalid = || io::Error::other("each line must be `OLD NEW REF`, as git gives them to a hook");
    let updates = updates.ok_or_else(invalid).map_err(failed)?;
    // Git verified what it received; to verify once more what was there doubles the time that ids take.
    git2::opts::strict_hash_verification(false);
    // Not `open`: what git holds apart is found by the environment alone.
    let git = Repository::open_from_env()?;
    let found = check_push(&git, &updates, settings.body_limit_bytes, Utc::now())?.findings;
    if found.is_empty() {
        return Ok(true);
    }
    let n = found.len();
    let mut out = io::stderr().lock();
    let problems = if n == 1 { "1 problem".to_owned() } else { format!("{n} problems") };
    let _ = writeln!(out, "golive: nothing of this push was accepted: {problems}\n");
    for found in found.iter().take(SHOWN_MAX) {
        let _ = writeln!(out, "{}", shown::plain(found));
    }
    if n > SHOWN_MAX {
        let _ = writeln!(out, "… and {} more", n - SHOWN_MAX);
    }
    Ok(false)
}

fn update(line: &str) -> Option<Update> {
    let mut words = line.splitn(3, ' ');
    let (old, new, name) = (words.next()?, words.next()?, words.next()?);
    Some(Update { old: Oid::from_str(old).ok()?, new: Oid::from_str(new).ok()?, name: name.to_owned() })
}
