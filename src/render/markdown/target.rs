//! Where a link may lead.

use percent_encoding::percent_decode_str;

use super::outline::Outline;

/// What is longer opens nowhere.
const MAX_URL_BYTES: usize = 8 * 1024;

/// What a link's address is to the page.
pub(crate) enum Target<'a> {
    /// Another site, or a mail.
    Out(&'a str),
    /// The id of a heading of this text.
    Inside(String),
    /// Nothing that can be followed from here: relative to where the text was
    /// written, or of a scheme that a page had better not open.
    Nowhere(&'a str),
}

impl<'a> Target<'a> {
    pub(crate) fn of(url: &'a str, outline: &Outline) -> Self {
        if let Some(fragment) = url.strip_prefix('#') {
            let fragment = percent_decode_str(fragment).decode_utf8_lossy();
            return outline.find(&fragment).map_or(Self::Nowhere(url), Self::Inside);
        }
        if url.len() > MAX_URL_BYTES {
            return Self::Nowhere(url);
        }
        let leads_out = ["http://", "https://", "mailto:"].iter().any(|scheme| {
            url.len() > scheme.len()
                && url.is_char_boundary(scheme.len())
                && url[..scheme.len()].eq_ignore_ascii_case(scheme)
        });
        if leads_out { Self::Out(url) } else { Self::Nowhere(url) }
    }
}
