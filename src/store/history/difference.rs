//! What differs between two versions of a report's file, as git shows it.

use std::path::Path;

use git2::{DiffOptions, Oid, Patch, Repository};

/// A heading is cut after so many bytes.
const HEADING_BYTES_MAX: usize = 80;

/// One side: a version of the report's file.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// `None` for the nothing before the first revision.
    pub commit: Option<Oid>,
    /// What the file says; `None` if it cannot be read.
    pub revision: Option<u32>,
    /// The report file; `None` like `commit`.
    pub(super) blob: Option<Oid>,
}

/// What differs between two versions.
#[derive(Debug)]
pub struct Difference {
    /// The report file, relative to the root of the repository.
    pub path: String,
    pub from: Side,
    pub to: Side,
    /// A unified diff; empty if both are equal.
    pub text: Vec<u8>,
    pub hunks: Vec<Hunk>,
    pub n_added: usize,
    pub n_removed: usize,
}

/// One group of changed lines with what stands around them.
#[derive(Debug)]
pub struct Hunk {
    /// Counted from 1; 0 if there are none.
    pub old_start: u32,
    pub n_old: u32,
    pub new_start: u32,
    pub n_new: u32,
    /// Each after ` `, `+`, `-`, or `\` for a remark, and without its line end.
    pub lines: Vec<String>,
}

/// Compares two versions of the file at `path`.
///
/// # Errors
/// libgit2's.
pub(super) fn compare(git: &Repository, path: &str, from: &Side, to: &Side) -> Result<Difference, git2::Error> {
    let mut options = DiffOptions::new();
    // As `git diff` does; and a report is text, whatever bytes a person put into it.
    options.indent_heuristic(true).force_text(true);
    let name = Some(Path::new(path));
    let content = |side: &Side| match side.blob {
        Some(id) => git.find_blob(id).map(|blob| blob.content().to_vec()),
        None => Ok(Vec::new()),
    };
    let (old, new) = (content(from)?, content(to)?);
    let mut patch = Patch::from_buffers(&old, name, &new, name, Some(&mut options))?;
    let (_, n_added, n_removed) = patch.line_stats()?;
    let hunks = (0..patch.num_hunks()).map(|n| hunk(&patch, n)).collect::<Result<Vec<_>, _>>()?;
    let text = if hunks.is_empty() { Vec::new() } else { under_headings(&patch.to_buf()?, &old, &hunks) };
    Ok(Difference { path: path.into(), from: from.clone(), to: to.clone(), text, hunks, n_added, n_removed })
}

/// Returns a diff whose hunks name the section that they are in, as git has it
/// for `*.md diff=markdown`; libgit2 does not know markdown.
fn under_headings(diff: &[u8], old: &[u8], hunks: &[Hunk]) -> Vec<u8> {
    let lines = old.split(|byte| *byte == b'\n').enumerate();
    let headings: Vec<(usize, &[u8])> = lines.filter_map(|(n, line)| Some((n, heading(line)?))).collect();
    let mut hunks = hunks.iter();
    let mut out = Vec::with_capacity(diff.len());
    for line in diff.split_inclusive(|byte| *byte == b'\n') {
        // Lines of the file have a sign before them; nothing else starts so.
        match hunks.as_slice().first().filter(|_| line.starts_with(b"@@ ")) {
            Some(hunk) => {
                hunks.next();
                out.extend_from_slice(hunk.head().as_bytes());
                let n_before = (hunk.old_start as usize).saturating_sub(1);
                let n_headings = headings.partition_point(|(n, _)| *n < n_before);
                if let Some((_, heading)) = n_headings.checked_sub(1).and_then(|n| headings.get(n)) {
                    out.push(b' ');
                    out.extend_from_slice(heading);
                }
                out.push(b'\n');
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// Returns `line`, cut to what git shows, if it is a heading of markdown.
fn heading(line: &[u8]) -> Option<&[u8]> {
    let text = &line[line.iter().take(3).take_while(|byte| **byte == b' ').count()..];
    let level = text.iter().take_while(|byte| **byte == b'#').count();
    let is_heading = (1..=6).contains(&level) && matches!(text.get(level), Some(b' ' | b'\t'));
    is_heading.then(|| line[..line.len().min(HEADING_BYTES_MAX)].trim_ascii_end())
}

impl Hunk {
    fn head(&self) -> String {
        let range = |start, n| if n == 1 { format!("{start}") } else { format!("{start},{n}") };
        format!("@@ -{} +{} @@", range(self.old_start, self.n_old), range(self.new_start, self.n_new))
    }
}

fn hunk(patch: &Patch<'_>, n: usize) -> Result<Hunk, git2::Error> {
    let (hunk, n_lines) = patch.hunk(n)?;
    let mut lines = Vec::with_capacity(n_lines);
    for at in 0..n_lines {
        let line = patch.line_in_hunk(n, at)?;
        let content = String::from_utf8_lossy(line.content());
        lines.push(match line.origin() {
            origin @ (' ' | '+' | '-') => format!("{origin}{}", content.strip_suffix('\n').unwrap_or(&content)),
            // That there is no line end at the end: `\ No newline at end of file`.
            _ => content.trim_matches('\n').to_owned(),
        });
    }
    let (old_start, n_old) = (hunk.old_start(), hunk.old_lines());
    let (new_start, n_new) = (hunk.new_start(), hunk.new_lines());
    Ok(Hunk { old_start, n_old, new_start, n_new, lines })
}
