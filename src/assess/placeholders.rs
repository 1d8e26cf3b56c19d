//! What was to be filled in, and is not: `TODO`, `[...]`, `<fill in>`.

use super::read::{Block, Document, is_placeholder_tag};
use super::words::words;

/// Each of them says by itself that something is to come.
const ANYWHERE: &[&str] = &["TBD", "TBC", "T.B.D."];

/// In the middle of a sentence they are what the sentence is about.
const AT_AN_END: &[&str] = &["TODO", "FIXME", "XXX"];

/// So begins what a form says in brackets.
const FORM_WORDS: &[&str] = &["fill", "insert", "your", "enter", "describe", "placeholder", "todo", "tbd"];

const PHRASES: &[&str] = &["to be determined", "to be decided", "to be filled in", "lorem ipsum"];

/// The longest text in brackets that is looked at, in bytes.
const MAX_BRACKETS: usize = 120;

/// Returns line and text of each placeholder, at most one for a line or a cell.
pub(super) fn all(document: &Document, is_skipped: impl Fn(usize) -> bool) -> Vec<(usize, String)> {
    let blocks = document.blocks.iter().enumerate().filter(|(n, _)| !is_skipped(*n));
    let lines = blocks.flat_map(|(_, block)| block.lines());
    lines.filter_map(|line| find(&line.prose).map(|text| (line.number, text.to_owned()))).collect()
}

/// Returns whether a block says nothing but that something is to come.
pub(super) fn is_all_of(block: &Block) -> bool {
    matches!(block, Block::Line(line) if is_whole(line.prose.trim()))
}

/// Returns whether `text` is a placeholder and nothing else.
fn is_whole(text: &str) -> bool {
    find(text).is_some_and(|found| found.len() == text.len())
}

/// Returns the first placeholder in `prose`.
pub(super) fn find(prose: &str) -> Option<&str> {
    let text = prose.trim();
    if text.is_empty() {
        return None;
    }
    if text.chars().all(|c| matches!(c, '.' | '…')) {
        return (text.len() > 1).then_some(text);
    }
    word(text).or_else(|| bracketed(text)).or_else(|| tag(text)).or_else(|| phrase(text))
}

fn word(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let form = |word: &'static str, is_form: fn(&str, &str) -> bool| {
        let apart = text.match_indices(word).map(|(at, _)| (&text[..at], &text[at + word.len()..]));
        let mut apart = apart.filter(|(before, after)| !before.ends_with(is_part) && !after.starts_with(is_part));
        apart.find(|(before, after)| is_form(before, after)).map(|(before, _)| (before.len(), word.len()))
    };
    let anywhere = ANYWHERE.iter().filter_map(|word| form(word, |_, _| true));
    let at_an_end = AT_AN_END.iter().filter_map(|word| form(word, stands_apart));
    let date = form("YYYY-MM-DD", |before, _| before.is_empty() || before.trim_end().ends_with(':'));
    let (at, len) = anywhere.chain(at_an_end).chain(date).min()?;
    Some(&text[at..at + len])
}

fn stands_apart(before: &str, after: &str) -> bool {
    let is_first = before.trim_end().ends_with([':', '|']) || !before.contains(char::is_alphanumeric);
    is_first || after.starts_with(':') || !after.contains(char::is_alphanumeric)
}

fn bracketed(text: &str) -> Option<&str> {
    let form = |found: &&str| {
        let inner = found[1..found.len() - 1].trim();
        let has_dots = |text: &str| !text.is_empty() && text.chars().all(|c| matches!(c, '.' | '…' | '_' | ' '));
        let first = words(inner).into_iter().next().unwrap_or_default();
        has_dots(inner)
            || inner.starts_with("...")
            || inner.starts_with('…')
            || inner.ends_with("...")
            || inner.ends_with('…')
            || FORM_WORDS.contains(&first.as_str())
    };
    pairs(text, '[', ']').map(|(_, found)| found).find(form)
}

fn tag<'t>(text: &'t str) -> Option<&'t str> {
    let form = |(at, found): (usize, &'t str)| {
        let inner = &found[1..found.len() - 1];
        let before = &text[..at];
        // `List<String>` and `Bearer <token>` are what they are.
        let is_apart = !before.ends_with(char::is_alphanumeric);
        let is_value = at + found.len() == text.len() && (before.is_empty() || before.trim_end().ends_with(':'));
        let says_form = inner.contains(' ') || FORM_WORDS.contains(&words(inner).first().map_or("", String::as_str));
        let is_form = is_placeholder_tag(found)
            && inner.starts_with(char::is_alphabetic)
            && !inner.ends_with(' ')
            && is_apart
            && (is_value || says_form);
        is_form.then_some(found)
    };
    pairs(text, '<', '>').find_map(form)
}

fn phrase(text: &str) -> Option<&str> {
    let folded = text.to_ascii_lowercase();
    PHRASES.iter().find_map(|phrase| folded.find(phrase).map(|at| &text[at..at + phrase.len()]))
}

/// Returns what stands between `open` and the next `close`, both included, and where.
fn pairs(text: &str, open: char, close: char) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices(open).filter_map(move |(start, _)| {
        let end = (start + MAX_BRACKETS).min(text.len());
        let end = (start..=end).rev().find(|at| text.is_char_boundary(*at))?;
        let inner = &text[start + 1..end];
        let len = inner.find(close)?;
        // The innermost pair.
        (!inner[..len].contains(open)).then(|| (start, &text[start..start + 2 + len]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_text() {
        for (text, expected) in [
            ("TODO", Some("TODO")),
            ("Runbook: TODO after the release", Some("TODO")),
            ("TODO: name the owner", Some("TODO")),
            ("The retention is TBD.", Some("TBD")),
            ("[...]", Some("[...]")),
            ("[... rest of report ...]", Some("[... rest of report ...]")),
            ("see [your team]", Some("[your team]")),
            ("<fill in>", Some("<fill in>")),
            ("Owner: <name>", Some("<name>")),
            ("Repository: <owner/name>", Some("<owner/name>")),
            ("Review Date: YYYY-MM-DD", Some("YYYY-MM-DD")),
            ("…", Some("…")),
            ("...", Some("...")),
            ("Retention is to be decided", Some("to be decided")),
            ("", None),
            ("The code has no TODO comments", None),
            ("Dates are written YYYY-MM-DD", None),
            ("Bearer <token> is sent", None),
            ("List<String>", None),
            ("p95 <200 ms, p99 >300 ms", None),
            ("[1] and [a link]", None),
            ("and so on...", None),
            ("[x] done, [ ] open", None),
        ] {
            assert_eq!(find(text), expected, "{text}");
        }
    }
}
