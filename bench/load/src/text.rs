//! The text of reports: 4 to 10 KB of markdown, made from a key alone, so that whoever
//! has the key can tell whether it came back as it was sent.

use std::fmt::Write;

const LEAST_BYTES: u64 = 4 * 1024;
const MOST_BYTES: u64 = 10 * 1024;

#[rustfmt::skip] // one a line would be a page
const WORDS: [&str; 47] = [
    "server", "token", "the", "deployment", "is", "audit", "network", "policy", "requires", "review", "of",
    "logging", "kubernetes", "namespace", "ingress", "secret", "rotation", "and", "verified", "OAuth", "scope",
    "a", "rate", "limit", "tool", "schema", "validated", "with", "tests", "coverage", "at", "82%", "owner",
    "platform", "team", "dependency", "scan", "shows", "no", "critical", "findings", "on", "call", "runbook",
    "dashboard", "alerts", "to",
];

/// A stream of numbers that its start determines (xorshift).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(start: u64) -> Self {
        let mut numbers = Self(start.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // Neighbouring starts give alike numbers at first.
        for _ in 0..4 {
            numbers.next();
        }
        numbers
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Returns the text of the report with this key.
pub fn body(key: u64) -> String {
    let mut numbers = Numbers::new(key);
    let length = (LEAST_BYTES + numbers.next() % (MOST_BYTES - LEAST_BYTES + 1)) as usize;
    let mut text = String::with_capacity(length + 1024);
    text.push_str("# MCP Go-Live Report\n\n");
    for phase in 1.. {
        if text.len() >= length {
            break;
        }
        let _ = write!(text, "## Phase {phase}: check {:x}\n\n", numbers.next() & 0xffff);
        for _ in 0..5 {
            text.push_str(if numbers.next() & 1 == 0 { "- [x]" } else { "- [ ]" });
            for _ in 0..14 {
                text.push(' ');
                text.push_str(WORDS[numbers.below(WORDS.len())]);
            }
            text.push('\n');
        }
        let _ = write!(text, "\n| sha | {:016x} | {:016x} |\n\n", numbers.next(), numbers.next());
    }
    text
}
