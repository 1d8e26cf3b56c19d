//! Characters that a reader cannot see, made visible.
//!
//! Left alone are line ends and tabs, and what ordinary text needs: the
//! selectors and joiners inside an emoji, and the joiners of scripts whose
//! letters change shape with them.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::iter::Peekable;
use std::str::CharIndices;

use crate::report::text::{code_point, is_invisible};

/// Of a longer run of unseen characters only the first is named, so that a
/// text of nothing else does not grow tenfold.
const MAX_RUN: usize = 8;

/// Returns `text` with each invisible or bidi control character as `⟦U+202E⟧`.
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut n_marks = 0;
    for piece in pieces(text) {
        match piece {
            Piece::Seen(seen) if n_marks == 0 && seen.len() == text.len() => return Cow::Borrowed(text),
            Piece::Seen(seen) => shown.push_str(seen),
            Piece::Unseen(unseen) => {
                n_marks += 1;
                write_marks(&mut shown, unseen, "⟦", "⟧").expect("a string takes every write");
            }
        }
    }
    Cow::Owned(shown)
}

/// Writes `text` as HTML, with each unseen character as `<span class="control">⟦U+202E⟧</span>`.
pub(super) fn write_html(out: &mut impl Write, text: &str) -> fmt::Result {
    for piece in pieces(text) {
        match piece {
            Piece::Seen(seen) => write_escaped(out, seen)?,
            Piece::Unseen(unseen) => write_marks(out, unseen, "<span class=\"control\">⟦", "⟧</span>")?,
        }
    }
    Ok(())
}

/// Writes `text` with the characters escaped that mean something in HTML, in
/// an attribute's value as well.
pub(super) fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            _ => "&quot;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

fn write_marks(out: &mut impl Write, unseen: &str, open: &str, close: &str) -> fmt::Result {
    let n_chars = unseen.chars().count();
    if n_chars > MAX_RUN {
        let first = unseen.chars().next().map(code_point).unwrap_or_default();
        return write!(out, "{open}{first} and {} more unseen{close}", n_chars - 1);
    }
    unseen.chars().try_for_each(|c| write!(out, "{open}{}{close}", code_point(c)))
}

enum Piece<'a> {
    Seen(&'a str),
    /// One or more characters, all of them unseen.
    Unseen(&'a str),
}

/// Cuts `text` into the longest runs that are seen or not.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut chars = Classes { chars: text.char_indices().peekable(), before: None };
    let mut next = chars.next();
    let mut from = 0;
    std::iter::from_fn(move || {
        let (_, unseen) = next?;
        while next.is_some_and(|(_, other)| other == unseen) {
            next = chars.next();
        }
        let to = next.map_or(text.len(), |(at, _)| at);
        let piece = &text[from..to];
        from = to;
        Some(if unseen { Piece::Unseen(piece) } else { Piece::Seen(piece) })
    })
}

/// Each character's place, and whether it is unseen where it stands.
struct Classes<'a> {
    chars: Peekable<CharIndices<'a>>,
    before: Option<char>,
}

impl Iterator for Classes<'_> {
    type Item = (usize, bool);

    fn next(&mut self) -> Option<Self::Item> {
        let (at, c) = self.chars.next()?;
        let before = self.before.replace(c);
        let after = self.chars.peek().map(|(_, c)| *c);
        let unseen = match c {
            ' '..='~' | '\n' | '\t' => false,
            '\r' => after != Some('\n'),
            _ => (c.is_control() || is_invisible(c)) && !is_needed(before, c, after),
        };
        Some((at, unseen))
    }
}

/// Returns whether ordinary text has `c` in this place.
fn is_needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    match c {
        // Text or emoji style, of a symbol or of a key such as 1️⃣.
        '\u{fe0e}' | '\u{fe0f}' => {
            is_pictograph(before) || (matches!(before, '0'..='9' | '#' | '*') && after == Some('\u{20e3}'))
        }
        '\u{200d}' if after.is_some_and(is_pictograph) => is_pictograph(before) || before == '\u{fe0f}',
        '\u{200c}' | '\u{200d}' => is_joining(before),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

const fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}'..='\u{2935}'
            | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Returns whether `c` is of a script that is written with joiners: Arabic and
/// its relatives, those of India, Myanmar and the Khmer, Mongolian.
const fn is_joining(c: char) -> bool {
    matches!(
        c,
        '\u{0620}'..='\u{08ff}' | '\u{0900}'..='\u{0dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}'
            | '\u{17b6}'..='\u{17ff}' | '\u{1820}'..='\u{18aa}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
    )
}
