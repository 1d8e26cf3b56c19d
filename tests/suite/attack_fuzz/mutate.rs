//! A corpus, and what is made of it: cut, joined, repeated, bent.

use std::fs;
use std::path::Path;

/// What some reader of YAML, of markdown or of addresses takes for something else.
const PIECES: &[&str] = &[
    "---\n",
    "\n---\n",
    "...\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{a0}",
    ": ",
    ":",
    "- ",
    "? ",
    "# ",
    "|",
    "|-\n  ",
    ">\n  ",
    "\"",
    "'",
    "\\",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "%",
    "@",
    "`",
    "<<: ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "null",
    "~",
    "no",
    "0x1F",
    "1e3",
    "2025-10-20",
    "status: approved\n",
    "revision: 4294967295\n",
    "id: ",
    "review_notes: |\n  a\n",
    "x: {a: [1, {b: 2}]}\n",
    "<<<<<<< HEAD\n",
    "=======\n",
    ">>>>>>> x\n",
    "golive: 1\n",
    "report:\n",
    "  enforcement: refuse\n",
    "review:\n",
    "  reviewers: [a]\n",
    "https://",
    "ssh://",
    "git@",
    "%2e%2e",
    "%",
    "/../",
    "//",
    ".git",
    "?a",
    "xn--",
    "[::1]",
    ":443",
    "| a | b |\n|---|---|\n",
    "**Risk Level:** ",
    "## Phase 1: ",
    "<script>",
    "[a](javascript:b)",
    "![",
    "](",
];

pub(super) struct Corpus {
    seeds: Vec<Vec<u8>>,
    /// To be put into others; by themselves they are seldom far from nothing.
    parts: Vec<Vec<u8>>,
}

impl Corpus {
    /// The files of `tests/data/fuzz/TARGET`.
    pub(super) fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(target);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        Self { seeds: paths.iter().map(|path| fs::read(path).expect("a file")).collect(), parts: Vec::new() }
    }

    /// And these texts, which stand elsewhere already.
    pub(super) fn and(mut self, texts: &[&str]) -> Self {
        self.seeds.extend(texts.iter().map(|text| text.as_bytes().to_vec()));
        self
    }

    pub(super) fn from_texts(texts: &[String]) -> Self {
        Self { seeds: texts.iter().map(|text| text.clone().into_bytes()).collect(), parts: Vec::new() }
    }

    /// With Minimax's list, each string by itself, and to be put into others.
    pub(super) fn and_naughty_strings(mut self) -> Self {
        let strings: Vec<String> = serde_json::from_str(include_str!("../../data/naughty-strings.json")).expect("JSON");
        self.parts.extend(strings.into_iter().map(String::into_bytes));
        self
    }

    pub(super) fn seeds(&self) -> impl Iterator<Item = &Vec<u8>> + Clone {
        self.seeds.iter().chain(&self.parts)
    }

    /// Returns a seed with a few things done to it.
    pub(super) fn mutated(&self, draw: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = draw.choice(&self.seeds).expect("a corpus").clone();
        for _ in 0..draw.usize(1..6) {
            self.mutate(&mut bytes, draw);
        }
        bytes
    }

    fn mutate(&self, bytes: &mut Vec<u8>, draw: &mut fastrand::Rng) {
        let at = draw.usize(..=bytes.len());
        let end = (at + draw.usize(..40)).min(bytes.len());
        match draw.u8(..10) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => bytes[at] ^= 1 << draw.u8(..8),
            3 => bytes.insert(at, draw.u8(..)),
            4 => {
                let part = bytes[at..end].repeat(draw.usize(1..50));
                drop(bytes.splice(at..at, part));
            }
            5 => {
                // A line twice, or elsewhere.
                let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let Some(line) = draw.choice(&lines) else { return };
                let to: usize = lines.iter().take(draw.usize(..=lines.len())).map(Vec::len).sum();
                drop(bytes.splice(to..to, line.iter().copied()));
            }
            6 => {
                // Some of another seed.
                let others = if draw.bool() && !self.parts.is_empty() { &self.parts } else { &self.seeds };
                let other = draw.choice(others).expect("a corpus");
                let from = draw.usize(..=other.len());
                let to = (from + draw.usize(..200)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            7 => drop(bytes.splice(at..at, draw.char(..).to_string().into_bytes())),
            _ => drop(bytes.splice(at..at, draw.choice(PIECES).expect("pieces").bytes())),
        }
    }
}
