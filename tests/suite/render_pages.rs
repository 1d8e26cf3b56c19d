//! Text as HTML: what a reader gets.

use chrono::{Days, NaiveDate};
use golive::render::{Week, changes, markdown, visible, weeks};

fn html(text: &str) -> String {
    markdown(text).html
}

#[test]
fn headings_stand_below_the_page_and_leave_no_level_out() {
    let rendered = markdown("# Report\n\n#### Deep\n\n## Phase 1: *Build*\n\n## Phase 1: Build\n\n#\n\n# `x`\n");
    let contents: Vec<_> =
        rendered.contents.iter().map(|heading| (heading.level, &*heading.text, &*heading.anchor)).collect();
    assert_eq!(
        contents,
        [
            (2, "Report", "s-report"),
            (3, "Deep", "s-deep"),
            (3, "Phase 1: Build", "s-phase-1-build"),
            (3, "Phase 1: Build", "s-phase-1-build-1"),
            (2, "x", "s-x"),
        ]
    );
    assert!(rendered.html.contains("<h3 id=\"s-phase-1-build\">Phase 1: <em>Build</em></h3>"), "{}", rendered.html);
}

#[test]
fn links_lead_out_or_to_a_heading_or_nowhere() {
    for (text, expected) in [
        ("[a](http://b.example)", "<a href=\"http://b.example\" rel=\"noopener noreferrer nofollow\">a</a>"),
        ("[a](#phase-1)\n\n# Phase 1", "<a href=\"#s-phase-1\" rel=\"noopener noreferrer nofollow\">a</a>"),
        ("[a](#%C3%B8l)\n\n# Øl", "<a href=\"#s-øl\""),
        ("[a](#none)", "<p>a <span class=\"address\">(#none)</span></p>"),
        ("[a](docs/b.md)", "<p>a <span class=\"address\">(docs/b.md)</span></p>"),
        ("[a](javascript:alert(1))", "<p>a <span class=\"address\">(javascript:alert(1))</span></p>"),
        ("a@b.example", "<a href=\"mailto:a@b.example\""),
        ("![a](http://b.example/i.png)", "<a class=\"image\" href=\"http://b.example/i.png\""),
        ("![a](i.png)", "<p>image: a <span class=\"address\">(i.png)</span></p>"),
    ] {
        assert!(html(text).contains(expected), "{text}: {}", html(text));
    }
}

#[test]
fn tables_scroll_tasks_are_named_and_raw_html_is_text() {
    for (text, expected) in [
        ("| a |\n|--:|\n| b |", "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"Table\">\n<table>"),
        ("| a |\n|--:|\n| b |", "<td align=\"right\">b</td>"),
        ("- [x] a", "<li class=\"task\"><span role=\"img\" aria-label=\"done\">☑</span> a</li>"),
        ("- [ ] a", "aria-label=\"not done\">☐</span> a</li>"),
        ("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>"),
        ("<div>\na\n</div>", "<pre class=\"html\"><code>&lt;div&gt;\na\n&lt;/div&gt;</code></pre>"),
        ("a[^1]\n\n[^1]: b", "<a href=\"#s-fn:1\" id=\"s-fnref:1\" aria-label=\"Footnote 1\""),
    ] {
        assert!(html(text).contains(expected), "{text}: {}", html(text));
    }
}

#[test]
fn unseen_characters_are_seen_and_ordinary_text_is_left_alone() {
    for (text, expected) in [
        ("a\u{202e}b", "a⟦U+202E⟧b"),
        ("\u{200b}", "⟦U+200B⟧"),
        ("a\u{7}b\rc", "a⟦U+0007⟧b⟦U+000D⟧c"),
        ("a\u{fe0f}", "a⟦U+FE0F⟧"),
        ("a\u{200d}b", "a⟦U+200D⟧b"),
        ("⚠\u{fe0f}\u{fe0f}", "⚠\u{fe0f}⟦U+FE0F⟧"),
        ("\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}", "⟦U+200B and 8 more unseen⟧"),
    ] {
        assert_eq!(visible(text), expected);
    }
    for text in [
        "",
        "a\tb\r\nc",
        "⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
        "👩\u{1f3fd}\u{200d}💻",
        "می\u{200c}خواهم",
        "क्\u{200d}ष",
        "שלום",
    ] {
        assert_eq!(visible(text), text);
    }
    let marked = "<span class=\"control\">⟦U+202E⟧</span>";
    for text in [
        "a\u{202e}b",
        "`a\u{202e}b`",
        "    a\u{202e}b",
        "[a\u{202e}b](http://c.example)",
        "# a\u{202e}b",
        "<b\u{202e}>",
    ] {
        assert!(html(text).contains(marked), "{}", html(text));
    }
}

#[test]
fn changed_words_are_marked_and_equal_lines_folded() {
    let lines = |middle: &str| {
        (0..20).map(|n| if n == 9 { middle.to_owned() } else { format!("line {n}") }).collect::<Vec<_>>().join("\n")
    };
    let changes = changes(&lines("the red fox runs"), &lines("the blue fox runs"));
    assert_eq!((changes.n_added, changes.n_removed), (1, 1));
    let html = changes.html;
    assert!(html.contains("<code>the <del>red</del> fox runs</code>"), "{html}");
    assert!(html.contains("<code>the <ins>blue</ins> fox runs</code>"), "{html}");
    assert!(html.contains("<div class=\"fold\">6 equal lines</div>\n"), "{html}");
    assert!(html.contains("<div class=\"fold\">7 equal lines</div>\n"), "{html}");
    assert!(html.contains("<span class=\"number\">7</span><span class=\"number\">7</span>"), "{html}");
    assert!(
        !html.contains("line 5<")
            && html.contains("line 6<")
            && html.contains("line 12<")
            && !html.contains("line 13<")
    );
}

#[test]
fn equal_texts_and_other_line_ends_are_said_to_be_so() {
    assert!(changes("a\n", "a\n").html.contains("The text is the same."));
    let changes = changes("a\r\n", "a");
    assert!(changes.html.contains("Only line ends changed."));
    assert_eq!((changes.n_added, changes.n_removed), (0, 0));
}

#[test]
fn weeks_are_drawn_with_classes_and_told_in_words() {
    let first = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
    let all: Vec<_> = (0..26)
        .map(|n| Week {
            start: first + Days::new(7 * n),
            waiting: n as usize,
            approved: n as usize % 3,
            rejected: n as usize % 2,
        })
        .collect();
    let svg = weeks(&all);
    for part in [
        "class=\"chart\"",
        "<title",
        "<desc",
        "bar-approved",
        "bar-rejected",
        "line-waiting",
        "axis",
        "label",
        "25 waiting",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    assert!(!svg.contains("style=") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    for few in [&all[..0], &all[..1]] {
        assert!(weeks(few).starts_with("<svg"), "{}", weeks(few));
    }
}
