//! The head of a CGI program's answer (RFC 3875): headers, an empty line.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// More is not a head.
pub(super) const HEAD_MAX: usize = 8 * 1024;

/// Concerns of the connection, which are hyper's.
const DROPPED: &[&str] = &["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Returns the head that `bytes` start with and where the body does; `None` if
/// it is not whole yet.
///
/// # Errors
/// The line that is none.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, String> {
    let mut head = Head { status: StatusCode::OK, headers: HeaderMap::new() };
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|&byte| byte == b'\n') {
        let line = bytes[start..start + length].trim_ascii_end();
        start += length + 1;
        if line.is_empty() {
            return Ok(Some((head, start)));
        }
        head.add(line).ok_or_else(|| format!("no CGI header: {:?}", String::from_utf8_lossy(line)))?;
    }
    if bytes.len() > HEAD_MAX { Err("no end of the CGI headers".into()) } else { Ok(None) }
}

impl Head {
    fn add(&mut self, line: &[u8]) -> Option<()> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = (HeaderName::from_bytes(&line[..colon]).ok()?, line[colon + 1..].trim_ascii());
        if name == "status" {
            self.status = StatusCode::from_bytes(value.get(..3)?).ok()?;
        } else if !DROPPED.contains(&name.as_str()) {
            self.headers.insert(name, HeaderValue::from_bytes(value).ok()?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_headers_are_read_up_to_the_empty_line() {
        let bytes = b"Status: 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nbody\n\n";
        let (head, start) = parse(bytes).unwrap().unwrap();
        assert_eq!((head.status, &bytes[start..]), (StatusCode::FORBIDDEN, &b"body\n\n"[..]));
        assert_eq!((head.headers.len(), &head.headers["content-type"]), (1, &HeaderValue::from_static("text/plain")));
        let (head, start) = parse(b"A: b\n\n").unwrap().unwrap();
        assert_eq!((head.status, start), (StatusCode::OK, 6));
    }

    #[test]
    fn half_a_head_is_waited_for_and_nonsense_is_an_error() {
        for bytes in [&b""[..], b"Content-Ty", b"A: b\r\n", b"A: b\r\n\r"] {
            assert_eq!(parse(bytes), Ok(None));
        }
        for bytes in [&b"usage of git\n"[..], b"Status: no\n", b"Status:\n", b"A b: c\n", &[b'x'; HEAD_MAX + 1]] {
            assert!(parse(bytes).is_err());
        }
    }
}
