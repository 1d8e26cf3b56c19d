//! Splits a report file at its two fences, by bytes, before any YAML is read.

use super::MAX_BYTES;
use crate::report::fault::{Fault, Rule};

/// A file cut in three; the pieces that are not named are the fences.
pub(super) struct Parts<'a> {
    /// The YAML between the fences, its last line end included.
    pub(super) yaml: &'a str,
    /// Offset of `yaml` in the file, in bytes.
    pub(super) yaml_start: usize,
    /// Offset of `body` in the file, in bytes.
    pub(super) body_start: usize,
    pub(super) body: &'a [u8],
}

/// Cuts `file` into front matter and body. A BOM before the first fence and
/// CRLF line ends are accepted, as editors add them.
///
/// # Errors
/// A missing fence, front matter over 256 KiB or not in UTF-8.
pub(super) fn split(file: &[u8]) -> Result<Parts<'_>, Fault> {
    let bom = if file.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let first_end = line_end(file, bom);
    if !is_fence(&file[bom..first_end]) {
        let detail = "the file must begin with a line `---`";
        return Err(Fault::new(
            Rule::MissingFence,
            detail,
            "write `---` as its first line, the fields below it, `---` again, and then the text",
        )
        .at(1, 1));
    }
    let yaml_start = first_end;
    let mut at = yaml_start;
    let mut line = 2;
    while at < file.len() {
        let end = line_end(file, at);
        if is_fence(&file[at..end]) {
            let yaml = std::str::from_utf8(&file[yaml_start..at]).map_err(|error| {
                let upto = &file[yaml_start..yaml_start + error.valid_up_to()];
                let line = 2 + upto.iter().filter(|byte| **byte == b'\n').count();
                Fault::new(Rule::NotUtf8, "the front matter is not UTF-8", "save the file in UTF-8").at(line, 1)
            })?;
            return Ok(Parts { yaml, yaml_start, body_start: end, body: &file[end..] });
        }
        if end - yaml_start > MAX_BYTES {
            let detail = "the front matter is longer than 256 KiB";
            return Err(Fault::new(
                Rule::FrontMatterTooLong,
                detail,
                "write a line `---` below its last field, and move what is long into the text",
            )
            .at(line, 1));
        }
        at = end;
        line += 1;
    }
    let detail = "the front matter has no end";
    Err(Fault::new(Rule::UnclosedFrontMatter, detail, "write a line `---` below its last field").at(line, 1))
}

/// Returns the offset after the line that starts at `start`, its `\n` included.
fn line_end(file: &[u8], start: usize) -> usize {
    file[start..].iter().position(|byte| *byte == b'\n').map_or(file.len(), |at| start + at + 1)
}

/// Returns whether `line` is a fence. `gray_matter` ignores white space after
/// the dashes, so it must count here too: the two may not see different ends.
fn is_fence(line: &[u8]) -> bool {
    line.starts_with(b"---") && std::str::from_utf8(line).is_ok_and(|line| line.trim_end() == "---")
}
