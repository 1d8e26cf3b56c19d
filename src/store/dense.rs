//! The same maps in less memory. A tree that was filled in order has nodes that are
//! half full, as each that overflowed was split in two, and nothing came to its left
//! half again; at 100,000 reports that is a third of what a snapshot takes.

use imbl::{OrdMap, OrdSet};

/// Returns the same map with full nodes.
pub(super) fn dense<K: Ord + Clone, V: Clone>(map: &OrdMap<K, V>) -> OrdMap<K, V> {
    filled(|| map.iter().map(|(key, value)| (key.clone(), value.clone())))
}

/// Returns the same set with full nodes.
pub(super) fn dense_set<T: Ord + Clone>(set: &OrdSet<T>) -> OrdSet<T> {
    filled(|| set.iter().cloned())
}

fn filled<C: Default + Extend<I::Item>, I: Iterator>(items: impl Fn() -> I) -> C {
    let mut full = C::default();
    // Every other one leaves nodes half full, and the rest fills them.
    for first in [0, 1] {
        full.extend(items().skip(first).step_by(2));
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_map_is_the_same_map() {
        for n in [0_u32, 1, 2, 15, 16, 17, 1000, 1001] {
            let map: OrdMap<u32, u32> = (0..n).map(|key| (key, key * 3)).collect();
            assert_eq!(dense(&map), map, "{n}");
            let set: OrdSet<u32> = (0..n).collect();
            assert_eq!(dense_set(&set), set, "{n}");
        }
    }
}
