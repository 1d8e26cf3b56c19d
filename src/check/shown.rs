//! A finding as a person reads it: like a compiler's message in a shell, as a
//! few plain lines behind git's `remote: `.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::store::check::{Finding, visible};

/// Returns `text` on one line, with nothing in it that a terminal would obey.
pub fn line(text: &str) -> String {
    visible(text)
}

/// Returns `found` with its place, the line it is in, and the repair.
pub fn finding(found: &Finding, is_styled: bool) -> String {
    let (rule, detail, repair) = (visible(&found.rule), visible(&found.detail), visible(&found.repair));
    let path = found.path.as_deref().map(visible);
    let level = if found.is_warning { Level::WARNING } else { Level::ERROR };
    let mut group = Group::with_title(level.primary_title(detail).id(rule));
    let (line, column) = found.place.unwrap_or((1, 1));
    match (&path, &found.excerpt) {
        (Some(path), Some(excerpt)) => {
            let mark = AnnotationKind::Primary.span(excerpt.start..excerpt.end);
            let snippet = Snippet::source(excerpt.text.clone()).line_start(excerpt.line).annotation(mark);
            // A part of a long line stands elsewhere than in the file.
            group = if excerpt.text[..excerpt.start].chars().count() + 1 == column {
                group.element(snippet.path(path.clone()))
            } else {
                group.element(Origin::path(path.clone()).line(line).char_column(column)).element(snippet)
            };
        }
        (Some(path), None) if found.place.is_some() => {
            group = group.element(Origin::path(path.clone()).line(line).char_column(column));
        }
        (Some(path), None) => group = group.element(Origin::path(path.clone())),
        (None, _) => {}
    }
    if let Some(commit) = commit(found) {
        group = group.element(Level::NOTE.message(commit));
    }
    group = group.element(Level::HELP.message(repair));
    let renderer = if is_styled { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Returns `found` in plain lines.
pub fn plain(found: &Finding) -> String {
    let mut out = String::new();
    if let Some(path) = &found.path {
        out.push_str(&visible(path));
        if let Some((line, column)) = found.place {
            let _ = write!(out, ":{line}:{column}");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "  {}: {}", visible(&found.rule), visible(&found.detail));
    if let Some(excerpt) = &found.excerpt {
        let _ = writeln!(out, "  | {}", excerpt.text);
    }
    if let Some(commit) = commit(found) {
        let _ = writeln!(out, "  {commit}");
    }
    let _ = writeln!(out, "  help: {}", visible(&found.repair));
    out
}

fn commit(found: &Finding) -> Option<String> {
    let (id, subject) = found.commit.as_ref()?;
    Some(format!("in commit {:.12}: {}", id.to_string(), visible(subject)))
}
