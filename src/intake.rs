//! Floor 2: the ways into and out of the repository besides HTTP: the work tree
//! follows the branch, and what people save there is taken in.

mod earlier;
mod edits;
mod held;
mod index;
mod look;
mod mirror;
mod place;
mod replaced;
mod scan;
mod set_aside;
mod settle;
mod slots;
mod taken_out;
mod told;
mod verified;
mod watch;
pub mod worktree;
