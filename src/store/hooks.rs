//! Git's hooks in the reports repository: every push is checked before it is
//! accepted, and a plain `git commit` waits for git's index ([`pre_commit`]).
//!
//! They live in a folder of the service's own, written anew at each start with
//! the path of the program as it is then, and named by `core.hooksPath`. That
//! setting alone would switch off what people put into `.git/hooks`, so each
//! script runs theirs after its own part, and all other names are links to them.
//! A `core.hooksPath` that a person set stays, with a warning.

pub mod pre_commit;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use git2::{Config, ConfigLevel, ErrorCode};
use rustix::fs::OFlags;

use super::repository::{self, Location};
use crate::failpoint::failpoint;

const HOOKS_PATH: &str = "core.hooksPath";

/// Nothing is accepted unchecked: without the program, or when it cannot tell,
/// the push is refused. Both hooks get all of the input.
const PRE_RECEIVE: &str = r#"
if ! [ -x "$golive" ]; then
    echo "golive: $golive is gone, so nothing can be checked and this push is refused; start 'golive serve' here again" >&2
    exit 1
fi
changes=$(cat) || exit 1
printf '%s\n' "$changes" | "$golive" check --pre-receive || exit 1
if [ -x "$own" ]; then
    printf '%s\n' "$changes" | "$own" "$@"
fi
"#;

/// Waiting is a service to the person: nothing that goes wrong with it may stop a commit.
const PRE_COMMIT: &str = r#"
if [ -x "$golive" ]; then
    "$golive" hook pre-commit || :
fi
if [ -x "$own" ]; then
    exec "$own" "$@"
fi
"#;

const SCRIPTS: &[(&str, &str)] = &[("pre-receive", PRE_RECEIVE), ("pre-commit", PRE_COMMIT)];

/// All other hooks that git knows. A link to a file that is not there is no hook.
const OTHERS: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
];

/// Writes the hooks and the settings they need, as far as that is possible: a
/// repository that cannot have them can be served all the same.
pub(super) fn install(location: &Location) {
    if let Err(error) = keep_bytes(location) {
        tracing::warn!("`info/attributes` cannot be written: {error}; a `.gitattributes` can convert reports");
    }
    let folder = location.hooks_dir();
    failpoint!("hooks.attributed");
    if let Err(error) = write_all(&folder) {
        tracing::warn!("Hooks cannot be written to `{}`: {error}; pushes are not checked", folder.display());
        return;
    }
    failpoint!("hooks.linked");
    match configure(location, &folder) {
        Ok(None) => {}
        Ok(Some(theirs)) => tracing::warn!(
            "`{HOOKS_PATH}` is set to `{theirs}` and stays so: pushes by path or SSH are not checked, \
             `git commit` in the work tree does not wait for git's index, and a push over HTTP does not run the \
             hooks there; remove the setting (hooks in \
             `.git/hooks` run all the same) and start golive again"
        ),
        Err(error) => tracing::warn!("The repository's settings cannot be written: {error}; pushes are not checked"),
    }
}

/// What a pushed `.gitattributes` may say, git never converts a report: nobody's
/// checkout may look like an edit.
const ATTRIBUTES: &str = "reports/** -text -eol -filter -ident -working-tree-encoding\n";

/// Writes the attributes that win over all others, after what a person has there.
fn keep_bytes(location: &Location) -> io::Result<()> {
    let path = location.git_dir.join("info/attributes");
    let found = match fs::read(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if found.ends_with(ATTRIBUTES.as_bytes()) {
        return Ok(());
    }
    let end = if found.is_empty() || found.ends_with(b"\n") { "" } else { "\n" };
    fs::create_dir_all(location.git_dir.join("info"))?;
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = OpenOptions::new().append(true).create(true).custom_flags(no_link).open(&path)?;
    file.write_all(format!("{end}{ATTRIBUTES}").as_bytes())
}

fn write_all(folder: &Path) -> io::Result<()> {
    let program = std::env::current_exe()?;
    fs::create_dir_all(folder)?;
    for (name, body) in SCRIPTS {
        let own = "${0%/*}/../../hooks/";
        let mut script =
            b"#!/bin/sh\n# Written by golive at each start; your own hook is `.git/hooks`, as ever.\ngolive=".to_vec();
        script.extend(quoted(program.as_os_str()));
        script.extend(format!("\nown=\"{own}{name}\"{body}").into_bytes());
        let draft = folder.join(format!("{name}.new"));
        let _ = fs::remove_file(&draft);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(&draft)?;
        file.write_all(&script)?;
        drop(file);
        failpoint!("hooks.written");
        fs::rename(&draft, folder.join(name))?;
        failpoint!("hooks.placed");
    }
    for name in OTHERS {
        match symlink(Path::new("../../hooks").join(name), folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Returns `text` as one word of the shell.
fn quoted(text: &OsStr) -> Vec<u8> {
    let mut word = vec![b'\''];
    for &byte in text.as_bytes() {
        match byte {
            b'\'' => word.extend(br"'\''"),
            byte => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}

/// Names the folder in the settings; returns what a person named instead.
fn configure(location: &Location, folder: &Path) -> Result<Option<String>, git2::Error> {
    let mut config = location.open()?.config()?;
    let mut local = config.open_level(ConfigLevel::Local)?;
    repository::complete_settings(&mut local)?;
    if let Some(theirs) = found(&config.snapshot()?)?.filter(|path| !is_own(Path::new(path), folder)) {
        return Ok(Some(theirs));
    }
    let path = folder.to_str().ok_or_else(|| git2::Error::from_str("its path is not UTF-8"))?;
    if found(&local)?.as_deref() != Some(path) {
        local.set_str(HOOKS_PATH, path)?;
    }
    Ok(None)
}

fn found(config: &Config) -> Result<Option<String>, git2::Error> {
    match config.get_string(HOOKS_PATH) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A repository that was moved or copied names the folder where it was.
fn is_own(path: &Path, folder: &Path) -> bool {
    path == folder || (path.is_absolute() && path.ends_with(".git/golive/hooks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_one_word_of_the_shell() {
        for (path, word) in [("/bin/golive", "'/bin/golive'"), ("/it's \"$(x)\" `y`\\", "'/it'\\''s \"$(x)\" `y`\\'")] {
            assert_eq!(quoted(OsStr::new(path)), word.as_bytes());
        }
    }
}
