//! `golive verify`: the proof of a history, for an auditor at a terminal or a
//! program. Ends with 0 if all is right, 1 if commits are not, 2 if it cannot tell.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::check::shown;
use crate::config::Verify;
use crate::report::Status;
use crate::store::verify::{Offence, Verified, verify};

/// More than these are only counted.
const SHOWN_MAX: usize = 20;

/// Runs the command.
pub fn run(settings: &Verify) -> ExitCode {
    let start = Instant::now();
    // Draws nothing unless standard error is a terminal.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} commits, {eta} to go") {
        bar.set_style(style);
    }
    // What is read twice, the replay keeps itself; libgit2 would keep 256 MB of all the rest.
    git2::opts::enable_caching(false);
    let verified = verify(&settings.repo, &|n_done, n_all| {
        bar.set_length(n_all as u64);
        bar.set_position(n_done as u64);
    });
    bar.finish_and_clear();
    let mut err = io::stderr().lock();
    match verified {
        Ok(verified) => {
            let _ = tell(&verified, &mut err);
            let _ = writeln!(io::stdout(), "{}", summary(&verified, start.elapsed().as_secs_f64()));
            ExitCode::from(u8::from(verified.wrong().next().is_some()))
        }
        Err(error) => {
            let _ = writeln!(err, "golive: {}", shown::line(&error.to_string()));
            ExitCode::from(2)
        }
    }
}

fn tell(verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    let show = |offence: &Offence, out: &mut dyn Write| {
        let (id, subject) = (offence.commit, shown::line(&offence.subject));
        writeln!(out, "{id} {subject}\n  {}", shown::line(&offence.what))
    };
    let n_repaired = verified.repaired().count();
    for offence in verified.repaired().take(SHOWN_MAX) {
        show(offence, out)?;
        if let Some(by) = offence.repaired_by {
            writeln!(out, "  set right by {by}\n")?;
        }
    }
    if n_repaired > SHOWN_MAX {
        writeln!(out, "… and {} more that were set right\n", n_repaired - SHOWN_MAX)?;
    }
    let n_wrong = verified.wrong().count();
    for offence in verified.wrong().take(SHOWN_MAX) {
        show(offence, out)?;
        writeln!(out, "  WRONG\n")?;
    }
    if n_wrong > SHOWN_MAX {
        writeln!(out, "… and {} more that are wrong\n", n_wrong - SHOWN_MAX)?;
    }
    Ok(())
}

fn summary(verified: &Verified, seconds: f64) -> String {
    let statuses = Status::ALL.iter().zip(verified.by_status).map(|(status, n)| format!("{n} {status}"));
    let (n_wrong, n_repaired) = (verified.wrong().count(), verified.repaired().count());
    let verdict = match (n_wrong, n_repaired) {
        (0, 0) => "every commit is right".to_owned(),
        (0, n) => format!("every commit is right, or was set right ({n})"),
        (n, _) => format!("{n} wrong"),
    };
    format!(
        "{} commits up to {}, {} reports ({}), {} decisions, {seconds:.1} s: {verdict}",
        verified.n_commits,
        verified.tip,
        verified.n_reports,
        statuses.collect::<Vec<_>>().join(", "),
        verified.n_decisions,
    )
}
