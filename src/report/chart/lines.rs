//! Lines and filled areas over buckets. A bucket without a value is a gap, never a zero.

use super::axes::{self, LABEL, Plot, baseline, color, frame, painting_order, tooltips, unit_width};
use super::series::{Axis, Categories, Series, SeriesStyle};
use crate::report::draw::sketch::{Anchor, Area, Face, Pen, Point, Shape, Sketch, count};
use crate::report::draw::text_layout::{shortened, width};
use crate::report::palette::{CARD, REFERENCE, Rgb};

/// One line, or filled area, for each series over the buckets of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    pub x: Categories,
    pub y: Axis,
    pub series: Vec<Series>,
    pub reference: Option<ReferenceLine>,
    pub filled: bool,
}

/// A horizontal line across the chart, such as a target.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceLine {
    pub value: f64,
    pub label: String,
}

const REFERENCE_FACE: Face = Face { color: REFERENCE, ..LABEL };
/// Closer together than this, markers would hide their line; then every n-th bucket carries one.
const MARKER_GAP_MIN: f64 = 11.0;

impl Lines {
    /// The lines, drawn over grid and axes.
    #[must_use]
    pub fn sketch(&self, width: f64, height: f64) -> Sketch {
        let mut sketch = Sketch::default();
        let series = self.series.as_slice();
        let marked = are_marked(series);
        let axes = (&self.x, &self.y, series);
        let plot = frame(&mut sketch, axes, (width, height), |sketch, series, at| symbol(sketch, series, at, marked));
        if self.filled {
            let present = series.iter().filter(|series| series.style != SeriesStyle::Previous);
            present.for_each(|series| fill(&mut sketch, series, plot));
        }
        baseline(&mut sketch, plot);
        for (_, series) in painting_order(series) {
            line(&mut sketch, series, plot, marked);
        }
        if let Some(reference) = &self.reference {
            draw_reference(&mut sketch, reference, series, plot, unit_width(&self.y, series));
        }
        tooltips(&mut sketch, &self.x, series, plot);
        sketch
    }

    /// The height that suits a width.
    #[must_use]
    pub fn height(&self, width: u32) -> u32 {
        axes::height(&self.x, &self.series, width)
    }
}

/// Markers distinguish several lines in print; a line that is alone needs none.
fn are_marked(series: &[Series]) -> bool {
    series.iter().filter(|series| matches!(series.style, SeriesStyle::Color(_))).count() > 1
}

/// The runs of neighbouring buckets that have values.
fn runs(numbers: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (slot, value) in numbers.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push((slot, *value)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn points(run: &[(usize, f64)], plot: Plot) -> Vec<Point> {
    run.iter().map(|(slot, value)| Point { x: plot.x(*slot), y: plot.y(*value) }).collect()
}

fn pen(series: &Series) -> Pen {
    match series.style {
        SeriesStyle::Previous => Pen { color: color(series), width: 1.75, dash: Some((5.0, 4.0)) },
        SeriesStyle::Other => Pen { color: color(series), width: 2.25, dash: Some((1.5, 3.0)) },
        SeriesStyle::Color(_) => Pen { color: color(series), width: 2.25, dash: None },
    }
}

fn line(sketch: &mut Sketch, series: &Series, plot: Plot, marked: bool) {
    for run in runs(&series.numbers) {
        let points = points(&run, plot);
        if let [alone] = points.as_slice() {
            circle(sketch, *alone, 3.4, color(series));
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
    for run in runs(&series.numbers) {
        let mut points = points(&run, plot);
        let ends: Vec<f64> = points.last().into_iter().chain(points.first()).map(|at| at.x).collect();
        points.extend(ends.into_iter().map(|x| Point { x, y: plot.area.bottom() }));
        sketch.shapes.push(Shape::Polygon { points, fill: color(series), opacity: 0.14 });
    }
}

/// A different symbol for each of the first four colours, hollow for the next four.
fn marker(sketch: &mut Sketch, series: &Series, at: Point) {
    let SeriesStyle::Color(index) = series.style else { return };
    let color = color(series);
    match index % 4 {
        0 => circle(sketch, at, 3.0, color),
        1 => block(sketch, at, &[(-2.6, -2.6), (2.6, -2.6), (2.6, 2.6), (-2.6, 2.6)], color),
        2 => block(sketch, at, &[(0.0, -3.9), (3.7, 2.9), (-3.7, 2.9)], color),
        _ => block(sketch, at, &[(0.0, -3.9), (3.9, 0.0), (0.0, 3.9), (-3.9, 0.0)], color),
    }
    if index % 8 >= 4 {
        circle(sketch, at, 1.3, CARD);
    }
}

fn circle(sketch: &mut Sketch, center: Point, radius: f64, fill: Rgb) {
    sketch.shapes.push(Shape::Circle { center, radius, fill });
}

fn block(sketch: &mut Sketch, at: Point, corners: &[(f64, f64)], fill: Rgb) {
    let points = corners.iter().map(|(x, y)| Point { x: at.x + x, y: at.y + y }).collect();
    sketch.shapes.push(Shape::Polygon { points, fill, opacity: 1.0 });
}

fn symbol(sketch: &mut Sketch, series: &Series, at: Point, marked: bool) -> f64 {
    let ends = [Point { x: at.x, y: at.y }, Point { x: at.x + 22.0, y: at.y }];
    sketch.path(ends.to_vec(), pen(series));
    if marked {
        marker(sketch, series, Point { x: at.x + 11.0, y: at.y });
    }
    29.0
}

/// A dotted line across, with its label where no line of values runs through it, or else over the chart. `unit_width`
/// is the width of the text over the vertical axis.
fn draw_reference(sketch: &mut Sketch, reference: &ReferenceLine, series: &[Series], plot: Plot, unit_width: f64) {
    let y = plot.y(reference.value).round() + 0.5;
    let pen = Pen { color: REFERENCE, width: 1.25, dash: Some((2.0, 3.0)) };
    sketch.line((plot.area.left, y), (plot.area.right(), y), pen);
    let size = (width(&reference.label, REFERENCE_FACE) + 8.0, 17.0);
    let free = label_areas(plot, y, size).into_iter().find(|area| is_free(*area, series, plot));
    if let Some(area) = free {
        sketch.text(area.left + 4.0, area.top + 12.5, &reference.label, REFERENCE_FACE, Anchor::Start);
        return;
    }
    let space = plot.area.right() - unit_width - 44.0;
    let label = shortened(&reference.label, REFERENCE_FACE, space.max(24.0));
    let (base, left) = (plot.area.top - 16.0, plot.area.right() - width(&label, REFERENCE_FACE));
    sketch.line((left - 30.0, base - 4.0), (left - 7.0, base - 4.0), pen);
    sketch.text(left, base, &label, REFERENCE_FACE, Anchor::Start);
}

/// Where the label of a reference line may be written: from the right end to the left, above the line and below it.
fn label_areas(plot: Plot, y: f64, (wide, high): (f64, f64)) -> Vec<Area> {
    let space = (plot.area.width - wide).max(0.0);
    let lefts = (0..=16).map(|step| plot.area.right() - wide - space * f64::from(step) / 16.0);
    let tops = [y - high - 1.5, y + 2.5];
    let areas = lefts.flat_map(|left| tops.map(|top| Area { left, top, width: wide, height: high }));
    areas.filter(|area| area.top >= plot.area.top - 10.0 && area.bottom() < plot.area.bottom()).collect()
}

/// Whether no line of values comes near an area, nor does within one bucket to each side.
fn is_free(area: Area, series: &[Series], plot: Plot) -> bool {
    let (left, right) = (area.left - plot.slot(), area.right() + plot.slot());
    series.iter().all(|series| {
        let passing = series.numbers.iter().enumerate().filter(|(slot, _)| (left..=right).contains(&plot.x(*slot)));
        let heights: Vec<f64> = passing.filter_map(|(_, value)| value.map(|value| plot.y(value))).collect();
        let (top, bottom) = heights.iter().fold((f64::MAX, f64::MIN), |(top, bottom), y| (y.min(top), y.max(bottom)));
        bottom < area.top - 3.0 || top > area.bottom() + 3.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::unit::Unit;
    use crate::report::table::Key;
    use crate::report::value::Value;

    fn series(name: &str, numbers: &[Option<f64>]) -> Series {
        let unit = Unit::Count("cases".to_owned());
        Series { name: name.to_owned(), unit, numbers: numbers.to_vec(), style: SeriesStyle::Color(0) }
    }

    #[test]
    fn a_missing_value_makes_a_gap() {
        let numbers = [Some(1.0), Some(2.0), None, None, Some(0.0), None];
        assert_eq!(runs(&numbers), vec![vec![(0, 1.0), (1, 2.0)], vec![(4, 0.0)]]);
        let labels = (1..=6).map(|day| Value::Text(format!("{day} May"))).collect();
        let lines = Lines {
            x: Categories { key: Key::named("day"), values: labels, ticks: vec![0] },
            y: Axis { unit: Unit::Count("min".to_owned()), max: 4.0, ticks: Vec::new() },
            series: vec![series("median", &numbers)],
            reference: None,
            filled: false,
        };
        let drawn = lines.sketch(400.0, 200.0);
        let curves = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Path { pen, .. } if pen.width > 2.0));
        let lengths: Vec<usize> = curves
            .filter_map(|shape| if let Shape::Path { points, .. } = shape { Some(points.len()) } else { None })
            .collect();
        assert_eq!(lengths, [2]);
        let dots = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Circle { .. })).count();
        assert_eq!(dots, 1, "a value without neighbours is a disc");
    }

    #[test]
    fn the_label_of_a_reference_line_keeps_clear_of_the_lines() {
        let area = Area { left: 0.0, top: 0.0, width: 100.0, height: 100.0 };
        let plot = Plot { area, slots: 10, max: 10.0 };
        let flat = |value: f64| series("", &[Some(value); 10]);
        let label = Area { left: 60.0, top: 40.0, width: 30.0, height: 17.0 };
        assert!(is_free(label, &[flat(1.0), flat(9.0)], plot));
        assert!(!is_free(label, &[flat(5.0)], plot));
    }
}
