//! Text between two tags.
//!
//! What writes the page at the end (html5ever 0.40) looks through the rest of
//! a text again for each `&` or `©` in it, so that a long one takes time with
//! the square of its length. An empty element in between cuts it.

use std::fmt::{self, Write};

use crate::render::control::write_html;

const MAX_BYTES: usize = 16 * 1024;
const CUT: &str = "<span></span>";

/// How much text was written since the last tag.
#[derive(Default)]
pub(super) struct Run(usize);

impl Run {
    /// To be called wherever a tag is written.
    pub(super) fn end(&mut self) {
        self.0 = 0;
    }

    pub(super) fn write(&mut self, out: &mut impl Write, text: &str) -> fmt::Result {
        let mut rest = text;
        while self.0 + rest.len() > MAX_BYTES {
            let (now, later) = rest.split_at(cut_at(rest, MAX_BYTES.saturating_sub(self.0)));
            write_html(out, now)?;
            out.write_str(CUT)?;
            self.0 = 0;
            rest = later;
        }
        self.0 += rest.len();
        write_html(out, rest)
    }
}

/// Returns where to cut `text` before `end`: after white space, if it has any.
fn cut_at(text: &str, end: usize) -> usize {
    let end = (0..=end.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].rfind([' ', '\n']).map_or(end, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_nothing_of_it_is_lost() {
        for text in ["&".repeat(100_000), "©".repeat(100_000), "ab c\n".repeat(20_000), "€".into()] {
            let mut out = String::new();
            let mut run = Run::default();
            run.write(&mut out, &text).unwrap();
            run.write(&mut out, &text).unwrap();
            assert!(out.split(CUT).all(|part| part.replace("&amp;", "&").len() <= MAX_BYTES));
            assert_eq!(out.replace(CUT, "").replace("&amp;", "&"), text.repeat(2));
        }
    }
}
