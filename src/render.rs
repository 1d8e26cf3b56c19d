//! Text as HTML: a report's markdown, what changed between two of them, and
//! the picture of the queue.
//!
//! Whatever comes in, what goes out may be put into a page as it is: it runs
//! nothing, loads nothing, and hides no character. Pure functions: no IO, no
//! clock, no knowledge of pages. Each takes bounded time and stack.

mod changes;
mod control;
pub(crate) mod markdown;
mod weeks;

#[cfg(test)]
pub(crate) use changes::MAX_HTML_BYTES;
pub use changes::{Changes, changes};
pub use control::visible;
pub use markdown::{Heading, Rendered, markdown};
pub use weeks::{Week, weeks};
