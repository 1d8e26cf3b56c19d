//! Which ids a pack may have: of those that it has not, nineteen of twenty are told so
//! without a look into its index.

/// More make a wrong "may have" rarer, and take memory for each object there is.
const BITS_PER_ID: usize = 8;

/// A Bloom filter. Ids are hashes, so their own bytes say where their bits are.
pub(super) struct Filter {
    words: Box<[u64]>,
}

impl Filter {
    /// A filter for `n_ids`.
    pub(super) fn new(n_ids: usize) -> Self {
        Self { words: vec![0; (n_ids * BITS_PER_ID).div_ceil(64).max(1)].into() }
    }

    /// Adds an id of 20 bytes.
    pub(super) fn add(&mut self, id: &[u8]) {
        for bit in self.bits(id) {
            self.words[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Returns `false` if `id`, of 20 bytes, was not added.
    pub(super) fn may_have(&self, id: &[u8]) -> bool {
        self.bits(id).iter().all(|bit| self.words[bit / 64] >> (bit % 64) & 1 == 1)
    }

    fn bits(&self, id: &[u8]) -> [usize; 2] {
        let n_bits = self.words.len() as u128 * 64;
        [0, 8].map(|at| {
            let hash = id[at..at + 8].iter().fold(0, |hash, byte| hash << 8 | u128::from(*byte));
            ((hash * n_bits) >> 64) as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::object::blob_id;

    fn id(n: usize) -> git2::Oid {
        blob_id(&n.to_le_bytes())
    }

    #[test]
    fn what_was_added_may_be_there_and_few_others() {
        for n_ids in [1, 7, 500, 30_000] {
            let mut filter = Filter::new(n_ids);
            (0..n_ids).for_each(|n| filter.add(id(n).as_bytes()));
            assert!((0..n_ids).all(|n| filter.may_have(id(n).as_bytes())));
            let others = n_ids..n_ids + 10_000;
            let n_wrong = others.filter(|n| filter.may_have(id(*n).as_bytes())).count();
            assert!(n_wrong < 700, "{n_wrong} of 10,000 beside {n_ids}");
        }
        assert!(!Filter::new(0).may_have(id(0).as_bytes()));
    }
}
