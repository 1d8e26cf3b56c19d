//! Text as HTML: whatever comes in, the page runs nothing and loads nothing.

mod html;

use golive::render::{changes, markdown, visible};
use html::{check_harmless, text_of};
use serde_json::Value;

/// Minimax's Big List of Naughty Strings; its part on script injection is the
/// list of OWASP.
const NAUGHTY: &str = include_str!("../data/naughty-strings.json");
const COMMONMARK: &str = include_str!("../data/commonmark-examples.json");
/// Written for this product: what a list made for HTML does not try.
const HOSTILE: &str = include_str!("../data/hostile-markdown.txt");

/// What a thread has on which the service renders.
const STACK_BYTES: usize = 2 * 1024 * 1024;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).expect("a thread can be started");
    thread.join().expect("the test passes");
}

pub(crate) fn check(text: &str) {
    let rendered = markdown(text);
    check_harmless(&rendered.html, text);
    assert!(rendered.html.len() <= text.len() * 16 + 512 * 1024, "{} bytes of {text:.80?}", rendered.html.len());
    for heading in &rendered.contents {
        assert!((2..=6).contains(&heading.level) && heading.anchor.starts_with("s-"), "{text:?}");
        assert!(rendered.html.contains(&format!("<h{} id=\"{}\">", heading.level, heading.anchor)), "{text:?}");
        assert_eq!(visible(&heading.text), heading.text, "{text:?}");
    }
}

/// Puts `text` wherever a report can have text.
fn check_everywhere(text: &str) {
    for frame in [
        "{}",
        "# {}\n",
        "[{}](http://a.example)",
        "[a]({})",
        "[a](<{}>)",
        "[a](http://a.example \"{}\")",
        "![{}]({})",
        "[![{}](http://a.example/i)](http://a.example)",
        "`{}`",
        "```{}\na\n```",
        "```\n{}\n```",
        "    {}",
        "<{}>",
        "<a {}>",
        "<div>\n{}\n</div>",
        "| {} | a |\n|---|---|\n| b | {} |",
        "- [ ] {}",
        "> {}",
        "[a]: {}\n\n[a]",
        "a[^1]\n\n[^1]: {}",
        "a[^{}]\n\n[^{}]: b",
        "[a](#{})",
        "**{}** _{}_ ~~{}~~",
        "http://a.example/{}",
        "{}@a.example",
        "<http://a.example/{}>",
        "&#x3c;{}&#62;",
    ] {
        check(&frame.replace("{}", text));
    }
    check_harmless(&changes(text, &format!("{text} and more")).html, text);
    check_harmless(&changes("", text).html, text);
    assert_eq!(visible(&visible(text)), visible(text), "{text:?}");
}

#[test]
fn naughty_strings_are_harmless_everywhere() {
    let strings: Vec<String> = serde_json::from_str(NAUGHTY).unwrap();
    strings.iter().for_each(|text| check_everywhere(text));
}

#[test]
fn hostile_markdown_is_harmless_everywhere() {
    let lines: Vec<_> = HOSTILE.lines().filter(|line| !line.starts_with("%%")).collect();
    lines.iter().for_each(|line| check_everywhere(&line.replace("\\n", "\n")));
    check(HOSTILE);
}

#[test]
fn examples_of_the_specification_are_harmless_and_say_the_same() {
    let examples: Value = serde_json::from_str(COMMONMARK).unwrap();
    let examples = examples["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 652);
    let mut n_same = 0;
    for example in examples {
        let text = example["markdown"].as_str().unwrap();
        check(text);
        let expected = example["html"].as_str().unwrap();
        // Links, images and HTML differ on purpose.
        if ["<a", "<img", "<!", "<?", "<del>", "<table"].iter().any(|tag| expected.contains(tag)) || text.contains('<')
        {
            continue;
        }
        n_same += 1;
        assert_eq!(text_of(&markdown(text).html).trim(), text_of(expected).trim(), "{text:?}");
    }
    assert!(n_same > 350, "{n_same}");
}

#[test]
fn anything_at_all_is_harmless() {
    const PARTS: [&str; 44] = [
        "# ",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "    ",
        "\t",
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "[",
        "](",
        ")",
        "![",
        "<",
        ">",
        "<script>",
        "</",
        "javascript:",
        "http://a.example",
        "|",
        "|-|",
        "[^1]",
        "[^1]: ",
        "[a]: ",
        "&",
        "&lt;",
        "\\",
        "\"",
        "'",
        "a",
        "é",
        "\u{202e}",
        "\u{200b}",
        "👩\u{200d}💻",
        "\0",
        "\r",
        "<!--",
        "[x] ",
        "mailto:a@b.c",
    ];
    // A fixed sequence of numbers, so that a failure comes again.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    let mut before = String::new();
    for _ in 0..3000 {
        let n_parts = random(30);
        let text: String = (0..n_parts).map(|_| PARTS[random(PARTS.len())]).collect();
        check(&text);
        let changes = changes(&before, &text);
        check_harmless(&changes.html, &text);
        assert_eq!(html::sides(&changes.html, &before), (shown(&before), shown(&text)), "{before:?} {text:?}");
        before = text;
    }
}

/// The lines of a text as a page shows them.
fn shown(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(line).replace('\0', "\u{fffd}")).collect()
}

// The next tests have no clock: without a bound they would overflow the stack, or not end.

#[test]
fn what_nests_or_repeats_without_end_is_bounded() {
    on_a_small_stack(|| {
        let n = 100_000;
        let twice = |open: &str, close: &str| format!("{}{}", open.repeat(n), close.repeat(n));
        for text in
            [">".repeat(n), "- ".repeat(n), "[".repeat(n), twice("*a ", "a*"), twice("![", "](a)"), "`".repeat(n)]
        {
            check(&text);
        }
    });
}

#[test]
fn what_takes_the_square_of_its_length_elsewhere_does_not_here() {
    on_a_small_stack(|| {
        let n = 10_000;
        let twice = |open: &str, close: &str| format!("{}{}", open.repeat(n), close.repeat(n));
        for part in [
            "1. ", "> - ", "![", "[a](", "*a ", "*a **b ", "&", "©", "\u{1}a", "<", "<b>", "|a", "[^a]: ", "[^a]",
            "#\n", "# a\n", "a@", "http://", "[a]: b\n", "<!--", "\\",
        ] {
            check(&part.repeat(n));
        }
        for text in [
            twice("[", "]"),
            twice("**a ", "a** "),
            twice(">", "\na"),
            twice("- ", "\n"),
            format!("{}\n{}\n{}", "|a".repeat(500), "|-".repeat(500), "|a\n".repeat(n)),
            format!("{}\n\n[a]: http://a.example/{}", "[a]".repeat(n), "b".repeat(n)),
        ] {
            check(&text);
        }
    });
}

#[test]
fn what_is_too_deep_is_shown_as_it_was_written() {
    let text = format!("# Title\n\n{}<deep> \u{202e}", ">".repeat(200));
    let rendered = markdown(&text);
    assert!(rendered.contents.is_empty());
    assert!(rendered.html.starts_with("<p class=\"note\">"), "{}", rendered.html);
    assert!(text_of(&rendered.html).trim_end().ends_with(&visible(&text).into_owned()), "{}", rendered.html);
}

#[test]
fn two_long_texts_without_anything_in_common_are_compared() {
    on_a_small_stack(|| {
        let n = 20_000;
        let numbers =
            |from: usize, step: usize| (0..n).map(|n| format!("{}\n", (from + n * step) % 9973)).collect::<String>();
        for (before, after) in [
            ("a\n".repeat(n), "b\n".repeat(n)),
            ("a\nb\n".repeat(n), "b\nc\na\n".repeat(n)),
            (numbers(0, 1), numbers(5, 7)),
            (numbers(0, 31), numbers(1, 17)),
            ("a b ".repeat(n), "b c a ".repeat(n)),
            ("a".repeat(n), "b".repeat(n)),
            ("\u{1}".repeat(n), "<".repeat(n)),
        ] {
            let changes = changes(&before, &after);
            assert!(changes.html.len() < 4 * 1024 * 1024, "{}", changes.html.len());
            assert!(changes.n_added > 0 && changes.n_removed > 0);
        }
    });
}
