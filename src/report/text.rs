//! Characters that a reader cannot see, and what may stand in one-line fields.
//!
//! The ranges are Unicode 16's `Default_Ignorable_Code_Point`, the line and
//! paragraph separators and the interlinear annotation marks: what can make
//! two texts look alike, or one text look like another.

/// Returns whether `c` is invisible or changes the direction of the text around it.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns why `text` cannot stand in a one-line field, or `Ok`.
///
/// `max_chars` counts Unicode scalar values.
pub fn check_one_line(text: &str, max_chars: usize) -> Result<(), String> {
    if text.chars().all(char::is_whitespace) {
        return Err("must not be blank".into());
    }
    if let Some(c) = text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        let kind = if c.is_control() { "control" } else { "invisible" };
        return Err(format!("must not hold the {kind} character {}", code_point(c)));
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err("must not begin or end with white space; remove it".into());
    }
    let n_chars = text.chars().count();
    if n_chars > max_chars {
        return Err(format!("must be at most {max_chars} characters, has {n_chars}"));
    }
    Ok(())
}

/// Returns `c` as `U+0000`.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// How a conflict that git left is resolved.
pub const RESOLVE: &str =
    "keep what is right between `<<<<<<<` and `>>>>>>>`, and remove these lines and the one with `=======`";

/// Returns where a conflict that git left in a text begins: all three marks, in order.
pub fn conflict(text: &[u8]) -> Option<usize> {
    let marks: [&[u8]; 3] = [b"<<<<<<< ", b"=======", b">>>>>>> "];
    let (mut found, mut first, mut at) = (0, None, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_mark = line.starts_with(marks[found]) && (found != 1 || line.trim_ascii_end() == marks[1]);
        if is_mark {
            first = first.or(Some(at));
            found += 1;
        }
        if found == marks.len() {
            return first;
        }
        at += line.len();
    }
    None
}
