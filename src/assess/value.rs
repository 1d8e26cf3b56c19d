//! Single values: verdicts, risks, dates, commits, and marks for what does not hold.

use chrono::NaiveDate;

use super::words::words;
use super::{Risk, Verdict};

/// Marks that say no.
const CROSSES: [char; 5] = ['❌', '✗', '✘', '⛔', '🚫'];

/// Returns the verdict that `text` begins with; `None` for another word, and for
/// several, as the template offers them.
pub(super) fn verdict(text: &str) -> Option<Verdict> {
    let mut verdicts = text.split(['|', '/']).filter_map(one_verdict);
    verdicts.next().filter(|_| verdicts.next().is_none())
}

fn one_verdict(text: &str) -> Option<Verdict> {
    let words = words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).take(6).collect();
    match words.as_slice() {
        ["pass" | "passed", "with", rest @ ..] => {
            rest.iter().any(|word| word.starts_with("condition")).then_some(Verdict::PassWithConditions)
        }
        ["conditional" | "conditionally", "pass" | "passed", ..] | ["pass" | "passed", "conditionally", ..] => {
            Some(Verdict::PassWithConditions)
        }
        ["pass" | "passed", "fail" | "failed", ..] => None,
        ["pass" | "passed", ..] => Some(Verdict::Pass),
        ["fail" | "failed", ..] => Some(Verdict::Fail),
        _ => None,
    }
}

/// Returns the risk that `text` begins with; `None` for another word, for several,
/// and for a word whose mark says another.
pub(super) fn risk(text: &str) -> Option<Risk> {
    let words = words(text);
    let word = |word: &String| match word.as_str() {
        "low" => Some(Risk::Low),
        "medium" | "moderate" => Some(Risk::Medium),
        "high" => Some(Risk::High),
        _ => None,
    };
    let first = words.first().and_then(word)?;
    let mut others = words.iter().skip(1).filter(|word| *word != "to");
    if others.next().is_some_and(|second| word(second).is_some()) {
        return None;
    }
    let mark = [('🟢', Risk::Low), ('🟡', Risk::Medium), ('🟠', Risk::Medium), ('🔴', Risk::High)];
    let mark = mark.into_iter().find(|(mark, _)| text.contains(*mark)).map(|(_, risk)| risk);
    mark.is_none_or(|mark| mark == first || (first == Risk::High && text.contains('🟠'))).then_some(first)
}

/// Returns whether `text` begins with a day of the calendar, `YYYY-MM-DD`.
pub(super) fn is_date(text: &str) -> bool {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
    // A time may follow, and words.
    text[..end].len() == 10 && NaiveDate::parse_from_str(&text[..end], "%Y-%m-%d").is_ok()
}

/// Returns whether `text` begins with a whole commit id.
pub(super) fn is_commit(text: &str) -> bool {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    end == 40 && text[..end].bytes().all(|b| b.is_ascii_hexdigit())
}

/// Returns whether `text` begins with a mark that says no.
pub(super) fn begins_with_cross(text: &str) -> bool {
    text.trim_start().starts_with(CROSSES)
}

/// Returns whether the status `text` says no, by a mark or in a word.
pub(super) fn is_cross(text: &str) -> bool {
    let words = words(text);
    let mut words = words.iter().map(String::as_str);
    let word = match (words.next(), words.next()) {
        (Some("fail" | "failed" | "missing"), _) => true,
        (Some("not"), Some(word)) => matches!(word, "met" | "ok" | "done" | "compliant" | "fulfilled" | "implemented"),
        _ => false,
    };
    word || text.contains(CROSSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_understood() {
        use Verdict::{Fail, Pass, PassWithConditions};
        for (text, expected) in [
            ("PASS", Some(Pass)),
            ("✅ Pass", Some(Pass)),
            ("PASS ✅ (see above)", Some(Pass)),
            ("passed, every check done", Some(Pass)),
            ("PASS WITH CONDITIONS", Some(PassWithConditions)),
            ("⚠️ Pass with two conditions", Some(PassWithConditions)),
            ("Conditional pass", Some(PassWithConditions)),
            ("FAIL: no network policy", Some(Fail)),
            ("PASS | FAIL | PASS WITH CONDITIONS", None),
            ("PASS/FAIL", None),
            ("pass or fail", None),
            ("pass with remarks", None),
            ("OK", None),
            ("not passed", None),
            ("✅", None),
            ("", None),
        ] {
            assert_eq!(verdict(text), expected, "{text}");
        }
    }

    #[test]
    fn risks_are_understood() {
        use Risk::{High, Low, Medium};
        for (text, expected) in [
            ("🟢 LOW", Some(Low)),
            ("low", Some(Low)),
            ("Medium – two legs, no high value", Some(Medium)),
            ("🟠 HIGH", Some(High)),
            ("Moderate", Some(Medium)),
            ("🔴 LOW", None),
            ("LOW | MEDIUM | HIGH", None),
            ("low to medium", None),
            ("Low/Medium", None),
            ("🟢", None),
            ("negligible", None),
        ] {
            assert_eq!(risk(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_and_commits_are_told_from_others() {
        for (text, expected) in [
            ("2026-02-28", true),
            ("2026-03-02 to 2026-03-04", true),
            ("2026-03-02T10:00:00Z", true),
            ("2026-02-30", false),
            ("2 March 2026", false),
            ("02.03.2026", false),
            ("2026-3-2", false),
        ] {
            assert_eq!(is_date(text), expected, "{text}");
        }
        assert!(is_commit("4be1d0c2a9f83e5567b0e0d9a4c7bb1c0f3e2a19 (main)"));
        assert!(!is_commit("4be1d0c") && !is_commit(&"g".repeat(40)) && !is_commit(&"a".repeat(41)));
    }

    #[test]
    fn what_says_no_is_a_cross() {
        for text in ["❌ None", "FAIL", "Not met", "✗", "Failed: no probe"] {
            assert!(is_cross(text), "{text}");
        }
        for text in ["✅ None failed", "⚠️ partly", "not applicable", "No", "none"] {
            assert!(!is_cross(text), "{text}");
        }
    }
}
