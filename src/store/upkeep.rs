//! What is done in the background: packs are kept few ([`joins`]), the tip that is served is
//! noted, and the state saved for the next start.

mod joins;
mod repack;
mod saving;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use self::joins::Joins;
use self::saving::Saving;
use super::Shared;
use super::repository::Location;

/// While packs are joined, and otherwise.
const BUSY_LOOK_INTERVAL: Duration = Duration::from_millis(25);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The tip that is served is noted so often.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);
/// What packs that are gone still take is let go so often.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);

/// Works until the sender of `stop` is gone.
pub(super) fn run(location: &Location, shared: &Arc<Shared>, stop: &Receiver<()>) {
    let mut joins = Joins::new(location, shared);
    let mut pause = LOOK_INTERVAL;
    let (mut noted, mut tidied, mut saving) = (Instant::now(), Instant::now(), Saving::default());
    let mut noted_tip = shared.snapshot.load().commit;
    while stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        if noted.elapsed() > NOTE_INTERVAL {
            shared.note_served();
            let tip = shared.snapshot.load().commit;
            let is_calm = std::mem::replace(&mut noted_tip, tip) == tip;
            saving.begin_if_due(shared, is_calm);
            if tidied.elapsed() > TIDY_INTERVAL {
                shared.blobs.forget_removed();
                tidied = Instant::now();
            }
            noted = Instant::now();
        }
        pause = if joins.look(stop) { BUSY_LOOK_INTERVAL } else { LOOK_INTERVAL };
    }
}
