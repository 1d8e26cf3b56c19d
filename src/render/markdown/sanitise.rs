//! The list of what may be in a page: the second wall behind `format`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

const TAGS: [&str; 28] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "div",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "span",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "id", "title", "aria-label"])),
            ("div", HashSet::from(["aria-label"])),
            ("h2", HashSet::from(["id"])),
            ("h3", HashSet::from(["id"])),
            ("h4", HashSet::from(["id"])),
            ("h5", HashSet::from(["id"])),
            ("h6", HashSet::from(["id"])),
            ("li", HashSet::from(["id"])),
            ("ol", HashSet::from(["start"])),
            ("section", HashSet::from(["aria-label"])),
            ("span", HashSet::from(["aria-label"])),
        ]))
        .tag_attribute_values(HashMap::from([
            ("div", HashMap::from([("role", HashSet::from(["region"])), ("tabindex", HashSet::from(["0"]))])),
            ("pre", HashMap::from([("tabindex", HashSet::from(["0"]))])),
            ("span", HashMap::from([("role", HashSet::from(["img"]))])),
            ("td", HashMap::from([("align", HashSet::from(["left", "right", "center"]))])),
            ("th", HashMap::from([("align", HashSet::from(["left", "right", "center"]))])),
        ]))
        .allowed_classes(HashMap::from([
            ("a", HashSet::from(["image"])),
            ("div", HashSet::from(["table"])),
            ("li", HashSet::from(["task"])),
            ("p", HashSet::from(["note"])),
            ("pre", HashSet::from(["html"])),
            ("section", HashSet::from(["footnotes"])),
            ("span", HashSet::from(["address", "control"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::PassThrough)
        .attribute_filter(|_, attribute, value| match attribute {
            "href" if !leads_somewhere(value) => None,
            "id" if !value.starts_with("s-") => None,
            _ => Some(value.into()),
        })
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

pub(super) fn clean(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// Returns whether `href` is an address of another site or a heading of the text.
fn leads_somewhere(href: &str) -> bool {
    let schemes = ["http://", "https://", "mailto:"];
    href.starts_with("#s-")
        || schemes.iter().any(|scheme| href.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}
