//! The HTML of each kind of node. What is not named here is as comrak has it.

use std::fmt::{self, Write};

use comrak::html::{ChildRendering, Context, escape_href, format_document_with_formatter, format_node_default};
use comrak::nodes::{NodeFootnoteReference, NodeLink, NodeValue, TableAlignment};
use comrak::options::Plugins;
use comrak::{Node, Options};

use super::outline::Outline;
use super::target::Target;
use super::text::Run;
use crate::render::control::{visible, write_escaped};

/// People nest a list ten levels deep at most; a list in a list counts two.
const MAX_DEPTH: usize = 100;

/// A page may be this many times as large as its text …
const MAX_GROWTH: usize = 8;
/// … or this large, whatever its text is.
const MIN_LIMIT: usize = 256 * 1024;

/// A line of code that is longer has to be scrolled on a phone.
const MAX_CODE_CHARS: usize = 40;

/// More than that nobody reads in a tooltip.
const MAX_TITLE_CHARS: usize = 1000;

type Step = Result<ChildRendering, fmt::Error>;

/// What is remembered between one node and the next.
struct State<'a> {
    outline: &'a Outline,
    depth: usize,
    n_headings: usize,
    n_tables: usize,
    /// The column of the table cell that comes next.
    column: usize,
    /// Within a link, where no other link can stand: the addresses of its images.
    link: Option<Vec<String>>,
    n_footnotes: usize,
    run: Run,
}

/// Returns the HTML of a text of `len` bytes.
///
/// # Errors
/// It nests too deeply, or its HTML would be too large.
pub(super) fn document(
    root: Node<'_>,
    options: &Options<'_>,
    outline: &Outline,
    len: usize,
) -> Result<String, fmt::Error> {
    let state = State {
        outline,
        depth: 0,
        n_headings: 0,
        n_tables: 0,
        column: 0,
        link: None,
        n_footnotes: 0,
        run: Run::default(),
    };
    let mut html = Limited { html: String::with_capacity(len * 3 / 2), limit: MIN_LIMIT.max(len * MAX_GROWTH) };
    format_document_with_formatter(root, options, &mut html, &Plugins::default(), node, state)?;
    Ok(html.html)
}

struct Limited {
    html: String,
    limit: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.html.len() + text.len() > self.limit {
            return Err(fmt::Error);
        }
        self.html.push_str(text);
        Ok(())
    }
}

fn node(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, entering: bool) -> Step {
    if entering {
        context.user.depth += 1;
        if context.user.depth > MAX_DEPTH {
            return Err(fmt::Error);
        }
    } else {
        context.user.depth -= 1;
    }
    if !matches!(node.data().value, NodeValue::Text(_) | NodeValue::HtmlInline(_) | NodeValue::SoftBreak) {
        context.user.run.end();
    }
    match &node.data().value {
        NodeValue::Heading(_) => heading(context, entering),
        NodeValue::Text(literal) if entering => {
            text(context, literal)?;
            Ok(ChildRendering::HTML)
        }
        NodeValue::HtmlInline(html) if entering => {
            text(context, html)?;
            Ok(ChildRendering::HTML)
        }
        NodeValue::Code(code) if entering => {
            context.write_str("<code>")?;
            text(context, &code.literal)?;
            context.write_str("</code>")?;
            Ok(ChildRendering::HTML)
        }
        NodeValue::CodeBlock(block) if entering => code_block(context, "<pre", &block.literal),
        NodeValue::HtmlBlock(block) if entering => code_block(context, "<pre class=\"html\"", &block.literal),
        NodeValue::Text(_)
        | NodeValue::HtmlInline(_)
        | NodeValue::Code(_)
        | NodeValue::CodeBlock(_)
        | NodeValue::HtmlBlock(_) => Ok(ChildRendering::HTML),
        NodeValue::Link(link) => self::link(context, node, link, entering),
        NodeValue::Image(image) if entering => self::image(context, node, image),
        NodeValue::Image(_) => Ok(ChildRendering::HTML),
        NodeValue::TaskItem(task) => task_item(context, task.symbol.is_some(), entering),
        NodeValue::Table(_) => table(context, node, entering),
        NodeValue::TableRow(_) => {
            context.user.column = 0;
            format_node_default(context, node, entering)
        }
        NodeValue::TableCell => table_cell(context, node, entering),
        NodeValue::FootnoteReference(reference) if entering => footnote_reference(context, reference),
        NodeValue::FootnoteReference(_) => Ok(ChildRendering::HTML),
        NodeValue::FootnoteDefinition(_) => footnote(context, node, entering),
        _ => format_node_default(context, node, entering),
    }
}

fn text(context: &mut Context<'_, '_, State<'_>>, literal: &str) -> fmt::Result {
    let mut run = std::mem::take(&mut context.user.run);
    run.write(context, literal)?;
    context.user.run = run;
    Ok(())
}

fn heading(context: &mut Context<'_, '_, State<'_>>, entering: bool) -> Step {
    let outline = context.user.outline;
    // An empty heading has nothing to show, and a list of headings nothing to say of it.
    let heading = outline.get(context.user.n_headings).filter(|heading| !heading.text.is_empty());
    if let Some(heading) = heading {
        if entering {
            context.cr()?;
            write!(context, "<h{} id=\"{}\">", heading.level, heading.anchor)?;
        } else {
            writeln!(context, "</h{}>", heading.level)?;
        }
    }
    if !entering {
        context.user.n_headings += 1;
    }
    Ok(ChildRendering::HTML)
}

fn code_block(context: &mut Context<'_, '_, State<'_>>, open: &str, code: &str) -> Step {
    context.cr()?;
    context.write_str(open)?;
    // What scrolls must be reachable by the keyboard.
    if code.lines().any(|line| line.chars().nth(MAX_CODE_CHARS).is_some()) {
        context.write_str(" tabindex=\"0\"")?;
    }
    context.write_str("><code>")?;
    text(context, code)?;
    context.write_str("</code></pre>\n")?;
    Ok(ChildRendering::HTML)
}

fn link(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, link: &NodeLink, entering: bool) -> Step {
    let target = Target::of(&link.url, context.user.outline);
    if entering {
        if context.user.link.is_some() {
            return Err(fmt::Error);
        }
        context.user.link = Some(Vec::new());
        open_link(context, &target, &link.title, "")?;
        return Ok(ChildRendering::HTML);
    }
    match target {
        Target::Out(_) | Target::Inside(_) => context.write_str("</a>")?,
        Target::Nowhere(url) => write_address(context, &node.collect_text(), url)?,
    }
    for url in context.user.link.take().unwrap_or_default() {
        context.write_str(" (")?;
        write_image(context, "image", &url, "")?;
        context.write_str(")")?;
    }
    Ok(ChildRendering::HTML)
}

fn open_link(context: &mut Context<'_, '_, State<'_>>, target: &Target<'_>, title: &str, class: &str) -> fmt::Result {
    match target {
        Target::Out(url) => {
            write!(context, "<a{class} href=\"")?;
            escape_href(context, url, false)?;
        }
        Target::Inside(anchor) => write!(context, "<a{class} href=\"#{anchor}")?,
        Target::Nowhere(_) => return Ok(()),
    }
    if !title.is_empty() {
        context.write_str("\" title=\"")?;
        let end = title.char_indices().nth(MAX_TITLE_CHARS).map_or(title.len(), |(at, _)| at);
        write_escaped(context, &visible(&title[..end]))?;
    }
    context.write_str("\">")
}

/// Says where a link would have led that is not one here.
fn write_address(context: &mut Context<'_, '_, State<'_>>, shown: &str, url: &str) -> fmt::Result {
    if url.is_empty() || shown == url {
        return Ok(());
    }
    context.write_str(" <span class=\"address\">(")?;
    text(context, url)?;
    context.write_str(")</span>")
}

fn image(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, image: &NodeLink) -> Step {
    let alt = node.collect_text();
    let name = if alt.is_empty() { "image".into() } else { format!("image: {alt}") };
    if let Some(images) = &mut context.user.link {
        images.push(image.url.clone());
        text(context, &name)?;
    } else {
        write_image(context, &name, &image.url, &image.title)?;
    }
    Ok(ChildRendering::Skip)
}

fn write_image(context: &mut Context<'_, '_, State<'_>>, name: &str, url: &str, title: &str) -> fmt::Result {
    match Target::of(url, context.user.outline) {
        Target::Inside(_) | Target::Nowhere(_) => {
            text(context, name)?;
            write_address(context, name, url)
        }
        target @ Target::Out(_) => {
            open_link(context, &target, title, " class=\"image\"")?;
            text(context, name)?;
            context.write_str("</a>")
        }
    }
}

fn task_item(context: &mut Context<'_, '_, State<'_>>, is_done: bool, entering: bool) -> Step {
    if entering {
        let (sign, name) = if is_done { ("☑", "done") } else { ("☐", "not done") };
        context.cr()?;
        write!(context, "<li class=\"task\"><span role=\"img\" aria-label=\"{name}\">{sign}</span> ")?;
    } else {
        context.write_str("</li>\n")?;
    }
    Ok(ChildRendering::HTML)
}

fn table(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, entering: bool) -> Step {
    if entering {
        context.user.n_tables += 1;
        context.cr()?;
        context.write_str("<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"Table")?;
        // Two regions of a page must not have the same name.
        let n = context.user.n_tables;
        if n > 1 {
            write!(context, " {n}")?;
        }
        context.write_str("\">\n")?;
        format_node_default(context, node, true)
    } else {
        format_node_default(context, node, false)?;
        context.write_str("</div>\n")?;
        Ok(ChildRendering::HTML)
    }
}

fn table_cell(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, entering: bool) -> Step {
    let row = node.parent();
    let in_head = row.is_some_and(|row| matches!(row.data().value, NodeValue::TableRow(true)));
    // A heading without text heads nothing.
    let name = if in_head && node.first_child().is_some() { "th" } else { "td" };
    if !entering {
        write!(context, "</{name}>")?;
        return Ok(ChildRendering::HTML);
    }
    let column = context.user.column;
    context.user.column += 1;
    context.cr()?;
    write!(context, "<{name}")?;
    if let Some(table) = row.and_then(|row| row.parent())
        && let NodeValue::Table(table) = &table.data().value
    {
        match table.alignments.get(column) {
            Some(TableAlignment::Left) => context.write_str(" align=\"left\"")?,
            Some(TableAlignment::Right) => context.write_str(" align=\"right\"")?,
            Some(TableAlignment::Center) => context.write_str(" align=\"center\"")?,
            Some(TableAlignment::None) | None => {}
        }
    }
    context.write_str(">")?;
    Ok(ChildRendering::HTML)
}

// A slug has no colon, so that these ids are no heading's.

fn footnote_reference(context: &mut Context<'_, '_, State<'_>>, reference: &NodeFootnoteReference) -> Step {
    let n = reference.ix;
    context.write_str("<sup>")?;
    if context.user.link.is_some() {
        write!(context, "{n}")?;
    } else {
        write!(context, "<a href=\"#s-fn:{n}\"")?;
        if reference.ref_num == 1 {
            write!(context, " id=\"s-fnref:{n}\"")?;
        }
        write!(context, " aria-label=\"Footnote {n}\">{n}</a>")?;
    }
    context.write_str("</sup>")?;
    Ok(ChildRendering::HTML)
}

fn footnote(context: &mut Context<'_, '_, State<'_>>, node: Node<'_>, entering: bool) -> Step {
    if entering {
        context.cr()?;
        if context.user.n_footnotes == 0 {
            context.write_str("<section class=\"footnotes\" aria-label=\"Footnotes\">\n<ol>\n")?;
        }
        context.user.n_footnotes += 1;
        let n = context.user.n_footnotes;
        write!(context, "<li id=\"s-fn:{n}\">")?;
    } else {
        let n = context.user.n_footnotes;
        writeln!(context, "<a href=\"#s-fnref:{n}\" aria-label=\"Back to the text\">↩</a></li>")?;
        if node.next_sibling().is_none() {
            context.write_str("</ol>\n</section>\n")?;
        }
    }
    Ok(ChildRendering::HTML)
}
