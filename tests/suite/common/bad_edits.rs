//! The ways in which a person can get a report's file wrong, each with the rule
//! it breaks and the place in the file.

/// One bad edit of a report's file.
pub(crate) struct BadEdit {
    pub(crate) name: &'static str,
    /// Whether the report was approved before.
    pub(crate) is_approved: bool,
    pub(crate) edit: fn(&str) -> Vec<u8>,
    pub(crate) rule: &'static str,
    /// Line and column; `None` if it is about the file as a whole.
    pub(crate) place: Option<(u64, u64)>,
}

/// Puts `to` in the place of the first `from`.
fn put(text: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(text.contains(from), "no `{from}` in {text}");
    text.replacen(from, to, 1).into_bytes()
}

/// Puts `bytes` in the place of the first byte of `at`.
fn put_bytes(text: &str, at: &str, bytes: &[u8]) -> Vec<u8> {
    let at = text.find(at).expect("there");
    [&text.as_bytes()[..at], bytes, &text.as_bytes()[at + 1..]].concat()
}

/// Sets the value of a field, whatever it is.
fn set(text: &str, name: &str, value: &str) -> Vec<u8> {
    let lines = text.split_inclusive('\n').map(|line| match line.strip_prefix(&format!("{name}: ")) {
        Some(_) => format!("{name}: {value}\n"),
        None => line.to_owned(),
    });
    lines.collect::<String>().into_bytes()
}

/// Where the text starts.
fn body(text: &str) -> usize {
    text.find("\n---\n").expect("a fence") + 5
}

/// No report has this id.
pub(crate) const OTHER_ID: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

macro_rules! bad_edits {
    ($($state:ident $name:literal: $edit:expr => $rule:literal $place:expr;)*) => {
        /// All of them.
        pub(crate) const BAD_EDITS: &[BadEdit] = &[$(BadEdit {
            name: $name,
            is_approved: matches!(stringify!($state).as_bytes(), b"approved"),
            edit: $edit,
            rule: $rule,
            place: $place,
        }),*];
    };
}

// Lines of the file: 1 `---`, 2 id, 3 server_name, 4 repository_url, 5 developer_email,
// 6 status, 7 revision, 8 submitted_at, 9 reviewed_at, 10 reviewed_by, 11 review_notes,
// 12 `---`, 13 to 17 the text.
bad_edits! {
    pending "no-opening-fence": |text| text[4..].into() => "missing-fence" Some((1, 1));
    pending "text-before-the-fence": |text| format!("# Report\n{text}").into() => "missing-fence" Some((1, 1));
    pending "four-dashes": |text| format!("-{text}").into() => "missing-fence" Some((1, 1));
    pending "no-closing-fence": |text| put(text, "\n---\n", "\n") => "unclosed-front-matter" Some((17, 1));
    pending "front-matter-alone": |text| text[..body(text)].into() => "empty-text" Some((13, 1));
    pending "front-matter-too-long": |text| put(text, "revision", &format!("x: {}\nrevision", "a".repeat(300_000)))
        => "front-matter-too-long" Some((7, 1));
    pending "latin-1-in-a-field": |text| put_bytes(text, "server_name", b"\xe9") => "not-utf8" Some((3, 1));
    pending "latin-1-in-the-text": |text| put_bytes(text, "All well", b"\xe9") => "not-utf8" Some((17, 1));
    pending "utf-16": |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect() => "missing-fence|binary" Some((1, 1));
    pending "picture": |_| b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0".repeat(50) => "missing-fence|binary" Some((1, 1));
    pending "nul-in-the-text": |text| put_bytes(text, "All well", b"\0") => "binary" Some((17, 1));
    pending "list-left-open": |text| put(text, "pending_review", "[pending") => "invalid-yaml" Some((7, 9));
    pending "quote-left-open": |text| put(text, "alex@example.com", "\"alex") => "invalid-yaml" Some((5, 18));
    pending "two-colons": |text| put(text, "review_notes: null", "review_notes: a: b") => "invalid-yaml" Some((11, 16));
    pending "line-without-a-colon": |text| put(text, "revision", "looks good\nrevision") => "invalid-yaml" Some((8, 1));
    pending "bad-escape": |text| put(text, "alex@example.com", "\"\\q\"") => "invalid-yaml" Some((5, 18));
    pending "at-sign-first": |text| put(text, "reviewed_by: null", "reviewed_by: @kim") => "invalid-yaml" Some((10, 14));
    pending "anchor": |text| put(text, "alex@", "&a alex@") => "anchor" Some((5, 21));
    pending "alias": |text| put(text, "alex@example.com", "*a") => "alias|invalid-yaml" Some((5, 18));
    pending "tag": |text| put(text, "alex@", "!!str alex@") => "tag" Some((5, 24));
    pending "merge-key": |text| put(text, "revision", "<<: {a: 1}\nrevision") => "merge-key" Some((7, 1));
    pending "field-twice": |text| put(text, "revision: 1", "revision: 1\nrevision: 2") => "duplicate-key" Some((8, 1));
    pending "nested-field-twice": |text| put(text, "revision", "x: {a: 1, a: 2}\nrevision") => "duplicate-key" Some((7, 11));
    pending "too-deep": |text| put(text, "revision", &format!("x: {}{}\nrevision", "[".repeat(20), "]".repeat(20)))
        => "nesting" Some((7, 19));
    pending "two-documents": |text| put(text, "revision", "--- x\nrevision") => "several-documents" Some((7, 1));
    pending "list-of-fields": |text| format!("---\n- a\n---\n{}", &text[body(text)..]).into() => "not-a-mapping" Some((2, 1));
    pending "no-fields-but-text": |text| format!("---\nhello\n---\n{}", &text[body(text)..]).into() => "not-a-mapping" Some((2, 1));
    pending "no-fields": |text| format!("---\n---\n{}", &text[body(text)..]).into() => "not-a-mapping" Some((2, 1));
    pending "fields-in-braces": |text| format!("---\n{{id: 1}}\n---\n{}", &text[body(text)..]).into() => "key-form" Some((2, 2));
    pending "fields-indented": |text| format!("---\n  id: 1\n---\n{}", &text[body(text)..]).into() => "key-form" Some((2, 3));
    pending "conflict-in-a-field": |text| put(text, "status: pending_review",
        "<<<<<<< HEAD\nstatus: approved\n=======\nstatus: rejected\n>>>>>>> side") => "conflict-markers" Some((6, 1));
    pending "conflict-in-the-text": |text| put(text, "All well.", "<<<<<<< HEAD\nAll well.\n=======\nNot well.\n>>>>>>> side")
        => "conflict-markers" Some((17, 1));
    pending "no-id": |text| put(text, "id: ", "# id: ") => "missing-field" Some((2, 1));
    pending "no-name": |text| put(text, "server_name: ", "name: ") => "missing-field" Some((2, 1));
    pending "no-url": |text| put(text, "repository_url: ", "url: ") => "missing-field" Some((2, 1));
    pending "no-email": |text| put(text, "developer_email: ", "email: ") => "missing-field" Some((2, 1));
    pending "no-status": |text| put(text, "status: ", "state: ") => "missing-field" Some((2, 1));
    pending "empty-status": |text| set(text, "status", "") => "missing-field" Some((6, 1));
    pending "name-a-number": |text| set(text, "server_name", "12") => "wrong-type" Some((3, 14));
    pending "email-a-truth": |text| set(text, "developer_email", "true") => "wrong-type" Some((5, 18));
    pending "short-id": |text| set(text, "id", "0198c5f2") => "invalid-id" Some((2, 5));
    pending "misspelt-status": |text| set(text, "status", "aproved") => "unknown-status" Some((6, 9));
    pending "status-in-capitals": |text| set(text, "status", "   'Approved' # ok") => "unknown-status" Some((6, 12));
    pending "revision-zero": |text| set(text, "revision", "0") => "invalid-revision" Some((7, 11));
    pending "revision-in-words": |text| set(text, "revision", "one") => "invalid-revision" Some((7, 11));
    pending "time-in-words": |text| set(text, "submitted_at", "yesterday") => "invalid-time" Some((8, 15));
    pending "month-thirteen": |text| set(text, "reviewed_at", "2025-13-01T00:00:00Z") => "invalid-time" Some((9, 14));
    pending "long-name": |text| set(text, "server_name", &"é".repeat(256)) => "invalid-server-name" Some((3, 14));
    pending "padded-name": |text| set(text, "server_name", "\"mcp \"") => "invalid-server-name" Some((3, 14));
    pending "name-that-hides": |text| set(text, "server_name", "mcp\u{202e}eno") => "invalid-server-name" Some((3, 14));
    pending "email-of-nobody": |text| set(text, "developer_email", "alex") => "invalid-developer-email" Some((5, 18));
    pending "url-of-ftp": |text| set(text, "repository_url", "ftp://example.com/x") => "invalid-repository-url" Some((4, 17));
    pending "url-with-password": |text| put(text, "https://", "https://kim:secret@") => "invalid-repository-url" Some((4, 17));
    pending "reviewer-on-two-lines": |text| put(std::str::from_utf8(&set(text, "status", "approved")).expect("UTF-8"),
        "reviewed_by: null", "reviewed_by: \"Kim\\nMorgan\"") => "invalid-reviewed-by" Some((10, 14));
    approved "notes-too-long": |text| set(text, "review_notes", &"a".repeat(32 * 1024 + 1)) => "invalid-review-notes" Some((11, 15));
    pending "text-too-long": |text| format!("{text}{}", "é".repeat(600_000)).into() => "text-too-long" Some((13, 1));
    pending "five-megabytes": |text| format!("{text}{}", "a line\n".repeat(750_000)).into() => "text-too-long" Some((13, 1));
    pending "other-id": |text| set(text, "id", OTHER_ID) => "changed-id" Some((2, 5));
    pending "other-repository": |text| set(text, "repository_url", "https://github.com/example/elsewhere")
        => "changed-repository" Some((4, 17));
    pending "repository-of-another": |text| set(text, "repository_url", "https://github.com/example/well")
        => "changed-repository" Some((4, 17));
    pending "text-and-approval": |text| [&set(text, "status", "approved")[..], b"More.\n"].concat()
        => "text-and-decision" Some((6, 9));
    approved "text-and-rejection": |text| [&set(text, "status", "rejected")[..], b"More.\n"].concat()
        => "text-and-decision" Some((6, 9));
    approved "other-reviewer": |text| set(text, "reviewed_by", "Kim") => "review-fields" Some((10, 14));
    approved "no-reviewer": |text| set(text, "reviewed_by", "null") => "review-fields" Some((10, 14));
    approved "other-time": |text| set(text, "reviewed_at", "2001-01-01T00:00:00Z") => "review-fields" Some((9, 14));
    pending "reviewer-without-decision": |text| set(text, "reviewed_by", "Kim") => "review-fields" Some((10, 14));
    pending "emptied": |_| Vec::new() => "missing-fence|cut-file" Some((1, 1));
}
