//! Markdown as HTML that may be put into a page as it is.
//!
//! comrak reads (CommonMark and the extensions of GFM), `format` writes only
//! what a report needs, ammonia takes out what is not on the list of
//! `sanitise`: two walls, each of which would do. Raw HTML is shown, never
//! interpreted; images are links to their address.

mod format;
pub(crate) mod outline;
mod plain;
mod sanitise;
pub(crate) mod target;
mod text;

use comrak::{Arena, Options, parse_document};

use outline::Outline;

/// A text as HTML, and the headings in it.
pub struct Rendered {
    pub html: String,
    /// In the order of the text; at most 500.
    pub contents: Vec<Heading>,
}

/// A heading as it stands in the HTML.
pub struct Heading {
    /// 2–6; no level is left out on the way down.
    pub level: u8,
    /// Plain text, not HTML.
    pub text: String,
    /// The element's id: `s-` and a slug, unique in the text.
    pub anchor: String,
    /// Of the text, 1 for the first.
    pub line: usize,
}

/// Renders markdown for a page that has its own `h1`.
///
/// A text that nests deeper than anybody writes, or would become a page many
/// times its size, is shown as plain text, with a sentence that says so.
pub fn markdown(text: &str) -> Rendered {
    let options = options();
    let arena = Arena::new();
    let root = parse_document(&arena, text, &options);
    let outline = Outline::of(root);
    match format::document(root, &options, &outline, text.len()) {
        Ok(html) => Rendered { html: sanitise::clean(&html), contents: outline.into_contents() },
        Err(_) => plain::page(text),
    }
}

/// Returns how a report's text is read, for its page and for its check alike.
pub(crate) fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    // Reports begin with lines of `**Name:** value`, written for pages that keep them apart.
    options.render.hardbreaks = true;
    options
}
