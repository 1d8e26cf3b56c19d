//! The rules that are in force at a commit: the last `golive.yaml` that can be read.

use git2::Oid;

use crate::policy::Policy;

/// The rules, and the version of the file that they are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyInForce {
    /// The blob of `golive.yaml`.
    pub blob: Oid,
    pub policy: Policy,
}
