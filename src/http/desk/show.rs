//! How single values look on a page. A text that people sent becomes [`Shown`],
//! which makes what cannot be seen visible and is escaped by the templates; what
//! is HTML already is [`Markup`]. Nothing else gets into a page.

use std::borrow::Cow;
use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::render;
use crate::report::Status;

/// A text of somebody, fit to be read; not yet escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown(String);

impl Shown {
    pub(super) fn new(text: &str) -> Self {
        Self(render::visible(text).into_owned())
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.0.len()
    }

    /// At most `n_max` characters of it, for places where it is one of many.
    pub(super) fn shortened(text: &str, n_max: usize) -> Self {
        match text.char_indices().nth(n_max) {
            None => Self::new(text),
            Some((at, _)) => Self(format!("{}…", render::visible(&text[..at]))),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sentence of the service, in which code stands between backticks.
#[derive(Clone, Debug, Template)]
#[template(path = "prose.html", whitespace = "suppress")]
pub(super) struct Prose {
    /// Each with whether it is code.
    parts: Vec<(bool, Shown)>,
}

impl Prose {
    pub(super) fn new(text: &str) -> Self {
        let parts = text.split('`').enumerate();
        Self { parts: parts.map(|(n, part)| (n % 2 == 1, Shown::new(part))).collect() }
    }

    /// From its capital letter to its full stop.
    pub(super) fn sentence(text: &str) -> Self {
        let mut chars = text.chars();
        let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        Self::new(&format!("{first}{}.", chars.as_str().trim_end_matches('.')))
    }
}

impl HtmlSafe for Prose {}

/// HTML that goes into the page as it is: what [`render`] made.
#[derive(Clone, Debug)]
pub(super) struct Markup<'a>(pub(super) Cow<'a, str>);

impl fmt::Display for Markup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup<'_> {}

/// A status: colour, sign and word.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "pill.html", whitespace = "minimize")]
pub(super) struct Pill(pub(super) Status);

impl HtmlSafe for Pill {}

/// The word for a status in a sentence.
pub(super) const fn word(status: Status) -> &'static str {
    match status {
        Status::PendingReview => "pending",
        Status::Approved => "approved",
        Status::Rejected => "rejected",
    }
}

/// A time, in UTC; the script puts it into the reader's zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    at: DateTime<Utc>,
    is_day: bool,
}

impl Moment {
    pub(super) fn new(at: DateTime<Utc>) -> Self {
        Self { at, is_day: false }
    }

    /// The day alone, for tables.
    pub(super) fn day(at: DateTime<Utc>) -> Self {
        Self { at, is_day: true }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let title = self.at.format("%Y-%m-%d %H:%M:%S UTC");
        let (class, text) = if self.is_day { (" class=\"day\"", "%-d %b %Y") } else { ("", "%-d %b %Y, %H:%M UTC") };
        write!(f, r#"<time{class} datetime="{exact}" title="{title}">{}</time>"#, self.at.format(text))
    }
}

impl HtmlSafe for Moment {}

/// Returns how long something took, in the largest unit that says it.
pub(super) fn span(duration: TimeDelta) -> String {
    let one_or = |n: i64, unit: &str| if n == 1 { format!("1 {unit}") } else { format!("{n} {unit}s") };
    match (duration.num_days(), duration.num_hours(), duration.num_minutes()) {
        (days @ 1.., ..) => one_or(days, "day"),
        (_, hours @ 1.., _) => one_or(hours, "hour"),
        (.., minutes @ 1..) => format!("{minutes} min"),
        _ => "just now".to_owned(),
    }
}

/// Returns the part of a repository's address that tells it from others.
pub(super) fn repository(url: &str) -> &str {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    url.strip_prefix("git@").unwrap_or(url).trim_end_matches('/').trim_end_matches(".git")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        for (seconds, text) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 min"),
            (3600, "1 hour"),
            (7300, "2 hours"),
            (86_400, "1 day"),
            (864_000, "10 days"),
        ] {
            assert_eq!(span(TimeDelta::seconds(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(Shown::shortened("ééé", 2).to_string(), "éé…");
        assert_eq!(Shown::shortened("ééé", 3).to_string(), "ééé");
    }
}
