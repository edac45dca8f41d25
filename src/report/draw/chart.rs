//! What charts over buckets share: legend, unit, vertical scale, and the labels under the buckets.

use super::lettering::{shortened, width, wrapped_to};
use super::sketch::{Anchor, Area, At, Face, Pen, Shape, Sketch, count};
use super::{bars, heatmap, lines};
use crate::report::page::{Axis, Categories, Chart, Ink, Series};
use crate::report::palette::{self, AXIS, GRID, INK, MUTED, Rgb};

pub const LABEL: Face = Face::plain(12.0, MUTED);
const NAME: Face = Face::plain(12.5, INK);
const GRID_PEN: Pen = Pen { color: GRID, width: 1.0, dash: None };
const AXIS_PEN: Pen = Pen { color: AXIS, width: 1.0, dash: None };
/// Room between a legend's swatch and its name, and between one name and the next swatch.
const SWATCH: f64 = 26.0;
const NAME_GAP: f64 = 20.0;
const LEGEND_ROW: f64 = 21.0;
/// The longest label that is written upwards.
const TURNED_ROOM: f64 = 96.0;

/// The place of the buckets and the scale of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plot {
    pub area: Area,
    pub slots: usize,
    pub max: f64,
}

impl Plot {
    /// Width of a bucket.
    pub fn slot(self) -> f64 {
        self.area.width / count(self.slots.max(1))
    }

    /// Centre of a bucket.
    pub fn x(self, slot: usize) -> f64 {
        self.area.left + (count(slot) + 0.5) * self.slot()
    }

    /// Height of a value; what lies outside the scale stands at its edge.
    pub fn y(self, value: f64) -> f64 {
        self.area.bottom() - self.area.height * (value / self.max).clamp(0.0, 1.0)
    }
}

/// The chart in a given size.
pub fn sketch(chart: &Chart, width: f64, height: f64) -> Sketch {
    match chart {
        Chart::Lines { x, y, series, mark, filled } => lines::sketch(x, y, series, mark.as_ref(), *filled, width, height),
        Chart::Bars { x, y, series, arrangement } => bars::sketch(x, y, series, *arrangement, width, height),
        Chart::Heatmap { columns, rows, cells, low, high } => {
            heatmap::sketch(columns, rows, cells, (low, high), width, height)
        }
    }
}

/// The height that suits a width: a chart over time is a landscape, a heat map has even rows.
pub fn height(chart: &Chart, width: u32) -> u32 {
    match chart {
        Chart::Heatmap { rows, .. } => {
            let rows = u32::try_from(rows.len()).unwrap_or(u32::MAX).clamp(1, 60);
            rows * if width < 480 { 24 } else { 30 } + 64
        }
        Chart::Lines { .. } | Chart::Bars { .. } => (width * 12 / 25).clamp(240, 340),
    }
}

/// What the chart is, in words, for those who hear the page.
pub fn spoken(chart: &Chart) -> String {
    let names = |series: &[Series]| series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ");
    match chart {
        Chart::Lines { series, .. } => format!("line chart: {}", names(series)),
        Chart::Bars { series, .. } => format!("bar chart: {}", names(series)),
        Chart::Heatmap { columns, rows, .. } => format!("heat map: {} rows by {} columns", rows.len(), columns.len()),
    }
}

/// Draws everything but the values and answers where those go. `swatch` draws a series' sign in the legend.
pub fn frame(
    sketch: &mut Sketch,
    (x, y, series): (&Categories, &Axis, &[Series]),
    size: (f64, f64),
    swatch: impl Fn(&mut Sketch, usize, &Series, At),
) -> Plot {
    let mut top = if series.len() > 1 { legend(sketch, series, size.0, swatch) } else { 0.0 };
    let unit = unit_text(y, series);
    if !unit.is_empty() {
        sketch.text(0.0, top + 12.0, &shortened(&unit, LABEL, size.0), LABEL, Anchor::Start);
        top += 18.0;
    }
    top += 10.0;
    let left = y.ticks.iter().map(|(_, text)| width(text, LABEL)).fold(0.0, f64::max) + 10.0;
    let slots = x.labels.len().max(1);
    let labels = Labels::of(x, (size.0 - left) / count(slots));
    let height = (size.1 - top - labels.room()).max(20.0);
    let area = Area { left, top, width: (size.0 - left).max(20.0), height };
    let plot = Plot { area, slots, max: if y.max > 0.0 { y.max } else { 1.0 } };
    grid(sketch, y, plot);
    labels.draw(sketch, plot);
    plot
}

/// The unit, and the name of a series that stands alone and so has no legend.
fn unit_text(y: &Axis, series: &[Series]) -> String {
    match series {
        [only] if only.name.is_empty() || only.name == y.label => y.label.clone(),
        [only] if y.label.is_empty() => only.name.clone(),
        [only] => format!("{} · {}", only.name, y.label),
        _ => y.label.clone(),
    }
}

fn legend(sketch: &mut Sketch, series: &[Series], room: f64, swatch: impl Fn(&mut Sketch, usize, &Series, At)) -> f64 {
    let (mut left, mut top) = (0.0, 0.0);
    for (index, series) in series.iter().enumerate() {
        let name = shortened(&series.name, NAME, room - SWATCH);
        let needed = SWATCH + width(&name, NAME);
        if left > 0.0 && left + needed > room {
            (left, top) = (0.0, top + LEGEND_ROW);
        }
        swatch(sketch, index, series, At { x: left, y: top + 8.5 });
        sketch.text(left + SWATCH, top + 13.0, &name, NAME, Anchor::Start);
        left += needed + NAME_GAP;
    }
    top + LEGEND_ROW + 6.0
}

fn grid(sketch: &mut Sketch, y: &Axis, plot: Plot) {
    let Area { left, .. } = plot.area;
    for (value, text) in &y.ticks {
        let height = plot.y(*value).round() + 0.5;
        if *value > 0.0 {
            sketch.line((left, height), (plot.area.right(), height), GRID_PEN);
        }
        sketch.text(left - 10.0, height + 4.0, text, LABEL, Anchor::End);
    }
}

/// The zero line, drawn over the values.
pub fn baseline(sketch: &mut Sketch, plot: Plot) {
    let y = plot.area.bottom().round() + 0.5;
    sketch.line((plot.area.left, y), (plot.area.right(), y), AXIS_PEN);
}

/// A spot for every bucket, naming its values.
pub fn spots(sketch: &mut Sketch, x: &Categories, series: &[Series], plot: Plot) {
    for (slot, label) in x.labels.iter().enumerate() {
        let area = Area { left: plot.x(slot) - plot.slot() / 2.0, width: plot.slot(), ..plot.area };
        let values = series.iter().filter_map(|series| {
            series.values.get(slot)?.as_ref()?;
            Some(format!("\n{}: {}", series.name, series.texts.get(slot)?))
        });
        sketch.spot(area, values.fold(label.clone(), |text, line| text + &line));
    }
}

/// A square of a series' colour, for a legend of bars.
pub fn square(sketch: &mut Sketch, at: At, color: Rgb) {
    sketch.rect(Area { left: at.x + 7.0, top: at.y - 6.0, width: 12.0, height: 12.0 }, color);
}

/// The order in which series are painted: what is compared with lies lowest, the first series on top.
pub fn painting_order(series: &[Series]) -> impl Iterator<Item = (usize, &Series)> {
    let rank = |ink: Ink| match ink {
        Ink::Previous => 0,
        Ink::Other => 1,
        Ink::Palette(_) => 2,
    };
    let mut order: Vec<(usize, &Series)> = series.iter().enumerate().rev().collect();
    order.sort_by_key(|(_, series)| rank(series.ink));
    order.into_iter()
}

/// The colour of a series.
pub fn color(series: &Series) -> Rgb {
    palette::ink(series.ink)
}

/// How the labels under the buckets stand so that none runs into another.
enum Labels {
    /// Side by side, as many as there is room for.
    Flat(Vec<(usize, String)>),
    /// In two lines, each bucket its own.
    Folded(Vec<(usize, Vec<String>)>),
    /// Written upwards.
    Turned(Vec<(usize, String)>),
}

impl Labels {
    fn of(x: &Categories, slot: f64) -> Labels {
        let every_bucket = x.ticks.len() >= x.labels.len();
        // Short labels count on (hours, days) and a reader can fill in what is left out; names cannot be guessed.
        let are_names = x.ticks.iter().any(|(_, text)| text.chars().count() > 6);
        if fits(&x.ticks, 1, slot) {
            Labels::Flat(x.ticks.clone())
        } else if every_bucket && are_names && slot >= 56.0 {
            let fold = |text: &str| wrapped_to(text, LABEL, slot - 8.0, 2);
            Labels::Folded(x.ticks.iter().map(|(slot, text)| (*slot, fold(text))).collect())
        } else if every_bucket && are_names && slot >= 14.0 {
            let turn = |text: &str| shortened(text, LABEL, TURNED_ROOM);
            Labels::Turned(x.ticks.iter().map(|(slot, text)| (*slot, turn(text))).collect())
        } else {
            let step = (2..x.ticks.len()).find(|step| fits(&x.ticks, *step, slot)).unwrap_or(x.ticks.len().max(1));
            Labels::Flat(x.ticks.iter().step_by(step).cloned().collect())
        }
    }

    /// Height under the zero line.
    fn room(&self) -> f64 {
        match self {
            Labels::Flat(_) => 24.0,
            Labels::Folded(_) => 40.0,
            Labels::Turned(ticks) => ticks.iter().map(|(_, text)| width(text, LABEL)).fold(0.0, f64::max) + 14.0,
        }
    }

    fn draw(&self, sketch: &mut Sketch, plot: Plot) {
        let base = plot.area.bottom();
        match self {
            Labels::Flat(ticks) => {
                for (slot, text) in ticks {
                    let half = width(text, LABEL) / 2.0;
                    let x = plot.x(*slot).min(plot.area.right() - half).max(half);
                    sketch.text(x, base + 19.0, text, LABEL, Anchor::Middle);
                }
            }
            Labels::Folded(ticks) => {
                for (slot, lines) in ticks {
                    for (row, line) in lines.iter().enumerate() {
                        sketch.text(plot.x(*slot), base + 19.0 + 15.0 * count(row), line, LABEL, Anchor::Middle);
                    }
                }
            }
            Labels::Turned(ticks) => {
                for (slot, text) in ticks {
                    sketch.turned_text(plot.x(*slot) + 4.0, base + 8.0, text, LABEL);
                }
            }
        }
    }
}

/// Whether every n-th label has room beside its neighbour.
fn fits(ticks: &[(usize, String)], step: usize, slot: f64) -> bool {
    let kept: Vec<(f64, f64)> =
        ticks.iter().step_by(step).map(|(at, text)| (count(*at) * slot, width(text, LABEL))).collect();
    kept.iter().zip(kept.iter().skip(1)).all(|(one, next)| next.0 - one.0 >= (one.1 + next.1) / 2.0 + 8.0)
}

/// A filled disc with a white edge, so that it stands out of what it lies on.
pub fn dot(sketch: &mut Sketch, center: At, radius: f64, color: Rgb) {
    sketch.shapes.push(Shape::Dot { center, radius: radius + 1.2, fill: palette::PAPER });
    sketch.shapes.push(Shape::Dot { center, radius, fill: color });
}
