//! Whatever comes in, reading it takes bounded time and stack, and never panics.

use std::time::{Duration, Instant};

use golive::assess::{About, Assessment, assess, rules};
use golive::policy::requirements::Requirements;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../reports-repo-template/EXAMPLE.md");

/// What a thread has on which the service reads.
const STACK_BYTES: usize = 2 * 1024 * 1024;

const MIB: usize = 1024 * 1024;

/// Far more than it takes, also in a debug build beside other tests: 50 ms are meant.
const TIME_MAX: Duration = Duration::from_secs(5);

pub(crate) fn check(text: &str) -> Assessment {
    let about = About { server_name: "mcp-a", repository_url: "https://github.com/a/mcp-a" };
    let assessment = assess(text, about, &Requirements::default());
    let n_lines = 1 + text.matches(['\n', '\r']).count();
    assert!(assessment.findings.is_sorted_by_key(|finding| finding.line), "{:?}", begin(text));
    for finding in &assessment.findings {
        assert!((1..=n_lines).contains(&finding.line), "{finding:?} of {:?}", begin(text));
        assert!(rules::find(finding.rule).is_some_and(|rule| rule.severity == finding.severity), "{finding:?}");
        assert!(finding.detail.len() + finding.repair.len() < 2000, "{finding:?}");
    }
    assert!(assessment.findings.len() < 500, "{}", assessment.findings.len());
    assessment
}

/// Returns as much of a text as tells it from others.
fn begin(text: &str) -> String {
    text.chars().take(24).collect()
}

/// Texts of about 1 MiB that some reader of markdown somewhere takes long for.
/// `parts`: how many bytes of the beginning of each are a text as well.
fn pathological(parts: &[usize]) -> Vec<String> {
    let repeated = |part: &str| part.repeat(MIB / part.len());
    let twice = |open: &str, close: &str| {
        let n = MIB / (open.len() + close.len());
        format!("{}{}", open.repeat(n), close.repeat(n))
    };
    let mut texts: Vec<String> = [
        ">",
        "> ",
        "- ",
        "> - ",
        "1. ",
        "[",
        "![",
        "]",
        "[]",
        "[a](",
        "[a](b) ",
        "[a]\n",
        "[a][b] ",
        "[a]: b\n",
        "[^a]",
        "[^a]: ",
        "*a ",
        "*a **b ",
        "_a_ ",
        "**a** ",
        "~~a~~ ",
        "`a",
        "``a` ",
        "`",
        "&",
        "&amp;",
        "\\",
        "<",
        "<b>",
        "</",
        "<!--",
        "<a href=\"",
        "a@b.c ",
        "http://a.b ",
        "www.",
        "|",
        "|a",
        "::",
        "#\n",
        "# a\n",
        "a\n---\n",
        "- a\n",
        "- [ ] a\n",
        "- [x]\n",
        "```\n",
        "a\n\n",
        "a\n",
        "\n",
        "\r",
        "\0",
        "©",
        "a",
        "**a:** TODO\n",
        "TODO ",
        "<fill in> ",
        "[...] ",
        "❌ a\n\n",
        "[a](#b)\n\n",
        "## Phase 1: Security Assessment\n\n",
        "### Secrets\n\n",
        "**Risk Level:** LOW\n",
        "**Security Assessment:** PASS\n\n",
        "|a|\n|-|\n|b|\n\n",
        "a: b - c: d\n",
        "\u{202e}",
        "👩\u{200d}💻 ",
    ]
    .into_iter()
    .map(repeated)
    .collect();
    for (open, close) in
        [("[", "]"), ("![", "](a)"), ("*a ", "a*"), ("**a ", "a** "), (">", "\na"), ("- ", "\n"), ("<", ">")]
    {
        texts.push(twice(open, close));
    }
    for n_columns in [2, 50, 1000, 100_000] {
        let (head, line) = ("|a".repeat(n_columns), "|-".repeat(n_columns));
        let rows = MIB.saturating_sub(4 * n_columns);
        texts.push(format!("{head}\n{line}\n{}", format!("{head}\n").repeat(rows / (2 * n_columns + 1))));
        texts.push(format!("{head}\n{line}\n{}", "|a\n".repeat(rows / 3)));
    }
    texts.push((0..1400).map(|depth| format!("{}- a\n", " ".repeat(depth))).collect());
    texts.push((0..MIB / 16).map(|n| format!("[a{n}]: b{n}\n")).collect());
    texts.push(format!("{}\n\n[a]: http://a.example/{}", "[a]".repeat(MIB / 6), "b".repeat(MIB / 2)));
    texts.push(repeated(EXAMPLE));
    texts.push(format!("{EXAMPLE}{}", "[a](#b) ".repeat(7000)));
    // What is not too much to be read has to be looked at as well.
    for n_bytes in parts.iter().copied() {
        let at = |text: &String| (0..=n_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        texts.extend(texts.clone().iter().filter_map(|text| Some(text[..at(text)?].to_owned())).collect::<Vec<_>>());
    }
    let words = "word ".repeat(2000);
    for frame in
        ["# {}\n\n", "{}\n", "- [x] {}\n", "**{}:** {}\n", "| a | b |\n|---|---|\n| {} | {} |\n\n", "{}: {}\n\n"]
    {
        let part = frame.replace("{}", &words);
        texts.push(format!("{}{EXAMPLE}", part.repeat(MIB / part.len())));
    }
    texts
}

#[test]
fn a_mebibyte_of_whatever_takes_bounded_time_and_stack() {
    let test = || {
        for text in pathological(&[MIB / 32]) {
            let start = Instant::now();
            let n_findings = check(&text).findings.len();
            let time = start.elapsed();
            assert!(time < TIME_MAX, "{time:?} for {} bytes of {:?}", text.len(), begin(&text));
            assert!(n_findings > 0, "{:?}", begin(&text));
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).expect("a thread can be started");
    thread.join().expect("the test passes");
}

/// By hand, in a release build: the slowest of them, and what a report takes.
#[test]
#[ignore = "measures; `bench/README.md` says how"]
fn time_for_a_mebibyte() {
    let time = |text: &str| {
        let times = (0..5).map(|_| {
            let start = Instant::now();
            check(text);
            start.elapsed()
        });
        times.min().expect("five times")
    };
    let mut times: Vec<(Duration, String)> =
        pathological(&[MIB / 8, MIB / 32]).iter().map(|text| (time(text), format!("{:?}", begin(text)))).collect();
    times.sort();
    for (time, text) in times.iter().rev().take(10) {
        println!("{:6.1} ms  {text}", time.as_secs_f64() * 1000.0);
    }
    println!("{:6.2} ms  the example, {} bytes", time(EXAMPLE).as_secs_f64() * 1000.0, EXAMPLE.len());
    let (slowest, text) = times.last().expect("there are some");
    assert!(*slowest < Duration::from_millis(50), "{slowest:?} for {text}");
}

/// Pieces of reports, and of markdown.
fn piece() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = EXAMPLE.split_inclusive('\n').collect();
    prop_oneof![
        4 => prop::sample::select(lines).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "# ", "## ", "> ", "- ", "- [x] ", "- [x]\n", "1. ", "```\n", "| a | b |\n|---|---|\n", "|", "\n", "\r\n", "\r",
            "---\n", "===\n", "**", "_", "`", "[", "](#a)", "<!-- ", " -->", "<fill in>", "TODO", "[...]", "❌ ", "✅",
            ": ", "**Risk Level:** ", "LOW", "PASS", "\u{202e}", "[^1]", "[^1]: ", "    ", "\t", "Phase 3", "Reviewer: ",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_made_of_pieces_is_read(pieces in prop::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        prop_assert_eq!(check(&text), check(&text));
    }

    #[test]
    fn a_report_with_something_put_anywhere_is_read(at in 0..EXAMPLE.len(), len in 0..400_usize, piece in piece()) {
        let boundary = |at: usize| (at..=EXAMPLE.len()).find(|at| EXAMPLE.is_char_boundary(*at)).unwrap_or(EXAMPLE.len());
        let (start, end) = (boundary(at), boundary((at + len).min(EXAMPLE.len())));
        check(&format!("{}{piece}{}", &EXAMPLE[..start], &EXAMPLE[end..]));
    }
}
