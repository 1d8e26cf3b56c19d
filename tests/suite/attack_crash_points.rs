//! The process dies at every step of a write, of the work tree's mirror, of upkeep,
//! of taking in what others did, of a start and a stop; and each start after it has
//! everything that was acknowledged, and repairs the rest by itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::attack::{rounds, seed, size};
use crate::common::edits::{place_of_robin, save_by_rename};
use crate::common::siege::{self, Who};
use crate::common::witness::{Witness, submits, unsound};
use crate::common::{Place, Service, decision};

/// How the process is brought to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Clients write; in the long form a person edits files and another pushes, too.
    Work,
    /// Clients write, a person edits files.
    Edit,
    /// Somebody pushes: beside others that write, a push can take long.
    Push,
    /// It is stopped beside that.
    Stop,
    /// It starts after a crash that left locks and half a pack.
    Start,
    /// It starts where there are so many packs that upkeep joins them.
    Join,
    /// And such as only git can join.
    Repack,
    /// It starts after a power loss that cut a file of the work tree.
    Cut,
    /// It starts where it is not known how far the work tree was.
    Lost,
    /// It starts where there is no repository yet.
    Create,
    /// Somebody rewinds the branch.
    Rewind,
    /// A person saves just when their file is exchanged for a newer one.
    Race,
}

/// Every step that has a name in the sources, and how it is reached.
const POINTS: &[(Way, &[&str])] = &[
    (
        Way::Work,
        &[
            "write.planned",
            "write.begun",
            "pack.made",
            "pack.filled",
            "pack.synced",
            "pack.placed",
            "pack.indexed",
            "pack.kept",
            "nursery.opened",
            "nursery.left",
            "tip.made",
            "tip.written",
            "tip.synced",
            "write.prepared",
            "branch.locked",
            "branch.swapped",
            "branch.unlocked",
            "branch.unsynced",
            "write.flushed",
            "write.published",
            "write.answered",
            "served.written",
            "served.synced",
            "served.placed",
            "file.made",
            "folder.made",
            "file.placed",
            "file.filled",
            "index.written",
            "index.synced",
            "index.locked",
            "index.unlocked",
        ],
    ),
    (
        Way::Edit,
        &[
            "edit.seen",
            "edit.committed",
            "edit.written-back",
            "edit.refused",
            "held.written",
            "held.synced",
            "held.placed",
            "held.kept",
            "file.exchanged",
            "index.placed",
            "mirrored.noted",
        ],
    ),
    (
        Way::Push,
        &[
            "absorb.stepped",
            "absorb.read",
            "absorb.served",
            "push.begun",
            "push.landed",
            "compare.begun",
            "compare.placed",
            "compare.done",
        ],
    ),
    (Way::Stop, &["stop.drained", "stop.noted", "saved.written", "saved.placed", "stop.saved", "stop.marked"]),
    (
        Way::Start,
        &[
            "start.locked",
            "start.emptied",
            "start.unpacked",
            "start.unlocked",
            "start.cleared",
            "start.unmarked",
            "start.marked",
            "hooks.attributed",
            "hooks.written",
            "hooks.placed",
            "hooks.linked",
            "start.hooked",
            "start.read",
            "start.caught-up",
        ],
    ),
    (
        Way::Join,
        &["join.read", "join.synced", "join.stored", "join.cleared", "join.hidden", "join.removed", "join.done"],
    ),
    (Way::Repack, &["repack.begun"]),
    (Way::Cut, &["aside.written", "aside.synced", "aside.kept"]),
    (Way::Lost, &["mirrored.dropped"]),
    (
        Way::Create,
        &[
            "create.begun",
            "create.packed",
            "create.pointed",
            "create.unsynced",
            "create.built",
            "create.laid-out",
            "create.placed",
        ],
    ),
    (Way::Rewind, &["rewind.seen", "rewind.read"]),
    (Way::Race, &["file.exchanged", "file.given-back"]),
];

/// It says nothing about the record, and takes time.
const QUIET: &[&str] = &["--without", "assessments"];
/// In the long form, each time at another of so many times that the step is reached.
const HITS: usize = 2;
/// In the short form, one step of so many.
const SAMPLE: usize = 3;
/// Beside each other; most of the time one waits for files to come to rest.
const CHAINS: usize = 4;
/// So long everybody works before a step is not reached.
const PATIENCE: Duration = Duration::from_secs(30);

/// One repository that goes through crash after crash.
struct Chain {
    place: Place,
    witness: Witness,
    n_crashes: usize,
}

impl Chain {
    fn new() -> Self {
        Self { place: place_of_robin(), witness: Witness::default(), n_crashes: 0 }
    }

    /// Has the process die when it is at `point` for the `hit`-th time.
    fn crash(&mut self, way: Way, point: &str, hit: usize) {
        self.n_crashes += 1;
        let armed = format!("{point}={}*off->return(die)", hit - 1).replace("0*off->", "");
        let tag = format!("{}-{}", point.replace('.', "-"), self.n_crashes);
        let gate = self.place.path().join(format!("from-{}", self.n_crashes));
        let is_dead = match way {
            Way::Work | Way::Edit | Way::Push | Way::Stop | Way::Race | Way::Rewind => {
                let armed = if way == Way::Race { format!("file.filled=sleep(2000);{armed}") } else { armed };
                let service = self.place.serve_armed(&armed, Some(&gate), QUIET).expect("it starts");
                self.check(&service, &format!("before {point}"));
                self.die(&service, way, &tag, &gate)
            }
            Way::Create => panic!("that is another test"),
            Way::Start | Way::Join | Way::Repack | Way::Cut | Way::Lost => {
                self.prepare(way, &tag);
                match self.place.serve_armed(&armed, None, QUIET) {
                    Err(died) => !died.stderr.contains("panicked") && died.status.code().is_none(),
                    Ok(service) => self.die(&service, way, &tag, &gate),
                }
            }
        };
        let (seed, heard) = (seed(), self.witness.heard());
        assert!(is_dead, "the process did not come to `{point}` for the {hit}. time; seed {seed}; heard last: {heard}");
        let unsound = unsound(&self.place);
        assert!(unsound.is_empty(), "after a crash at `{point}` ({hit}. time), seed {seed}: {unsound:#?}");
    }

    /// Works until the process is gone; returns whether it is.
    fn die(&self, service: &Service<'_>, way: Way, tag: &str, gate: &Path) -> bool {
        let wait = || {
            fs::write(gate, "").expect("written");
            let start = Instant::now();
            while !service.has_ended() && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(2)); // between two looks
            }
            service.has_ended()
        };
        let who = match way {
            Way::Push => Who::Pusher,
            Way::Edit => Who::ClientsAndEditor,
            _ if size(0, 1) == 1 => Who::Everybody,
            _ => Who::Clients,
        };
        match way {
            Way::Race => {
                fs::write(gate, "").expect("written");
                self.race(service, tag, &wait)
            }
            Way::Rewind => self.rewind(service, &wait),
            Way::Stop => siege::beside(service, &self.witness, tag, who, || {
                let enough = self.witness.n_acknowledged() + 10;
                service.wait_until("enough was acknowledged", || self.witness.n_acknowledged() >= enough);
                fs::write(gate, "").expect("written");
                service.signal("TERM");
                wait()
            }),
            _ => siege::beside(service, &self.witness, tag, who, wait),
        }
    }

    fn submit(&self, service: &Service<'_>, name: &str) -> String {
        self.witness.sends(None, &submits(name));
        service.submit(name)
    }

    /// Arranges what the next start is to find.
    fn prepare(&self, way: Way, tag: &str) {
        let git_dir = self.place.repo().join(".git");
        match way {
            Way::Start => {
                for lock in ["refs/heads/main.lock", "index.lock", "packed-refs.lock"] {
                    fs::write(git_dir.join(lock), "").expect("a lock");
                }
                fs::write(git_dir.join(format!("objects/pack/pack-{}.pack", "5".repeat(40))), "PACK").expect("a pack");
                let _ = fs::remove_file(git_dir.join("info/attributes"));
            }
            Way::Join => {
                let service = self.place.serve_with(&["--without", "upkeep"]);
                for n in 0..50 {
                    self.submit(&service, &format!("pack-{tag}-{n}"));
                }
                service.kill_9();
            }
            Way::Repack => {
                // Two texts that are alike: the second is kept as what differs, at a place of this pack.
                let pack = "for n in $(seq 96); do a=$(seq 1 300 | git hash-object -w --stdin); \
                            b=$( (seq 1 300; echo $n) | git hash-object -w --stdin); \
                            printf '%s\\n%s\\n' $a $b | git pack-objects -q --delta-base-offset .git/objects/pack/pack > /dev/null; done";
                let packed = self.place.sh_in(self.place.repo(), pack);
                assert!(packed.status.success(), "{packed:?}");
            }
            Way::Cut => {
                let name = format!("cut-{tag}");
                let service = self.place.serve();
                self.submit(&service, &name);
                service.wait_until_settled();
                service.stop();
                let file = self.place.report_file(&name);
                let whole = fs::read(&file).expect("the report's file");
                fs::write(&file, &whole[..whole.len() / 2]).expect("written");
                for mark in ["stopped", "mounted"] {
                    let _ = fs::remove_file(git_dir.join("golive").join(mark));
                }
            }
            Way::Lost => fs::remove_file(git_dir.join("refs/golive/mirrored")).expect("there"),
            Way::Work | Way::Edit | Way::Push | Way::Stop | Way::Create | Way::Rewind | Way::Race => {}
        }
    }

    /// A client decides, and before the newer file is in its place, a person saves the old one.
    fn race(&self, service: &Service<'_>, tag: &str, wait: &dyn Fn() -> bool) -> bool {
        let name = format!("edit-{tag}");
        let id = self.submit(service, &name);
        service.wait_until_settled();
        let tmp = self.place.repo().join(".git/golive/tmp");
        let slots = || {
            fs::read_dir(&tmp).map_or(0, |entries| {
                entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("file-")).count()
            })
        };
        let (file, old) = (self.place.report_file(&name), self.place.on_disk(&name));
        let before = slots();
        let note = format!("note-{tag}");
        self.witness.sends(Some(&id), &note);
        assert_eq!(service.patch(&id, &decision("rejected", &note)).status, 200);
        service.wait_until("the newer file is ready", || slots() > before);
        self.witness.saves(&name, &format!("[{tag}]"));
        save_by_rename(&file, old.replace("All well.", &format!("All well. [{tag}]")));
        wait()
    }

    /// Somebody takes the last commit back, and it is accepted.
    fn rewind(&self, service: &Service<'_>, wait: &dyn Fn() -> bool) -> bool {
        service.submit("mcp-kept");
        service.submit("mcp-lost");
        service.wait_until_settled();
        service.git(&["reset", "-q", "--hard", "main~1"]);
        std::thread::scope(|scope| {
            let accept = scope.spawn(|| {
                let (tip, start) = (service.tip(), Instant::now());
                // Refused until the tip that was lost is noted; in vain if the process is gone.
                while start.elapsed() < PATIENCE
                    && !self.place.golive(&["accept-rewind", "--repo", "reports-repo", &tip]).status.success()
                {
                    std::thread::sleep(Duration::from_millis(20)); // between two tries
                }
            });
            let died = wait();
            accept.join().expect("no panic");
            died
        })
    }

    /// Asserts that the service has everything, and that nobody has to repair anything.
    fn check(&self, service: &Service<'_>, when: &str) {
        let faults = self.witness.faults(service);
        assert!(faults.is_empty(), "{when}, seed {}: {faults:#?}\n{}", seed(), service.log());
    }

    /// The same, of the last crash, and of a service that is stopped as it should be.
    fn end(self, when: &str) {
        let service = self.place.serve_with(QUIET);
        self.check(&service, when);
        service.stop();
        assert_eq!(unsound(&self.place), Vec::<String>::new(), "{when}");
    }
}

fn points(is_so: impl Fn(Way) -> bool) -> Vec<(Way, &'static str)> {
    let all = POINTS.iter().filter(|(way, _)| is_so(*way));
    let is_asked_for = |point: &str| std::env::var("GOLIVE_POINT").is_ok_and(|asked| point.starts_with(&asked));
    let is_any = std::env::var_os("GOLIVE_POINT").is_none();
    let all = all.flat_map(|(way, points)| points.iter().map(|point| (*way, *point)));
    all.filter(|(_, point)| is_any || is_asked_for(point)).collect()
}

/// Some of them, others by another seed; all in the long form.
fn sample(points: Vec<(Way, &'static str)>) -> Vec<(Way, &'static str)> {
    let every = size(SAMPLE, 1);
    let first = usize::try_from(seed() % every as u64).expect("a small number");
    points.into_iter().skip(first).step_by(every).collect()
}

/// Goes through `points`, shared out among chains; returns the number of crashes.
fn crash_at(points: &[(Way, &'static str)]) -> usize {
    let n_hits = rounds(1, HITS);
    std::thread::scope(|scope| {
        let chains: Vec<_> = (0..CHAINS)
            .map(|n| {
                scope.spawn(move || {
                    let mut chain = Chain::new();
                    for hit in 1..=n_hits {
                        for (way, point) in points.iter().skip(n).step_by(CHAINS) {
                            // What happens once in a process has no second time.
                            let hit = if matches!(way, Way::Work | Way::Edit | Way::Push) { hit } else { 1 };
                            chain.crash(*way, point, hit);
                        }
                    }
                    let n_crashes = chain.n_crashes;
                    chain.end("at the end");
                    n_crashes
                })
            })
            .collect();
        chains.into_iter().map(|chain| chain.join().expect("a chain")).sum()
    })
}

#[test]
fn acknowledged_writes_survive_a_crash_at_any_step_of_the_work() {
    let points = sample(points(|way| matches!(way, Way::Work | Way::Edit | Way::Push)));
    eprintln!("crash-points: {} steps of the work, {} crashes", points.len(), crash_at(&points));
}

#[test]
fn acknowledged_writes_survive_a_crash_at_any_step_of_start_stop_and_upkeep() {
    let points =
        points(|way| !matches!(way, Way::Work | Way::Edit | Way::Push | Way::Create | Way::Rewind | Way::Race));
    eprintln!("crash-points: {} steps of start, stop and upkeep, {} crashes", points.len(), crash_at(&points));
}

#[test]
fn what_a_person_saves_survives_a_crash_while_the_file_is_exchanged() {
    for (way, point) in points(|way| way == Way::Race) {
        let mut chain = Chain::new();
        chain.crash(way, point, 1);
        chain.end(point);
    }
}

#[test]
fn rewind_that_is_accepted_survives_a_crash() {
    for (way, point) in points(|way| way == Way::Rewind) {
        let mut chain = Chain::new();
        chain.crash(way, point, 1);
        let place = chain.place;
        let service = place.serve();
        service.wait_until("writes are accepted", || service.get("/readyz").status == 200);
        service.submit("mcp-after");
        service.wait_until_clean();
        service.assert_record_is_whole(2);
    }
}

#[test]
fn repository_that_was_half_created_is_created_by_the_next_start() {
    let points = points(|way| way == Way::Create);
    for (_, point) in &points {
        let place = Place::new();
        let died = place.serve_armed(&format!("{point}=return(die)"), None, &[]).err().expect("it dies");
        assert_eq!(died.status.code(), None, "{point}: {died:?}");
        let service = place.serve();
        service.submit("mcp-one");
        service.wait_until_clean();
        service.assert_record_is_whole(1);
        service.stop();
        assert_eq!(unsound(&place), Vec::<String>::new(), "{point}");
        let left: Vec<_> = fs::read_dir(place.repo()).expect("a folder").flatten().map(|it| it.file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".golive-new-")), "{point}: {left:?}");
    }
    eprintln!("crash-points: {} steps of the first start", points.len());
}

#[test]
fn every_step_that_has_a_name_is_attacked() {
    let mut named = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() != "failpoint.rs" {
                let text = fs::read_to_string(entry.path()).expect("a source");
                for found in text.split("failpoint!(\"").skip(1) {
                    let name = found.split('"').next().expect("a name").to_owned();
                    assert!(named.insert(name.clone()), "`{name}` stands for two steps");
                }
            }
        }
    }
    let attacked: BTreeSet<String> =
        POINTS.iter().flat_map(|(_, points)| points.iter().map(|it| (*it).into())).collect();
    assert_eq!(named, attacked);
}
