//! What a request costs with few and with many reports: flat is good.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use crate::calls::short;
use crate::data::Size;
use crate::paint::{self, GRID, LINES};

const CALLS: [(&str, &str); 4] = [("patch", "PATCH"), ("post", "POST"), ("get", "GET"), ("list", "list of 50")];

/// Draws a line a call.
pub fn draw<DB>(area: &DrawingArea<DB, Shift>, sizes: &[Size]) -> Result<(), Box<dyn Error>>
where
    DB: DrawingBackend,
    DB::ErrorType: 'static,
{
    let micros = |size: &Size, call: &str| size.calls.get(call).map(|figures| 1e6 / figures.per_second);
    let points = |call: &str| -> Vec<(f64, f64)> {
        sizes.iter().filter_map(|size| Some((size.reports, micros(size, call)?))).collect()
    };
    let all: Vec<_> = CALLS.iter().flat_map(|(call, _)| points(call)).collect();
    let least = all.iter().map(|point| point.1).fold(f64::MAX, f64::min);
    let most = all.iter().map(|point| point.1).fold(f64::MIN, f64::max);
    let fewest = sizes.first().map_or(1.0, |size| size.reports);
    let largest = sizes.last().map_or(10.0, |size| size.reports);

    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(
            "Microseconds per request, 64 clients, by reports in store (flat is good)",
            paint::text(19, HPos::Left),
        )
        .x_label_area_size(34)
        .y_label_area_size(56)
        // Room for the names on the right.
        .build_cartesian_2d((fewest * 0.8..largest * 3.0).log_scale(), (least / 2.0..most * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .x_labels(8)
        .y_labels(6)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .label_style(paint::text(15, HPos::Center))
        .draw()?;
    let (left, top) = area.get_base_pixel();
    let mut last_y = i32::MIN;
    let mut named: Vec<_> = CALLS.iter().zip(LINES).collect();
    named.sort_by(|a, b| {
        let end = |call: &str| points(call).last().map_or(0.0, |point| point.1);
        end(b.0.0).total_cmp(&end(a.0.0))
    });
    for ((call, name), colour) in named {
        let points = points(call);
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
        if let Some(end) = points.last() {
            let (x, y) = chart.backend_coord(end);
            // Lines that end close together would have their names on one another.
            last_y = y.max(last_y.saturating_add(16));
            let label = format!("{name}, {:.0} µs", end.1);
            area.draw(&Text::new(label, (x - left + 12, last_y - top), paint::text(16, HPos::Left).color(&colour)))?;
        }
    }
    Ok(())
}
