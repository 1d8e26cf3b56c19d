//! The HTML of lines with their numbers.

use std::fmt::Write;

use super::MAX_HTML_BYTES;
use crate::render::control::write_html;

/// Of a longer line only the beginning is shown.
const MAX_LINE_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Equal,
    Removed,
    Added,
}

/// Lines as they are written.
pub(super) struct Lines {
    html: String,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { html: "<div class=\"changes\">\n".into() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.html.len() > MAX_HTML_BYTES
    }

    /// Writes a line as words, each of them changed or not; beyond the limit, none.
    pub(super) fn write(&mut self, kind: Kind, before: Option<usize>, after: Option<usize>, words: &[(bool, &str)]) {
        if self.is_full() {
            return;
        }
        let (class, sign, name) = match kind {
            Kind::Equal => ("line", " ", "span"),
            Kind::Removed => ("line line-removed", "−", "del"),
            Kind::Added => ("line line-added", "+", "ins"),
        };
        self.put(format_args!("<div class=\"{class}\">"));
        for number in [before, after] {
            match number {
                Some(number) => self.put(format_args!("<span class=\"number\">{number}</span>")),
                None => self.put(format_args!("<span class=\"number\"></span>")),
            }
        }
        self.put(format_args!("<span class=\"sign\">{sign}</span><code>"));
        let mut room = MAX_LINE_BYTES;
        for (is_changed, text) in words {
            let shown = &text[..floor(text, room)];
            room -= shown.len();
            if *is_changed {
                self.put(format_args!("<{name}>"));
            }
            write_html(&mut self.html, shown).expect("a string takes every write");
            if *is_changed {
                self.put(format_args!("</{name}>"));
            }
            if shown.len() < text.len() {
                self.html.push_str("<span class=\"fold\">… the rest of this line is not shown</span>");
                break;
            }
        }
        self.html.push_str("</code></div>\n");
    }

    pub(super) fn fold(&mut self, n_lines: usize) {
        if !self.is_full() {
            self.put(format_args!("<div class=\"fold\">{n_lines} equal lines</div>\n"));
        }
    }

    pub(super) fn nothing(mut self, are_equal: bool) -> String {
        let why = if are_equal { "The text is the same." } else { "Only line ends changed." };
        self.put(format_args!("<div class=\"fold\">{why}</div>\n"));
        self.end()
    }

    /// Ends what would go on for too long.
    pub(super) fn cut(mut self) -> String {
        self.html.push_str("<div class=\"fold\">There are more changes than a page can show. Use git diff.</div>\n");
        self.end()
    }

    pub(super) fn end(mut self) -> String {
        self.html.push_str("</div>\n");
        self.html
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.html.write_fmt(text).expect("a string takes every write");
    }
}

fn floor(text: &str, end: usize) -> usize {
    (0..=end.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
