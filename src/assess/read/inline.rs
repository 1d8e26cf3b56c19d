//! The lines of a paragraph, a heading or a cell, as a reader sees them.

use comrak::Node;
use comrak::nodes::NodeValue;

use super::{Line, Role};

/// Stands for a piece of code in the prose: what is in it is meant to the letter.
const CODE: char = '\u{fffc}';

/// HTML that people write between words. What looks like a tag and is none of
/// these is something to fill in.
const TAGS: &[&str] = &[
    "a", "abbr", "b", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4",
    "hr", "i", "img", "input", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "section", "small",
    "span", "strong", "sub", "summary", "sup", "svg", "table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul",
    "var", "wbr",
];

/// Returns the lines of a node that holds inlines.
pub(super) fn lines(node: Node<'_>) -> Vec<Line> {
    let mut lines = vec![Line { number: node.data().sourcepos.start.line, ..Line::default() }];
    for node in node.descendants().skip(1) {
        let line = lines.last_mut().expect("there is a first line");
        match &node.data().value {
            NodeValue::Text(text) => {
                line.text.push_str(text);
                line.prose.push_str(text);
            }
            NodeValue::Code(code) => {
                line.text.push_str(&code.literal);
                line.prose.push(CODE);
            }
            NodeValue::HtmlInline(html) if is_placeholder_tag(html) => {
                line.text.push_str(html);
                line.prose.push_str(html);
            }
            NodeValue::Link(link) => line.links.push(link.url.clone()),
            NodeValue::SoftBreak | NodeValue::LineBreak => {
                let number = node.data().sourcepos.start.line + 1;
                lines.push(Line { number, ..Line::default() });
            }
            _ => {}
        }
    }
    lines.last_mut().expect("there is a first line").is_last = true;
    lines
}

/// Returns a cell of a table, which is one line; `number` is the row's.
pub(super) fn cell(node: Node<'_>, number: usize) -> Line {
    let lines = lines(node);
    let mut cell = Line { number, is_last: true, ..Line::default() };
    for line in lines {
        cell.text.push_str(&line.text);
        cell.prose.push_str(&line.prose);
        cell.links.extend(line.links);
    }
    cell
}

/// Makes a box of a line that is nothing but `[x]` or `[ ]`.
pub(super) fn bare_box(line: &mut Line) {
    line.role = match line.prose.trim() {
        "[x]" | "[X]" => Role::TickedBox,
        "[ ]" | "[]" => Role::OpenBox,
        _ => return,
    };
    line.text.clear();
    line.prose.clear();
}

/// Returns whether `html` is a tag that no page has, but a form: `<fill in>`.
pub(in crate::assess) fn is_placeholder_tag(html: &str) -> bool {
    let Some(inner) = html.trim().strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else { return false };
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '.' | ',');
    let name = inner.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    !inner.starts_with('/')
        && !inner.ends_with('/')
        && inner.chars().count() <= 80
        && inner.chars().any(char::is_alphabetic)
        && inner.chars().all(is_word)
        && !TAGS.contains(&name.as_str())
}

/// Returns `html` without its comments; one that does not end takes the rest. The lines stay.
pub(super) fn without_comments(html: &str) -> String {
    let mut shown = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, comment)) = rest.split_once("<!--") {
        shown.push_str(before);
        let (comment, after) = comment.split_once("-->").unwrap_or((comment, ""));
        shown.extend(comment.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    shown.push_str(rest);
    shown
}
