//! The headings of a text: their levels in the page and their ids.

use std::collections::{HashMap, HashSet};

use comrak::Node;
use comrak::nodes::NodeValue;

use super::Heading;
use crate::render::control::visible;
use crate::report::text::is_invisible;

/// Ids of headings begin with it, so that none is an id of the page.
const PREFIX: &str = "s-";

/// Beyond this a list of contents leads nowhere.
const MAX_CONTENTS: usize = 500;

const MAX_SLUG_CHARS: usize = 80;
const MAX_TITLE_CHARS: usize = 200;

/// The headings, found before anything is written, as links may lead forward.
#[derive(Default)]
pub(crate) struct Outline {
    headings: Vec<Heading>,
    anchors: HashSet<String>,
    /// The number that the next heading with this slug gets.
    next_number: HashMap<String, usize>,
}

impl Outline {
    pub(crate) fn of(root: Node<'_>) -> Self {
        let mut outline = Self::default();
        let mut open = Vec::new();
        for node in root.descendants() {
            let data = node.data();
            if let NodeValue::Heading(heading) = &data.value {
                outline.add(&mut open, heading.level, &node.collect_text(), data.sourcepos.start.line);
            }
        }
        outline
    }

    /// Returns the `n`th heading of the text, counted from 0.
    pub(super) fn get(&self, n: usize) -> Option<&Heading> {
        self.headings.get(n)
    }

    /// Returns the id of the heading that `fragment` means, or `None`.
    pub(super) fn find(&self, fragment: &str) -> Option<String> {
        let anchor = format!("{PREFIX}{}", slug(fragment));
        self.anchors.contains(&anchor).then_some(anchor)
    }

    pub(super) fn into_contents(mut self) -> Vec<Heading> {
        self.headings.retain(|heading| !heading.text.is_empty());
        self.headings.truncate(MAX_CONTENTS);
        self.headings
    }

    /// `open` holds the levels of the headings that the new one may stand under.
    fn add(&mut self, open: &mut Vec<u8>, level: u8, text: &str, line: usize) {
        while open.last().is_some_and(|last| *last >= level) {
            open.pop();
        }
        open.push(level);
        // One below the page's own `h1`, and no level left out.
        let level = u8::try_from(open.len() + 1).map_or(6, |level| level.min(6));
        let text = text.trim();
        let title = match text.char_indices().nth(MAX_TITLE_CHARS) {
            Some((end, _)) => format!("{}…", visible(&text[..end])),
            None => visible(text).into_owned(),
        };
        let anchor = self.anchor(slug(text));
        self.headings.push(Heading { level, text: title, anchor, line });
    }

    fn anchor(&mut self, mut slug: String) -> String {
        if slug.is_empty() {
            slug.push_str("section");
        }
        let number = self.next_number.entry(slug.clone()).or_default();
        loop {
            let anchor = if *number == 0 { format!("{PREFIX}{slug}") } else { format!("{PREFIX}{slug}-{number}") };
            *number += 1;
            if self.anchors.insert(anchor.clone()) {
                return anchor;
            }
        }
    }
}

/// Returns `text` as GitHub makes an anchor of it: lower case, no punctuation, hyphens for spaces.
fn slug(text: &str) -> String {
    text.chars()
        .filter(|c| (c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')) && !is_invisible(*c))
        .take(MAX_SLUG_CHARS)
        .flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
