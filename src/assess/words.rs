//! When two wordings are the same: case, marks, numbers before and hyphens aside.

use std::collections::HashMap;

/// A label is no longer than this; what is longer is a sentence.
const MAX_WORDS: usize = 8;

/// Returns the words of `text`: letters and digits, lower case. `and` is no word,
/// nor is `or`, as one writes `Read/Write` for `Read or write`.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(spelled)
        .filter(|word| !matches!(word.as_str(), "and" | "or" | "the"))
        .collect()
}

fn spelled(word: &str) -> String {
    let word = word.to_lowercase();
    if word == "license" { "licence".into() } else { word }
}

/// How well a wording fits a name; the first fits best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    Same,
    /// The name, and more words after it.
    Begins,
    /// More words before the name, or a part of the name alone.
    Part,
}

/// Names that something is looked for by.
pub(super) struct Names {
    whole: HashMap<String, usize>,
    /// What a name begins or ends with.
    parts: HashMap<String, usize>,
}

impl Names {
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self { whole: HashMap::new(), parts: HashMap::new() };
        for (n, name) in names.into_iter().enumerate() {
            let words = first_words(name);
            all.whole.entry(words.concat()).or_insert(n);
            for at in 1..words.len() {
                all.parts.entry(words[at..].concat()).or_insert(n);
                all.parts.entry(words[..at].concat()).or_insert(n);
            }
        }
        all.whole.remove("");
        all
    }

    /// Returns which name a heading or the first cell of a row is, or begins with.
    pub(super) fn heading(&self, text: &str) -> Option<(usize, Fit)> {
        let words = first_words(text);
        // `1.2 Secrets`, but not `2FA`.
        let n_numbers = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_digit())).count();
        self.begins(&words).or_else(|| self.begins(&words[n_numbers..]))
    }

    /// Returns which name a label is: it may say more, or a part of the name alone.
    pub(super) fn label(&self, text: &str) -> Option<(usize, Fit)> {
        let words = first_words(text);
        if words.is_empty() || words.len() >= MAX_WORDS {
            return None;
        }
        self.begins(&words).or_else(|| {
            let end = (1..words.len()).find_map(|start| self.whole.get(&words[start..].concat()));
            end.or_else(|| self.parts.get(&words.concat())).map(|n| (*n, Fit::Part))
        })
    }

    /// The longest beginning that is a name.
    fn begins(&self, words: &[String]) -> Option<(usize, Fit)> {
        (1..=words.len()).rev().find_map(|end| {
            let n = *self.whole.get(&words[..end].concat())?;
            Some((n, if end == words.len() { Fit::Same } else { Fit::Begins }))
        })
    }
}

/// Long texts are no names: what comes after is not looked at.
fn first_words(text: &str) -> Vec<String> {
    let end = text.char_indices().nth(200).map_or(text.len(), |(at, _)| at);
    let mut words = words(&text[..end]);
    words.truncate(MAX_WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_fits() {
        let names = Names::of(["Review Date", "Risk Level", "On-Call", "Input Validation and SSRF", "Licence"]);
        for (text, expected) in [
            ("review date", Some((0, Fit::Same))),
            ("📅 Review Date", Some((0, Fit::Same))),
            ("Date", Some((0, Fit::Part))),
            ("Overall risk level", Some((1, Fit::Part))),
            ("Risk level (overall)", Some((1, Fit::Begins))),
            ("Oncall", Some((2, Fit::Same))),
            ("on call", Some((2, Fit::Same))),
            ("Input validation & SSRF", Some((3, Fit::Same))),
            ("License", Some((4, Fit::Same))),
            ("Level", Some((1, Fit::Part))),
            ("Reviewer", None),
            ("", None),
            ("✅", None),
        ] {
            assert_eq!(names.label(text), expected, "{text}");
        }
        assert_eq!(names.heading("1.5 Input Validation and SSRF"), Some((3, Fit::Same)));
        assert_eq!(names.heading("Date"), None);
    }
}
