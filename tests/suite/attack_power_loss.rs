//! The power fails under load, again and again: the file system of the repository is
//! shut down without flushing, and mounted again. Whatever was acknowledged is there.

use std::time::Duration;

use crate::common::attack::{rounds, seed};
use crate::common::disk::{Disk, KINDS, Kind, place_on_disk};
use crate::common::siege::{self, Who};
use crate::common::witness::{Witness, unsound};
use crate::common::{Place, Service};
#[cfg(feature = "failpoints")]
use crate::common::{submission, witness::submits};

/// It says nothing about the record, and takes time.
const QUIET: &[&str] = &["--without", "assessments"];
/// Before the power fails.
const ACKNOWLEDGED_MIN: usize = 20;

/// Works until enough was acknowledged and a moment more, then cuts the power.
fn work_until_the_power_fails(service: Service<'_>, disk: &Disk, witness: &Witness, tag: &str, moment: Duration) {
    siege::beside(&service, witness, tag, Who::Everybody, || {
        let enough = witness.n_acknowledged() + ACKNOWLEDGED_MIN;
        service.wait_until("enough was acknowledged", || witness.n_acknowledged() >= enough);
        // Not a wait for an event: the moment of the loss differs by round.
        std::thread::sleep(moment);
        disk.cut_power();
    });
    service.kill_9();
    disk.restore_power();
    witness.forget_files();
}

/// Returns what is wrong after a power loss.
fn faults(place: &Place, witness: &Witness) -> Vec<String> {
    match place.try_serve_with(QUIET) {
        Err(ended) => vec![format!("it does not start: {}", ended.stderr)],
        Ok(service) => {
            let mut faults = witness.faults(&service);
            if !faults.is_empty() {
                faults.push(service.log());
            }
            service.kill_9();
            faults.extend(unsound(place));
            faults
        }
    }
}

/// Different in each round, the same for each seed.
fn moment(round: usize) -> Duration {
    let drawn = (seed() ^ round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Duration::from_micros(drawn % 400_000)
}

/// Returns what was done; `None` where it cannot be.
fn lose_power(kind: Kind, n_rounds: usize) -> Option<String> {
    let (place, disk) = place_on_disk(kind)?;
    let witness = Witness::default();
    for round in 0..n_rounds {
        let tag = format!("r{round}");
        work_until_the_power_fails(place.serve_with(QUIET), &disk, &witness, &tag, moment(round));
        let faults = faults(&place, &witness);
        assert!(faults.is_empty(), "{}, round {round}, seed {}: {faults:#?}", kind.name, seed());
    }
    let n = witness.n_acknowledged();
    Some(format!("power-loss: ext4 {}: {n_rounds} losses, {n} acknowledged writes", kind.name))
}

#[test]
fn every_acknowledged_write_survives_a_power_loss() {
    if let Some(done) = lose_power(KINDS[0], rounds(4, 30)) {
        eprintln!("{done}");
    }
}

#[test]
fn every_acknowledged_write_survives_a_power_loss_of_disks_that_lose_more() {
    for kind in &KINDS[1..] {
        let Some(done) = lose_power(*kind, rounds(2, 12)) else { return };
        eprintln!("{done}");
    }
}

/// Git itself syncs the files of a push and not the folders that name them.
#[test]
fn acknowledged_push_survives_a_power_loss_right_after_it() {
    let n_rounds = rounds(3, 20);
    for kind in KINDS {
        let Some((place, disk)) = place_on_disk(*kind) else { return };
        for round in 0..n_rounds {
            // Whatever else is synced has ext4 sync the reference, too.
            let service = place.serve_with(&[QUIET, &["--without", "work-tree", "--without", "upkeep"]].concat());
            let pushed = place.sh(
                "",
                &format!(
                    "rm -rf clone; git clone -q {}/reports.git clone; cd clone; echo {round} > notes.md; \
                     git add notes.md; git commit -qm 'Note {round}'; git push -q origin HEAD:main; git rev-parse HEAD",
                    service.base
                ),
            );
            disk.cut_power();
            assert!(pushed.status.success(), "{pushed:?}");
            service.kill_9();
            disk.restore_power();
            let commit = pushed.stdout.trim();
            let is_there = place.try_git(&["merge-base", "--is-ancestor", commit, "main"]);
            assert!(is_there.status.success(), "{}, round {round}: {commit} is lost: {is_there:?}", kind.name);
            assert_eq!(unsound(&place), Vec::<String>::new(), "{}, round {round}", kind.name);
        }
        eprintln!("power-loss: ext4 {}: {n_rounds} losses right after a push", kind.name);
    }
}

/// One write, and the power fails before anything else is synced.
#[cfg(feature = "failpoints")]
fn write_and_lose_power(service: Service<'_>, disk: &Disk, witness: &Witness) {
    witness.sends(None, &submits("mcp-last"));
    let answer = service.post(&submission("mcp-last"));
    disk.cut_power();
    assert_eq!(answer.status, 201, "{answer:?}");
    witness.is_told(&submits("mcp-last"), answer.header("golive-commit"), Some(answer.json()));
    service.kill_9();
    disk.restore_power();
}

#[cfg(feature = "failpoints")]
#[test]
fn build_that_does_not_sync_is_caught() {
    // The last of them shows that it is the sync that makes the difference.
    for (point, is_caught) in [("pack.filled=return(skip)", true), ("branch.unsynced=return(skip)", true), ("", false)]
    {
        let Some((place, disk)) = place_on_disk(KINDS[0]) else { return };
        let witness = Witness::default();
        // Whatever else is synced has ext4 sync the reference, too.
        let alone = [QUIET, &["--without", "work-tree", "--without", "upkeep"]].concat();
        let service = place.serve_armed(point, None, &alone).expect("it starts");
        write_and_lose_power(service, &disk, &witness);
        let faults = faults(&place, &witness);
        assert_eq!(!faults.is_empty(), is_caught, "with `{point}`: {faults:#?}");
    }
}
