//! Percent-encoding in normal form (RFC 3986, section 6.2.2), so that `%41`, `A`
//! and `%c3%a9`, `%C3%A9`, `é` are each one spelling.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode_byte};

/// What stays as it is in a path segment: RFC 3986's unreserved and
/// sub-delimiter characters, `:` and `@`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Returns the path segment `text` in normal form: unreserved characters plain,
/// all else as `%XX` in upper case.
///
/// # Errors
/// A sentence, for a `%` without two hex digits or an encoded `/` or control
/// character, which no git host has in a name.
pub(super) fn normalize(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_control() {
            return Err(format!("must not hold the control character U+{byte:04X}"));
        }
        if byte != b'%' {
            let buffer = [byte];
            out.extend(percent_encoding::percent_encode(&buffer, ENCODED));
            continue;
        }
        let digits = [bytes.next().unwrap_or(b' '), bytes.next().unwrap_or(b' ')];
        let value = std::str::from_utf8(&digits)
            .ok()
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .ok_or("must have two hex digits after each `%`")?;
        match value {
            b'/' | b'\\' | 0..=0x1f | 0x7f => {
                return Err(format!("must not hold the encoded character `%{value:02X}`"));
            }
            b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                out.push(char::from(value));
            }
            _ => out.push_str(percent_encode_byte(value)),
        }
    }
    Ok(out)
}

/// Returns `segment`, which is in normal form, with its letters in lower case
/// and its escapes untouched.
pub(super) fn fold_case(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at].to_ascii_lowercase());
        out.push_str(&rest[at..at + 3]);
        rest = &rest[at + 3..];
    }
    out.push_str(&rest.to_ascii_lowercase());
    out
}
