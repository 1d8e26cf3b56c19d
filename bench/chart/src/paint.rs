//! Colours and letters, the same in both panels, readable on white and on black.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub const INK: RGBColor = RGBColor(31, 35, 40);
pub const GRID: RGBColor = RGBColor(216, 222, 228);
pub const GOLIVE: RGBColor = RGBColor(47, 129, 247);
pub const POSTGRES: RGBColor = RGBColor(219, 109, 40);
/// Lines of the lower panel.
pub const LINES: [RGBColor; 4] =
    [RGBColor(9, 150, 140), RGBColor(200, 80, 150), RGBColor(120, 140, 40), RGBColor(140, 110, 240)];

const INK_DARK: &str = "#E6EDF3";
const GRID_DARK: &str = "#3D444D";

/// Returns the style of text of this size, anchored.
pub fn text(size: i32, horizontal: HPos) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK).pos(Pos::new(horizontal, VPos::Center))
}

/// Adds rules by which the picture takes light ink where the page is dark.
pub fn light_and_dark(svg: &str) -> String {
    let hex = |colour: RGBColor| format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
    let rule = |from: RGBColor, to: &str| {
        let from = hex(from);
        format!("[fill=\"{from}\"]{{fill:{to}}}[stroke=\"{from}\"]{{stroke:{to}}}")
    };
    let (ink, grid) = (rule(INK, INK_DARK), rule(GRID, GRID_DARK));
    let style = format!("<style>@media (prefers-color-scheme:dark){{{ink}{grid}}}</style>");
    match svg.find("xmlns").and_then(|at| svg[at..].find('>').map(|end| at + end + 1)) {
        Some(head) => format!("{}\n{style}{}", &svg[..head], &svg[head..]),
        None => svg.to_owned(),
    }
}
