//! What changed between two texts, line by line and word by word.
//!
//! Compared as git does it: where two texts have next to nothing in common the
//! result is no longer the smallest, but it is always right and soon there.

mod lines;
mod words;

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

use lines::{Kind, Lines};

/// Equal lines that are shown before and after a change.
const N_CONTEXT: usize = 3;

/// A page that is larger is no longer read, only scrolled.
pub(crate) const MAX_HTML_BYTES: usize = 2 * 1024 * 1024;

/// Longer texts are compared piece by piece. imara-diff 0.2 looks back over all
/// lines that many others equal, for each of them: a million takes minutes.
const MAX_TOKENS: usize = 10_000;

/// The differences of two texts.
pub struct Changes {
    pub html: String,
    /// Lines.
    pub n_added: usize,
    /// Lines.
    pub n_removed: usize,
}

/// Returns what changed from `before` to `after`.
///
/// Line ends are not compared. Lines of HTML beyond 2 MiB are counted, not shown.
pub fn changes(before: &str, after: &str) -> Changes {
    let mut input = InternedInput::default();
    input.update_before(before.lines());
    input.update_after(after.lines());
    let hunks = hunks(&input);
    let n_added = hunks.iter().map(|hunk| hunk.after.len()).sum();
    let n_removed = hunks.iter().map(|hunk| hunk.before.len()).sum();
    Changes { html: page(&input, &hunks, before == after), n_added, n_removed }
}

/// Returns the differences in order, of lines.
fn hunks(input: &InternedInput<&str>) -> Vec<Hunk> {
    let (before, after) = (&input.before, &input.after);
    if before.len().max(after.len()) <= MAX_TOKENS {
        let mut diff = Diff::compute(Algorithm::Histogram, input);
        diff.postprocess_lines(input);
        return diff.hunks().collect();
    }
    let n_same = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    let (mut at_before, mut at_after) = (n_same, n_same);
    let mut hunks = Vec::new();
    let mut diff = Diff::default();
    while at_before < before.len() || at_after < after.len() {
        let end_before = before.len().min(at_before + MAX_TOKENS);
        let end_after = after.len().min(at_after + MAX_TOKENS);
        let parts = (&before[at_before..end_before], &after[at_after..end_after]);
        diff.compute_with(Algorithm::Histogram, parts.0, parts.1, input.interner.num_tokens());
        let moved = |range: &Range<u32>, by: usize| range.start + by as u32..range.end + by as u32;
        hunks.extend(
            diff.hunks()
                .map(|hunk| Hunk { before: moved(&hunk.before, at_before), after: moved(&hunk.after, at_after) }),
        );
        (at_before, at_after) = (end_before, end_after);
    }
    hunks
}

fn page(input: &InternedInput<&str>, hunks: &[Hunk], are_equal: bool) -> String {
    let line = |tokens: &[imara_diff::Token], n: usize| input.interner[tokens[n]];
    let mut lines = Lines::new();
    // The first lines of both texts that are not written yet.
    let (mut n_before, mut n_after) = (0, 0);
    for hunk in hunks {
        let (from_before, to_before) = (hunk.before.start as usize, hunk.before.end as usize);
        let (from_after, to_after) = (hunk.after.start as usize, hunk.after.end as usize);
        let is_first = n_before == 0 && n_after == 0;
        equal(&mut lines, input, n_before..from_before, n_after, if is_first { 0 } else { N_CONTEXT }, N_CONTEXT);
        let removed: Vec<_> = (from_before..to_before).map(|n| line(&input.before, n)).collect();
        let added: Vec<_> = (from_after..to_after).map(|n| line(&input.after, n)).collect();
        let marked = words::mark(&removed, &added);
        for (n, words) in (from_before..).zip(&marked.removed) {
            lines.write(Kind::Removed, Some(n + 1), None, words);
        }
        for (n, words) in (from_after..).zip(&marked.added) {
            lines.write(Kind::Added, None, Some(n + 1), words);
        }
        (n_before, n_after) = (to_before, to_after);
        if lines.is_full() {
            return lines.cut();
        }
    }
    if n_before == 0 && n_after == 0 {
        return lines.nothing(are_equal);
    }
    equal(&mut lines, input, n_before..input.before.len(), n_after, N_CONTEXT, 0);
    lines.end()
}

/// Writes a stretch that is the same in both: its first lines and its last
/// ones, and how many are between them.
fn equal(
    lines: &mut Lines,
    input: &InternedInput<&str>,
    range: Range<usize>,
    n_after: usize,
    n_first: usize,
    n_last: usize,
) {
    let (start, n) = (range.start, range.len());
    let first_end = n.min(n_first);
    let last_start = n.saturating_sub(n_last).max(first_end);
    // To fold a single line would save nothing.
    let (first_end, last_start) = if last_start - first_end == 1 { (n, n) } else { (first_end, last_start) };
    for at in (0..first_end).chain(last_start..n) {
        if at == last_start && last_start > first_end {
            lines.fold(last_start - first_end);
        }
        let text = input.interner[input.before[start + at]];
        lines.write(Kind::Equal, Some(start + at + 1), Some(n_after + at + 1), &[(false, text)]);
    }
    if last_start == n && last_start > first_end {
        lines.fold(last_start - first_end);
    }
}
