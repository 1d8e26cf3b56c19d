//! Case folding: two spellings of a text that differ by case alone become one.

/// Returns `text` without the difference between upper and lower case. By way of
/// upper case, as some letters have two lower-case forms (`σ`, `ς`) or are a pair
/// of letters in the other case (`ß`, `SS`). Folding twice changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Returns the words of a search, folded.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_differ_by_case_fold_to_one() {
        for (one, other) in [
            ("Intility", "INTILITY"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ærø", "ÆRØ"),
            ("ДОСТУП", "доступ"),
            ("ŉ", "ʼN"),
        ] {
            assert_eq!(fold(one), fold(other));
            assert_eq!(fold(&fold(one)), fold(one), "{one}");
        }
        assert_ne!(fold("ø"), fold("o"));
        assert_eq!(words("  Two\tWords\u{3000}三 "), ["two", "words", "三"]);
    }
}
