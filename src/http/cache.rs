//! Caches that are bounded by the bytes in them.

use std::hash::Hash;

use quick_cache::sync::Cache;
use quick_cache::{OptionsBuilder, Weighter};

/// Returns a cache of some `n_items`, which take at most `max_bytes`.
///
/// By itself a cache is cut into four shards per core, and what is larger than a
/// shard is never kept: what took longest to make would be made each time. Here
/// there are at most `n_shards`.
pub(super) fn of_bytes<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone>(
    n_items: usize,
    max_bytes: u64,
    n_shards: usize,
    weighter: W,
) -> Cache<K, V, W> {
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(n_items).weight_capacity(max_bytes).shards(n_shards);
    let options = options.build().expect("both capacities are set");
    Cache::with_options(options, weighter, Default::default(), Default::default())
}
