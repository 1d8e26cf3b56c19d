//! A report's text as a list of blocks: headings, lines and tables, in order.
//!
//! comrak reads it, within so many steps that a text of whatever form is done in
//! a few hundredths of a second. Comments are no text, code is text that says
//! nothing about the report's form.

mod inline;

use std::cell::Cell;

use comrak::nodes::NodeValue;
use comrak::{Arena, Node, try_parse_document};

use crate::render::markdown::options;
use crate::render::markdown::outline::Outline;
use crate::render::markdown::target::Target;

pub(super) use inline::is_placeholder_tag;

/// comrak counts lines, inlines and nodes as steps, and asks after 256 of them. At
/// most a microsecond goes into one; a report of 10 kB takes some 8,000.
const MAX_STEPS: usize = 64 * 1024;
const STEPS_PER_QUESTION: usize = 256;

/// Limits of the service are lower, a file that a person committed may be larger.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// No heading that is asked for is longer.
const MAX_NAME_CHARS: usize = 300;

/// What is worth reading of a text, in its order.
pub(super) struct Document {
    pub blocks: Vec<Block>,
    /// Links to a place in the text that is not there: line and address.
    pub nowhere: Vec<(usize, String)>,
    /// The last line that is not blank; 1 if there is none.
    pub last_line: usize,
}

pub(super) enum Block {
    Heading(Heading),
    /// A line of a paragraph, or of a list item.
    Line(Line),
    Table(Table),
    /// Code, or HTML that is no comment.
    Other {
        line: usize,
        has_words: bool,
    },
}

pub(super) struct Heading {
    pub level: u8,
    /// A line under a paragraph makes headings of several lines.
    pub lines: Vec<Line>,
    /// It stands by itself, not in a quote or a list.
    pub is_outermost: bool,
}

/// One line of text, or one cell of a table.
#[derive(Default)]
pub(super) struct Line {
    /// 1 for the first line of the text.
    pub number: usize,
    /// What a reader sees.
    pub text: String,
    /// The same, with one sign for each piece of code.
    pub prose: String,
    /// Where links in it lead.
    pub links: Vec<String>,
    pub role: Role,
    /// It is the last of its paragraph.
    pub is_last: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Plain,
    /// The first line of a list's item.
    Item,
    TickedBox,
    OpenBox,
}

pub(super) struct Table {
    pub line: usize,
    pub columns: Vec<Line>,
    pub rows: Vec<Row>,
}

pub(super) struct Row {
    pub line: usize,
    pub cells: Vec<Line>,
}

impl Heading {
    pub(super) fn line(&self) -> usize {
        self.lines.first().map_or(1, |line| line.number)
    }

    /// Returns as much of its text as a name can have.
    pub(super) fn text(&self) -> String {
        let lines = self.lines.iter().flat_map(|line| line.text.chars().chain([' ']));
        lines.take(MAX_NAME_CHARS).collect()
    }
}

impl Block {
    /// Returns whether it says anything, be it a table without rows.
    pub(super) fn says_something(&self) -> bool {
        match self {
            Self::Heading(_) => false,
            Self::Line(line) => line.has_words() || matches!(line.role, Role::TickedBox | Role::OpenBox),
            Self::Table(_) => true,
            Self::Other { has_words, .. } => *has_words,
        }
    }

    /// Returns its lines and cells.
    pub(super) fn lines(&self) -> Vec<&Line> {
        match self {
            Self::Heading(heading) => heading.lines.iter().collect(),
            Self::Line(line) => vec![line],
            Self::Table(table) => {
                table.columns.iter().chain(table.rows.iter().flat_map(|row| row.cells.iter())).collect()
            }
            Self::Other { .. } => Vec::new(),
        }
    }
}

impl Line {
    pub(super) fn has_words(&self) -> bool {
        has_words(&self.text)
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

impl Document {
    /// Returns the first line of a block; the last line of the text for what comes after the last block.
    pub(super) fn line(&self, block: usize) -> usize {
        match self.blocks.get(block) {
            Some(Block::Heading(heading)) => heading.line(),
            Some(Block::Line(line)) => line.number,
            Some(Block::Table(table)) => table.line,
            Some(Block::Other { line, .. }) => *line,
            None => self.last_line,
        }
    }
}

/// Reads `markdown`; `None` if it is too much to read.
pub(super) fn read(markdown: &str) -> Option<Document> {
    if markdown.len() > MAX_BYTES {
        return None;
    }
    let n_questions = Cell::new(0);
    let is_too_much = || {
        n_questions.set(n_questions.get() + 1);
        n_questions.get() > MAX_STEPS / STEPS_PER_QUESTION
    };
    let arena = Arena::new();
    let root = try_parse_document(&arena, markdown, &options(), &is_too_much).ok()?;
    let mut reader = Reader { blocks: Vec::new(), role: Role::Plain, n_nodes: 0 };
    for node in root.descendants() {
        reader.n_nodes += 1;
        if reader.n_nodes > MAX_STEPS {
            return None;
        }
        reader.node(node);
    }
    let last_line = 1 + markdown.trim_end().matches('\n').count();
    Some(Document { blocks: reader.blocks, nowhere: nowhere(root), last_line })
}

/// Returns the links to a heading that the text does not have.
fn nowhere(root: Node<'_>) -> Vec<(usize, String)> {
    let outline = Outline::of(root);
    let link = |node: Node<'_>| match &node.data().value {
        NodeValue::Link(link) if link.url.starts_with('#') => match Target::of(&link.url, &outline) {
            Target::Nowhere(url) => Some((node.data().sourcepos.start.line, url.to_owned())),
            Target::Out(_) | Target::Inside(_) => None,
        },
        _ => None,
    };
    root.descendants().filter_map(link).collect()
}

struct Reader {
    blocks: Vec<Block>,
    /// Of the next paragraph's first line.
    role: Role,
    n_nodes: usize,
}

impl Reader {
    fn node(&mut self, node: Node<'_>) {
        let (line, value) = (node.data().sourcepos.start.line, &node.data().value);
        match value {
            NodeValue::Item(_) => self.role = Role::Item,
            NodeValue::TaskItem(task) => {
                self.role = if task.symbol.is_some() { Role::TickedBox } else { Role::OpenBox };
                // Without a paragraph, nothing stands beside the box.
                if node.first_child().is_none() {
                    let role = std::mem::take(&mut self.role);
                    self.blocks.push(Block::Line(Line { number: line, role, is_last: true, ..Line::default() }));
                }
            }
            NodeValue::Paragraph => self.paragraph(node),
            NodeValue::Heading(heading) => {
                let is_outermost = node.parent().is_some_and(|parent| parent.parent().is_none());
                let (level, lines) = (heading.level, inline::lines(node));
                self.blocks.push(Block::Heading(Heading { level, lines, is_outermost }));
            }
            NodeValue::Table(_) => self.blocks.push(Block::Table(table(node))),
            NodeValue::CodeBlock(code) => self.blocks.push(Block::Other { line, has_words: has_words(&code.literal) }),
            NodeValue::HtmlBlock(html) => {
                let shown = inline::without_comments(&html.literal);
                for (n, text) in shown.lines().enumerate().filter(|(_, text)| inline::is_placeholder_tag(text)) {
                    let (text, prose) = (text.to_owned(), text.to_owned());
                    self.blocks.push(Block::Line(Line { number: line + n, text, prose, ..Line::default() }));
                }
                self.blocks.push(Block::Other { line, has_words: has_words(&shown) });
            }
            _ => {}
        }
    }

    fn paragraph(&mut self, node: Node<'_>) {
        let mut lines = inline::lines(node);
        if let Some(first) = lines.first_mut() {
            first.role = std::mem::take(&mut self.role);
            // A box with nothing beside it is no box to the parser.
            if first.role == Role::Item && lines.len() == 1 {
                inline::bare_box(&mut lines[0]);
            }
        }
        self.blocks.extend(lines.into_iter().map(Block::Line));
    }
}

fn table(node: Node<'_>) -> Table {
    let mut table = Table { line: node.data().sourcepos.start.line, columns: Vec::new(), rows: Vec::new() };
    for row in node.children() {
        let line = row.data().sourcepos.start.line;
        let cells = row.children().map(|cell| inline::cell(cell, line)).collect();
        if matches!(row.data().value, NodeValue::TableRow(true)) {
            table.columns = cells;
        } else {
            table.rows.push(Row { line, cells });
        }
    }
    table
}
