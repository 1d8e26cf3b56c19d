//! Whatever bytes come in: they are read or refused in bounded time and memory, and never a panic;
//! what is read comes back as it was. The inputs are mutations of a corpus
//! (`tests/data/fuzz`), in which every input that once found a fault stays.
//!
//! Drawn by proptest and not by coverage: that would take another compiler.

mod codec;
mod hostile_git;
mod memory;
mod mutate;
mod pushes;
mod texts;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use golive::policy::parse::{format, parse};
use golive::report::front_matter::decode;

use crate::common::attack::{rounds, seed};
use mutate::Corpus;

/// In a debug build beside other tests; what is meant is a hundredth of it.
const TIME_MAX: Duration = Duration::from_secs(10);
/// What a thread has on which the service reads.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Has `check` look at the corpus, and at `short` mutations of it, or `long` under `make torture`.
#[expect(clippy::print_stderr, reason = "tells how many cases there were")]
fn fuzz(target: &'static str, corpus: Corpus, (short, long): (usize, usize), check: fn(&[u8])) {
    let (n, seed) = (rounds(short, long), seed());
    let test = move || {
        let mut draw = fastrand::Rng::with_seed(seed);
        let drawn = (0..n).map(|_| corpus.mutated(&mut draw));
        let mut most = 0;
        for (at, input) in corpus.seeds().cloned().chain(drawn).enumerate() {
            let start = Instant::now();
            let (ended, taken) = memory::taken_by(|| catch_unwind(AssertUnwindSafe(|| check(&input))));
            let took = start.elapsed();
            most = most.max(taken);
            if ended.is_err() || took > TIME_MAX || taken > memory::bound(input.len()) {
                // As bytes that can be put into the corpus.
                let file = std::env::temp_dir().join(format!("golive-fuzz-{target}"));
                std::fs::write(&file, &input).expect("written");
                panic!(
                    "{target}, seed {seed}, input {at} ({took:?}, {taken} bytes of memory for {}, kept in {}): {:?}",
                    input.len(),
                    file.display(),
                    String::from_utf8_lossy(&input[..input.len().min(2000)])
                );
            }
        }
        let most = most / 1024;
        eprintln!(
            "fuzz: {target}: {} of the corpus, {n} drawn, at most {most} KiB, seed {seed}",
            corpus.seeds().count()
        );
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).expect("a thread can be started");
    thread.join().expect("the test passes");
}

#[test]
fn any_front_matter_is_read_or_refused_and_comes_back_as_it_was() {
    fuzz("front-matter", Corpus::of("front-matter").and_naughty_strings(), (1200, 100_000), codec::front_matter);
}

/// Found: 16,000 fields took 11 s, as the lines before each were counted anew, and a
/// `golive.yaml` of 60,000 brackets 12 s, as it was read once without a bound of depth.
#[test]
fn what_is_as_long_as_can_be_is_read_or_refused_within_bounds() {
    const LEN: usize = 120 * 1024;
    const TIME_MAX: Duration = Duration::from_secs(5);
    let repeated = |part: &str| part.repeat(LEN / part.len());
    let numbered = |part: fn(usize) -> String| (0..LEN / (part(0).len() + 4)).map(part).collect::<String>();
    let long = [
        numbered(|n| format!("k{n}: b\n")),
        numbered(|n| format!("\"k{n}\": |\n  b\n")),
        format!("x: {}", repeated("[")),
        format!("x: {}", repeated("{a: ")),
        format!("x: [{}]", repeated("a,")),
        format!("x: [{}]", repeated("{a: b},")),
        format!("x: {{{}}}", numbered(|n| format!("k{n}: b,"))),
        format!("x: {}", repeated("- ")),
        format!("x:\n{}", repeated("- a\n")),
        format!("x: \"{}\"", repeated("\\x41")),
        format!("x: {}", repeated("a ")),
        format!("x: |\n{}", repeated("  a\n")),
        format!("x: >\n{}", repeated("  a\n\n")),
        repeated("# a\n"),
        repeated("\n"),
        repeated("? a\n"),
        repeated("'a"),
        repeated("\t"),
        repeated("&a "),
        repeated("%YAML 1.2\n"),
        (0..600).map(|depth| format!("{}- \n", " ".repeat(depth))).collect(),
        (0..600).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
    ];
    let time = |yaml: &str, what: &str, read: &dyn Fn()| {
        let shown: String = yaml.chars().take(40).collect();
        let start = Instant::now();
        let ((), taken) = memory::taken_by(read);
        let took = start.elapsed();
        assert!(took < TIME_MAX, "{what}: {took:?} for {shown:?}");
        assert!(taken < memory::bound(yaml.len()), "{what}: {taken} bytes for {} of {shown:?}", yaml.len());
        if took > TIME_MAX / 10 || taken > memory::bound(yaml.len()) * 3 / 4 {
            eprintln!("{what}: {took:?}, {} MiB for {shown:?}", taken >> 20);
        }
    };
    for yaml in &long {
        let report = format!("---\nid: 0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10\nserver_name: a\n{yaml}\n---\nx");
        let policy = format!("golive: 1\n{yaml}\n");
        time(yaml, "a report", &|| drop(decode(report.as_bytes()).err()));
        time(yaml, "a policy", &|| drop(parse(policy.as_bytes()).err()));
        time(yaml, "the format", &|| assert_eq!(format(policy.as_bytes()), Some(1)));
    }
}

#[test]
fn any_fields_come_back_from_the_file_that_is_written_of_them() {
    fuzz("fields", Corpus::of("front-matter").and_naughty_strings(), (300, 40_000), codec::fields);
}

#[test]
fn any_change_of_a_file_is_judged_or_refused() {
    fuzz("change", Corpus::of("front-matter"), (600, 25_000), codec::change);
}

#[test]
fn any_address_is_one_key_however_it_is_spelled() {
    fuzz("key", Corpus::of("key").and_naughty_strings(), (20_000, 1_000_000), texts::key);
}

#[test]
fn any_policy_is_read_or_refused_with_its_place() {
    let corpus = Corpus::of("policy").and(&[include_str!("../../reports-repo-template/golive.yaml")]);
    fuzz("policy", corpus.and_naughty_strings(), (1000, 50_000), texts::policy);
}

#[test]
fn any_text_is_assessed_and_rendered_harmless() {
    let example = include_str!("../../reports-repo-template/EXAMPLE.md");
    let hostile = include_str!("../data/hostile-markdown.txt");
    let corpus = Corpus::of("markdown").and(&[example, hostile]);
    fuzz("markdown", corpus.and_naughty_strings(), (150, 4_000), texts::markdown);
}
