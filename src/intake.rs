//! Floor 2: the ways into and out of the repository besides HTTP.
//!
//! For now one direction: the work tree follows the branch.

mod index;
mod place;
pub mod worktree;
