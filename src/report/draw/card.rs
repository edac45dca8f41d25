//! The content of one widget's card in a picture: title, caption, body, and what is left out.

use super::chart;
use super::lettering::{shortened, width, wrapped, wrapped_to};
use super::sketch::{Anchor, Area, Face, Pen, Sketch, count};
use crate::report::page::{Align, Body, Change, Column, Direction, Figure, Table, Verdict, Widget};
use crate::report::palette::{self, AXIS, EDGE, GROUND, INK, MUTED};

const TITLE: Face = Face::bold(16.0, INK);
const CAPTION: Face = Face::plain(12.0, MUTED);
const FIGURE_LABEL: Face = Face::plain(13.0, MUTED);
const CHIP_SIZE: f64 = 12.0;
const CELL: Face = Face::plain(12.5, INK);
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

    pub fn space(&mut self, height: f64) {
        self.height += height;
    }

    fn add(&mut self, sketch: Sketch, height: f64) {
        self.sketch.add(sketch, 0.0, self.height);
        self.height += height;
    }
}

/// The content of a card, `width` wide. A card that has nothing to show fills `spare` more pixels with saying so.
pub fn content(widget: &Widget, width: f64, spare: f64) -> Stack {
    let mut column = Stack::new(width);
    column.lines(&wrapped_to(&widget.title, TITLE, width, 2), TITLE, 22.0);
    column.lines(&wrapped_to(&widget.caption, CAPTION, width, 3), CAPTION, 17.0);
    column.space(16.0);
    body(&mut column, widget, spare);
    if !widget.left_out.is_empty() {
        column.space(12.0);
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
            let height = f64::from(chart::height(drawn, chart::whole(column.width)));
            column.add(chart::sketch(drawn, column.width, height), height);
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
    column.sketch.round_rect(area, 6.0, GROUND);
    for (row, line) in lines.iter().enumerate() {
        let y = column.height + 28.0 + spare / 2.0 + 20.0 * count(row) + 14.0;
        column.sketch.text(column.width / 2.0, y, line, FIGURE_LABEL, Anchor::Middle);
    }
    column.space(height);
}

/// Figures side by side, as many in a line as have 170 pixels each.
fn figures(column: &mut Stack, figures: &[Figure]) {
    let fitting = (1..=figures.len()).rev().find(|many| (column.width + 24.0) / count(*many) >= 170.0).unwrap_or(1);
    // Even lines: six figures of which five would fit stand three and three.
    let lines = figures.len().div_ceil(fitting).max(1);
    let in_line = figures.len().div_ceil(lines).max(1);
    let room = (column.width + 24.0) / count(in_line) - 24.0;
    for (index, line) in figures.chunks(in_line).enumerate() {
        column.space(if index > 0 { 26.0 } else { 0.0 });
        let labels: Vec<Vec<String>> = line.iter().map(|one| wrapped_to(&one.label, FIGURE_LABEL, room, 2)).collect();
        let rows = labels.iter().map(Vec::len).max().unwrap_or_default();
        let drawn: Vec<Stack> = line.iter().zip(labels).map(|(one, label)| figure(one, &label, rows, room)).collect();
        let height = drawn.iter().map(|one| one.height).fold(0.0, f64::max);
        for (place, one) in drawn.into_iter().enumerate() {
            column.sketch.add(one.sketch, count(place) * (room + 24.0), column.height);
        }
        column.space(height);
    }
}

/// One figure under its label; the label stands on the last of so many rows, so that values stand in one line.
fn figure(figure: &Figure, label: &[String], rows: usize, room: f64) -> Stack {
    let mut column = Stack::new(room);
    column.space(18.0 * count(rows.saturating_sub(label.len())));
    column.lines(label, FIGURE_LABEL, 18.0);
    let natural = Face::bold(32.0, INK);
    let size = (32.0 * room / width(&figure.value, natural).max(1.0)).clamp(14.0, 32.0);
    let face = Face { size, ..natural };
    column.lines(&[shortened(&figure.value, face, room)], face, 46.0);
    if let Some(change) = &figure.change {
        chip(&mut column, change);
        column.space(6.0);
        column.lines(&wrapped_to(&change.then, CAPTION, room, 2), CAPTION, 17.0);
    }
    column
}

/// Arrow, difference and verdict on a tinted ground.
fn chip(column: &mut Stack, change: &Change) {
    let (ground, color) = palette::verdict(change.verdict);
    let face = Face::bold(CHIP_SIZE, color);
    let text = shortened(&chip_text(change), face, column.width - 18.0);
    let area = Area { left: 0.0, top: column.height, width: width(&text, face) + 18.0, height: 23.0 };
    column.sketch.round_rect(area, 11.5, ground);
    column.sketch.text(9.0, column.height + 16.0, &text, face, Anchor::Start);
    column.space(23.0);
}

/// `▲ +12 %, worse`: the arrow and the word carry what the colour says.
fn chip_text(change: &Change) -> String {
    match verdict_word(change.verdict) {
        Some(word) => format!("{} {}, {word}", arrow(change.direction), change.text),
        None => format!("{} {}", arrow(change.direction), change.text),
    }
}

/// The sign of a direction.
pub fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "▲",
        Direction::Down => "▼",
        Direction::Same => "=",
    }
}

/// The word for a verdict, where there is one.
pub fn verdict_word(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Better => Some("better"),
        Verdict::Worse => Some("worse"),
        Verdict::Neutral => None,
    }
}

/// The first rows of a table, and how many more there are.
fn table(column: &mut Stack, table: &Table) {
    let widths = column_widths(table, column.width);
    let headings: Vec<Vec<String>> = table
        .columns
        .iter()
        .zip(&widths)
        .map(|(heading, room)| wrapped_to(&heading.heading, HEADING, *room, 2))
        .collect();
    let lines = headings.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..lines {
        // Headings stand on the line under them: a short one starts lower.
        let cells = headings.iter().map(|heading| {
            let missing = lines - heading.len();
            line.checked_sub(missing).and_then(|own| heading.get(own)).cloned().unwrap_or_default()
        });
        row(column, &table.columns, &widths, cells, HEADING, 15.0);
    }
    column.space(7.0);
    rule(column, Pen { color: AXIS, width: 1.0, dash: None });
    for cells in table.rows.iter().take(ROWS_MAX) {
        row(column, &table.columns, &widths, cells.iter().cloned(), CELL, ROW_HEIGHT);
        rule(column, Pen { color: EDGE, width: 1.0, dash: None });
    }
    if table.rows.len() > ROWS_MAX {
        let more = format!("and {} more rows, see the HTML page", table.rows.len() - ROWS_MAX);
        column.space(6.0);
        column.lines(&[more], CAPTION, 20.0);
    }
}

fn rule(column: &mut Stack, pen: Pen) {
    let y = column.height.round() + 0.5;
    column.sketch.line((0.0, y), (column.width, y), pen);
}

fn row(
    column: &mut Stack,
    columns: &[Column],
    widths: &[f64],
    cells: impl Iterator<Item = String>,
    face: Face,
    height: f64,
) {
    let y = column.height + height / 2.0 + face.size * 0.36;
    let mut left = 0.0;
    for ((heading, room), text) in columns.iter().zip(widths).zip(cells) {
        let text = shortened(&text, face, *room);
        match heading.align {
            Align::Left => column.sketch.text(left, y, &text, face, Anchor::Start),
            Align::Right => column.sketch.text(left + room, y, &text, face, Anchor::End),
        }
        left += room + CELL_GAP;
    }
    column.space(height);
}

/// Widths that fill the card: what the shown cells need, the rest spread evenly; where they need too much, the
/// widest give way first.
fn column_widths(table: &Table, room: f64) -> Vec<f64> {
    let needs = |(index, column): (usize, &Column)| {
        let cells = table.rows.iter().take(ROWS_MAX).filter_map(|row| row.get(index));
        let heading = column.heading.split_whitespace().map(|word| width(word, HEADING)).fold(0.0, f64::max);
        cells.map(|cell| width(cell, CELL)).fold(heading, f64::max) + 1.0
    };
    let natural: Vec<f64> = table.columns.iter().enumerate().map(needs).collect();
    let room = room - CELL_GAP * count(natural.len().saturating_sub(1));
    let spare = (room - natural.iter().sum::<f64>()) / count(natural.len().max(1));
    if spare >= 0.0 {
        return natural.iter().map(|width| width + spare).collect();
    }
    let limit = shared_limit(&natural, room);
    natural.iter().map(|width| width.min(limit)).collect()
}

/// The largest limit under which widths cut to it fit into the room.
fn shared_limit(natural: &[f64], room: f64) -> f64 {
    let mut sorted = natural.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut left = room;
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

    #[test]
    fn a_verdict_is_in_words() {
        let change = |direction, verdict| Change { text: "+12 %".to_owned(), then: String::new(), direction, verdict };
        assert_eq!(chip_text(&change(Direction::Up, Verdict::Worse)), "▲ +12 %, worse");
        assert_eq!(chip_text(&change(Direction::Down, Verdict::Neutral)), "▼ +12 %");
    }

    #[test]
    fn the_widest_columns_give_way() {
        assert!((shared_limit(&[10.0, 100.0, 200.0], 150.0) - 70.0).abs() < 1e-9);
    }
}
