//! Where everything in `golive.yaml` stands, and what may not be in it. Walks the
//! parser's events one by one, so that an alias is refused before anything expands
//! it, a key that stands there twice before one of the two is taken, and depth is
//! bounded before anything recurses.

use std::collections::HashSet;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::Marker;

use super::fault;
use crate::report::fault::Fault;

const DEPTH_MAX: usize = 16;

/// Line and column, 1 for the first of each.
pub(super) type Place = (usize, usize);

/// Where a value stands, and what is below it.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) at: Place,
    pub(super) items: Vec<Places>,
    /// In the order of the file.
    pub(super) keys: Vec<(String, Place, Places)>,
}

/// One collection that is open.
struct Level {
    places: Places,
    is_mapping: bool,
    names: HashSet<String>,
    /// The key whose value comes next.
    key: Option<(String, Place)>,
}

/// Returns the places of everything in `yaml`.
///
/// # Errors
/// Broken YAML, aliases, anchors, tags, twin keys, deep nesting, several documents.
pub(super) fn outline(yaml: &str) -> Result<Places, Fault> {
    let mut parser = Parser::new_from_str(yaml);
    let mut levels: Vec<Level> = Vec::new();
    let mut root = Places { at: (1, 1), ..Places::default() };
    let mut n_documents = 0;
    loop {
        let (event, mark) = parser.next_token().map_err(|error| {
            let detail = format!("`golive.yaml` is not valid YAML: {}", error.info());
            at(fault(detail, "correct that"), within(yaml, place(*error.marker())))
        })?;
        let here = place(mark);
        match event {
            Event::StreamEnd => return Ok(root),
            Event::DocumentStart => {
                n_documents += 1;
                if n_documents > 1 {
                    return Err(at(fault("`golive.yaml` must be one YAML document", "remove the other"), here));
                }
            }
            Event::Alias(_) => {
                return Err(at(fault("aliases (`*name`) are not allowed", "write it out, or quote it"), here));
            }
            Event::Scalar(text, _, anchor, tag) => {
                refuse_extras(here, anchor, tag.is_some())?;
                match levels.last_mut() {
                    Some(level) if level.is_mapping && level.key.is_none() => level.open_key(text, here)?,
                    _ => put(&mut levels, &mut root, Places { at: here, ..Places::default() }),
                }
            }
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag) => {
                // The parser places a collection of lines behind its first key.
                let named_at = levels.last().and_then(|level| Some(level.key.as_ref()?.1)).unwrap_or(here);
                refuse_extras(named_at, anchor, tag.is_some())?;
                if levels.len() == DEPTH_MAX {
                    return Err(at(fault("it is nested too deeply here", "keep it within 16 levels"), here));
                }
                if levels.last().is_some_and(|level| level.is_mapping && level.key.is_none()) {
                    return Err(at(fault("a key must be plain text", "write `name: value` lines"), here));
                }
                let places = Places { at: here, ..Places::default() };
                let (is_mapping, names) = (matches!(event, Event::MappingStart(..)), HashSet::new());
                levels.push(Level { places, is_mapping, names, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Level { mut places, .. }) = levels.pop() {
                    let first = places.keys.first().map(|(_, at, _)| *at);
                    places.at = first.map_or(places.at, |first| first.min(places.at));
                    put(&mut levels, &mut root, places);
                }
            }
            _ => {}
        }
    }
}

impl Level {
    fn open_key(&mut self, name: String, here: Place) -> Result<(), Fault> {
        if !self.names.insert(name.clone()) {
            return Err(at(fault(format!("`{name}` stands here twice"), "keep one of the two"), here));
        }
        self.key = Some((name, here));
        Ok(())
    }
}

/// Puts a value that is complete where it belongs.
fn put(levels: &mut [Level], root: &mut Places, places: Places) {
    match levels.last_mut() {
        None => *root = places,
        Some(level) => match level.key.take() {
            Some((name, here)) => level.places.keys.push((name, here, places)),
            None => level.places.items.push(places),
        },
    }
}

fn refuse_extras(here: Place, anchor: usize, has_tag: bool) -> Result<(), Fault> {
    match (anchor != 0, has_tag) {
        (true, _) => Err(at(fault("anchors (`&name`) are not allowed", "remove it, or quote the text"), here)),
        (_, true) => Err(at(fault("tags (`!name`) are not allowed", "remove it, or quote the text"), here)),
        _ => Ok(()),
    }
}

fn at(fault: Fault, (line, column): Place) -> Fault {
    fault.at(line, column)
}

fn place(mark: Marker) -> Place {
    (mark.line().max(1), mark.col() + 1)
}

/// What is not ended is found behind the last line; there is nothing to be shown.
fn within(yaml: &str, place: Place) -> Place {
    let last = yaml.lines().count().max(1);
    let end = || (last, yaml.lines().last().map_or(0, |line| line.chars().count()) + 1);
    if place.0 > last { end() } else { place }
}
