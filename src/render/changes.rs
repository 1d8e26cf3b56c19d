//! What changed between two texts, line by line and word by word.

use std::fmt::Write;

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::render::control::write_html;

/// Equal lines that are shown before and after a change.
const N_CONTEXT: usize = 3;

/// The differences of two texts.
pub struct Changes {
    pub html: String,
    /// Lines.
    pub n_added: usize,
    /// Lines.
    pub n_removed: usize,
}

/// Returns what changed from `before` to `after`. Line ends are not compared.
pub fn changes(before: &str, after: &str) -> Changes {
    let mut input = InternedInput::default();
    input.update_before(before.lines());
    input.update_after(after.lines());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut html = String::from("<div class=\"changes\">\n");
    for hunk in diff.hunks() {
        for (range, tokens, class, name) in
            [(hunk.before, &input.before, "line-removed", "del"), (hunk.after, &input.after, "line-added", "ins")]
        {
            for n in range {
                let _ = write!(html, "<div class=\"line {class}\"><span class=\"number\">{}</span><{name}>", n + 1);
                let _ = write_html(&mut html, input.interner[tokens[n as usize]]);
                let _ = writeln!(html, "</{name}></div>");
            }
        }
    }
    html.push_str("</div>\n");
    let _ = N_CONTEXT;
    Changes { html, n_added: diff.count_additions() as usize, n_removed: diff.count_removals() as usize }
}
