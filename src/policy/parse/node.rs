//! One value of `golive.yaml` with its name and its place, read as what it has to be.

use serde_yaml::Value;

use super::fault;
use super::outline::{Place, Places};
use crate::report::fault::Fault;

/// A value, and what messages call it: `review.overdue_days`.
pub(super) struct Node<'a> {
    name: String,
    pub(super) value: &'a Value,
    places: &'a Places,
    at: Place,
}

/// A mapping all of whose keys are known.
pub(super) struct Keys<'a>(Vec<(&'a str, Node<'a>)>);

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, places: &'a Places) -> Self {
        Self { name: String::new(), value, places, at: places.at }
    }

    /// Reads a mapping that may have the keys `known`; nothing is one without keys.
    pub(super) fn keys(&self, known: &[&str]) -> Result<Keys<'a>, Fault> {
        let mapping = match self.value {
            Value::Null => return Ok(Keys(Vec::new())),
            Value::Mapping(mapping) => mapping,
            _ => return Err(self.fault("must hold `name: value` lines", "write them, indented, below it")),
        };
        let mut keys = Vec::new();
        for ((_, value), (key, at, places)) in mapping.iter().zip(&self.places.keys) {
            let name = if self.name.is_empty() { key.clone() } else { format!("{}.{key}", self.name) };
            if !known.contains(&key.as_str()) {
                let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
                let repair = format!("correct or remove it; the keys here are {}", known.join(", "));
                return Err(fault(format!("`{name}` is not a key of golive.yaml"), repair).at(at.0, at.1));
            }
            keys.push((key.as_str(), Node { name, value, places, at: place(places, *at) }));
        }
        Ok(Keys(keys))
    }

    /// Reads a list of at most `max` items.
    pub(super) fn items(&self, max: usize) -> Result<Vec<Node<'a>>, Fault> {
        let Value::Sequence(items) = self.value else {
            return Err(self.fault("must be a list", "write it as `[one, two]`, or one `- item` a line"));
        };
        if items.len() > max {
            return Err(self.fault(&format!("must have at most {max} items, has {}", items.len()), "shorten it"));
        }
        let item = |(n, (value, places)): (usize, (&'a Value, &'a Places))| Node {
            name: format!("{}[{n}]", self.name),
            value,
            places,
            at: place(places, self.at),
        };
        Ok(items.iter().zip(&self.places.items).enumerate().map(item).collect())
    }

    /// Reads a text; what YAML takes for something else has to be quoted.
    pub(super) fn text(&self) -> Result<&'a str, Fault> {
        self.value.as_str().ok_or_else(|| self.fault("must be a text", "write one; put it in double quotes"))
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(&self, min: u64, max: u64) -> Result<u64, Fault> {
        let number = self.value.as_u64().filter(|number| (min..=max).contains(number));
        number.ok_or_else(|| {
            self.fault(&format!("must be a whole number between {min} and {max}"), "write one, without quotes")
        })
    }

    /// Reads `true` or `false`.
    pub(super) fn switch(&self) -> Result<bool, Fault> {
        self.value
            .as_bool()
            .ok_or_else(|| self.fault("must be `true` or `false`", "write one of these, without quotes"))
    }

    /// Returns that the value is wrong: `detail` is the predicate of a sentence.
    pub(super) fn fault(&self, detail: &str, repair: &str) -> Fault {
        fault(format!("`{}` {detail}", self.name), repair).at(self.at.0, self.at.1)
    }
}

impl<'a> Keys<'a> {
    /// Returns the value of `name`, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<&Node<'a>> {
        let (_, node) = self.0.iter().find(|(key, _)| *key == name)?;
        Some(node).filter(|node| !node.value.is_null())
    }
}

/// A value that is not written out has no place of its own.
fn place(places: &Places, other: Place) -> Place {
    if places.at == (0, 0) { other } else { places.at }
}
