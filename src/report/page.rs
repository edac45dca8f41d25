//! The plain value of a report: everything that a page shows, and nothing about how a format shows it.
//!
//! A format (HTML, SVG, PNG) is a function from a [`Page`] to bytes. Values keep their units, see [`super::value`], so
//! that every format shows the same numbers, each in its own way.

use std::collections::BTreeSet;

use serde::Serialize;

use super::cases::{CaseList, CasesRequest};
use super::chart::Chart;
use super::table::Table;
use super::value::Value;
use crate::metric::range::Range;
use crate::model::time::Instant;
use crate::timeline::Timeline;

/// One dashboard, answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub title: String,
    pub description: String,
    pub scope: Scope,
    pub tabs: Vec<Tab>,
    /// What happened in each case that a widget lists, in the order of their ids.
    pub cases: Vec<Timeline>,
    /// What the numbers mean, metric by metric.
    pub definitions: Vec<Definition>,
    /// Remarks on the whole page, such as how many findings the log has.
    pub notes: Vec<String>,
    /// Those of the notes that are about filters: values that nothing in the log has.
    pub unknown: Vec<String>,
}

/// Columns of the grid.
const COLUMNS: u32 = 12;

impl Page {
    /// Every widget, in reading order.
    pub fn widgets(&self) -> impl Iterator<Item = &Widget> {
        self.tabs.iter().flat_map(|tab| &tab.rows).flat_map(|row| &row.widgets)
    }

    pub(super) fn widgets_mut(&mut self) -> impl Iterator<Item = &mut Widget> {
        self.tabs.iter_mut().flat_map(|tab| &mut tab.rows).flat_map(|row| &mut row.widgets)
    }

    /// The page with no widget but those of that title.
    #[must_use]
    pub fn only(mut self, title: &str) -> Page {
        for row in self.tabs.iter_mut().flat_map(|tab| &mut tab.rows) {
            row.widgets.retain(|widget| widget.title == title);
        }
        self.tabs.iter_mut().for_each(|tab| tab.rows.retain(|row| !row.widgets.is_empty()));
        self.tabs.retain(|tab| !tab.rows.is_empty());
        self
    }

    /// A name for the file of each widget, by its title; a title that comes again gets a number.
    #[must_use]
    pub fn widget_stems(&self) -> Vec<String> {
        let mut stems = Stems::default();
        self.widgets().map(|widget| stems.unique(&widget.title)).collect()
    }
}

/// Names by titles, each one of its own.
#[derive(Debug, Default)]
pub struct Stems(BTreeSet<String>);

impl Stems {
    /// [`file_stem`], with a number where the name was given before.
    pub fn unique(&mut self, title: &str) -> String {
        let stem = file_stem(title);
        let numbered = (2..).map(|copy| format!("{stem}-{copy}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        names.find(|name| self.0.insert(name.clone())).unwrap_or(stem)
    }
}

/// A title as the name of a file: `First response time` is `first-response-time`.
#[must_use]
pub fn file_stem(title: &str) -> String {
    let plain: String = title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}

/// What the page was asked about, and what it was answered from.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The range, in the zone of its calendar.
    pub range: Range,
    pub as_of: Instant,
    /// The last batch of the log that the numbers count, and how many events the log had then.
    pub last_batch: i64,
    pub events: u64,
    /// Whether durations are those within business hours, where there are such.
    pub business_hours: bool,
    /// Each filter as `platform = email`.
    pub filters: Vec<String>,
}

/// Widgets that are shown together; the only tab of a page without tabs has no title.
#[derive(Clone, Debug, PartialEq)]
pub struct Tab {
    pub title: Option<String>,
    pub rows: Vec<Row>,
}

/// What a metric means, as its file states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    pub name: String,
    pub title: String,
    pub meaning: String,
    /// The other keys of the header that matter to a reader, such as `date` and `agent`, with their values.
    pub details: Vec<(String, String)>,
}

/// A line of widgets on a grid of twelve columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub title: Option<String>,
    pub widgets: Vec<Widget>,
}

impl Row {
    /// Widgets side by side while their columns, as `width` states them, are at most twelve.
    pub fn lines_of(&self, width: impl Fn(&Widget) -> u32) -> Vec<Vec<&Widget>> {
        let mut lines: Vec<Vec<&Widget>> = Vec::new();
        let mut taken = COLUMNS;
        for widget in &self.widgets {
            let wide = width(widget).clamp(1, COLUMNS);
            match lines.last_mut() {
                Some(line) if taken + wide <= COLUMNS => line.push(widget),
                _ => {
                    lines.push(vec![widget]);
                    taken = 0;
                }
            }
            taken += wide;
        }
        lines
    }
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Widget {
    pub title: String,
    /// Columns of twelve that the widget takes.
    pub width: u32,
    /// What its numbers are: unit, aggregations, or by what they are cut.
    pub what: String,
    /// The number of cases behind it: of several metrics, each one's.
    pub cases: String,
    /// What the number leaves out and why, one sentence each.
    pub left_out: Vec<String>,
    /// What lists all cases behind the widget.
    pub requests: Vec<CasesRequest>,
    /// Some of the cases behind it.
    pub behind: CaseList,
    pub body: Body,
    /// The numbers of the widget, whatever its body shows.
    pub table: Table,
}

impl Widget {
    /// The commands that list the cases behind the widget, one a line.
    #[must_use]
    pub fn cases_command(&self) -> String {
        self.requests.iter().map(CasesRequest::command).collect::<Vec<_>>().join("\n")
    }
}

/// What a widget shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Figures(Vec<Figure>),
    Chart(Chart),
    /// The widget shows its table.
    Table,
    /// No data, and why.
    Empty(String),
}

/// One large number and how it moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub label: String,
    pub value: Value,
    pub change: Option<Change>,
}

/// What a figure is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The value of the earlier range.
    pub before: Value,
    /// The earlier range, such as `the month before`.
    pub range: String,
    /// The present cuts the figure's own range, so its value is not yet final.
    pub so_far: bool,
    pub direction: Direction,
    pub verdict: Verdict,
}

/// Which way a figure moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    Same,
}

impl Direction {
    /// Which way a number moved.
    #[must_use]
    pub fn of(now: f64, before: f64) -> Direction {
        match (now - before).partial_cmp(&0.0) {
            Some(std::cmp::Ordering::Greater) => Direction::Up,
            Some(std::cmp::Ordering::Less) => Direction::Down,
            _ => Direction::Same,
        }
    }
}

/// Whether the change is good for the desk; formats show it in words and shapes too, never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Better,
    Worse,
    Neutral,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widget(title: &str, width: u32) -> Widget {
        Widget {
            title: title.to_owned(),
            width,
            what: String::new(),
            cases: String::new(),
            left_out: Vec::new(),
            requests: Vec::new(),
            behind: CaseList::default(),
            body: Body::Empty("no cases".to_owned()),
            table: Table::default(),
        }
    }

    #[test]
    fn a_line_has_at_most_twelve_columns() {
        let widgets = [6, 6, 4, 8, 20, 3].into_iter().map(|width| widget("", width)).collect();
        let row = Row { title: None, widgets };
        let lengths: Vec<usize> = row.lines_of(|widget| widget.width).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2, 1, 1]);
    }
}
