//! A text that is not worth laying out, as it was written.

use super::text::Run;
use super::{Rendered, sanitise};
use crate::render::control::visible;

const WHY: &str =
    "This text nests too deeply, or repeats itself too often, to be laid out. It is shown as it was written.";

pub(super) fn page(text: &str) -> Rendered {
    let mut html = format!("<p class=\"note\">{WHY}</p>\n<pre tabindex=\"0\"><code>");
    Run::default().write(&mut html, &visible(text)).expect("a string takes every write");
    html.push_str("</code></pre>\n");
    Rendered { html: sanitise::clean(&html), contents: Vec::new() }
}
