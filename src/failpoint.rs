//! Named steps at which a test has the process die, an operation fail, or a sync
//! left out. Built with the feature `failpoints` alone, which no release has.
//!
//! `FAILPOINTS='pack.filled=2*off->return(die)'` in the environment: when the
//! process comes to `pack.filled` for the third time, it is gone, as by `kill -9`.
//! Other words of `fail` do what they do there (`sleep(100)`, `pause`, `1%…`). With
//! `FAILPOINTS_FROM=FILE` nothing counts before there is that file, and
//! `1*return(stay)` holds the thread there until it is gone; `FILE.held` says that it
//! is there.
//!
//! A name is the part, a dot, and what was done last when the process is there:
//! what comes between two points in the code is a step.
//!
//! | part | what it is | where |
//! |---|---|---|
//! | `write` | a batch on its way to its answers | `store/writer.rs`, `flusher.rs` |
//! | `pack`, `nursery` | its objects | `store/pack.rs`, `nursery.rs` |
//! | `tip`, `branch` | the file with the new tip, and the move of the branch | `store/branch.rs` |
//! | `absorb`, `rewind` | what others did to the branch is taken in | `store/absorb.rs`, `writer/catch_up.rs` |
//! | `join`, `repack` | upkeep | `store/join.rs`, `pack/stream.rs`, `upkeep/…` |
//! | `served`, `saved` | what the next start reads | `store/served.rs`, `saved.rs` |
//! | `create`, `start`, `hooks`, `stop` | a service begins and ends | `store.rs`, `store/…` |
//! | `file`, `folder` | a file of the work tree is put in its place | `intake/place.rs` |
//! | `index`, `mirrored` | git's index follows, and how far is noted | `intake/index.rs`, `mirror/progress.rs` |
//! | `compare` | what the mirror missed is made good | `intake/mirror/compare.rs` |
//! | `edit`, `held` | a hand edit is taken in or refused | `intake/edits`, `intake/held.rs` |
//! | `aside` | what a power loss left of a file is kept | `intake/set_aside.rs` |
//! | `push` | a push over HTTP | `http/git.rs` |

#[cfg(feature = "failpoints")]
use std::{ffi::OsString, path::Path, sync::LazyLock};

/// Marks a step. `failpoint!("part.done", io)` can also fail by the number of an
/// error of the system (`return(28)`), or leave out what comes after it in the
/// function (`return(skip)`).
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        let _ = $crate::failpoint::reached($name);
    };
    ($name:literal, io) => {
        #[cfg(feature = "failpoints")]
        match $crate::failpoint::reached($name) {
            Some(Ok(())) => return Ok(Default::default()),
            Some(Err(error)) => return Err(From::from(error)),
            None => {}
        }
    };
}
pub(crate) use failpoint;

/// Arms what the variable `FAILPOINTS` names, until the process ends.
///
/// # Panics
/// If it says what no point can do.
#[cfg(feature = "failpoints")]
pub fn arm() {
    std::mem::forget(fail::FailScenario::setup());
}

#[cfg(feature = "failpoints")]
pub(crate) fn reached(name: &str) -> Option<std::io::Result<()>> {
    static FROM: LazyLock<Option<OsString>> = LazyLock::new(|| std::env::var_os("FAILPOINTS_FROM"));
    if FROM.as_ref().is_some_and(|file| !Path::new(file).exists()) {
        return None;
    }
    fail::eval(name, |word| match word.as_deref() {
        Some("die") => die(),
        Some("skip") => Ok(()),
        Some("stay") => stay(FROM.as_ref().expect("`FAILPOINTS_FROM`, without which it would stay for ever")),
        Some(number) => Err(std::io::Error::from_raw_os_error(number.parse().expect("the number of an error"))),
        None => panic!("`{name}`: `return(die)`, `return(skip)`, `return(stay)` or `return(NUMBER)`"),
    })
}

#[cfg(feature = "failpoints")]
fn stay(file: &OsString) -> std::io::Result<()> {
    let _ = std::fs::write(Path::new(file).with_extension("held"), "");
    while Path::new(file).exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

/// Ends the process as `kill -9` does: nothing is dropped, and nothing said.
#[cfg(feature = "failpoints")]
fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
