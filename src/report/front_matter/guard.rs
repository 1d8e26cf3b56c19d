//! What front matter may not hold, and where its fields stand.
//!
//! Walks the parser's events one by one, so that an alias is refused before it
//! is expanded and depth is bounded before anything recurses: `gray_matter`,
//! which reads the values later, has no limit of either kind. It uses the same
//! scanner (`yaml-rust2`), so the two cannot disagree on where a field ends.

use std::collections::HashSet;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

use crate::report::fault::{Fault, Rule};

const MAX_DEPTH: usize = 16;

/// Where each top-level field stands; offsets are bytes into the YAML.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// Where the key starts, which is the start of its line.
    pub(super) start: usize,
    /// Where the value starts, if it is a scalar that is written out; the text
    /// itself for a block scalar, not its header.
    pub(super) value: Option<(usize, TScalarStyle)>,
    /// Place of the value, or of the key if it has none: line and column in the file.
    place: (usize, usize),
}

impl Outline {
    /// Returns the line and column of the value of `name`; the file's second
    /// line if there is no such field.
    pub(super) fn place(&self, name: &str) -> (usize, usize) {
        self.fields.iter().find(|field| field.name == name).map_or((2, 1), |field| field.place)
    }
}

/// Reads the structure of `yaml` and refuses what does not belong into a record.
///
/// # Errors
/// Broken YAML, anchors, aliases, tags, merge keys, duplicate keys, nesting
/// deeper than 16, several documents, and top-level keys that do not each start
/// a line (a flow mapping, an indented or explicit key).
pub(super) fn outline(yaml: &str) -> Result<Outline, Fault> {
    let mut walk = Walk::new(yaml);
    let mut parser = Parser::new_from_str(yaml);
    loop {
        let (event, mark) = parser.next_token().map_err(|error| {
            let detail = format!("the front matter is not valid YAML: {}", error.info());
            walk.fault(*error.marker(), Rule::InvalidYaml, detail, "correct it, or put the text in double quotes")
        })?;
        if matches!(event, Event::StreamEnd) {
            return Ok(walk.outline);
        }
        walk.take(event, mark)?;
    }
}

/// One mapping or sequence that is open.
enum Level {
    Sequence,
    Mapping { keys: HashSet<String>, expects_key: bool },
}

struct Walk<'a> {
    yaml: &'a str,
    /// Byte offset of the start of each line, as the parser counts lines.
    lines: Vec<usize>,
    /// Byte offset of each `\n`, by which a file's lines are told.
    line_ends: Vec<usize>,
    levels: Vec<Level>,
    n_documents: usize,
    outline: Outline,
}

impl<'a> Walk<'a> {
    fn new(yaml: &'a str) -> Self {
        let bytes = yaml.as_bytes();
        let is_break = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        Self {
            yaml,
            lines: std::iter::once(0).chain((0..bytes.len()).filter(|at| is_break(*at)).map(|at| at + 1)).collect(),
            line_ends: (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect(),
            levels: Vec::new(),
            n_documents: 0,
            outline: Outline::default(),
        }
    }

    fn fault(&self, mark: Marker, rule: Rule, detail: impl Into<String>, repair: &str) -> Fault {
        let (line, column) = self.place(mark);
        Fault::new(rule, detail, repair).at(line, column)
    }

    /// The byte offset of `mark`. From line and column: the parser's own index
    /// counts bytes, not characters, in the lines of a block scalar (0.10.4).
    fn offset(&self, mark: Marker) -> usize {
        let Some(line) = self.lines.get(mark.line().saturating_sub(1)) else { return self.yaml.len() };
        let rest = &self.yaml[*line..];
        line + rest.char_indices().nth(mark.col()).map_or(rest.len(), |(at, _)| at)
    }

    /// The place in the file: the YAML starts on its second line.
    fn place(&self, mark: Marker) -> (usize, usize) {
        let offset = self.offset(mark);
        // Not counted anew for each field, of which there can be thousands.
        let n_before = self.line_ends.partition_point(|at| *at < offset);
        let line_start = n_before.checked_sub(1).map_or(0, |last| self.line_ends[last] + 1);
        (2 + n_before, 1 + self.yaml[line_start..offset].chars().count())
    }

    fn take(&mut self, event: Event, mark: Marker) -> Result<(), Fault> {
        match event {
            Event::DocumentStart => {
                self.n_documents += 1;
                if self.n_documents > 1 {
                    return Err(self.fault(
                        mark,
                        Rule::SeveralDocuments,
                        "the front matter must be one YAML document",
                        "remove the other",
                    ));
                }
            }
            Event::Alias(_) => {
                return Err(self.fault(mark, Rule::Alias, "aliases (`*name`) are not allowed", "write the value out"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(mark, anchor, tag.is_some())?;
                self.scalar(text, style, mark)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(mark, anchor, tag.is_some())?;
                self.open(Level::Sequence, mark)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(mark, anchor, tag.is_some())?;
                self.open(Level::Mapping { keys: HashSet::new(), expects_key: true }, mark)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.levels.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn refuse_extras(&self, mark: Marker, anchor: usize, has_tag: bool) -> Result<(), Fault> {
        if anchor != 0 {
            return Err(self.fault(
                mark,
                Rule::Anchor,
                "anchors (`&name`) are not allowed",
                "remove it, or quote the text",
            ));
        }
        if has_tag {
            return Err(self.fault(mark, Rule::Tag, "tags (`!name`) are not allowed", "remove it, or quote the text"));
        }
        Ok(())
    }

    /// Opens a collection; as a value it uses up the key before it.
    fn open(&mut self, level: Level, mark: Marker) -> Result<(), Fault> {
        if self.levels.is_empty() && matches!(level, Level::Sequence) {
            return Err(self.fault(
                mark,
                Rule::NotAMapping,
                "the front matter must not be a list",
                "write `name: value` lines",
            ));
        }
        if self.levels.len() == MAX_DEPTH {
            return Err(self.fault(
                mark,
                Rule::Nesting,
                "the front matter is nested too deeply",
                "keep it within 16 levels",
            ));
        }
        if let Some(Level::Mapping { expects_key, .. }) = self.levels.last_mut() {
            if *expects_key {
                return Err(self.fault(mark, Rule::KeyForm, "a key must be plain text", "write `name: value` lines"));
            }
            *expects_key = true;
        }
        self.levels.push(level);
        Ok(())
    }

    fn scalar(&mut self, text: String, style: TScalarStyle, mark: Marker) -> Result<(), Fault> {
        let is_top = self.levels.len() == 1;
        let duplicate = match self.levels.last_mut() {
            None => {
                return Err(self.fault(
                    mark,
                    Rule::NotAMapping,
                    "the front matter has no fields",
                    "write `name: value` lines",
                ));
            }
            Some(Level::Sequence) => return Ok(()),
            Some(Level::Mapping { expects_key: expects_key @ false, .. }) => {
                *expects_key = true;
                if is_top {
                    self.top_value(&text, style, mark);
                }
                return Ok(());
            }
            Some(Level::Mapping { keys, expects_key }) => {
                *expects_key = false;
                !keys.insert(text.clone())
            }
        };
        if duplicate {
            return Err(self.fault(
                mark,
                Rule::DuplicateKey,
                format!("`{text}` stands here twice"),
                "keep one of the two",
            ));
        }
        if text == "<<" && style == TScalarStyle::Plain {
            return Err(self.fault(mark, Rule::MergeKey, "merge keys (`<<`) are not allowed", "write the fields out"));
        }
        if is_top {
            self.top_key(text, mark)?;
        }
        Ok(())
    }

    fn top_key(&mut self, name: String, mark: Marker) -> Result<(), Fault> {
        let start = self.offset(mark);
        if start != 0 && !self.yaml[..start].ends_with('\n') {
            return Err(self.fault(
                mark,
                Rule::KeyForm,
                format!("`{name}` must start its line"),
                "write one field per line",
            ));
        }
        self.outline.fields.push(Field { name, start, value: None, place: self.place(mark) });
        Ok(())
    }

    fn top_value(&mut self, text: &str, style: TScalarStyle, mark: Marker) {
        // A value that is left out has no text of its own: `name:`.
        let written = !(text.is_empty() && style == TScalarStyle::Plain);
        let (start, place) = (self.offset(mark), self.place(mark));
        if let Some(field) = self.outline.fields.last_mut().filter(|_| written) {
            field.value = Some((start, style));
            field.place = place;
        }
    }
}
