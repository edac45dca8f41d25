//! A dashboard as one picture: head, then cards on a grid of twelve columns.

use super::card::{Stack, content};
use crate::report::draw::sketch::{Anchor, Area, Face, Sketch};
use crate::report::draw::text_layout::{width, wrapped};
use crate::report::page::{Page, Row, Scope, Widget};
use crate::report::palette::{BACKGROUND, CARD, EDGE, MUTED, TEXT};
use crate::report::text;

const PAGE_WIDTH: f64 = 1280.0;
const MARGIN: f64 = 44.0;
const GUTTER: f64 = 20.0;
const PADDING: f64 = 24.0;
const COLUMNS: u32 = 12;
const PAGE_TITLE: Face = Face::bold(30.0, TEXT);
const DESCRIPTION: Face = Face::plain(15.0, MUTED);
const SCOPE_LABEL: Face = Face::plain(11.5, MUTED);
const SCOPE_VALUE: Face = Face::bold(13.0, TEXT);
const TAB_TITLE: Face = Face::bold(24.0, TEXT);
const ROW_TITLE: Face = Face::bold(19.0, TEXT);
const NOTE: Face = Face::plain(12.5, MUTED);

/// The whole page: its sketch, width and height.
pub fn of_page(page: &Page) -> (Sketch, f64, f64) {
    let mut stack = Stack::new(PAGE_WIDTH - 2.0 * MARGIN);
    head(&mut stack, page);
    for tab in &page.tabs {
        if let Some(title) = &tab.title {
            stack.skip(10.0);
            stack.lines(&wrapped(title, TAB_TITLE, stack.width), TAB_TITLE, 34.0);
            stack.skip(8.0);
        }
        tab.rows.iter().for_each(|row| rows(&mut stack, row));
    }
    if !page.notes.is_empty() {
        stack.skip(6.0);
    }
    for note in &page.notes {
        let lines = wrapped(note, NOTE, stack.width);
        stack.lines(&lines, NOTE, 19.0);
    }
    let height = (stack.height + 2.0 * MARGIN).ceil();
    (on_background(stack.sketch, MARGIN, (PAGE_WIDTH, height)), PAGE_WIDTH, height)
}

/// One widget alone, as wide as on its page.
pub fn of_widget(scope: &Scope, widget: &Widget) -> (Sketch, f64, f64) {
    let caption = text::caption_alone(scope, widget);
    let content = content(widget, &caption, card_width(widget.width) - 2.0 * PADDING, 0.0);
    let (wide, high) = (content.width + 2.0 * PADDING, (content.height + 2.0 * PADDING).ceil());
    let mut sketch = Sketch::default();
    card(&mut sketch, content, Area { left: 0.0, top: 0.0, width: wide, height: high });
    (on_background(sketch, 16.0, (wide + 32.0, high + 32.0)), wide + 32.0, high + 32.0)
}

fn on_background(content: Sketch, margin: f64, (width, height): (f64, f64)) -> Sketch {
    let mut sketch = Sketch::default();
    sketch.rect(Area { left: 0.0, top: 0.0, width, height }, BACKGROUND);
    sketch.add(content, margin, margin);
    sketch
}

fn head(stack: &mut Stack, page: &Page) {
    stack.lines(&wrapped(&page.title, PAGE_TITLE, stack.width), PAGE_TITLE, 40.0);
    if !page.description.is_empty() {
        stack.skip(4.0);
        let lines = wrapped(&page.description, DESCRIPTION, (stack.width * 0.8).round());
        stack.lines(&lines, DESCRIPTION, 23.0);
    }
    stack.skip(16.0);
    scope(stack, &page.scope);
    stack.skip(26.0);
}

/// Each label over its value, side by side.
fn scope(stack: &mut Stack, scope: &Scope) {
    let mut left = 0.0;
    for (label, value) in text::scope(scope) {
        let wide = width(label, SCOPE_LABEL).max(width(&value, SCOPE_VALUE));
        if left > 0.0 && left + wide > stack.width {
            left = 0.0;
            stack.skip(44.0);
        }
        stack.sketch.text(left, stack.height + 12.0, label, SCOPE_LABEL, Anchor::Start);
        stack.sketch.text(left, stack.height + 30.0, &value, SCOPE_VALUE, Anchor::Start);
        left += wide + 36.0;
    }
    stack.skip(36.0);
}

fn rows(stack: &mut Stack, row: &Row) {
    if let Some(title) = &row.title {
        stack.skip(8.0);
        stack.lines(&wrapped(title, ROW_TITLE, stack.width), ROW_TITLE, 28.0);
        stack.skip(10.0);
    }
    for line in row.lines_of(|widget| widget.width) {
        cards(stack, &line);
        stack.skip(GUTTER);
    }
}

fn columns(asked: u32) -> u32 {
    asked.clamp(1, COLUMNS)
}

fn card_width(asked: u32) -> f64 {
    let column = (PAGE_WIDTH - 2.0 * MARGIN + GUTTER) / f64::from(COLUMNS);
    (column * f64::from(columns(asked)) - GUTTER).floor()
}

/// Cards of one line, all as high as the highest.
fn cards(stack: &mut Stack, line: &[&Widget]) {
    let content = |widget: &Widget, spare: f64| {
        content(widget, &text::caption(widget), card_width(widget.width) - 2.0 * PADDING, spare)
    };
    let natural: Vec<f64> = line.iter().map(|widget| content(widget, 0.0).height).collect();
    let highest = natural.iter().copied().fold(0.0, f64::max);
    let height = highest + 2.0 * PADDING;
    let mut taken = 0;
    for (widget, natural) in line.iter().zip(natural) {
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
    stack.skip(height);
}

fn card(sketch: &mut Sketch, content: Stack, area: Area) {
    let inner = Area { left: area.left + 1.0, top: area.top + 1.0, width: area.width - 2.0, height: area.height - 2.0 };
    sketch.round_rect(area, 10.0, EDGE);
    sketch.round_rect(inner, 9.0, CARD);
    sketch.add(content.sketch, area.left + PADDING, area.top + PADDING);
}
