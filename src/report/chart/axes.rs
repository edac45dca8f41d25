//! What charts over buckets or groups share: legend, unit, vertical scale, and the labels under the horizontal axis.

use super::series::{Axis, Categories, Series, SeriesStyle};
use crate::report::draw::sketch::{Anchor, Area, Face, Pen, Point, Sketch, count, whole};
use crate::report::draw::text_layout::{shortened, width, wrapped_to};
use crate::report::palette::{self, AXIS, GRID, MUTED, Rgb, TEXT};

/// The face of labels.
pub const LABEL: Face = Face::plain(12.0, MUTED);
const NAME: Face = Face::plain(12.5, TEXT);
const GRID_PEN: Pen = Pen { color: GRID, width: 1.0, dash: None };
const AXIS_PEN: Pen = Pen { color: AXIS, width: 1.0, dash: None };
/// Space between a name in the legend and the next symbol.
const NAME_GAP: f64 = 22.0;
const LEGEND_ROW: f64 = 21.0;
/// Height under the zero line for one row of labels.
const LABEL_ROW: f64 = 24.0;
/// The longest label that is written upwards.
const TURNED_WIDTH_MAX: f64 = 96.0;

/// Where the buckets are, and the scale of the values.
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

    /// Vertical position of a value; one outside the scale is drawn at its edge.
    pub fn y(self, value: f64) -> f64 {
        self.area.bottom() - self.area.height * (value / self.max).clamp(0.0, 1.0)
    }
}

/// The height that suits a chart over buckets or groups: a landscape.
pub fn height(x: &Categories, series: &[Series], width: u32) -> u32 {
    (width * 12 / 25).clamp(240, 340) + extra_height(x, series, f64::from(width))
}

/// What long labels and a long legend need beyond one line each, so that the values keep their height.
fn extra_height(x: &Categories, series: &[Series], width: f64) -> u32 {
    let left = 50.0;
    let labels = Labels::of(x, left, (width - left) / count(x.values.len().max(1))).height() - LABEL_ROW;
    let names =
        if series.len() > 1 { legend(&mut Sketch::default(), series, width, |_, _, _| 24.0) } else { LEGEND_ROW };
    whole(labels) + whole(names - LEGEND_ROW)
}

/// Draws everything but the values and returns where those go. `symbol` draws the symbol of a series in the legend and
/// returns its width with the space after it.
pub fn frame(
    sketch: &mut Sketch,
    (x, y, series): (&Categories, &Axis, &[Series]),
    size: (f64, f64),
    symbol: impl Fn(&mut Sketch, &Series, Point) -> f64,
) -> Plot {
    let mut top = if series.len() > 1 { legend(sketch, series, size.0, symbol) } else { 0.0 };
    let unit = unit_text(y, series);
    if !unit.is_empty() {
        sketch.text(0.0, top + 12.0, &shortened(&unit, LABEL, size.0), LABEL, Anchor::Start);
        // A number over the highest bar stays below the unit.
        top += 23.0;
    }
    top += 10.0;
    let left = y.ticks.iter().map(|tick| width(&y.tick_text(*tick), LABEL)).fold(0.0, f64::max) + 10.0;
    let slots = x.values.len().max(1);
    let labels = Labels::of(x, left, (size.0 - left) / count(slots));
    let height = (size.1 - top - labels.height()).max(20.0);
    let area = Area { left, top, width: (size.0 - left).max(20.0), height };
    let plot = Plot { area, slots, max: if y.max > 0.0 { y.max } else { 1.0 } };
    grid(sketch, y, plot);
    labels.draw(sketch, plot);
    plot
}

/// The unit, and the name of a series that is alone and so has no legend.
fn unit_text(y: &Axis, series: &[Series]) -> String {
    let unit = y.unit.name();
    match series {
        [only] if only.name.is_empty() || only.name == unit => unit.to_owned(),
        [only] if unit.is_empty() => only.name.clone(),
        [only] => format!("{} · {unit}", only.name),
        _ => unit.to_owned(),
    }
}

/// Width of the text over the vertical axis.
pub fn unit_width(y: &Axis, series: &[Series]) -> f64 {
    width(&unit_text(y, series), LABEL)
}

fn legend(
    sketch: &mut Sketch,
    series: &[Series],
    space: f64,
    symbol: impl Fn(&mut Sketch, &Series, Point) -> f64,
) -> f64 {
    let (mut left, mut top) = (0.0, 0.0);
    for series in series {
        let mut drawn = Sketch::default();
        let start = symbol(&mut drawn, series, Point { x: 0.0, y: 8.5 });
        let name = shortened(&series.name, NAME, space - start);
        drawn.text(start, 13.0, &name, NAME, Anchor::Start);
        let needed = start + width(&name, NAME);
        if left > 0.0 && left + needed > space {
            (left, top) = (0.0, top + LEGEND_ROW);
        }
        sketch.add(drawn, left, top);
        left += needed + NAME_GAP;
    }
    top + LEGEND_ROW + 6.0
}

fn grid(sketch: &mut Sketch, y: &Axis, plot: Plot) {
    let Area { left, .. } = plot.area;
    for tick in y.ticks.iter().copied() {
        let height = plot.y(tick).round() + 0.5;
        if tick > 0.0 {
            sketch.line((left, height), (plot.area.right(), height), GRID_PEN);
        }
        sketch.text(left - 10.0, height + 4.0, &y.tick_text(tick), LABEL, Anchor::End);
    }
}

/// The zero line, drawn over the values.
pub fn baseline(sketch: &mut Sketch, plot: Plot) {
    let y = plot.area.bottom().round() + 0.5;
    sketch.line((plot.area.left, y), (plot.area.right(), y), AXIS_PEN);
}

/// A tooltip for every bucket, naming its values.
pub fn tooltips(sketch: &mut Sketch, x: &Categories, series: &[Series], plot: Plot) {
    for (slot, label) in x.labels().enumerate() {
        let area = Area { left: plot.x(slot) - plot.slot() / 2.0, width: plot.slot(), ..plot.area };
        let values = series.iter().filter_map(|series| {
            let number = series.number(slot)?;
            Some(format!("\n{}: {}", series.name, series.unit.text(Some(number))))
        });
        sketch.tooltip(area, &values.fold(label, |text, line| text + &line));
    }
}

/// The order in which series are painted: what is compared with first, the first series last and so on top.
pub fn painting_order(series: &[Series]) -> impl Iterator<Item = (usize, &Series)> {
    let rank = |style: SeriesStyle| match style {
        SeriesStyle::Previous => 0,
        SeriesStyle::Other => 1,
        SeriesStyle::Color(_) => 2,
    };
    let mut order: Vec<(usize, &Series)> = series.iter().enumerate().rev().collect();
    order.sort_by_key(|(_, series)| rank(series.style));
    order.into_iter()
}

/// The colour of a series.
pub fn color(series: &Series) -> Rgb {
    match series.style {
        SeriesStyle::Color(index) => palette::series(index),
        SeriesStyle::Previous => palette::PREVIOUS,
        SeriesStyle::Other => palette::OTHER,
    }
}

/// How the labels under the buckets are written so that none overlaps another.
#[derive(Debug, PartialEq)]
enum Labels {
    /// Side by side, as many as fit: the centre of each and its text.
    Flat(Vec<(f64, String)>),
    /// In two lines, one label for each bucket.
    Folded(Vec<(f64, Vec<String>)>),
    /// Written upwards.
    Turned(Vec<(f64, String)>),
}

impl Labels {
    fn of(x: &Categories, left: f64, slot: f64) -> Labels {
        let ticks = x.tick_texts();
        let right = left + slot * count(x.values.len().max(1));
        let center = |at: usize| left + (count(at) + 0.5) * slot;
        let every_bucket = ticks.len() >= x.values.len();
        // A reader can fill in hours and days that are left out; names cannot be guessed.
        let are_names = ticks.iter().any(|(_, text)| text.chars().count() > 6);
        let flat: Vec<(f64, String)> =
            ticks.iter().map(|(at, text)| (kept_inside(center(*at), text, right), text.clone())).collect();
        if fits(&flat, 1) {
            Labels::Flat(flat)
        } else if every_bucket && (slot >= 68.0 && are_names || ticks.iter().all(|(_, text)| folds(text, slot))) {
            let fold = |text: &str| wrapped_to(text, LABEL, slot - 6.0, 2);
            Labels::Folded(ticks.iter().map(|(at, text)| (center(*at), fold(text))).collect())
        } else if every_bucket && are_names && slot >= 14.0 {
            let turn = |text: &str| shortened(text, LABEL, TURNED_WIDTH_MAX);
            Labels::Turned(ticks.iter().map(|(at, text)| (center(*at), turn(text))).collect())
        } else {
            let step = (2..flat.len()).find(|step| fits(&flat, *step)).unwrap_or(flat.len().max(1));
            Labels::Flat(flat.into_iter().step_by(step).collect())
        }
    }

    /// Height under the zero line.
    fn height(&self) -> f64 {
        match self {
            Labels::Flat(_) => LABEL_ROW,
            Labels::Folded(_) => LABEL_ROW + 16.0,
            Labels::Turned(ticks) => ticks.iter().map(|(_, text)| width(text, LABEL)).fold(0.0, f64::max) + 14.0,
        }
    }

    fn draw(&self, sketch: &mut Sketch, plot: Plot) {
        let base = plot.area.bottom();
        match self {
            Labels::Flat(ticks) => {
                for (x, text) in ticks {
                    sketch.text(*x, base + 19.0, text, LABEL, Anchor::Middle);
                }
            }
            Labels::Folded(ticks) => {
                for (x, lines) in ticks {
                    for (row, line) in lines.iter().enumerate() {
                        sketch.text(*x, base + 19.0 + 15.0 * count(row), line, LABEL, Anchor::Middle);
                    }
                }
            }
            Labels::Turned(ticks) => {
                for (x, text) in ticks {
                    sketch.turned_text(x + 4.0, base + 8.0, text, LABEL);
                }
            }
        }
    }
}

/// Whether a label fits whole into two lines.
fn folds(text: &str, slot: f64) -> bool {
    let lines = wrapped_to(text, LABEL, slot - 6.0, 2);
    lines.iter().all(|line| !line.ends_with('…')) && text.contains([' ', '_'])
}

/// The centre of a label, moved so that neither end leaves the picture.
fn kept_inside(center: f64, text: &str, right: f64) -> f64 {
    let half = width(text, LABEL) / 2.0;
    center.min(right - half).max(half)
}

/// Whether every n-th label fits beside its neighbour.
fn fits(labels: &[(f64, String)], step: usize) -> bool {
    let kept: Vec<(f64, f64)> = labels.iter().step_by(step).map(|(x, text)| (*x, width(text, LABEL))).collect();
    kept.iter().zip(kept.iter().skip(1)).all(|(one, next)| next.0 - one.0 >= f64::midpoint(one.1, next.1) + 8.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Key;
    use crate::report::value::Value;

    fn categories(labels: &[&str]) -> Categories {
        let values: Vec<Value> = labels.iter().map(|label| Value::Text((*label).to_owned())).collect();
        Categories { key: Key::named("group"), ticks: (0..values.len()).collect(), values }
    }

    fn side_by_side(labels: Labels) -> Vec<(f64, String)> {
        if let Labels::Flat(kept) = labels { kept } else { Vec::new() }
    }

    #[test]
    fn hours_are_thinned_and_names_are_kept() {
        let hours: Vec<String> = (0..24).map(|hour| format!("{hour:02}")).collect();
        let hours = categories(&hours.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(side_by_side(Labels::of(&hours, 30.0, 12.0)).len(), 12);
        let names = categories(&["Returns and refunds", "Technical questions", "Billing"]);
        assert!(matches!(Labels::of(&names, 0.0, 80.0), Labels::Folded(all) if all.len() == 3));
        assert!(matches!(Labels::of(&names, 0.0, 30.0), Labels::Turned(all) if all.len() == 3));
    }

    #[test]
    fn the_last_label_neither_leaves_the_picture_nor_overlaps_its_neighbour() {
        let days: Vec<String> = (1..=31).map(|day| format!("{day} May")).collect();
        let days = categories(&days.iter().map(String::as_str).collect::<Vec<_>>());
        let days = Categories { ticks: (0..31).step_by(6).collect(), ..days };
        let kept = side_by_side(Labels::of(&days, 30.0, 8.0));
        assert!(kept.len() > 2 && fits(&kept, 1), "{kept:?}");
        assert!(kept.iter().all(|(x, text)| x + width(text, LABEL) / 2.0 <= 30.0 + 31.0 * 8.0 + 1e-9));
    }
}
