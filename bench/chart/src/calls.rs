//! One row a call: a dot for each service, a line between them, and the ratio beside it.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::data::{Benchmark, Figures};
use crate::paint::{self, GOLIVE, GRID, INK, POSTGRES};

const ROWS: [(&str, &str); 6] = [
    ("post", "POST"),
    ("post-1", "POST, 1 client"),
    ("patch", "PATCH"),
    ("get", "GET"),
    ("list", "list of 50"),
    ("mix", "mix"),
];
const DOT: i32 = 6;

/// Draws one figure of all calls.
pub fn draw<DB>(
    area: &DrawingArea<DB, Shift>,
    title: &str,
    benchmark: &Benchmark,
    figure: fn(&Figures) -> f64,
) -> Result<(), Box<dyn Error>>
where
    DB: DrawingBackend,
    DB::ErrorType: 'static,
{
    let rows: Vec<_> = ROWS
        .iter()
        .filter_map(|(call, name)| {
            let sides = benchmark.side_by_side.calls.get(*call)?;
            Some((*name, figure(sides.get("golive")?), figure(sides.get("postgres")?)))
        })
        .collect();
    let all = || rows.iter().flat_map(|(_, golive, postgres)| [*golive, *postgres]);
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
    // Room for the ratio on the right.
    let range = (least / 1.6)..(most * 3.2);

    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(title, paint::text(19, HPos::Left))
        .x_label_area_size(34)
        .y_label_area_size(104)
        .build_cartesian_2d(range.log_scale(), -0.6..rows.len() as f64 + 0.1)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .x_labels(6)
        .x_label_formatter(&|value| short(*value))
        .x_label_style(paint::text(15, HPos::Center))
        .y_labels(0)
        .draw()?;
    for (at, (name, golive, postgres)) in rows.iter().rev().enumerate() {
        let at = at as f64;
        chart.draw_series([PathElement::new(vec![(*golive, at), (*postgres, at)], GRID.stroke_width(3))])?;
        chart.draw_series([
            Circle::new((*postgres, at), DOT, POSTGRES.filled()),
            Circle::new((*golive, at), DOT, GOLIVE.filled()),
        ])?;
        let (right, y) = chart.backend_coord(&(golive.max(*postgres), at));
        let (left, _) = area.get_base_pixel();
        let top = area.get_base_pixel().1;
        let ratio = golive / postgres;
        let ratio = if ratio >= 10.0 { format!("{ratio:.0} ×") } else { format!("{ratio:.2} ×") };
        area.draw(&Text::new(ratio, (right - left + 12, y - top), paint::text(16, HPos::Left)))?;
        area.draw(&Text::new(*name, (104, y - top), paint::text(16, HPos::Right)))?;
    }
    let legend = |x: i32, colour: RGBColor, name: &'static str| -> Result<(), Box<dyn Error>> {
        area.draw(&Circle::new((x, 42), DOT, colour.filled()))?;
        area.draw(&Text::new(name, (x + 12, 42), paint::text(15, HPos::Left).color(&INK)))?;
        Ok(())
    };
    legend(120, GOLIVE, "golive")?;
    legend(200, POSTGRES, "PostgreSQL")?;
    Ok(())
}

/// Returns 20000 as `20k`.
pub fn short(value: f64) -> String {
    if value >= 1_000.0 { format!("{}k", value / 1_000.0) } else { format!("{value}") }
}
