//! How much memory the readers take at their most, as the kernel counts it.

use std::fs;

/// For whatever is read: tables, stacks, what the allocator keeps.
const BASE_BYTES: u64 = 12 * 1024 * 1024;
/// For each byte that is read: `{a: b},` is a map with a key, a value and the places of
/// both, in 250 times the memory. Front matter has at most 256 KiB.
const FACTOR: u64 = 400;

/// Returns what may be taken to read `n_bytes`.
pub(super) fn bound(n_bytes: usize) -> u64 {
    BASE_BYTES + FACTOR * n_bytes as u64
}

/// Does `read`, and returns its result and how many bytes more than before were
/// resident meanwhile; 0 where other tests share the process.
pub(super) fn taken_by<T>(read: impl FnOnce() -> T) -> (T, u64) {
    if std::env::var_os("NEXTEST").is_none() {
        return (read(), 0);
    }
    // From now on, the peak is of what comes.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = peak();
    let result = read();
    (result, peak().saturating_sub(before))
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
