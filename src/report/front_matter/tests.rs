use chrono::TimeZone;

use super::*;

fn report() -> Report {
    Report {
        id: Uuid::parse_str("0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10").expect("a UUID"),
        server_name: "mcp-servicenow".into(),
        repository_url: "https://github.com/intility/mcp-servicenow".into(),
        developer_email: "alex@intility.no".into(),
        status: Status::PendingReview,
        revision: 1,
        submitted_at: Utc.with_ymd_and_hms(2025, 10, 20, 10, 0, 0).single().expect("a time"),
        reviewed_at: None,
        reviewed_by: None,
        review_notes: None,
    }
}

fn approved(notes: Option<&str>) -> Report {
    Report {
        status: Status::Approved,
        reviewed_at: Some(Utc.with_ymd_and_hms(2025, 10, 21, 9, 0, 0).single().expect("a time")),
        reviewed_by: Some("Morgan <morgan@intility.no>".into()),
        review_notes: notes.map(str::to_owned),
        ..report()
    }
}

/// Edits `file`, whatever it says.
fn edit_from(file: &[u8], report: &Report, body: Option<&[u8]>) -> Result<Vec<u8>, Fault> {
    edit(file, &decode(file)?.report, report, body)
}

const FILE: &str = "---
id: 0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10
server_name: mcp-servicenow
repository_url: https://github.com/intility/mcp-servicenow
developer_email: alex@intility.no
status: pending_review
revision: 1
submitted_at: 2025-10-20T10:00:00Z
reviewed_at: null
reviewed_by: null
review_notes: null
---
# MCP Go-Live Production Readiness Report
";

#[test]
fn new_file_is_written_as_specified() {
    let file = encode(&report(), b"# MCP Go-Live Production Readiness Report\n").expect("readable");
    assert_eq!(String::from_utf8(file).expect("UTF-8"), FILE);
}

macro_rules! bodies_come_back {
    ($($name:ident: $body:expr,)*) => {$(
        #[test]
        fn $name() {
            let body: &[u8] = $body.as_ref();
            let file = encode(&report(), body).expect("readable");
            let read = decode(&file).expect("readable");
            assert_eq!(read.body, body);
            let edited = edit(&file, &report(), &approved(Some("ok")), None).expect("editable");
            assert_eq!(decode(&edited).expect("readable").body, body);
        }
    )*};
}

bodies_come_back! {
    body_of_one_newline: "\n",
    body_of_one_space: " ",
    body_without_final_newline: "# x",
    body_with_crlf: "# x\r\n\r\ny\r\n",
    body_with_bom: "\u{feff}# x\n",
    body_like_front_matter: "---\nid: 1\n---\nx\n",
    body_of_fences: "---\n---\n---",
    body_starting_with_blank_lines: "\n\n\n# x\n",
    body_of_emoji: "👩‍💻 ✅\n",
    body_not_utf8: b"\xff\xfe\n",
}

/// Texts that some reader of YAML takes for something else when written plain.
const ODD_TEXTS: &[&str] = &[
    "no",
    "No",
    "NO",
    "y",
    "on",
    "true",
    "null",
    "~",
    "",
    " ",
    "1e3",
    "0x1F",
    "012",
    "0o14",
    "1_000",
    "12:30:45",
    "2025-10-20",
    "2025-10-20T10:00:00Z",
    ".inf",
    ".nan",
    "NaN",
    "=",
    "<<",
    "a: b",
    "a #b",
    "#a",
    "\"x",
    "'x",
    "*x",
    "&x",
    "!x",
    "%x",
    "@x",
    "`x`",
    "|",
    ">",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a:",
    "[a]",
    "{a}",
    ",",
    "a, b",
    "a\tb",
    "a\u{202e}b",
    "a\u{200b}b",
    "a\u{a0}b",
    "a\u{85}b",
    "a\u{2028}b",
    "\u{feff}a",
    "\u{e000}",
    "\u{ffff}",
    "\u{1f600}",
    "a\\nb",
    "a\"b",
    "---",
    "...",
    "--- a",
    "a\n",
    "\na",
    "a\nb",
    "a\n\nb\n",
    "a\nb\n\n",
    " a\nb",
    "a \nb",
    "a\r\nb",
    "a\rb",
    "\t",
    "---\nid: 2\n---",
    "Signed-off-by: x",
    "\u{7f}",
    "\u{1b}[31m",
    "日本語",
    "ß",
];

#[test]
fn odd_texts_read_back_exactly_and_are_strings_to_every_reader() {
    for text in ODD_TEXTS {
        let report = Report { review_notes: Some((*text).into()), server_name: (*text).into(), ..approved(None) };
        let file = encode(&report, b"x").unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
        let file = String::from_utf8(file).expect("UTF-8");
        assert_eq!(decode(file.as_bytes()).expect("readable").report, report, "{file}");

        let yaml = file.strip_prefix("---\n").and_then(|rest| rest.strip_suffix("---\nx")).expect("fenced");
        let other: std::collections::HashMap<String, serde_yaml::Value> = serde_yaml::from_str(yaml).expect("YAML");
        assert_eq!(other["server_name"], serde_yaml::Value::String((*text).into()), "{file}");
        assert_eq!(other["review_notes"], serde_yaml::Value::String((*text).into()), "{file}");
        let invisible = |c: char| c != '\n' && (c.is_control() || text::is_invisible(c));
        assert!(!file.contains(invisible), "{file:?}");
    }
}

#[test]
fn odd_texts_can_replace_each_other() {
    let mut old = approved(Some("first"));
    let mut file = encode(&old, b"x").expect("readable");
    for text in ODD_TEXTS.iter().chain(ODD_TEXTS.iter().rev()) {
        let report = Report { reviewed_by: Some((*text).into()), ..approved(Some(text)) };
        file = edit(&file, &old, &report, None).unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
        assert_eq!(file, encode(&report, b"x").expect("readable"), "{text:?}");
        old = report;
    }
}

#[test]
fn several_lines_of_notes_stand_as_a_block() {
    let file = encode(&approved(Some("First.\n\n- second\n---\n# third")), b"x").expect("readable");
    let file = String::from_utf8(file).expect("UTF-8");
    assert!(file.contains("\nreview_notes: |-\n  First.\n\n  - second\n  ---\n  # third\n---\nx"), "{file}");
}

/// What a person may have made of the file; only what changes may differ.
#[test]
fn edit_leaves_everything_else_as_a_person_wrote_it() {
    let before = "---\r\n# kept: top\r\nstatus:    pending_review   # waiting\r\n'id': \"0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10\"\r\nx-team: [a, b]   # unknown\r\nserver_name: 'mcp-servicenow'\r\nrepository_url: >-\r\n  https://github.com/intility/mcp-servicenow\r\n\r\n# about the developer\r\ndeveloper_email: alex@intility.no\r\nrevision: 1\r\nsubmitted_at: \"2025-10-20T12:00:00+02:00\"\r\nreviewed_at:\r\nreviewed_by: ~ # nobody yet\r\nnested:\r\n  a:\r\n    - 1\r\n# last\r\n---\r\nbody\r\n";
    let after = edit_from(before.as_bytes(), &approved(Some("Good.\nReally.")), None).expect("editable");
    let expected = before
        .replace("status:    pending_review ", "status:    approved ")
        .replace("reviewed_at:\r\n", "reviewed_at: 2025-10-21T09:00:00Z\r\n")
        .replace("reviewed_by: ~ #", "reviewed_by: \"Morgan <morgan@intility.no>\" #")
        .replace("# last\r\n", "# last\r\nreview_notes: |-\r\n  Good.\r\n  Really.\r\n");
    assert_eq!(String::from_utf8(after).expect("UTF-8"), expected);
}

#[test]
fn edit_replaces_values_of_every_style() {
    for value in [
        "plain text",
        "\"double \\\" quoted\"",
        "'single '' quoted'",
        "plain\n  on two lines",
        "\"double\n  on two\"",
        "|\n  literal\n\n  block\n",
        "|-  # comment\n  literal",
        ">\n  folded\n  block",
        "\n  on the next line",
        "",
        "~",
        "plain # comment",
        "plain\n  two # comment",
        "|\n  # not a comment\n  text\n\n",
    ] {
        let before = FILE
            .replace("review_notes: null", &format!("review_notes: {value}\n# after"))
            .replace("status: pending_review", "status: approved")
            .replace("reviewed_at: null", "reviewed_at: 2025-10-21T09:00:00Z")
            .replace("reviewed_by: null", "reviewed_by: x");
        for notes in ["one line", "two\nlines"] {
            let after =
                edit_from(before.as_bytes(), &approved(Some(notes)), None).unwrap_or_else(|f| panic!("{before}{f}"));
            let after = String::from_utf8(after).expect("UTF-8");
            assert!(after.contains("\n# after\n---\n"), "{after}");
            assert_eq!(value.contains("# comment"), after.contains("# comment"), "{after}");
        }
    }
}

#[test]
fn edit_finds_fields_behind_a_block_of_any_script() {
    let before = FILE.replace("status:", "x: |\n  日本語 ✅ ok\n  é\nстатус: 'é'\nstatus:");
    let after = edit_from(before.as_bytes(), &approved(None), None).expect("editable");
    assert!(String::from_utf8(after).expect("UTF-8").contains("\nстатус: 'é'\nstatus: approved\n"));
}

#[test]
fn edit_without_a_change_returns_the_same_bytes() {
    let odd = FILE.replace("server_name: mcp-servicenow", "server_name:   'mcp-servicenow'  # x");
    assert_eq!(edit_from(odd.as_bytes(), &report(), None).expect("editable"), odd.as_bytes());
}

#[test]
fn bom_before_the_fence_is_kept() {
    let odd = format!("\u{feff}{FILE}");
    assert_eq!(decode(odd.as_bytes()).expect("readable").report, report());
    assert_eq!(edit_from(odd.as_bytes(), &report(), None).expect("editable"), odd.as_bytes());
}

macro_rules! refused {
    ($($name:ident: $from:expr => $to:expr, $line:expr, $part:expr;)*) => {$(
        #[test]
        fn $name() {
            let fault = decode(FILE.replace($from, $to).as_bytes()).expect_err("must be refused");
            assert!(fault.to_string().contains($part), "{fault}");
            assert_eq!(fault.place.expect("a place").0, $line, "{fault}");
        }
    )*};
}

refused! {
    no_opening_fence: "---\nid" => "id", 1, "begin with a line `---`";
    no_closing_fence: "null\n---\n#" => "null\n#", 13, "has no end";
    broken_yaml: "status: pending_review" => "status: [pending", 7, "not valid YAML";
    anchor: "server_name: mcp" => "server_name: &a mcp", 3, "anchors";
    alias: "server_name: mcp-servicenow" => "server_name: *a", 3, "";
    tag: "server_name: mcp" => "server_name: !!str mcp", 3, "tags";
    merge_key: "revision: 1" => "<<: {a: 1}\nrevision: 1", 7, "merge keys";
    duplicate_key: "revision: 1" => "revision: 1\nrevision: 2", 8, "twice";
    nested_duplicate_key: "revision: 1" => "x: {a: 1, a: 2}\nrevision: 1", 7, "twice";
    deep_nesting: "revision: 1" => &format!("x: {}\nrevision: 1", "[".repeat(2000)), 7, "";
    deep_nesting_within_the_parser_limit: "revision: 1" => &format!("x: {}{}\nrevision: 1", "[".repeat(20), "]".repeat(20)), 7, "deep";
    flow_mapping: FILE => "---\n{id: 1}\n---\n", 2, "start its line";
    indented_fields: FILE => "---\n  id: 1\n---\n", 2, "start its line";
    list: FILE => "---\n- a\n---\n", 2, "not be a list";
    text_alone: FILE => "---\nhello\n---\n", 2, "lines";
    nothing: FILE => "---\n---\n", 2, "empty";
    second_document: "revision: 1" => "...\n--- x\nrevision: 1", 8, "";
    missing_field: "status: pending_review\n" => "", 2, "`status` is missing";
    unknown_status: "pending_review" => "done", 6, "`status` must be";
    wrong_type: "mcp-servicenow\nrepo" => "12\nrepo", 3, "must be a string";
    bad_id: "0198c5f2-7a51" => "0198c5f2-7a5", 2, "`id` must be a UUID";
    bad_revision: "revision: 1" => "revision: 0", 7, "whole number";
    last_revision_of_all: "revision: 1" => "revision: 4294967295", 7, "whole number";
    bad_time: "2025-10-20T10:00:00Z" => "yesterday", 8, "time";
    conflict_marker: "status: pending_review" => "<<<<<<< HEAD\nstatus: a\n=======\nstatus: b\n>>>>>>> x", 6, "merge conflict";
    huge_front_matter: "revision: 1" => &format!("x: {}\nrevision: 1", "a".repeat(300_000)), 7, "256 KiB";
}

#[test]
fn nested_aliases_cost_nothing() {
    let bomb: String =
        ('b'..='z').map(|c| format!("{c}: &{c} [{0},{0},{0}]\n", format!("*{}", char::from(c as u8 - 1)))).collect();
    let file = FILE.replace("revision: 1", &format!("a: &a [x,x,x]\n{bomb}revision: 1"));
    assert!(decode(file.as_bytes()).expect_err("refused").detail.contains("anchors"));
}

#[test]
fn front_matter_that_is_not_utf8_names_its_line() {
    let mut file = FILE.as_bytes().to_vec();
    let at = FILE.find("mcp-servicenow").expect("there");
    file[at] = 0xff;
    assert_eq!(decode(&file).expect_err("refused").place, Some((3, 1)));
}

proptest::proptest! {
    /// What is certain by its form is read back where tests run; see [`check`].
    #[test]
    fn printable_ascii_is_certain_and_edited_to_what_would_be_written_anew(
        name in "[ -~]{0,24}", by in "[ -~]{0,24}", notes in proptest::option::of("[ -~]{0,40}"),
    ) {
        let old = Report { server_name: name.clone(), ..report() };
        let new = Report { server_name: name, reviewed_by: Some(by), ..approved(notes.as_deref()) };
        proptest::prop_assert!(own::is_certain(&old) && own::is_certain(&new));
        let file = encode(&old, b"---\nx").expect("readable");
        proptest::prop_assert_eq!(&decode(&file).expect("readable").report, &old);
        proptest::prop_assert_eq!(own::read(&own::yaml(&old)), Some(old.clone()));
        proptest::prop_assert_eq!(own::read(&own::yaml(&new)), Some(new.clone()));
        let edited = edit(&file, &old, &new, None).expect("editable");
        proptest::prop_assert_eq!(&edited, &encode(&new, b"---\nx").expect("readable"));
        // A comment is a person's: then each field is edited by itself, to the same.
        let theirs = String::from_utf8(file).expect("ASCII").replacen("---\n", "---\n# by hand\n", 1);
        let theirs = edit(theirs.as_bytes(), &old, &new, None).expect("editable");
        proptest::prop_assert_eq!(String::from_utf8(theirs).expect("ASCII").replacen("# by hand\n", "", 1).into_bytes(), edited);
    }

    #[test]
    fn text_that_stays_plain_is_left_so_by_serde_yaml(text in "[a-zA-Z][a-zA-Z0-9 ._/@+:,()'-]{0,12}") {
        if scalar::is_safe_plain(&text) {
            proptest::prop_assert_eq!(serde_yaml::to_string(&text).expect("YAML"), format!("{text}\n"));
        }
    }
}

#[test]
fn no_short_word_stays_plain_that_serde_yaml_quotes() {
    let letters = || ('a'..='z').chain('A'..='Z');
    let short = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
    let words = letters().map(String::from).chain(short);
    let known = ["yes", "off", "true", "false", "null", "nan", "inf", "infinity", "NaN", "Inf", "True", "FALSE", "e1"];
    for word in words.chain(known.map(String::from)).filter(|word| scalar::is_safe_plain(word)) {
        assert_eq!(serde_yaml::to_string(&word).expect("YAML").trim_end(), word);
    }
}

#[test]
fn report_is_certain_only_if_its_form_tells_all() {
    let certain = approved(Some("Fine: \"all\" of it."));
    assert!(own::is_certain(&certain));
    let at = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().expect("a time");
    for other in [
        Report { review_notes: Some("two\nlines".into()), ..certain.clone() },
        Report { review_notes: Some("a\u{202e}b".into()), ..certain.clone() },
        Report { server_name: "ß".into(), ..certain.clone() },
        Report { server_name: "a\tb".into(), ..certain.clone() },
        Report { review_notes: Some("x".repeat(MAX_BYTES)), ..certain.clone() },
        Report { revision: 0, ..certain.clone() },
        Report { revision: u32::MAX, ..certain.clone() },
        Report { submitted_at: at(10_000), ..certain.clone() },
        Report { reviewed_at: Some(at(-1)), ..certain.clone() },
        Report { reviewed_at: Some(at(2025) + chrono::TimeDelta::milliseconds(1)), ..certain },
    ] {
        assert!(!own::is_certain(&other), "{other:?}");
    }
}

#[test]
fn what_a_person_changed_is_for_a_reader_of_yaml() {
    let own = own::yaml(&approved(Some("Fine: \"all\" of it.")));
    assert!(own::read(&own).is_some());
    for (found, changed) in [
        ("status: approved", "status: approved "),
        ("status: approved", "status:  approved"),
        ("status: approved", "status: 'approved'"),
        ("status: approved", "status: approved # fine"),
        ("status: approved", "status: &a approved"),
        ("status: approved\nrevision: 1\n", "revision: 1\nstatus: approved\n"),
        ("revision: 1", "revision: 01"),
        ("revision: 1", "revision: +1"),
        ("T10:00:00Z", "T10:00:00+00:00"),
        ("T10:00:00Z", "T10:00:60Z"),
        ("0198c5f2-7a51", "0198C5F2-7a51"),
        ("Morgan <", "Morgan \\u003c"),
        ("mcp-servicenow\nrep", "\"mcp-servicenow\"\nrep"),
        ("mcp-servicenow\nrep", "null\nrep"),
        ("mcp-servicenow\nrep", "|-\nrep"),
        ("\n", "\r\n"),
        ("of it.\"\n", "of it.\"\nextra: 1\n"),
        ("of it.\"\n", "of it.\"\n\n"),
        ("of it.\"\n", "of it.\""),
    ] {
        let changed = own.replace(found, changed);
        assert!(changed != own && own::read(&changed).is_none(), "{changed}");
    }
}
