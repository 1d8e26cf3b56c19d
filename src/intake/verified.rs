//! The files that were seen to hold what the tip has.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard};

use super::look::Signature;

/// At which signature each file was seen so, by its path. A handle: clones are of the same files.
///
/// Kept as hashes with a secret key, 16 bytes a file where path and signature take 64: by
/// a chance of one in 2^64 an edit is not seen before the next one.
#[derive(Clone, Default)]
pub(super) struct Verified(Arc<Shared>);

#[derive(Default)]
struct Shared {
    hasher: RandomState,
    files: Mutex<HashMap<u64, u64>>,
}

impl Verified {
    /// The file at `path` holds what the tip has, and has `signature`.
    pub(super) fn add(&self, path: &str, signature: Signature) {
        let (path, signature) = (self.0.hasher.hash_one(path), self.0.hasher.hash_one(signature));
        self.files().insert(path, signature);
    }

    /// It is not known any more what the file at `path` holds.
    pub(super) fn remove(&self, path: &str) {
        let path = self.0.hasher.hash_one(path);
        self.files().remove(&path);
    }

    /// Returns whether the file at `path` was seen to hold what the tip has at `signature`.
    pub(super) fn has(&self, path: &str, signature: Signature) -> bool {
        let (path, signature) = (self.0.hasher.hash_one(path), self.0.hasher.hash_one(signature));
        self.files().get(&path) == Some(&signature)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.0.files.lock().expect("no panic under this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn file_is_verified_at_one_signature_and_until_it_is_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let signature = |text: &str| {
            let file = dir.path().join("file");
            fs::write(&file, text).expect("written");
            Signature::of(&fs::metadata(file).expect("a file"))
        };
        let (one, other) = (signature("one"), signature("another"));
        let verified = Verified::default();
        verified.add("a", one);
        verified.add("b", one);
        let same = verified.clone();
        assert!(same.has("a", one) && same.has("b", one) && !same.has("a", other) && !same.has("c", one));
        same.add("a", other);
        same.remove("b");
        assert!(verified.has("a", other) && !verified.has("a", one) && !verified.has("b", one));
    }
}
