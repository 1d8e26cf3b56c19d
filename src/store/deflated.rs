//! Zlib streams (RFC 1950, 1951), made and read in one go.
//!
//! The stream of a report has its front matter as it is, and then the text, compressed by
//! itself. A decision changes the front matter alone: its stream has the text as the one before
//! has it, which takes a third of the time. To whoever reads it, it is a stream like any other.

use std::cell::RefCell;

use libdeflater::{Adler32, CompressionLvl, Compressor, DecompressionError, Decompressor};

/// What a stream begins with, and then a block of bytes as they are that is not the last one.
const START: [u8; 3] = [0x78, 0x01, 0x00];
/// That block's length, twice.
const LENS: usize = 4;
/// Longer front matter, which has long notes in it, is worth compressing.
const HEAD_MAX: usize = 2048;

thread_local! {
    /// A compressor is some 100 KB of tables; each thread keeps one. Level 1:
    /// measured at a third of the time of git's default for 15 % more bytes,
    /// and `git repack` compresses again later.
    static COMPRESSOR: RefCell<Compressor> =
        RefCell::new(Compressor::new(CompressionLvl::new(1).expect("1 is a level")));
    static STORER: RefCell<Compressor> =
        RefCell::new(Compressor::new(CompressionLvl::new(0).expect("0 is a level")));
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// Returns `content` as a zlib stream.
pub(super) fn deflate(content: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| zlib(compressor, content))
}

/// Returns `content` as a zlib stream that holds it as it is.
pub(super) fn enclose(content: &[u8]) -> Vec<u8> {
    STORER.with_borrow_mut(|storer| zlib(storer, content))
}

fn zlib(compressor: &mut Compressor, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0; compressor.zlib_compress_bound(content.len())];
    let len = compressor.zlib_compress(content, &mut out).expect("the bound is enough");
    out.truncate(len);
    out.shrink_to_fit();
    out
}

/// Returns the content of a zlib stream that is `size` bytes long.
///
/// # Errors
/// A stream that is broken or has another length.
pub(super) fn inflate(deflated: &[u8], size: usize) -> Result<Vec<u8>, DecompressionError> {
    let mut out = vec![0; size];
    let len = DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.zlib_decompress(deflated, &mut out))?;
    if len == size { Ok(out) } else { Err(DecompressionError::BadData) }
}

/// Returns `content` as a zlib stream of two parts: its first `head_len` bytes as they are, the
/// rest compressed by itself. `None` if the first part is too long for that.
pub(super) fn in_parts(content: &[u8], head_len: usize) -> Option<Vec<u8>> {
    let (head, text) = content.split_at_checked(head_len).filter(|(head, _)| head.len() <= HEAD_MAX)?;
    let text = COMPRESSOR.with_borrow_mut(|compressor| {
        let mut out = vec![0; compressor.deflate_compress_bound(text.len())];
        let len = compressor.deflate_compress(text, &mut out).expect("the bound is enough");
        out.truncate(len);
        out
    });
    Some(joined(head, &text, content))
}

/// The same with the second part as `before` has it, the stream of another file; `None` if that
/// is not in two parts, or ends otherwise. It is read once, and so is certain: what `before` was
/// cut out of may have been cut too short.
pub(super) fn with_text_of(before: &[u8], content: &[u8], head_len: usize) -> Option<Vec<u8>> {
    let (head, _) = content.split_at_checked(head_len).filter(|(head, _)| head.len() <= HEAD_MAX)?;
    let (lens, rest) = before.strip_prefix(&START)?.split_first_chunk::<LENS>()?;
    let (_, rest) = rest.split_at_checked(u16::from_le_bytes([lens[0], lens[1]]).into())?;
    let (text, _checksum) = rest.split_last_chunk::<4>()?;
    let stream = joined(head, text, content);
    inflate(&stream, content.len()).is_ok_and(|read| read == content).then_some(stream)
}

fn joined(head: &[u8], text: &[u8], content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(head.len()).expect("it is short");
    let mut checksum = Adler32::new();
    checksum.update(content);
    let checksum = checksum.sum().to_be_bytes();
    [&START, &len.to_le_bytes()[..], &(!len).to_le_bytes(), head, text, &checksum].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(head: &str, n_lines: usize) -> Vec<u8> {
        let text: String = (0..n_lines).map(|n| format!("{n} lines of text, all alike\n")).collect();
        [head.as_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn stream_in_parts_is_read_as_any_other() {
        for (head, n_lines) in [("", 0), ("", 9), ("status: pending\n", 0), ("status: pending\n", 400)] {
            let file = file(head, n_lines);
            let stream = in_parts(&file, head.len()).expect("short");
            assert_eq!(inflate(&stream, file.len()).expect("a stream"), file);
        }
        assert!(in_parts(&vec![b'a'; HEAD_MAX + 2], HEAD_MAX + 1).is_none());
    }

    #[test]
    fn text_is_taken_over_where_it_is_the_same_and_only_there() {
        let (pending, approved) = (file("status: pending\n", 300), file("status: approved, at last\n", 300));
        let before = in_parts(&pending, 16).expect("short");
        let after = with_text_of(&before, &approved, 26).expect("alike");
        assert_eq!(inflate(&after, approved.len()).expect("a stream"), approved);
        assert_eq!(after[7 + 26..after.len() - 4], before[7 + 16..before.len() - 4]);
        assert_eq!(with_text_of(&after, &pending, 16).expect("alike"), before);

        let other = file("status: approved, at last\n", 301);
        assert!(with_text_of(&before, &other, 26).is_none());
        assert!(with_text_of(&before, &approved, 25).is_none(), "a byte of the front matter");
        assert!(with_text_of(&deflate(&pending), &approved, 26).is_none());
        assert!(with_text_of(&before, &approved, approved.len() + 1).is_none());
        for len in 0..before.len() {
            assert!(with_text_of(&before[..len], &approved, 26).is_none(), "cut at {len}");
        }
    }

    #[test]
    fn text_that_refers_to_what_is_before_it_is_not_taken_over() {
        // `abc` as it is, then: three bytes again, as three bytes before.
        let mut stream = [&START[..], &[3, 0, 0xfc, 0xff], b"abc", &[3, 34, 0]].concat();
        stream.extend_from_slice(&libdeflater::adler32(b"abcabc").to_be_bytes());
        assert_eq!(inflate(&stream, 6).expect("a stream"), b"abcabc");
        assert_eq!(with_text_of(&stream, b"abcabc", 3).expect("the same"), stream);
        assert!(with_text_of(&stream, b"xyzabc", 3).is_none());
    }
}
