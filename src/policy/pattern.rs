//! The pattern language of `golive.yaml`: a text in which `*` stands for any run of
//! characters, also none. Letters match in any case; nothing else is special.

/// Returns whether `pattern` matches the whole of `text`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (pattern, text) = (fold(pattern), fold(text));
    let (mut at, mut next) = (0, 0);
    // Where the last star is, and up to where of the text it was tried.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some('*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(c) if *c == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                (at, next) = (from + 1, place + 1);
            }
        }
    }
    pattern[next..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_any_run_and_letters_match_in_any_case() {
        for (pattern, text, is_match) in [
            ("github.com", "github.com", true),
            ("GitHub.com", "github.com", true),
            ("github.com", "xgithub.com", false),
            ("github.com", "github.com.evil.example", false),
            ("*.example.com", "git.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*", "", true),
            ("*", "anything/at all", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*@example.com", "Kim@Example.COM", true),
            ("a.c", "abc", false),
            ("a?c", "abc", false),
            ("[ab]", "a", false),
            ("ÆR*", "ærlig", true),
            ("**x**", "x", true),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_their_number_times_the_text() {
        let start = std::time::Instant::now();
        assert!(!matches(&"*a".repeat(120), &("a".repeat(119) + &"b".repeat(5000))));
        assert!(start.elapsed().as_secs() < 2);
    }
}
