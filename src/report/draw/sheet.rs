//! A dashboard as one picture: head, then cards on a grid of twelve columns.

use super::card::{Stack, content};
use super::lettering::{width, wrapped};
use super::sketch::{Anchor, Area, Face, Sketch};
use crate::report::page::{Fact, Page, Row, Widget};
use crate::report::palette::{EDGE, GROUND, INK, MUTED, PAPER};

const PAGE_WIDTH: f64 = 1280.0;
const MARGIN: f64 = 44.0;
const GUTTER: f64 = 20.0;
const PADDING: f64 = 24.0;
const COLUMNS: u32 = 12;
const PAGE_TITLE: Face = Face::bold(30.0, INK);
const DESCRIPTION: Face = Face::plain(15.0, MUTED);
const FACT_LABEL: Face = Face::plain(11.5, MUTED);
const FACT_VALUE: Face = Face::bold(13.0, INK);
const ROW_TITLE: Face = Face::bold(19.0, INK);
const NOTE: Face = Face::plain(12.5, MUTED);

/// The whole page: its sketch, width and height.
pub fn of_page(page: &Page) -> (Sketch, f64, f64) {
    let mut stack = Stack::new(PAGE_WIDTH - 2.0 * MARGIN);
    head(&mut stack, page);
    for row in &page.rows {
        rows(&mut stack, row);
    }
    if !page.notes.is_empty() {
        stack.space(6.0);
    }
    for note in &page.notes {
        let lines = wrapped(note, NOTE, stack.width);
        stack.lines(&lines, NOTE, 19.0);
    }
    let height = (stack.height + 2.0 * MARGIN).ceil();
    (on_ground(stack.sketch, MARGIN, (PAGE_WIDTH, height)), PAGE_WIDTH, height)
}

/// One widget alone, as wide as on its page.
pub fn of_widget(widget: &Widget) -> (Sketch, f64, f64) {
    let content = content(widget, card_width(widget.width) - 2.0 * PADDING, 0.0);
    let (wide, high) = (content.width + 2.0 * PADDING, (content.height + 2.0 * PADDING).ceil());
    let mut sketch = Sketch::default();
    card(&mut sketch, content, Area { left: 0.0, top: 0.0, width: wide, height: high });
    (on_ground(sketch, 16.0, (wide + 32.0, high + 32.0)), wide + 32.0, high + 32.0)
}

fn on_ground(content: Sketch, margin: f64, (width, height): (f64, f64)) -> Sketch {
    let mut sketch = Sketch::default();
    sketch.rect(Area { left: 0.0, top: 0.0, width, height }, GROUND);
    sketch.add(content, margin, margin);
    sketch
}

fn head(stack: &mut Stack, page: &Page) {
    stack.lines(&wrapped(&page.title, PAGE_TITLE, stack.width), PAGE_TITLE, 40.0);
    if !page.description.is_empty() {
        stack.space(4.0);
        let lines = wrapped(&page.description, DESCRIPTION, (stack.width * 0.8).round());
        stack.lines(&lines, DESCRIPTION, 23.0);
    }
    if !page.facts.is_empty() {
        stack.space(16.0);
        facts(stack, &page.facts);
    }
    stack.space(26.0);
}

/// Label over value, one fact beside the other.
fn facts(stack: &mut Stack, facts: &[Fact]) {
    let mut left = 0.0;
    for fact in facts {
        let wide = width(&fact.label, FACT_LABEL).max(width(&fact.value, FACT_VALUE));
        if left > 0.0 && left + wide > stack.width {
            left = 0.0;
            stack.space(44.0);
        }
        stack.sketch.text(left, stack.height + 12.0, &fact.label, FACT_LABEL, Anchor::Start);
        stack.sketch.text(left, stack.height + 30.0, &fact.value, FACT_VALUE, Anchor::Start);
        left += wide + 36.0;
    }
    stack.space(36.0);
}

fn rows(stack: &mut Stack, row: &Row) {
    if let Some(title) = &row.title {
        stack.space(8.0);
        stack.lines(&wrapped(title, ROW_TITLE, stack.width), ROW_TITLE, 28.0);
        stack.space(10.0);
    }
    for shelf in shelves(&row.widgets) {
        cards(stack, &shelf);
        stack.space(GUTTER);
    }
}

/// Widgets side by side while their columns are at most twelve.
fn shelves(widgets: &[Widget]) -> Vec<Vec<&Widget>> {
    let mut shelves: Vec<Vec<&Widget>> = Vec::new();
    let mut taken = COLUMNS;
    for widget in widgets {
        let wide = columns(widget.width);
        match shelves.last_mut() {
            Some(shelf) if taken + wide <= COLUMNS => shelf.push(widget),
            _ => {
                shelves.push(vec![widget]);
                taken = 0;
            }
        }
        taken += wide;
    }
    shelves
}

fn columns(asked: u32) -> u32 {
    asked.clamp(1, COLUMNS)
}

fn card_width(asked: u32) -> f64 {
    let column = (PAGE_WIDTH - 2.0 * MARGIN + GUTTER) / f64::from(COLUMNS);
    (column * f64::from(columns(asked)) - GUTTER).floor()
}

/// Cards of one shelf, all as high as the highest.
fn cards(stack: &mut Stack, shelf: &[&Widget]) {
    let content = |widget: &Widget, spare: f64| content(widget, card_width(widget.width) - 2.0 * PADDING, spare);
    let natural: Vec<f64> = shelf.iter().map(|widget| content(widget, 0.0).height).collect();
    let highest = natural.iter().copied().fold(0.0, f64::max);
    let height = highest + 2.0 * PADDING;
    let mut taken = 0;
    for (widget, natural) in shelf.iter().zip(natural) {
        let content = content(widget, highest - natural);
        let column = (stack.width + GUTTER) / f64::from(COLUMNS);
        let area = Area {
            left: (column * f64::from(taken)).round(),
            top: stack.height,
            width: card_width(widget.width),
            height,
        };
        card(&mut stack.sketch, content, area);
        taken += columns(widget.width);
    }
    stack.space(height);
}

fn card(sketch: &mut Sketch, content: Stack, area: Area) {
    let inner = Area { left: area.left + 1.0, top: area.top + 1.0, width: area.width - 2.0, height: area.height - 2.0 };
    sketch.round_rect(area, 10.0, EDGE);
    sketch.round_rect(inner, 9.0, PAPER);
    sketch.add(content.sketch, area.left + PADDING, area.top + PADDING);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::{Body, Table};

    #[test]
    fn a_shelf_holds_twelve_columns() {
        let widget = |width| Widget {
            title: String::new(),
            width,
            caption: String::new(),
            left_out: Vec::new(),
            cases_command: String::new(),
            body: Body::Empty("no cases".to_owned()),
            table: Table::default(),
        };
        let widgets: Vec<Widget> = [6, 6, 4, 8, 20, 3].into_iter().map(widget).collect();
        let lengths: Vec<usize> = shelves(&widgets).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2, 1, 1]);
    }
}
