//! HTML as a browser reads it: html5ever's tokens.

use std::cell::RefCell;

use golive::render::visible;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

const ELEMENTS: [&str; 29] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "div",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "ins",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "span",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];
const ATTRIBUTES: [&str; 10] =
    ["align", "aria-label", "class", "href", "id", "rel", "role", "start", "tabindex", "title"];
const CLASSES: [&str; 14] = [
    "address",
    "changes",
    "control",
    "fold",
    "footnotes",
    "html",
    "image",
    "line",
    "line-added",
    "line-removed",
    "note",
    "number",
    "sign",
    "table",
];

#[derive(Default)]
struct Tokens(RefCell<Vec<Token>>);

impl TokenSink for Tokens {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        self.0.borrow_mut().push(token);
        TokenSinkResult::Continue
    }
}

fn tokens(html: &str) -> Vec<Token> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Tokens::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.take()
}

/// Panics if `html` could do anything but be read; `source` is what it was made of.
pub(crate) fn check_harmless(html: &str, source: &str) {
    assert_eq!(visible(html), html, "unseen characters, of {source:.200?}");
    let mut open = Vec::new();
    for token in tokens(html) {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => {
                assert_eq!(open.pop().as_deref(), Some(&*tag.name), "of {source:.200?}: {html:.400}");
            }
            Token::TagToken(tag) => {
                assert!(ELEMENTS.contains(&&*tag.name), "<{}> of {source:.200?}", tag.name);
                for attribute in &tag.attrs {
                    check_attribute(&tag.name, &attribute.name.local, &attribute.value, source);
                }
                if tag
                    .attrs
                    .iter()
                    .any(|attribute| &*attribute.name.local == "href" && attribute.value.starts_with("http"))
                {
                    let rel = tag.attrs.iter().find(|attribute| &*attribute.name.local == "rel");
                    assert_eq!(rel.map(|rel| &*rel.value), Some("noopener noreferrer nofollow"), "of {source:.200?}");
                }
                if !["br", "hr"].contains(&&*tag.name) {
                    open.push(tag.name.to_string());
                }
            }
            Token::CharacterTokens(_) | Token::EOFToken | Token::NullCharacterToken => {}
            Token::CommentToken(_) | Token::DoctypeToken(_) | Token::ParseError(_) => {
                panic!("{token:?} of {source:.200?}: {html:.400}")
            }
        }
    }
    assert!(open.is_empty(), "{open:?} left open, of {source:.200?}");
}

fn check_attribute(tag: &str, name: &str, value: &str, source: &str) {
    assert!(ATTRIBUTES.contains(&name), "<{tag} {name}> of {source:.200?}");
    match name {
        "href" => assert!(
            tag == "a"
                && ["#s-", "http://", "https://", "mailto:"]
                    .iter()
                    .any(|start| value.to_ascii_lowercase().starts_with(start)),
            "{value:?} of {source:.200?}"
        ),
        "id" => assert!(value.starts_with("s-"), "{value:?} of {source:.200?}"),
        "class" => assert!(
            value.split(' ').all(|class| CLASSES.contains(&class) || class == "task"),
            "{value:?} of {source:.200?}"
        ),
        _ => {}
    }
}

/// Returns what a reader sees.
pub(crate) fn text_of(html: &str) -> String {
    let mut text = String::new();
    for token in tokens(html) {
        match token {
            Token::CharacterTokens(characters) => text.push_str(&characters),
            Token::NullCharacterToken => text.push('\u{fffd}'),
            _ => {}
        }
    }
    text
}

/// Returns both texts, as lines, that a page of changes shows; lines that it
/// folds are the same in both, and taken from `before`.
pub(crate) fn sides(html: &str, before: &str) -> (Vec<String>, Vec<String>) {
    let before: Vec<_> = before.lines().map(visible).collect();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for line in html.lines() {
        if line.starts_with("<div class=\"fold\">") {
            let text = text_of(line);
            let n = match text.split(' ').next().unwrap_or_default().parse() {
                Ok(n) => n,
                Err(_) => before.len(),
            };
            let from = removed.len();
            for line in &before[from..from + n] {
                removed.push(line.to_string());
                added.push(line.to_string());
            }
            continue;
        }
        let Some((_, code)) = line.split_once("<code>") else { continue };
        let text = text_of(code.trim_end_matches("</div>"));
        if !line.contains("line-added") {
            removed.push(text.clone());
        }
        if !line.contains("line-removed") {
            added.push(text);
        }
    }
    (removed, added)
}
