//! A mail as plain text, in lines of at most 78 columns.

use unicode_width::UnicodeWidthStr;

use super::letter::{Block, Card, Letter, Part, Rows};
use crate::export::printable;
use crate::report::format::aligned::{columns, wrapped};
use crate::report::page::Figure;
use crate::report::text;

/// Columns of a line.
const WIDTH: usize = 78;
/// Spaces between two columns of a table.
const GAP: usize = 2;

/// The whole text.
pub(super) fn document(letter: &Letter) -> String {
    let mut lines = titled(&letter.title, '=');
    lines.extend(wrapped(&letter.description, WIDTH));
    lines.push(String::new());
    let facts: Vec<Vec<String>> =
        letter.facts.iter().map(|(label, value)| vec![format!("{label}:"), value.clone()]).collect();
    lines.extend(columns(&facts, |_| false));
    for part in &letter.parts {
        match part {
            Part::Heading(title) => {
                lines.extend([vec![String::new(), String::new()], titled(&title.to_uppercase(), '=')].concat())
            }
            Part::Card(card) => lines.extend(self::card(card)),
        }
    }
    if !letter.notes.is_empty() {
        lines.extend([vec![String::new()], titled("Notes", '-')].concat());
        letter.notes.iter().for_each(|note| lines.extend(item(note)));
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Several texts, one below the other.
#[must_use]
pub fn joined(texts: &[&str]) -> String {
    texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n\n\n") + "\n"
}

fn titled(title: &str, line: char) -> Vec<String> {
    let mut lines = wrapped(title, WIDTH);
    let width = lines.iter().map(|line| line.width()).max().unwrap_or_default();
    lines.push(line.to_string().repeat(width));
    lines
}

fn item(text: &str) -> Vec<String> {
    indented(text, "- ", "  ")
}

/// A text whose first line begins with one mark, and each further one with another as wide.
fn indented(text: &str, first: &str, further: &str) -> Vec<String> {
    let lines = wrapped(text, WIDTH - further.width()).into_iter().enumerate();
    lines.map(|(number, line)| format!("{}{line}", if number == 0 { first } else { further })).collect()
}

fn card(card: &Card) -> Vec<String> {
    let mut lines = Vec::new();
    if !card.title.is_empty() {
        lines.push(String::new());
        lines.extend(titled(&card.title, '-'));
    }
    lines.extend(wrapped(&card.caption, WIDTH));
    for block in &card.blocks {
        match block {
            Block::Figures(figures) => {
                lines.push(String::new());
                lines.extend(self::figures(figures));
            }
            Block::Table(rows) => lines.extend(table(rows)),
            Block::Text(text) => {
                lines.push(String::new());
                lines.extend(wrapped(text, WIDTH));
            }
            // Its numbers follow.
            Block::Picture(_) => {}
        }
    }
    if !card.remarks.is_empty() {
        lines.push(String::new());
        card.remarks.iter().for_each(|remark| lines.extend(item(remark)));
    }
    lines
}

/// Each figure with its change on a line, or below it where the line would be too long.
fn figures(figures: &[Figure]) -> Vec<String> {
    let cells: Vec<Vec<String>> = figures.iter().map(text::cells).collect();
    let numbers: Vec<Vec<String>> = cells.iter().map(|cells| cells.iter().take(2).cloned().collect()).collect();
    let changes: Vec<&str> = cells.iter().map(|cells| cells.get(2).map_or("", String::as_str)).collect();
    let numbers = columns(&numbers, |column| column == 1);
    let are_short = numbers.iter().zip(&changes).all(|(line, change)| line.width() + GAP + change.width() <= WIDTH);
    let lines = numbers.into_iter().zip(changes).flat_map(|(line, change)| match change {
        "" => vec![line],
        change if are_short => vec![format!("{line}  {change}")],
        change => std::iter::once(line).chain(indented(change, "    ", "    ")).collect(),
    });
    lines.collect()
}

fn table(rows: &Rows) -> Vec<String> {
    let mut lines = Vec::new();
    if !rows.rows.is_empty() {
        lines.push(String::new());
        lines.extend(in_columns(rows).unwrap_or_else(|| one_by_one(rows)));
    }
    lines.extend(rows.more.as_ref().map(|more| format!("({more})")));
    lines
}

/// The rows in columns, whose headings may take several lines; nothing where they are too wide for a line.
fn in_columns(rows: &Rows) -> Option<Vec<String>> {
    let widest = |column: usize| {
        let cells = rows.rows.iter().filter_map(|row| row.get(column)).map(|cell| printable(&cell.text).width());
        cells.max().unwrap_or_default()
    };
    let longest_word = |text: &str| text.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or_default();
    let mut widths: Vec<usize> = rows
        .columns
        .iter()
        .enumerate()
        .map(|(column, heading)| widest(column).max(longest_word(&heading.text)))
        .collect();
    let taken: usize = widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
    let mut spare = WIDTH.checked_sub(taken)?;
    // What is left makes headings shorter, from the first on.
    for (width, heading) in widths.iter_mut().zip(&rows.columns) {
        let more = heading.text.width().saturating_sub(*width).min(spare);
        *width += more;
        spare -= more;
    }
    let headings: Vec<Vec<String>> =
        rows.columns.iter().zip(&widths).map(|(heading, width)| wrapped(&heading.text, *width)).collect();
    let high = headings.iter().map(Vec::len).max().unwrap_or_default();
    let head = (0..high).map(|line| {
        // Headings end on the line above the cells.
        let own =
            |heading: &Vec<String>| line.checked_sub(high - heading.len()).and_then(|own| heading.get(own).cloned());
        headings.iter().map(|heading| own(heading).unwrap_or_default()).collect::<Vec<String>>()
    });
    let cells = rows.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect::<Vec<String>>());
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let all: Vec<Vec<String>> = head.chain(std::iter::once(rule)).chain(cells).collect();
    Some(columns(&all, |column| rows.columns.get(column).is_some_and(|heading| heading.is_number)))
}

/// Each row as its first cell, and below it every other one behind its heading.
fn one_by_one(rows: &Rows) -> Vec<String> {
    let row = |row: &Vec<super::letter::Cell>| {
        let mut cells = row.iter().zip(&rows.columns);
        let first = cells.next().map(|(cell, _)| printable(&cell.text)).unwrap_or_default();
        let rest: Vec<String> = cells.map(|(cell, heading)| format!("{} {}", heading.text, cell.text)).collect();
        std::iter::once(first).chain(indented(&rest.join("; "), "    ", "    ")).collect::<Vec<String>>()
    };
    rows.rows.iter().flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::letter::{Cell, Heading};
    use super::*;

    fn rows(headings: &[&str], row: &[&str]) -> Rows {
        let heading = |(column, text): (usize, &&str)| Heading { text: (*text).to_owned(), is_number: column > 0 };
        Rows {
            columns: headings.iter().enumerate().map(heading).collect(),
            rows: vec![row.iter().map(|text| Cell::from((*text).to_owned())).collect()],
            more: None,
        }
    }

    #[test]
    fn headings_take_several_lines_before_rows_are_written_one_by_one() {
        let long = "a heading of several words";
        let lines = table(&rows(&["Agent", long, long, long, long], &["ana", "1", "2", "3", "4"]));
        assert!(lines.len() > 4 && lines.iter().all(|line| line.width() <= WIDTH), "{lines:#?}");
        assert!(lines.last().unwrap().starts_with("ana  "), "{lines:#?}");
        let words = "incomprehensibilities";
        let lines = table(&rows(&["Agent", words, words, words, words], &["ana", "1", "2", "3", "4"]));
        assert_eq!(lines[1], "ana");
        assert!(lines[2].starts_with("    incomprehensibilities 1; "), "{lines:#?}");
    }
}
