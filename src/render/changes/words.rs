//! Which words of a changed passage are the changed ones.

use imara_diff::{Algorithm, Diff, InternedInput, Token};

/// Passages with more words are compared by lines alone: there is nothing in
/// them that a marked word would show.
const MAX_WORDS: usize = 5_000;

/// A passage's lines before and after, each as stretches that changed or did not.
pub(super) struct Marked<'a> {
    pub(super) removed: Vec<Vec<(bool, &'a str)>>,
    pub(super) added: Vec<Vec<(bool, &'a str)>>,
}

pub(super) fn mark<'a>(removed: &[&'a str], added: &[&'a str]) -> Marked<'a> {
    let whole = |lines: &[&'a str]| lines.iter().map(|line| vec![(true, *line)]).collect();
    if removed.is_empty() || added.is_empty() {
        return Marked { removed: whole(removed), added: whole(added) };
    }
    let n_bytes = removed.iter().chain(added).map(|line| line.len()).sum::<usize>();
    let mut input = InternedInput::default();
    // A text of `n` words has at least `n` bytes, so that most need no counting.
    let count = |lines: &[&str]| lines.iter().map(|line| words(line).take(MAX_WORDS + 1).count() + 1).sum::<usize>();
    if n_bytes > MAX_WORDS && count(removed) + count(added) > MAX_WORDS {
        return Marked { removed: whole(removed), added: whole(added) };
    }
    input.update_before(tokens(removed));
    input.update_after(tokens(added));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_no_heuristic(&input);
    // Two sentences have `the` in common, and that says nothing.
    let n_kept = |tokens: &[Token], is_changed: &dyn Fn(u32) -> bool| {
        let kept =
            |(n, token): &(u32, &Token)| !is_changed(*n) && input.interner[**token].chars().any(char::is_alphanumeric);
        (0..).zip(tokens).filter(kept).count()
    };
    let n_words = |tokens: &[Token]| {
        tokens.iter().filter(|token| input.interner[**token].chars().any(char::is_alphanumeric)).count()
    };
    let kept = n_kept(&input.before, &|n| diff.is_removed(n));
    if kept * 4 < n_words(&input.before).max(n_words(&input.after)) {
        return Marked { removed: whole(removed), added: whole(added) };
    }
    Marked { removed: stretches(removed, |n| diff.is_removed(n)), added: stretches(added, |n| diff.is_added(n)) }
}

/// Puts the words of each line together again, as long as they are alike.
fn stretches<'a>(lines: &[&'a str], is_changed: impl Fn(u32) -> bool) -> Vec<Vec<(bool, &'a str)>> {
    let mut n = 0;
    let mut stretches = Vec::new();
    for line in lines {
        let mut of_line: Vec<(bool, &str)> = Vec::new();
        let (mut from, mut at) = (0, 0);
        let mut state = None;
        for word in words(line) {
            let changed = is_changed(n);
            if state.is_some_and(|state| state != changed) {
                of_line.push((!changed, &line[from..at]));
                from = at;
            }
            state = Some(changed);
            at += word.len();
            n += 1;
        }
        // The line's end is a token of its own.
        n += 1;
        of_line.push((state.unwrap_or(true), &line[from..]));
        stretches.push(of_line);
    }
    stretches
}

fn tokens<'a>(lines: &[&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().flat_map(|line| words(line).chain(["\n"]))
}

/// Cuts a line into words, runs of white space, and single other characters.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = kind(first);
        let end = match kind {
            2 => first.len_utf8(),
            _ => rest.char_indices().find(|(_, c)| self::kind(*c) != kind).map_or(rest.len(), |(at, _)| at),
        };
        let (word, later) = rest.split_at(end);
        rest = later;
        Some(word)
    })
}

/// 0 for what words are made of, 1 for white space, 2 for what stands alone:
/// punctuation, and the characters of scripts that put no space between words.
fn kind(c: char) -> u8 {
    match c {
        '\u{0e00}'..='\u{0eff}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => 2,
        _ if c.is_whitespace() => 1,
        // Not to cut a letter from its accent, or an emoji in two.
        _ if c.is_alphanumeric() || c == '_' || !c.is_ascii() => 0,
        _ => 2,
    }
}
