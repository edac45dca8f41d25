//! Lines and filled areas over buckets. A bucket without a value is a gap, never a zero.

use super::chart::{LABEL, Plot, baseline, color, dot, frame, painting_order, spots};
use super::lettering::width;
use super::sketch::{Anchor, Area, At, Face, Pen, Shape, Sketch};
use crate::report::page::{Axis, Categories, Ink, Mark, Series};
use crate::report::palette::{MARK, PAPER, Rgb};

const MARK_FACE: Face = Face { color: MARK, ..LABEL };
/// Below this width of a bucket, markers would hide their line.
const MARKER_SLOT_MIN: f64 = 11.0;

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
    let plot = frame(&mut sketch, (x, y, series), (width, height), |sketch, _, series, at| {
        swatch(sketch, series, at, marked);
    });
    if filled {
        series.iter().filter(|series| series.ink != Ink::Previous).for_each(|series| fill(&mut sketch, series, plot));
    }
    baseline(&mut sketch, plot);
    for (_, series) in painting_order(series) {
        line(&mut sketch, series, plot, marked && plot.slot() >= MARKER_SLOT_MIN);
    }
    if let Some(mark) = mark {
        target(&mut sketch, mark, plot);
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
            dot(sketch, *alone, 3.0, color(series));
            continue;
        }
        sketch.path(points.clone(), pen(series));
        if marked {
            points.iter().for_each(|at| marker(sketch, series, *at));
        }
    }
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
        0 => dot(sketch, at, 2.8, color),
        1 => block(sketch, at, &[(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)], 2.6, color),
        2 => block(sketch, at, &[(0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)], 3.2, color),
        _ => block(sketch, at, &[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)], 3.8, color),
    }
    if index % 8 >= 4 {
        sketch.shapes.push(Shape::Dot { center: at, radius: 1.3, fill: PAPER });
    }
}

fn block(sketch: &mut Sketch, at: At, corners: &[(f64, f64)], size: f64, color: Rgb) {
    for (size, fill) in [(size + 1.4, PAPER), (size, color)] {
        let points = corners.iter().map(|(x, y)| At { x: at.x + x * size, y: at.y + y * size }).collect();
        sketch.shapes.push(Shape::Polygon { points, fill, opacity: 1.0 });
    }
}

fn swatch(sketch: &mut Sketch, series: &Series, at: At, marked: bool) {
    let ends = [At { x: at.x, y: at.y }, At { x: at.x + 19.0, y: at.y }];
    sketch.path(ends.to_vec(), pen(series));
    if marked {
        marker(sketch, series, At { x: at.x + 9.5, y: at.y });
    }
}

/// A dashed line across, its name above it at the right end on a white ground.
fn target(sketch: &mut Sketch, mark: &Mark, plot: Plot) {
    let y = plot.y(mark.value).round() + 0.5;
    let pen = Pen { color: MARK, width: 1.25, dash: Some((2.0, 3.0)) };
    sketch.line((plot.area.left, y), (plot.area.right(), y), pen);
    let wide = width(&mark.label, MARK_FACE);
    let label = Area { left: plot.area.right() - wide - 8.0, top: y - 18.5, width: wide + 8.0, height: 17.0 };
    sketch.shapes.push(Shape::Polygon { points: corners(label), fill: PAPER, opacity: 0.85 });
    sketch.text(plot.area.right() - 4.0, y - 6.0, &mark.label, MARK_FACE, Anchor::End);
}

fn corners(area: Area) -> Vec<At> {
    let (left, right, top, bottom) = (area.left, area.right(), area.top, area.bottom());
    [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| At { x, y }).to_vec()
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
        let lengths: Vec<usize> =
            curves.filter_map(|shape| if let Shape::Path { points, .. } = shape { Some(points.len()) } else { None }).collect();
        assert_eq!(lengths, [2]);
        let dots = drawn.shapes.iter().filter(|shape| matches!(shape, Shape::Dot { .. })).count();
        assert_eq!(dots, 2, "the value that stands alone is a disc with a white edge");
    }
}
