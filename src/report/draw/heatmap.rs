//! A grid of cells, darker where the value is larger: rows named at the left, columns below, the scale at the top.

use super::chart::LABEL;
use super::lettering::{shortened, width};
use super::sketch::{Anchor, Area, Face, Sketch, count};
use crate::report::page::Cell;
use crate::report::palette::{self, MUTED, VOID};

const GAP: f64 = 2.0;
const KEY_WIDTH: f64 = 132.0;
const KEY_STEPS: u32 = 12;
/// Sizes tried for the text of the cells, largest first.
const SIZES: [f64; 4] = [12.0, 11.0, 10.0, 9.0];

/// The cells with their names and their scale.
pub fn sketch(
    columns: &[String],
    rows: &[String],
    cells: &[Vec<Cell>],
    (low, high): (&str, &str),
    wide: f64,
    high_px: f64,
) -> Sketch {
    let mut sketch = Sketch::default();
    key(&mut sketch, low, high, wide);
    let names = rows.iter().map(|row| width(row, LABEL)).fold(0.0, f64::max).min(wide * 0.32);
    let left = names + 10.0;
    let grid = Area { left, top: 34.0, width: wide - left, height: (high_px - 34.0 - 24.0).max(10.0) };
    let cell = (grid.width / count(columns.len().max(1)), grid.height / count(rows.len().max(1)));
    for (index, row) in rows.iter().enumerate() {
        let middle = grid.top + (count(index) + 0.5) * cell.1;
        sketch.text(left - 10.0, middle + 4.0, &shortened(row, LABEL, names), LABEL, Anchor::End);
    }
    column_names(&mut sketch, columns, grid, cell.0);
    let face_size = text_size(cells, cell);
    for (row, (values, name)) in cells.iter().zip(rows).enumerate() {
        for (column, (value, heading)) in values.iter().zip(columns).enumerate() {
            let area = Area {
                left: grid.left + count(column) * cell.0,
                top: grid.top + count(row) * cell.1,
                width: (cell.0 - GAP).max(1.0),
                height: (cell.1 - GAP).max(1.0),
            };
            paint_cell(&mut sketch, value, area, face_size);
            sketch.spot(area, &format!("{name} {heading}: {}", value.text));
        }
    }
    sketch
}

fn paint_cell(sketch: &mut Sketch, cell: &Cell, area: Area, size: Option<f64>) {
    let ground = cell.shade.map_or(VOID, palette::ramp);
    sketch.rect(area, ground);
    let Some(size) = size else { return };
    let color = if cell.shade.is_some() { palette::text_on(ground) } else { MUTED };
    let (x, y) = (area.left + area.width / 2.0, area.top + area.height / 2.0 + size * 0.36);
    sketch.text(x, y, &cell.text, Face::plain(size, color), Anchor::Middle);
}

/// The largest size at which every cell's text has room; nothing when none has.
fn text_size(cells: &[Vec<Cell>], (wide, high): (f64, f64)) -> Option<f64> {
    let room = |size: f64| {
        let face = Face::plain(size, MUTED);
        size + 6.0 <= high && cells.iter().flatten().all(|cell| width(&cell.text, face) + GAP + 3.0 <= wide)
    };
    SIZES.into_iter().find(|size| room(*size))
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
