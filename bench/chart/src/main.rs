//! Draws the picture of the benchmark: `chart docs/benchmark.json docs/benchmark.svg`.
//!
//! Above, each call of golive and of the PostgreSQL service, on axes where equal distances
//! are equal ratios; below, what a request costs with few and with many reports.

mod calls;
mod data;
mod growth;
mod paint;

use std::error::Error;
use std::fs;

use plotters::prelude::*;

const SIZE: (u32, u32) = (960, 720);
const UPPER_HEIGHT: i32 = 370;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(numbers), Some(picture)) = (arguments.next(), arguments.next()) else {
        return Err("usage: chart NUMBERS.json PICTURE.svg".into());
    };
    let benchmark: data::Benchmark = serde_json::from_str(&fs::read_to_string(numbers)?)?;
    let mut svg = String::new();
    {
        let all = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let (upper, lower) = all.split_vertically(UPPER_HEIGHT);
        let (left, right) = upper.split_horizontally(SIZE.0 / 2);
        calls::draw(&left, "Requests per second (more is better)", &benchmark, |figures| figures.per_second)?;
        calls::draw(&right, "p99 in ms (less is better)", &benchmark, |figures| figures.p99_ms)?;
        growth::draw(&lower, &benchmark.growth)?;
        all.present()?;
    }
    fs::write(picture, paint::light_and_dark(&svg))?;
    Ok(())
}
