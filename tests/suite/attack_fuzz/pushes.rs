//! Pushes that are as large as they like: they are refused or taken in bounded memory
//! and time. Git and its hook run under a limit that the kernel keeps.

use std::time::{Duration, Instant};

use crate::common::Place;
use crate::common::attack::size;
use crate::common::edits::place_of_robin;

/// What each process of a push may have of its own, in KiB: git's, and `golive check`.
const DATA_KIB: u32 = 192 * 1024;
const TIME_MAX: Duration = Duration::from_secs(60);

/// Made in a clone in which `$one` is a report's path; `$1` is larger under `make torture`.
const CASES: &[(&str, &str, &str)] = &[
    ("a report of zeros", "truncate -s $((64 * $1))M $one; git commit -qam x", "file-too-large"),
    ("a policy of zeros", "truncate -s $((64 * $1))M golive.yaml; git commit -qam x", "golive.yaml"),
    (
        "front matter without an end",
        "{ echo ---; head -c 1M /dev/zero | tr '\\0' x; } > $one; git commit -qam x",
        "help: ",
    ),
    (
        "a policy of brackets",
        "{ echo 'golive: 1'; printf 'x: '; head -c 200K /dev/zero | tr '\\0' '['; } > golive.yaml; git commit -qam x",
        "golive.yaml",
    ),
    (
        "many stray files",
        "mkdir reports/many; python3 -c 'import sys; bytes = open(sys.argv[1], \"rb\").read(); [open(f\"reports/many/{n}.md\", \"wb\").write(bytes) for n in range(int(sys.argv[2]))]' $one $((500 * $1)); git add -A; git commit -qm x",
        "move it",
    ),
    (
        "a message without an end",
        "echo x > notes.md; git add notes.md; head -c 32M /dev/zero | tr '\\0' m | git commit -q -F -",
        "",
    ),
    (
        "a commit after the other",
        "t=$(git rev-parse HEAD^{tree}); c=$(git rev-parse HEAD); for n in $(seq 1 $((100 * $1))); do \
         c=$(git commit-tree -m x -p $c $t); done; git reset -q --hard $c",
        "",
    ),
];

/// Pushes under the limit; returns what git said, and whether the push was taken.
fn push(place: &Place) -> (String, bool) {
    let script = format!("ulimit -d {DATA_KIB}; git push -q origin HEAD:main");
    let pushed = place.sh("clone", &script);
    (pushed.stderr, pushed.status.success())
}

#[test]
fn pushes_of_whatever_size_are_judged_in_bounded_memory() {
    let place = place_of_robin();
    let service = place.serve();
    service.submit("mcp-one");
    service.wait_until_clean();
    let one = place.report_path("mcp-one");
    // Git streams what is longer than that.
    let streams = "git config core.bigFileThreshold 1m; git config core.compression 1";
    let cloned =
        place.sh("", &format!("git clone -q reports-repo clone; (cd clone; {streams}); cd reports-repo; {streams}"));
    assert!(cloned.status.success(), "{cloned:?}");
    let n = size(1, 5);
    for (name, script, words) in CASES {
        let fresh = "git fetch -q; git checkout -q -f -B main origin/main; git clean -qfd";
        let made = place.sh("clone", &format!("set -- {n}; one={one}; {fresh}\n{script}"));
        assert!(made.status.success(), "{name}: {made:?}");
        let start = Instant::now();
        let (said, is_taken) = push(&place);
        let took = start.elapsed();
        assert!(took < TIME_MAX, "{name}: {took:?}");
        assert!(!said.contains("memory") && !said.contains("panicked"), "{name}: {said:.2000}");
        assert_eq!(is_taken, words.is_empty(), "{name}: {said:.2000}");
        assert!(said.contains(words), "{name}: no `{words}` in {said:.2000}");
        eprintln!("{name}: {took:?}");
        service.wait_until_settled();
    }
    assert!(service.peak_mib() < 256, "{} MiB", service.peak_mib());
    eprintln!("fuzz: {} large pushes, {} MiB each", CASES.len(), DATA_KIB / 1024);
}
