//! Whose turn it is: a push lands even while the service writes all the time.
//!
//! Between the answer that tells git where the branch is and the push that builds
//! on it, writes of the service are held ([`Store::hold`]). Who lost a push all the
//! same was too late before it began, with the commit that was fetched: their next
//! fetch is given a turn, from there to the end of the push.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Service;
use crate::store::Store;

/// From the fetch to the push, rebase included.
const TURN: Duration = Duration::from_secs(1);
/// From the push to its end; the checks of a large one take a while.
const PUSH: Duration = Duration::from_secs(2);
/// From being told where the branch is to the push: one round trip. Who is behind
/// does not push at all, and writes wait in vain.
const ANSWER: Duration = Duration::from_millis(500);
/// For so long a fetch waits until there is a turn to give.
const PATIENCE: Duration = Duration::from_secs(6);
/// Who did not come back for so long gave up.
const KEPT: Duration = Duration::from_secs(60);
/// Bounds the memory; beyond, pushes are as lucky as ever.
const LOSERS_MAX: usize = 1024;
/// Git asks with an empty request whether a large push would be let in.
const PROBE_BYTES: u64 = 4;

/// Who began a push that did not land, by address, and when.
#[derive(Default)]
pub(super) struct Turns {
    losers: Mutex<HashMap<IpAddr, Instant>>,
}

impl Turns {
    /// Holds writes as far as this request of git's needs it; `path` as in
    /// [`super::answer`]. Returns what ends the hold, for the push itself.
    pub(super) async fn take(
        self: &Arc<Self>,
        store: &Arc<Store>,
        peer: Option<IpAddr>,
        service: Service,
        path: Option<&str>,
        length: Option<u64>,
    ) -> Option<Push> {
        match (service, path) {
            (Service::UploadPack, None) => {
                let is_owed = peer.is_some_and(|peer| self.forget(peer));
                if is_owed {
                    wait_for_one(store).await;
                }
            }
            (Service::ReceivePack, None) => {
                peer.into_iter().for_each(|peer| self.note(peer));
                let _ = store.hold(ANSWER).await;
            }
            (Service::ReceivePack, Some(_)) if length != Some(PROBE_BYTES) => {
                let _ = store.hold(PUSH).await;
                return Some(Push { turns: self.clone(), store: store.clone(), peer });
            }
            _ => {}
        }
        None
    }

    fn note(&self, peer: IpAddr) {
        let mut losers = self.losers.lock().expect("no panic under this lock");
        losers.retain(|_, since| since.elapsed() < KEPT);
        if losers.len() < LOSERS_MAX {
            losers.insert(peer, Instant::now());
        }
    }

    /// Returns whether somebody there lost a push; for each there is one turn.
    fn forget(&self, peer: IpAddr) -> bool {
        let since = self.losers.lock().expect("no panic under this lock").remove(&peer);
        since.is_some_and(|since| since.elapsed() < KEPT)
    }
}

/// Rather the fetch waits than that it is in vain again.
async fn wait_for_one(store: &Store) {
    let start = Instant::now();
    while let Err(ready_in) = store.hold(TURN).await {
        if start.elapsed() + ready_in > PATIENCE {
            return;
        }
        tokio::time::sleep(ready_in).await;
    }
}

/// A push that is under way; lets writes go on when it is dropped.
pub(super) struct Push {
    turns: Arc<Turns>,
    store: Arc<Store>,
    peer: Option<IpAddr>,
}

impl Drop for Push {
    fn drop(&mut self) {
        // Held to the end, it was not lost to the service's writes.
        if self.store.end_hold()
            && let Some(peer) = self.peer
        {
            self.turns.forget(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_one_lost_push_there_is_one_turn() {
        let turns = Turns::default();
        let (loser, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 1]));
        turns.note(loser);
        assert!(!turns.forget(other));
        assert!(turns.forget(loser) && !turns.forget(loser));
    }
}
