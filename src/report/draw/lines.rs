//! Lines and filled areas over buckets. A bucket without a value is a gap, never a zero.

use super::chart::{LABEL, Plot, baseline, color, frame, painting_order, spots, unit_width};
use super::lettering::{shortened, width};
use super::sketch::{Anchor, Area, At, Face, Pen, Shape, Sketch, count};
use crate::report::page::{Axis, Categories, Ink, Mark, Series};
use crate::report::palette::{MARK, PAPER, Rgb};

const MARK_FACE: Face = Face { color: MARK, ..LABEL };
/// Closer together than this, markers would hide their line; then every n-th bucket carries one.
const MARKER_GAP_MIN: f64 = 11.0;

/// The lines, drawn over grid and axes.
pub fn sketch(
    x: &Categories,
    y: &Axis,
    series: &[Series],
    mark: Option<&Mark>,
    filled: bool,
    width: f64,
    height: f64,
) -> Sketch {
    let mut sketch = Sketch::default();
    let marked = are_marked(series);
    let plot =
        frame(&mut sketch, (x, y, series), (width, height), |sketch, series, at| sign(sketch, series, at, marked));
    if filled {
        series.iter().filter(|series| series.ink != Ink::Previous).for_each(|series| fill(&mut sketch, series, plot));
    }
    baseline(&mut sketch, plot);
    for (_, series) in painting_order(series) {
        line(&mut sketch, series, plot, marked);
    }
    if let Some(mark) = mark {
        target(&mut sketch, mark, series, plot, unit_width(y, series));
    }
    spots(&mut sketch, x, series, plot);
    sketch
}

/// Markers tell several lines apart in print; a line that is alone needs none.
fn are_marked(series: &[Series]) -> bool {
    series.iter().filter(|series| matches!(series.ink, Ink::Palette(_))).count() > 1
}

/// The stretches of buckets that have values.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (slot, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((slot, *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn places(run: &[(usize, f64)], plot: Plot) -> Vec<At> {
    run.iter().map(|(slot, value)| At { x: plot.x(*slot), y: plot.y(*value) }).collect()
}

fn pen(series: &Series) -> Pen {
    match series.ink {
        Ink::Previous => Pen { color: color(series), width: 1.75, dash: Some((5.0, 4.0)) },
        Ink::Other => Pen { color: color(series), width: 2.25, dash: Some((1.5, 3.0)) },
        Ink::Palette(_) => Pen { color: color(series), width: 2.25, dash: None },
    }
}

fn line(sketch: &mut Sketch, series: &Series, plot: Plot, marked: bool) {
    for run in runs(&series.values) {
        let points = places(&run, plot);
        if let [alone] = points.as_slice() {
            dot(sketch, *alone, 3.4, color(series));
            continue;
        }
        sketch.path(points.clone(), pen(series));
        if marked {
            let own = run.iter().zip(&points).filter(|((slot, _), _)| carries_marker(*slot, plot));
            own.for_each(|(_, at)| marker(sketch, series, *at));
        }
    }
}

fn carries_marker(slot: usize, plot: Plot) -> bool {
    let step = (1..plot.slots).find(|step| count(*step) * plot.slot() >= MARKER_GAP_MIN).unwrap_or(1);
    slot.is_multiple_of(step)
}

fn fill(sketch: &mut Sketch, series: &Series, plot: Plot) {
    for run in runs(&series.values) {
        let mut points = places(&run, plot);
        let ends: Vec<f64> = points.last().into_iter().chain(points.first()).map(|at| at.x).collect();
        points.extend(ends.into_iter().map(|x| At { x, y: plot.area.bottom() }));
        sketch.shapes.push(Shape::Polygon { points, fill: color(series), opacity: 0.14 });
    }
}

/// A sign of its own for each of the first four colours, hollow for the next four.
fn marker(sketch: &mut Sketch, series: &Series, at: At) {
    let Ink::Palette(index) = series.ink else { return };
    let color = color(series);
    match index % 4 {
        0 => dot(sketch, at, 3.0, color),
        1 => block(sketch, at, &[(-2.6, -2.6), (2.6, -2.6), (2.6, 2.6), (-2.6, 2.6)], color),
        2 => block(sketch, at, &[(0.0, -3.9), (3.7, 2.9), (-3.7, 2.9)], color),
        _ => block(sketch, at, &[(0.0, -3.9), (3.9, 0.0), (0.0, 3.9), (-3.9, 0.0)], color),
    }
    if index % 8 >= 4 {
        dot(sketch, at, 1.3, PAPER);
    }
}

fn dot(sketch: &mut Sketch, center: At, radius: f64, fill: Rgb) {
    sketch.shapes.push(Shape::Dot { center, radius, fill });
}

fn block(sketch: &mut Sketch, at: At, corners: &[(f64, f64)], fill: Rgb) {
    let points = corners.iter().map(|(x, y)| At { x: at.x + x, y: at.y + y }).collect();
    sketch.shapes.push(Shape::Polygon { points, fill, opacity: 1.0 });
}

fn sign(sketch: &mut Sketch, series: &Series, at: At, marked: bool) -> f64 {
    let ends = [At { x: at.x, y: at.y }, At { x: at.x + 22.0, y: at.y }];
    sketch.path(ends.to_vec(), pen(series));
    if marked {
        marker(sketch, series, At { x: at.x + 11.0, y: at.y });
    }
    29.0
}

/// A dotted line across, with its name where no line of values runs through it, or else over the chart.
fn target(sketch: &mut Sketch, mark: &Mark, series: &[Series], plot: Plot, taken: f64) {
    let y = plot.y(mark.value).round() + 0.5;
    let pen = Pen { color: MARK, width: 1.25, dash: Some((2.0, 3.0)) };
    sketch.line((plot.area.left, y), (plot.area.right(), y), pen);
    let size = (width(&mark.label, MARK_FACE) + 8.0, 17.0);
    let free = label_places(plot, y, size).into_iter().find(|area| is_free(*area, series, plot));
    if let Some(area) = free {
        sketch.text(area.left + 4.0, area.top + 12.5, &mark.label, MARK_FACE, Anchor::Start);
        return;
    }
    let room = plot.area.right() - taken - 44.0;
    let label = shortened(&mark.label, MARK_FACE, room.max(24.0));
    let (base, left) = (plot.area.top - 16.0, plot.area.right() - width(&label, MARK_FACE));
    sketch.line((left - 30.0, base - 4.0), (left - 7.0, base - 4.0), pen);
    sketch.text(left, base, &label, MARK_FACE, Anchor::Start);
}

/// Where the name of a mark may stand: from the right end to the left, above the mark and below it.
fn label_places(plot: Plot, y: f64, (wide, high): (f64, f64)) -> Vec<Area> {
    let room = (plot.area.width - wide).max(0.0);
    let lefts = (0..=16).map(|step| plot.area.right() - wide - room * f64::from(step) / 16.0);
    let tops = [y - high - 1.5, y + 2.5];
    let areas = lefts.flat_map(|left| tops.map(|top| Area { left, top, width: wide, height: high }));
    areas.filter(|area| area.top >= plot.area.top - 10.0 && area.bottom() < plot.area.bottom()).collect()
}

/// Whether no line of values comes near an area: each is looked at where it passes, and one bucket to each side.
fn is_free(area: Area, series: &[Series], plot: Plot) -> bool {
    let (left, right) = (area.left - plot.slot(), area.right() + plot.slot());
    series.iter().all(|series| {
        let passing = series.values.iter().enumerate().filter(|(slot, _)| (left..=right).contains(&plot.x(*slot)));
        let heights: Vec<f64> = passing.filter_map(|(_, value)| value.map(|value| plot.y(value))).collect();
        let (top, bottom) = heights.iter().fold((f64::MAX, f64::MIN), |(top, bottom), y| (y.min(top), y.max(bottom)));
        bottom < area.top - 3.0 || top > area.bottom() + 3.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_makes_a_gap() {
        let values = [Some(1.0), Some(2.0), None, None, Some(0.0), None];
        assert_eq!(runs(&values), vec![vec![(0, 1.0), (1, 2.0)], vec![(4, 0.0)]]);
        let texts = values.iter().map(|value| format!("{value:?}")).collect();
        let series = Series { name: "median".to_owned(), values: values.to_vec(), texts, ink: Ink::Palette(0) };
        let labels: Vec<String> = (1..=6).map(|day| format!("{day} May")).collect();
        let x = Categories { ticks: vec![(0, "1 May".to_owned())], labels };
        let y = Axis { max: 4.0, ticks: Vec::new(), label: "min".to_owned() };
        let drawn = sketch(&x, &y, &[series], None, false, 400.0, 200.0);
        let curves = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Path { pen, .. } if pen.width > 2.0));
        let lengths: Vec<usize> = curves
            .filter_map(|shape| if let Shape::Path { points, .. } = shape { Some(points.len()) } else { None })
            .collect();
        assert_eq!(lengths, [2]);
        let dots = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Dot { .. })).count();
        assert_eq!(dots, 1, "the value that stands alone is a disc");
    }

    #[test]
    fn the_name_of_a_mark_keeps_clear_of_the_lines() {
        let area = Area { left: 0.0, top: 0.0, width: 100.0, height: 100.0 };
        let plot = Plot { area, slots: 10, max: 10.0 };
        let flat = |value: f64| Series {
            name: String::new(),
            values: vec![Some(value); 10],
            texts: Vec::new(),
            ink: Ink::Palette(0),
        };
        let label = Area { left: 60.0, top: 40.0, width: 30.0, height: 17.0 };
        assert!(is_free(label, &[flat(1.0), flat(9.0)], plot));
        assert!(!is_free(label, &[flat(5.0)], plot));
    }
}
