//! How instants, lengths, names and columns look to people, and what a colour means.

use jiff::tz::TimeZone;

use crate::model::time::{Instant, duration_text};
use crate::timeline::rows::RowAt;

/// What is shown where there is no value.
pub const NOTHING: &str = "–";

/// Colours for a terminal, or none.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    pub on: bool,
}

impl Ink {
    fn paint(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Green for good news, red for bad, grey for neither.
    pub fn verdict(self, verdict: Option<bool>, text: &str) -> String {
        match verdict {
            Some(true) => self.paint("32", text),
            Some(false) => self.paint("31", text),
            None => self.grey(text),
        }
    }

    /// What matters less.
    pub fn grey(self, text: &str) -> String {
        self.paint("90", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// A text without anything that would command the terminal: customers and other systems write it.
pub fn harmless(text: &str) -> String {
    let letter = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(letter).collect()
}

/// An instant on the zone's clock, with milliseconds where there are any.
pub fn clock(instant: Instant, zone: &TimeZone) -> String {
    let digits = if instant.0 % 1000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
    instant.to_local(zone).strftime(digits).to_string()
}

/// The same to the second, where nothing is added up.
pub fn brief_clock(instant: Instant, zone: &TimeZone) -> String {
    instant.to_local(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// An instant with the day of the week before it.
pub fn day_clock(instant: Instant, zone: &TimeZone) -> String {
    format!("{} {}", instant.to_local(zone).strftime("%a"), clock(instant, zone))
}

/// A row's cells as people see them.
pub struct Cells<'a> {
    pub row: &'a RowAt<'a>,
    pub zone: &'a TimeZone,
}

impl Cells<'_> {
    /// A text, or a dash.
    pub fn text(&self, column: &str) -> String {
        self.row.text(column).map_or_else(|| NOTHING.to_owned(), |text| harmless(&text))
    }

    /// An instant, or a dash.
    pub fn at(&self, column: &str) -> String {
        self.row.instant(column).map_or_else(|| NOTHING.to_owned(), |instant| brief_clock(instant, self.zone))
    }

    /// A length, or a dash.
    pub fn length(&self, column: &str) -> String {
        self.row.whole(column).map_or_else(|| NOTHING.to_owned(), duration_text)
    }
}

/// The widths that columns need.
pub fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// Words in lines of eighty letters at most, where none is longer, each behind an indent.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 80 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

/// Cells side by side, two spaces between them.
pub fn aligned<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}", width = *width));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Adds rows below their headings, with grey headings.
pub fn table<const N: usize>(text: &mut String, ink: Ink, headings: [&str; N], rows: Vec<[String; N]>) {
    if rows.is_empty() {
        return;
    }
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    let widths = widths(&all);
    for (position, row) in all.iter().enumerate() {
        let line = aligned(row, &widths);
        let line = if position == 0 { ink.grey(&line) } else { line };
        text.push_str(&format!("  {line}\n"));
    }
}
