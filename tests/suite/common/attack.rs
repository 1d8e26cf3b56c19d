//! What the attacks (`attack_*.rs`) share: how long they go on, and from which seed.

use std::env;

/// How many rounds: few in the suite, `long` under `make torture`, and so many times as
/// many as `GOLIVE_TORTURE` says.
pub(crate) fn rounds(short: usize, long: usize) -> usize {
    match n_times() {
        0 => short,
        n_times => long * n_times,
    }
}

/// How large something is, which is not larger for going on longer.
pub(crate) fn size(short: usize, long: usize) -> usize {
    if n_times() == 0 { short } else { long }
}

/// How many times over the long form is asked for; 0 for the short one.
fn n_times() -> usize {
    match env::var("GOLIVE_TORTURE") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("GOLIVE_TORTURE must be a whole number, not `{text}`")),
        Err(_) => 0,
    }
}

/// The seed of everything that is drawn: always the same, unless `GOLIVE_SEED` names
/// another one. A failure prints it.
pub(crate) fn seed() -> u64 {
    match env::var("GOLIVE_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("GOLIVE_SEED must be a whole number, not `{text}`")),
        Err(_) => 20_251_020,
    }
}
