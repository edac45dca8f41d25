//! Bars over buckets: side by side, stacked, or touching as a histogram.

use super::chart::{LABEL, Plot, baseline, color, frame, spots};
use super::lettering::width;
use super::sketch::{Anchor, Area, At, Face, Sketch, count};
use crate::report::page::{Arrangement, Axis, Categories, Ink, Series};
use crate::report::palette::{INK, PAPER};

const VALUE: Face = Face { color: INK, size: 11.5, ..LABEL };
/// A bar is never wider than this, however few there are.
const BAR_WIDTH_MAX: f64 = 48.0;

/// The bars, drawn over grid and under the zero line.
pub fn sketch(
    x: &Categories,
    y: &Axis,
    series: &[Series],
    arrangement: Arrangement,
    width: f64,
    height: f64,
) -> Sketch {
    let mut sketch = Sketch::default();
    let plot = frame(&mut sketch, (x, y, series), (width, height), sign);
    for slot in 0..plot.slots {
        match arrangement {
            Arrangement::Stacked => stack(&mut sketch, series, slot, plot),
            Arrangement::Grouped => group(&mut sketch, series, slot, plot),
            Arrangement::Histogram => histogram(&mut sketch, series, slot, plot),
        }
    }
    if let [only] = series {
        values(&mut sketch, only, plot);
    }
    baseline(&mut sketch, plot);
    spots(&mut sketch, x, series, plot);
    sketch
}

fn sign(sketch: &mut Sketch, series: &Series, at: At) -> f64 {
    bar(sketch, series, Area { left: at.x, top: at.y - 6.0, width: 12.0, height: 12.0 });
    19.0
}

/// What is compared with is an outline: told from the present without colour.
fn hollow(sketch: &mut Sketch, bar: Area) {
    let inner = Area { left: bar.left + 1.5, top: bar.top + 1.5, width: bar.width - 3.0, height: bar.height - 3.0 };
    sketch.rect(inner, PAPER);
}

fn value(series: &Series, slot: usize) -> Option<f64> {
    series.values.get(slot).copied().flatten()
}

fn bar(sketch: &mut Sketch, series: &Series, area: Area) {
    sketch.rect(area, color(series));
    if series.ink == Ink::Previous {
        hollow(sketch, area);
    }
}

/// A bar from zero; what is not zero is at least a hair high.
fn standing(left: f64, width: f64, value: f64, plot: Plot) -> Area {
    let bottom = plot.area.bottom();
    let height = if value > 0.0 { (bottom - plot.y(value)).max(1.0) } else { 0.0 };
    Area { left, top: bottom - height, width, height }
}

fn stack(sketch: &mut Sketch, series: &[Series], slot: usize, plot: Plot) {
    let wide = (plot.slot() * 0.74).min(BAR_WIDTH_MAX);
    let left = plot.x(slot) - wide / 2.0;
    let mut below = 0.0;
    for series in series {
        let Some(value) = value(series, slot).filter(|value| *value > 0.0) else { continue };
        let (bottom, top) = (plot.y(below), plot.y(below + value));
        // A white line between two parts, unless the part is thinner than that line.
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
        if let Some(value) = value(series, slot) {
            bar(sketch, series, standing(first + wide * count(index), wide - gap, value, plot));
        }
    }
}

fn histogram(sketch: &mut Sketch, series: &[Series], slot: usize, plot: Plot) {
    let wide = plot.slot();
    for series in series {
        if let Some(value) = value(series, slot) {
            bar(sketch, series, standing(plot.x(slot) - wide / 2.0 + 0.5, wide - 1.0, value, plot));
        }
    }
}

/// The value over each bar, where all of them have room.
fn values(sketch: &mut Sketch, series: &Series, plot: Plot) {
    if series.texts.iter().any(|text| width(text, VALUE) > plot.slot() - 4.0) {
        return;
    }
    for (slot, text) in series.texts.iter().enumerate() {
        if let Some(value) = value(series, slot) {
            sketch.text(plot.x(slot), plot.y(value) - 5.0, text, VALUE, Anchor::Middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::draw::sketch::Shape;

    fn series(values: &[f64], index: usize) -> Series {
        let texts = values.iter().map(f64::to_string).collect();
        Series {
            name: format!("s{index}"),
            values: values.iter().copied().map(Some).collect(),
            texts,
            ink: Ink::Palette(index),
        }
    }

    #[test]
    fn a_stack_is_as_high_as_its_parts() {
        let x = Categories { labels: vec!["1 May".to_owned()], ticks: Vec::new() };
        let y = Axis { max: 10.0, ticks: Vec::new(), label: String::new() };
        let both = [series(&[3.0], 0), series(&[5.0], 1)];
        let drawn = sketch(&x, &y, &both, Arrangement::Stacked, 300.0, 200.0);
        let one = sketch(&x, &y, &[series(&[8.0], 0), series(&[0.0], 1)], Arrangement::Stacked, 300.0, 200.0);
        assert!((top(&drawn) - top(&one)).abs() < 1e-9);
    }

    fn top(sketch: &Sketch) -> f64 {
        let bars = sketch.shapes.iter().filter_map(|shape| match shape {
            Shape::Rect { area, .. } if area.width > 20.0 => Some(area.top),
            _ => None,
        });
        bars.fold(f64::MAX, f64::min)
    }
}
