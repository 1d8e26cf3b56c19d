//! What the attacks (`attack_*.rs`) share: how long they go on, and from which seed.

use std::env;

/// How many rounds: few in the suite, many under `make torture`.
pub(crate) fn rounds(short: usize, long: usize) -> usize {
    if env::var_os("GOLIVE_TORTURE").is_some_and(|value| value == "1") { long } else { short }
}

/// The seed of everything that is drawn: always the same, unless `GOLIVE_SEED` names
/// another one. A failure prints it.
pub(crate) fn seed() -> u64 {
    match env::var("GOLIVE_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("GOLIVE_SEED must be a whole number, not `{text}`")),
        Err(_) => 20_251_020,
    }
}
