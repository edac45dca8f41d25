//! A grid of cells, darker where the value is larger: rows named at the left, columns below, the scale at the top.

use super::axes::LABEL;
use crate::metric::unit::Unit;
use crate::report::draw::sketch::{Anchor, Area, Face, Sketch, count};
use crate::report::draw::text_layout::{shortened, width};
use crate::report::palette::{self, EMPTY_CELL, MUTED};

/// A grid of cells, darker where the number is larger.
#[derive(Clone, Debug, PartialEq)]
pub struct Heatmap {
    pub columns: Vec<String>,
    pub rows: Vec<String>,
    pub unit: Unit,
    /// Row by row; nothing where there is no number.
    pub numbers: Vec<Vec<Option<f64>>>,
}

const GAP: f64 = 2.0;
const KEY_WIDTH: f64 = 132.0;
const KEY_STEPS: u32 = 12;
/// Sizes tried for the text of the cells, largest first.
const SIZES: [f64; 4] = [12.0, 11.0, 10.0, 9.0];

impl Heatmap {
    /// The cells with their names and their scale.
    #[must_use]
    pub fn sketch(&self, width_max: f64, height: f64) -> Sketch {
        let mut sketch = Sketch::default();
        let max = self.max();
        key(&mut sketch, &self.unit.text(Some(0.0)), &self.unit.text(Some(max)), width_max);
        let names = self.rows.iter().map(|row| width(row, LABEL)).fold(0.0, f64::max).min(width_max * 0.32);
        let left = names + 10.0;
        let grid = Area { left, top: 34.0, width: width_max - left, height: (height - 34.0 - 24.0).max(10.0) };
        let cell = (grid.width / count(self.columns.len().max(1)), grid.height / count(self.rows.len().max(1)));
        for (index, row) in self.rows.iter().enumerate() {
            let middle = grid.top + (count(index) + 0.5) * cell.1;
            sketch.text(left - 10.0, middle + 4.0, &shortened(row, LABEL, names), LABEL, Anchor::End);
        }
        column_names(&mut sketch, &self.columns, grid, cell.0);
        let texts: Vec<Vec<String>> =
            self.numbers.iter().map(|row| row.iter().map(|number| self.text(*number)).collect()).collect();
        let size = text_size(&texts, cell);
        for (row, (numbers, name)) in self.numbers.iter().zip(&self.rows).enumerate() {
            for (column, (number, heading)) in numbers.iter().zip(&self.columns).enumerate() {
                let area = Area {
                    left: grid.left + count(column) * cell.0,
                    top: grid.top + count(row) * cell.1,
                    width: (cell.0 - GAP).max(1.0),
                    height: (cell.1 - GAP).max(1.0),
                };
                let shade = number.map(|number| if max > 0.0 { number / max } else { 0.0 });
                let text = self.text(*number);
                paint_cell(&mut sketch, shade, &text, area, size);
                sketch.tooltip(area, &format!("{name} {heading}: {text}"));
            }
        }
        sketch
    }

    /// The height that suits a width: rows of the same height.
    #[must_use]
    pub fn height(&self, width: u32) -> u32 {
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX).clamp(1, 60);
        rows * if width < 800 { 24 } else { 30 } + 64
    }

    /// What it is, in words.
    #[must_use]
    pub fn description(&self) -> String {
        format!("heat map: {} rows by {} columns", self.rows.len(), self.columns.len())
    }

    /// The largest number; 0 where there is none.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.numbers.iter().flatten().flatten().copied().fold(0.0, f64::max)
    }

    /// The text in a cell; an empty cell and a cell of 0 have none.
    fn text(&self, number: Option<f64>) -> String {
        number.filter(|number| *number != 0.0).map_or_else(String::new, |number| self.unit.text(Some(number)))
    }
}

fn paint_cell(sketch: &mut Sketch, shade: Option<f64>, text: &str, area: Area, size: Option<f64>) {
    let ground = shade.map_or(EMPTY_CELL, palette::ramp);
    sketch.rect(area, ground);
    let Some(size) = size else { return };
    let color = if shade.is_some() { palette::text_on(ground) } else { MUTED };
    let (x, y) = (area.left + area.width / 2.0, area.top + area.height / 2.0 + size * 0.36);
    sketch.text(x, y, text, Face::plain(size, color), Anchor::Middle);
}

/// The largest size at which every cell's text fits; nothing when it fits at none.
fn text_size(texts: &[Vec<String>], (wide, high): (f64, f64)) -> Option<f64> {
    let fits = |size: f64| {
        let face = Face::plain(size, MUTED);
        size + 6.0 <= high && texts.iter().flatten().all(|text| width(text, face) + GAP + 3.0 <= wide)
    };
    SIZES.into_iter().find(|size| fits(*size))
}

fn column_names(sketch: &mut Sketch, columns: &[String], grid: Area, wide: f64) {
    let widest = columns.iter().map(|column| width(column, LABEL)).fold(0.0, f64::max) + 8.0;
    let fits = |step: &usize| count(*step) * wide >= widest;
    let step = (1..columns.len().max(2)).find(fits).unwrap_or(columns.len().max(1));
    for (index, column) in columns.iter().enumerate().step_by(step) {
        let x = grid.left + (count(index) + 0.5) * wide - GAP / 2.0;
        sketch.text(x, grid.bottom() + 17.0, column, LABEL, Anchor::Middle);
    }
}

/// The scale: lightest to darkest, with the text of both ends.
fn key(sketch: &mut Sketch, low: &str, high: &str, wide: f64) {
    let right = wide - GAP - width(high, LABEL);
    let bar = Area { left: right - 8.0 - KEY_WIDTH, top: 4.0, width: KEY_WIDTH, height: 11.0 };
    sketch.text(wide - GAP, 14.0, high, LABEL, Anchor::End);
    sketch.text(bar.left - 8.0, 14.0, low, LABEL, Anchor::End);
    let step = bar.width / f64::from(KEY_STEPS);
    for index in 0..KEY_STEPS {
        let left = bar.left + f64::from(index) * step;
        let shade = f64::from(index) / f64::from(KEY_STEPS - 1);
        sketch.rect(Area { left, width: step, ..bar }, palette::ramp(shade));
    }
}
