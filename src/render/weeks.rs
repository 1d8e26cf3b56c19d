//! The small picture of the queue: what was decided each week, and what waited.
//!
//! Colours come from the page, by class; each figure is also there as words.

use chrono::{Datelike, NaiveDate};
use svg::node::Value;
use svg::node::element::{Description, Group, Line, Polyline, Rectangle, Text, Title};
use svg::{Document, Node};

const WIDTH: usize = 720;
const HEIGHT: usize = 160;
/// Room for the numbers at the left, the names at the top and the months below.
const LEFT: usize = 36;
const TOP: usize = 24;
const BOTTOM: usize = 22;

/// What happened in one week.
pub struct Week {
    /// Its Monday.
    pub start: NaiveDate,
    /// Reports that waited for a decision when it ended.
    pub waiting: usize,
    pub approved: usize,
    pub rejected: usize,
}

/// Draws the decisions of each week as bars, and the waiting reports as a line.
pub fn weeks(weeks: &[Week]) -> String {
    let most = weeks.iter().map(|week| week.waiting.max(week.approved + week.rejected)).max().unwrap_or(0);
    let chart = Chart { top: round_up(most), column: (WIDTH - LEFT) as f64 / weeks.len().max(1) as f64 };
    let mut document = Document::new()
        .set("class", "chart")
        .set("role", "img")
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("aria-labelledby", "chart-title chart-description")
        .add(Title::new("Decisions and waiting reports per week").set("id", "chart-title"))
        .add(Description::new().set("id", "chart-description").add(svg::node::Text::new(in_words(weeks))))
        .add(chart.axis(weeks))
        .add(names());
    for (n, week) in weeks.iter().enumerate() {
        document.append(chart.bars(n, week));
    }
    if !weeks.is_empty() {
        document.append(chart.waiting(weeks));
    }
    document.to_string()
}

/// The scale: what the top line stands for, and how wide a week is.
struct Chart {
    top: usize,
    column: f64,
}

impl Chart {
    fn x(&self, n: usize) -> f64 {
        LEFT as f64 + self.column * n as f64
    }

    fn height(&self, value: usize) -> f64 {
        (HEIGHT - TOP - BOTTOM) as f64 * value as f64 / self.top as f64
    }

    fn y(&self, value: usize) -> f64 {
        (HEIGHT - BOTTOM) as f64 - self.height(value)
    }

    fn axis(&self, weeks: &[Week]) -> Group {
        let mut group = Group::new().set("class", "axis");
        for value in [0, self.top / 2, self.top] {
            let y = number(self.y(value));
            group.append(Line::new().set("x1", LEFT).set("x2", WIDTH).set("y1", y.clone()).set("y2", y.clone()));
            group.append(label(value.to_string(), LEFT - 6, number(self.y(value) + 4.0)).set("text-anchor", "end"));
        }
        // A month is named where it begins, if there is room for its name.
        let mut free_from = 0.0;
        for (n, pair) in weeks.windows(2).enumerate() {
            let (x, start) = (self.x(n + 1), pair[1].start);
            if pair[0].start.month() != start.month() && x >= free_from && x + 30.0 <= WIDTH as f64 {
                group.append(label(start.format("%b").to_string(), number(x), HEIGHT - 6));
                free_from = x + 36.0;
            }
        }
        group
    }

    /// Approved below, rejected on top of it, with what they say as a tooltip.
    fn bars(&self, n: usize, week: &Week) -> Group {
        let mut group = Group::new().add(Title::new(week_in_words(week)));
        let bar = |class: &str, from: usize, value: usize| {
            Rectangle::new()
                .set("class", class)
                .set("x", number(self.x(n) + self.column * 0.15))
                .set("width", number(self.column * 0.7))
                .set("y", number(self.y(from + value)))
                .set("height", number(self.height(value)))
        };
        if week.approved > 0 {
            group.append(bar("bar-approved", 0, week.approved));
        }
        if week.rejected > 0 {
            group.append(bar("bar-rejected", week.approved, week.rejected));
        }
        group
    }

    fn waiting(&self, weeks: &[Week]) -> Polyline {
        let point = |(n, week): (usize, &Week)| {
            format!("{},{}", number(self.x(n) + self.column / 2.0), number(self.y(week.waiting)))
        };
        let points: Vec<_> = weeks.iter().enumerate().map(point).collect();
        Polyline::new().set("class", "line-waiting").set("fill", "none").set("points", points.join(" "))
    }
}

/// What each mark means, at the top.
fn names() -> Group {
    let swatch = |class: &str, x: usize| {
        Rectangle::new().set("class", class).set("x", x).set("y", 4).set("width", 10).set("height", 10)
    };
    let waiting = Polyline::new().set("class", "line-waiting").set("fill", "none").set("points", "216,9 234,9");
    Group::new()
        .add(swatch("bar-approved", LEFT))
        .add(label("approved", LEFT + 16, 13))
        .add(swatch("bar-rejected", LEFT + 90))
        .add(label("rejected", LEFT + 106, 13))
        .add(waiting)
        .add(label("waiting", 240, 13))
}

fn label(text: impl Into<String>, x: impl Into<Value>, y: impl Into<Value>) -> Text {
    Text::new(text).set("class", "label").set("x", x).set("y", y)
}

/// One digit after the point is a tenth of a pixel.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// Returns an even number at or above `most`, of which half is a round one too.
fn round_up(most: usize) -> usize {
    let mut step = 2;
    while step * 5 < most {
        step *= 10;
    }
    most.max(1).div_ceil(step) * step
}

fn week_in_words(week: &Week) -> String {
    format!("Week of {}: {} approved, {} rejected, {} waiting", week.start, week.approved, week.rejected, week.waiting)
}

fn in_words(weeks: &[Week]) -> String {
    let Some(last) = weeks.last() else { return "There are no weeks to show.".into() };
    let (approved, rejected) = weeks.iter().fold((0, 0), |sum, week| (sum.0 + week.approved, sum.1 + week.rejected));
    format!("In {} weeks {approved} were approved and {rejected} rejected. {}.", weeks.len(), week_in_words(last))
}
