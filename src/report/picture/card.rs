//! The content of one widget's card in a picture: title, caption, body, and what is left out.

use crate::report::draw::sketch::{Anchor, Area, Face, Pen, Sketch, count, whole};
use crate::report::draw::text_layout::{shortened, width, wrapped, wrapped_to};
use crate::report::page::{Body, Change, Figure, Verdict, Widget};
use crate::report::palette::{self, AXIS, BACKGROUND, EDGE, MUTED, TEXT};
use crate::report::table::Table;
use crate::report::text;
use crate::report::value::{Load, Value};

const TITLE: Face = Face::bold(16.0, TEXT);
const CAPTION: Face = Face::plain(12.0, MUTED);
const FIGURE_LABEL: Face = Face::plain(13.0, MUTED);
/// Sizes tried for the text of a chip, largest first.
const CHIP_SIZES: [f64; 2] = [12.0, 11.0];
const SMALLEST_CHIP: f64 = 10.0;
const CELL: Face = Face::plain(12.5, TEXT);
const HEADING: Face = Face::bold(11.5, MUTED);
/// Rows of a table that a picture shows; the HTML page shows all.
const ROWS_MAX: usize = 15;
const ROW_HEIGHT: f64 = 27.0;
const CELL_GAP: f64 = 22.0;

/// A sketch that grows downwards.
pub struct Stack {
    pub sketch: Sketch,
    pub width: f64,
    pub height: f64,
}

impl Stack {
    pub fn new(width: f64) -> Stack {
        Stack { sketch: Sketch::default(), width, height: 0.0 }
    }

    /// Lines of text under what is there.
    pub fn lines(&mut self, lines: &[String], face: Face, line_height: f64) {
        for line in lines {
            self.sketch.text(0.0, self.height + line_height * 0.5 + face.size * 0.36, line, face, Anchor::Start);
            self.height += line_height;
        }
    }

    pub fn skip(&mut self, height: f64) {
        self.height += height;
    }

    fn add(&mut self, sketch: Sketch, height: f64) {
        self.sketch.add(sketch, 0.0, self.height);
        self.height += height;
    }
}

/// The content of a card under a caption, `width` wide. In a card without data the note about it is `spare` pixels higher.
pub fn content(widget: &Widget, caption: &str, width: f64, spare: f64) -> Stack {
    let mut column = Stack::new(width);
    column.lines(&wrapped_to(&widget.title, TITLE, width, 2), TITLE, 22.0);
    column.lines(&wrapped_to(caption, CAPTION, width, 4), CAPTION, 17.0);
    column.skip(16.0);
    body(&mut column, widget, spare);
    if !widget.left_out.is_empty() {
        column.skip(12.0);
    }
    for note in &widget.left_out {
        column.lines(&wrapped(note, CAPTION, width), CAPTION, 17.0);
    }
    column
}

fn body(column: &mut Stack, widget: &Widget, spare: f64) {
    match &widget.body {
        Body::Figures(figures) => self::figures(column, figures),
        Body::Chart(drawn) => {
            let height = f64::from(drawn.height(whole(column.width)));
            column.add(drawn.sketch(column.width, height), height);
        }
        Body::Table if widget.table.rows.is_empty() => empty(column, "no rows", spare),
        Body::Table => table(column, &widget.table),
        Body::Empty(why) => empty(column, why, spare),
    }
}

fn empty(column: &mut Stack, why: &str, spare: f64) {
    let lines = wrapped_to(why, FIGURE_LABEL, column.width - 40.0, 4);
    let height = 56.0 + spare + 20.0 * count(lines.len());
    let area = Area { left: 0.0, top: column.height, width: column.width, height };
    column.sketch.round_rect(area, 6.0, BACKGROUND);
    for (row, line) in lines.iter().enumerate() {
        let y = column.height + 28.0 + spare / 2.0 + 20.0 * count(row) + 14.0;
        column.sketch.text(column.width / 2.0, y, line, FIGURE_LABEL, Anchor::Middle);
    }
    column.skip(height);
}

/// Figures side by side, as many in a line as have 170 pixels each.
fn figures(column: &mut Stack, figures: &[Figure]) {
    let fitting = (1..=figures.len()).rev().find(|many| (column.width + 24.0) / count(*many) >= 170.0).unwrap_or(1);
    // Lines of equal length: of six figures of which five would fit, three are in each line.
    let lines = figures.len().div_ceil(fitting).max(1);
    let in_line = figures.len().div_ceil(lines).max(1);
    let space = (column.width + 24.0) / count(in_line) - 24.0;
    for (index, line) in figures.chunks(in_line).enumerate() {
        column.skip(if index > 0 { 26.0 } else { 0.0 });
        let labels: Vec<Vec<String>> = line.iter().map(|one| wrapped_to(&one.label, FIGURE_LABEL, space, 2)).collect();
        let rows = labels.iter().map(Vec::len).max().unwrap_or_default();
        let drawn: Vec<Stack> = line.iter().zip(labels).map(|(one, label)| figure(one, &label, rows, space)).collect();
        let height = drawn.iter().map(|one| one.height).fold(0.0, f64::max);
        for (position, one) in drawn.into_iter().enumerate() {
            column.sketch.add(one.sketch, count(position) * (space + 24.0), column.height);
        }
        column.skip(height);
    }
}

/// One figure under its label, which ends on the last of `rows` rows, so that all values are in one line.
fn figure(figure: &Figure, label: &[String], rows: usize, space: f64) -> Stack {
    let mut column = Stack::new(space);
    column.skip(18.0 * count(rows.saturating_sub(label.len())));
    column.lines(label, FIGURE_LABEL, 18.0);
    let natural = Face::bold(32.0, TEXT);
    let value = figure.value.text();
    let size = (32.0 * space / width(&value, natural).max(1.0)).clamp(14.0, 32.0);
    let face = Face { size, ..natural };
    column.lines(&[shortened(&value, face, space)], face, 46.0);
    if let Some(change) = &figure.change {
        chip(&mut column, figure, change);
        column.skip(6.0);
        column.lines(&wrapped_to(&text::before(change), CAPTION, space, 2), CAPTION, 17.0);
    }
    column
}

/// Arrow, difference and verdict on a tinted background.
fn chip(column: &mut Stack, figure: &Figure, change: &Change) {
    let (ground, color) = match change.verdict {
        Verdict::Better => palette::BETTER,
        Verdict::Worse => palette::WORSE,
        Verdict::Neutral => palette::NEUTRAL,
    };
    let text = text::moved(figure, change);
    let faces = CHIP_SIZES.map(|size| Face::bold(size, color));
    let fits = |face: &Face| width(&text, *face) <= column.width - 18.0;
    let face = faces.into_iter().find(fits).unwrap_or(Face::bold(SMALLEST_CHIP, color));
    let text = shortened(&text, face, column.width - 18.0);
    let area = Area { left: 0.0, top: column.height, width: width(&text, face) + 18.0, height: 23.0 };
    column.sketch.round_rect(area, 11.5, ground);
    column.sketch.text(9.0, column.height + 16.0, &text, face, Anchor::Start);
    column.skip(23.0);
}

/// The first rows of a table, and how many more there are.
fn table(column: &mut Stack, table: &Table) {
    let shown: Vec<Vec<String>> = table.rows.iter().take(ROWS_MAX).map(|row| table.texts(row)).collect();
    let headings = table.headings();
    let widths = column_widths(&headings, &shown, column.width);
    let headings: Vec<Vec<String>> =
        headings.iter().zip(&widths).map(|(heading, space)| wrapped_to(heading, HEADING, *space, 3)).collect();
    let lines = headings.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..lines {
        // Headings end on the line under them: a short one starts lower.
        let cells = headings.iter().map(|heading| {
            let missing = lines - heading.len();
            line.checked_sub(missing).and_then(|own| heading.get(own)).cloned().unwrap_or_default()
        });
        row(column, &widths, cells.map(|text| (text, HEADING)), 15.0);
    }
    column.skip(7.0);
    rule(column, Pen { color: AXIS, width: 1.0, dash: None });
    for (cells, values) in shown.into_iter().zip(table.rows.iter().map(|row| &row.values)) {
        let faces = std::iter::once(CELL).chain(values.iter().map(face));
        row(column, &widths, cells.into_iter().zip(faces), ROW_HEIGHT);
        rule(column, Pen { color: EDGE, width: 1.0, dash: None });
    }
    if table.rows.len() > ROWS_MAX {
        let more = format!("and {} more rows, see the HTML page", table.rows.len() - ROWS_MAX);
        column.skip(6.0);
        column.lines(&[more], CAPTION, 20.0);
    }
}

fn rule(column: &mut Stack, pen: Pen) {
    let y = column.height.round() + 0.5;
    column.sketch.line((0.0, y), (column.width, y), pen);
}

/// The keys in the first column start at its left, numbers end at the right.
fn row(column: &mut Stack, widths: &[f64], cells: impl Iterator<Item = (String, Face)>, height: f64) {
    let mut left = 0.0;
    for (index, (space, (text, face))) in widths.iter().zip(cells).enumerate() {
        let y = column.height + height / 2.0 + face.size * 0.36;
        let text = shortened(&text, face, *space);
        match index {
            0 => column.sketch.text(left, y, &text, face, Anchor::Start),
            _ => column.sketch.text(left + space, y, &text, face, Anchor::End),
        }
        left += space + CELL_GAP;
    }
    column.skip(height);
}

/// The letters of a value: those of a load in its colour (2.5), and bold above what there may be.
fn face(value: &Value) -> Face {
    match value.load() {
        Some(Load::Free) => Face { color: palette::BETTER.1, ..CELL },
        Some(Load::Above) => Face { color: palette::ABOVE, bold: true, ..CELL },
        Some(Load::Within) | None => CELL,
    }
}

/// Widths that fill the card: what the shown cells need, the rest spread evenly; where they need too much, the
/// widest give way first.
fn column_widths(headings: &[String], rows: &[Vec<String>], space: f64) -> Vec<f64> {
    let needs = |(index, heading): (usize, &String)| {
        let cells = rows.iter().filter_map(|row| row.get(index));
        let heading = heading.split_whitespace().map(|word| width(word, HEADING)).fold(0.0, f64::max);
        cells.map(|cell| width(cell, CELL)).fold(heading, f64::max) + 1.0
    };
    let natural: Vec<f64> = headings.iter().enumerate().map(needs).collect();
    let space = space - CELL_GAP * count(natural.len().saturating_sub(1));
    let spare = (space - natural.iter().sum::<f64>()) / count(natural.len().max(1));
    if spare >= 0.0 {
        return natural.iter().map(|width| width + spare).collect();
    }
    let limit = shared_limit(&natural, space);
    natural.iter().map(|width| width.min(limit)).collect()
}

/// The largest limit with which widths cut to it fit into the space.
fn shared_limit(natural: &[f64], space: f64) -> f64 {
    let mut sorted = natural.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut left = space;
    for (index, width) in sorted.iter().enumerate() {
        let share = left / count(sorted.len() - index);
        if *width > share {
            return share.max(12.0);
        }
        left -= width;
    }
    f64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::Direction;

    #[test]
    fn a_verdict_is_written_as_a_word() {
        let figure = Figure { label: String::new(), value: Value::Count(112.0), change: None };
        let chip = |direction, verdict| {
            let before = Value::Count(100.0);
            text::moved(&figure, &Change { before, range: String::new(), so_far: false, direction, verdict })
        };
        assert_eq!(chip(Direction::Up, Verdict::Worse), "▲ +12 %, worse");
        assert_eq!(chip(Direction::Up, Verdict::Neutral), "▲ +12 %");
    }

    #[test]
    fn the_widest_columns_give_way() {
        assert!((shared_limit(&[10.0, 100.0, 200.0], 150.0) - 70.0).abs() < 1e-9);
    }
}
