//! Whole reports as JSON, ready to be sent.
//!
//! While all that there are fit, they are kept as they are. Beyond that they are kept
//! compressed, in half the space: to unpack one takes 4 µs, and to read it from its pack
//! and write it out anew ten times as long.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use git2::Oid;
use lz4_flex::block;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::cache;

/// This and what the store keeps of each report take at most so many bytes together.
const BYTES_MAX: u64 = 184 * 1024 * 1024;
/// What the store keeps of a report, and what lies between.
const BYTES_PER_REPORT: u64 = 1000;
/// However many there are, so much is left for these.
const BYTES_MIN: u64 = 64 * 1024 * 1024;
/// What most take as they are: some 21,000 fit.
const JSON_BYTES: u64 = 8 * 1024;
/// The space is measured anew for so many reports more or less.
const STEP: u64 = 1024;
const ITEMS_EXPECTED: usize = 32_000;
const N_SHARDS: usize = 4;
/// Compressed they take half of it.
const PACKED_BYTES: u64 = JSON_BYTES / 2;
/// A longer one is kept as it is: to pack it and to unpack it would hold up others.
const PACKED_MAX: usize = 64 * 1024;
/// Where there is space for less than half, and it is taken, one of so many is compressed: what is asked for
/// often comes in all the same, and what is not has cost less.
const TAKEN_OF: u64 = 4;

/// The version of a file, and the days until an approval ends: what a ready report says
/// besides is in the file.
pub(super) type Key = (Oid, u32);

pub(super) struct Rendered {
    cache: Cache<Key, Ready, Weight>,
    /// For how many reports there is space, in steps.
    n_steps: AtomicU64,
    n_refused: AtomicU64,
}

#[derive(Clone)]
enum Ready {
    AsIs(Bytes),
    /// By LZ4, and the length without.
    Packed(Bytes, usize),
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Ready> for Weight {
    fn weight(&self, _: &Key, ready: &Ready) -> u64 {
        let (Ready::AsIs(bytes) | Ready::Packed(bytes, _)) = ready;
        bytes.len() as u64 + 128
    }
}

impl Default for Rendered {
    fn default() -> Self {
        let cache = cache::of_bytes(ITEMS_EXPECTED, BYTES_MAX, N_SHARDS, Weight);
        Self { cache, n_steps: AtomicU64::new(0), n_refused: AtomicU64::new(0) }
    }
}

impl Rendered {
    pub(super) fn get(&self, key: Key) -> Option<Bytes> {
        match self.cache.get(&key)? {
            Ready::AsIs(json) => Some(json),
            // What was packed here can be unpacked; if not, git has it.
            Ready::Packed(packed, len) => block::decompress(&packed, len).ok().map(Bytes::from),
        }
    }

    /// Keeps what was read, one of `n_reports`.
    pub(super) fn keep(&self, key: Key, json: &Bytes, n_reports: usize) {
        if self.has_space_for_all(n_reports) || json.len() > PACKED_MAX {
            return self.cache.insert(key, Ready::AsIs(json.clone()));
        }
        let (weight, capacity) = (self.cache.weight(), self.cache.capacity());
        let is_scarce = weight > capacity / 8 * 7 && n_reports as u64 * PACKED_BYTES > 2 * capacity;
        if is_scarce && !self.n_refused.fetch_add(1, Ordering::Relaxed).is_multiple_of(TAKEN_OF) {
            return;
        }
        self.cache.insert(key, Ready::Packed(block::compress(json).into_boxed_slice().into(), json.len()));
    }

    /// Keeps what was written, one of `n_reports`, if that takes no time: its writer has
    /// it, and nobody else may ask.
    pub(super) fn keep_written(&self, key: Key, json: &Bytes, n_reports: usize) {
        if self.has_space_for_all(n_reports) {
            self.cache.insert(key, Ready::AsIs(json.clone()));
        }
    }

    /// Returns whether `n_reports` fit as they are; where they are more or fewer than
    /// they were, the space is another.
    fn has_space_for_all(&self, n_reports: usize) -> bool {
        let n_reports = n_reports as u64;
        let n_steps = n_reports / STEP;
        if self.n_steps.swap(n_steps, Ordering::Relaxed) != n_steps {
            self.cache.set_capacity(space(n_steps * STEP));
        }
        n_reports * JSON_BYTES <= space(n_reports)
    }
}

/// Returns the bytes that ready reports may take beside `n_reports` in the store.
fn space(n_reports: u64) -> u64 {
    BYTES_MAX.saturating_sub(n_reports * BYTES_PER_REPORT).max(BYTES_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&n.to_le_bytes());
        (Oid::from_bytes(&id).expect("an id"), 0)
    }

    /// Some 8 KB that can be compressed to less than half.
    fn json(n: usize) -> Bytes {
        (n..n + 200).map(|n| format!("- [x] Item {n} was looked at: approved\\n")).collect::<String>().into()
    }

    #[test]
    fn what_is_kept_comes_back_whether_compressed_or_not() {
        for n_reports in [1, 1_000_000] {
            let rendered = Rendered::default();
            for n in 0..1000 {
                rendered.keep(key(n), &json(n), n_reports);
            }
            assert!((0..1000).all(|n| rendered.get(key(n)) == Some(json(n))), "{n_reports}");
            assert!(rendered.get(key(1000)).is_none());
        }
    }

    #[test]
    fn long_ones_are_never_compressed() {
        let rendered = Rendered::default();
        let long: Bytes = json(0).iter().copied().cycle().take(PACKED_MAX + 1).collect();
        rendered.keep(key(0), &long, 1_000_000);
        assert!(matches!(rendered.cache.get(&key(0)), Some(Ready::AsIs(kept)) if kept == long));
        rendered.keep(key(1), &long.slice(1..), 1_000_000);
        assert!(matches!(rendered.cache.get(&key(1)), Some(Ready::Packed(_, PACKED_MAX))));
    }

    #[test]
    fn more_reports_leave_less_space_and_are_kept_compressed() {
        let (rendered, json) = (Rendered::default(), json(0));
        for n in 0..18_000 {
            rendered.keep_written(key(n), &json, n);
        }
        assert_eq!(rendered.cache.len(), 18_000, "all fit as they are");
        assert!(rendered.cache.weight() > 18_000 * json.len() as u64);
        rendered.keep_written(key(18_000), &json, 200_000);
        assert!(rendered.get(key(18_000)).is_none(), "to compress it takes time");
        assert!(rendered.cache.weight() <= BYTES_MIN);
        for n in 0..50_000 {
            rendered.keep(key(n), &json, 200_000);
        }
        assert!(rendered.cache.weight() <= BYTES_MIN);
        assert!(rendered.cache.len() as u64 > BYTES_MIN / 4096, "{} are kept", rendered.cache.len());
    }
}
