//! Bars over buckets: side by side, stacked, or touching as a histogram.

use super::axes::{self, LABEL, Plot, baseline, color, frame, tooltips};
use super::series::{Axis, Categories, Series, SeriesStyle};
use crate::report::draw::sketch::{Anchor, Area, Face, Point, Sketch, count};
use crate::report::draw::text_layout::width;
use crate::report::palette::{CARD, TEXT};

/// Bars over the buckets or groups of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    pub x: Categories,
    pub y: Axis,
    pub series: Vec<Series>,
    pub arrangement: Arrangement,
}

/// How the bars of one bucket are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    Grouped,
    Stacked,
    /// Without space between the buckets.
    Histogram,
}

const VALUE: Face = Face { color: TEXT, size: 11.5, ..LABEL };
/// A bar is never wider than this, however few there are.
const BAR_WIDTH_MAX: f64 = 48.0;

impl Bars {
    /// The bars, drawn over the grid and under the zero line.
    #[must_use]
    pub fn sketch(&self, width: f64, height: f64) -> Sketch {
        let mut sketch = Sketch::default();
        let series = self.series.as_slice();
        let plot = frame(&mut sketch, (&self.x, &self.y, series), (width, height), symbol);
        for slot in 0..plot.slots {
            match self.arrangement {
                Arrangement::Stacked => stack(&mut sketch, series, slot, plot),
                Arrangement::Grouped => group(&mut sketch, series, slot, plot),
                Arrangement::Histogram => histogram(&mut sketch, series, slot, plot),
            }
        }
        if let [only] = series {
            values(&mut sketch, only, plot);
        }
        baseline(&mut sketch, plot);
        tooltips(&mut sketch, &self.x, series, plot);
        sketch
    }

    /// The height that suits a width.
    #[must_use]
    pub fn height(&self, width: u32) -> u32 {
        axes::height(&self.x, &self.series, width)
    }
}

fn symbol(sketch: &mut Sketch, series: &Series, at: Point) -> f64 {
    bar(sketch, series, Area { left: at.x, top: at.y - 6.0, width: 12.0, height: 12.0 });
    19.0
}

/// What is compared with is an outline, so that it differs from the present without colour.
fn hollow(sketch: &mut Sketch, bar: Area) {
    let inner = Area { left: bar.left + 1.5, top: bar.top + 1.5, width: bar.width - 3.0, height: bar.height - 3.0 };
    sketch.rect(inner, CARD);
}

fn bar(sketch: &mut Sketch, series: &Series, area: Area) {
    sketch.rect(area, color(series));
    if series.style == SeriesStyle::Previous {
        hollow(sketch, area);
    }
}

/// A bar from zero; one that is not zero is at least one pixel high.
fn bar_area(left: f64, width: f64, value: f64, plot: Plot) -> Area {
    let bottom = plot.area.bottom();
    let height = if value > 0.0 { (bottom - plot.y(value)).max(1.0) } else { 0.0 };
    Area { left, top: bottom - height, width, height }
}

fn stack(sketch: &mut Sketch, series: &[Series], slot: usize, plot: Plot) {
    let wide = (plot.slot() * 0.74).min(BAR_WIDTH_MAX);
    let left = plot.x(slot) - wide / 2.0;
    let mut below = 0.0;
    for series in series {
        let Some(value) = series.number(slot).filter(|value| *value > 0.0) else { continue };
        let (bottom, top) = (plot.y(below), plot.y(below + value));
        // A white line between two parts, unless the part is thinner than the line.
        let gap = if below > 0.0 && bottom - top > 2.5 { 1.0 } else { 0.0 };
        bar(sketch, series, Area { left, top, width: wide, height: bottom - top - gap });
        below += value;
    }
}

fn group(sketch: &mut Sketch, series: &[Series], slot: usize, plot: Plot) {
    let bars = count(series.len().max(1));
    let wide = (plot.slot() * if series.len() > 1 { 0.8 } else { 0.66 } / bars).min(BAR_WIDTH_MAX);
    let first = plot.x(slot) - wide * bars / 2.0;
    let gap = if wide > 4.0 && series.len() > 1 { 1.0 } else { 0.0 };
    for (index, series) in series.iter().enumerate() {
        if let Some(value) = series.number(slot) {
            bar(sketch, series, bar_area(first + wide * count(index), wide - gap, value, plot));
        }
    }
}

fn histogram(sketch: &mut Sketch, series: &[Series], slot: usize, plot: Plot) {
    let wide = plot.slot();
    for series in series {
        if let Some(value) = series.number(slot) {
            bar(sketch, series, bar_area(plot.x(slot) - wide / 2.0 + 0.5, wide - 1.0, value, plot));
        }
    }
}

/// The value over each bar, where all of them fit.
fn values(sketch: &mut Sketch, series: &Series, plot: Plot) {
    let texts = series.texts();
    if texts.iter().any(|text| width(text, VALUE) > plot.slot() - 4.0) {
        return;
    }
    for (slot, text) in texts.iter().enumerate() {
        if let Some(value) = series.number(slot) {
            sketch.text(plot.x(slot), plot.y(value) - 5.0, text, VALUE, Anchor::Middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::unit::Unit;
    use crate::report::draw::sketch::Shape;
    use crate::report::table::Key;
    use crate::report::value::Value;

    fn series(numbers: &[f64], index: usize) -> Series {
        Series {
            name: format!("s{index}"),
            unit: Unit::Count("cases".to_owned()),
            numbers: numbers.iter().copied().map(Some).collect(),
            style: SeriesStyle::Color(index),
        }
    }

    #[test]
    fn a_stack_is_as_high_as_its_parts() {
        let key = Key::named("day");
        let x = Categories { key, values: vec![Value::Text("1 May".to_owned())], ticks: Vec::new() };
        let y = Axis { unit: Unit::Count(String::new()), max: 10.0, ticks: Vec::new() };
        let stacked = |series: Vec<Series>| {
            let bars = Bars { x: x.clone(), y: y.clone(), series, arrangement: Arrangement::Stacked };
            bars.sketch(300.0, 200.0)
        };
        let both = stacked(vec![series(&[3.0], 0), series(&[5.0], 1)]);
        let one = stacked(vec![series(&[8.0], 0), series(&[0.0], 1)]);
        assert!((top(&both) - top(&one)).abs() < 1e-9);
    }

    fn top(sketch: &Sketch) -> f64 {
        let bars = sketch.shapes.iter().filter_map(|shape| match shape {
            Shape::Rect { area, .. } if area.width > 20.0 => Some(area.top),
            _ => None,
        });
        bars.fold(f64::MAX, f64::min)
    }
}
