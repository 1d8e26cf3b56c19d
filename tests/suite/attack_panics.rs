//! A thread that panics: the service ends, or the thread goes on with its next work.
//! Either way nothing that was acknowledged is lost, and the next start repairs the rest.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::edits::place_of_robin;
use crate::common::siege::{self, Who};
use crate::common::witness::{Witness, unsound};
use crate::common::{PATIENCE, submission};

const QUIET: &[&str] = &["--without", "assessments"];

#[test]
fn thread_that_panics_ends_the_service_and_the_next_start_has_everything() {
    let points = [
        ("write.planned", "writer"),
        ("write.published", "writer"),
        ("served.written", "upkeep"),
        ("join.read", "upkeep"),
        ("file.made", "worktree"),
        ("mirrored.noted", "worktree"),
    ];
    for (point, thread) in points {
        let (place, witness) = (place_of_robin(), Witness::default());
        let gate = place.path().join("from");
        let service = place.serve_armed(&format!("{point}=1*panic"), Some(&gate), QUIET).expect("it starts");
        let has_ended = siege::beside(&service, &witness, thread, Who::Clients, || {
            service.wait_until("some are acknowledged", || witness.n_acknowledged() > 5);
            fs::write(&gate, "").expect("written");
            let start = Instant::now();
            while !service.has_ended() && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(2)); // between two looks
            }
            service.has_ended()
        });
        let log = service.log();
        assert!(has_ended, "{point}: {log}");
        assert!(log.contains(&format!("The thread `{thread}` panicked, so the service ends")), "{point}: {log}");
        drop(service);
        let service = place.serve_with(QUIET);
        let faults = witness.faults(&service);
        assert!(faults.is_empty(), "{point}: {faults:#?}\n{}", service.log());
        service.stop();
        assert_eq!(unsound(&place), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn write_whose_flush_panics_is_called_unknown_and_the_next_is_made() {
    for (point, is_written) in [("write.begun", false), ("pack.synced", false), ("branch.unlocked", true)] {
        let place = place_of_robin();
        let gate = place.path().join("from");
        let service = place.serve_armed(&format!("{point}=1*panic"), Some(&gate), QUIET).expect("it starts");
        let first = service.submit("mcp-first");
        service.wait_until_settled();
        fs::write(&gate, "").expect("written");
        let problem = service.post(&submission("mcp-second")).problem(503);
        assert_eq!(problem["type"], "urn:golive:problem:unknown-outcome", "{problem}");
        // Asked again, as the answer says: it is there, or it is made now.
        let again = service.post(&submission("mcp-second"));
        assert_eq!(again.status, if is_written { 409 } else { 201 }, "{point}: {again:?}");
        service.submit("mcp-third");
        assert_eq!(service.get(&format!("/api/v1/reports/{first}")).status, 200);
        service.wait_until_settled();
        service.assert_record_is_whole(3);
        service.stop();
        assert_eq!(unsound(&place), Vec::<String>::new(), "{point}");
    }
}
