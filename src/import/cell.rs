//! A cell of a foreign table, as a mapping names it, and how its text is cleaned.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;

use super::lookup::Lookup;

/// The row a cell is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowChoice {
    /// The current row.
    Current,
    /// The first row of the case: the root of a thread.
    First,
}

/// A cell, and how its text is cleaned.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) source: CellSource,
    pub(super) row: RowChoice,
    /// Done one after the other.
    pub(super) steps: Vec<CellStep>,
}

/// Where the text of a cell comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CellSource {
    /// One column, by its number in the mapping.
    Column(usize),
    /// Text put together from columns.
    Text(Vec<TextPart>),
}

/// A part of a text that is put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextPart {
    Plain(String),
    Column(usize),
}

/// One thing done to a text.
#[derive(Clone, Debug)]
pub(super) enum CellStep {
    /// The part of the text that an expression finds: its group, empty where it finds nothing.
    Find(Regex, usize),
    /// One of the parts between separators, from 1; below 0 counted from the end.
    Part(String, i64),
    Trim,
    StripPrefix(String),
    StripSuffix(String),
    Lower,
    /// What another table has for the text.
    LookUp(Arc<Lookup>),
}

impl Cell {
    /// A cell of the current row whose text is taken as it is.
    pub(super) fn plain(column: usize) -> Cell {
        Cell { source: CellSource::Column(column), row: RowChoice::Current, steps: Vec::new() }
    }

    /// Whether both are the same columns of a row as they are.
    pub(super) fn is_same_plain(&self, other: &Cell) -> bool {
        let is_plain = self.steps.is_empty() && other.steps.is_empty();
        is_plain && self.source == other.source && self.row == other.row
    }

    /// The text as the mapping wants it; `cells` are those of the row that it is taken from.
    pub(super) fn text<'a, T: AsRef<str>>(&self, cells: &'a [T]) -> Cow<'a, str> {
        let cell = |column: usize| cells.get(column).map_or("", AsRef::as_ref);
        let text = match &self.source {
            CellSource::Column(column) => Cow::Borrowed(cell(*column)),
            CellSource::Text(parts) => {
                let part = |part: &TextPart| match part {
                    TextPart::Plain(text) => text.clone(),
                    TextPart::Column(column) => cell(*column).to_owned(),
                };
                Cow::Owned(parts.iter().map(part).collect())
            }
        };
        self.steps.iter().fold(text, |text, step| step.done(text))
    }

    /// The numbers of all columns it takes from.
    pub(super) fn columns(&self) -> Vec<usize> {
        match &self.source {
            CellSource::Column(column) => vec![*column],
            CellSource::Text(parts) => {
                let column = |part: &TextPart| if let TextPart::Column(column) = part { Some(*column) } else { None };
                parts.iter().filter_map(column).collect()
            }
        }
    }
}

impl CellStep {
    fn done<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        match self {
            CellStep::Find(expression, group) => {
                let found = expression.captures(&text).and_then(|found| found.get(*group).map(|part| part.range()));
                narrowed(text, |_| found.unwrap_or_default())
            }
            CellStep::Part(separator, number) => narrowed(text, |text| part(text, separator, *number)),
            CellStep::Trim => narrowed(text, |text| {
                let start = text.len() - text.trim_start().len();
                start..start + text.trim().len()
            }),
            CellStep::StripPrefix(prefix) => narrowed(text, |text| {
                let start = if text.starts_with(prefix.as_str()) { prefix.len() } else { 0 };
                start..text.len()
            }),
            CellStep::StripSuffix(suffix) => {
                narrowed(text, |text| 0..text.strip_suffix(suffix.as_str()).unwrap_or(text).len())
            }
            CellStep::Lower => Cow::Owned(text.to_lowercase()),
            CellStep::LookUp(table) => Cow::Owned(table.find(&text).to_owned()),
        }
    }
}

/// A part of the text, borrowed where the text is.
fn narrowed<'a>(text: Cow<'a, str>, range: impl FnOnce(&str) -> std::ops::Range<usize>) -> Cow<'a, str> {
    let range = range(&text);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_owned()),
    }
}

fn part(text: &str, separator: &str, number: i64) -> std::ops::Range<usize> {
    let parts: Vec<&str> = text.split(separator).collect();
    let position = match usize::try_from(number) {
        Ok(number) => number.checked_sub(1),
        Err(_) => usize::try_from(number.unsigned_abs()).ok().and_then(|back| parts.len().checked_sub(back)),
    };
    let Some(found) = position.and_then(|position| Some((position, parts.get(position)?))) else { return 0..0 };
    let (position, found) = found;
    let start = parts.iter().take(position).map(|part| part.len() + separator.len()).sum::<usize>();
    start..start + found.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(steps: Vec<CellStep>, text: &str) -> String {
        Cell { source: CellSource::Column(0), row: RowChoice::Current, steps }.text(&[text]).into_owned()
    }

    #[test]
    fn the_steps_of_a_cell_are_done_one_after_the_other() {
        let expression = |text: &str, group| CellStep::Find(Regex::new(text).unwrap(), group);
        assert_eq!(cleaned(vec![expression(r"to (\w+)", 1)], "from ana to ben, now"), "ben");
        assert_eq!(cleaned(vec![expression(r"to (\w+)", 1)], "nothing"), "");
        assert_eq!(cleaned(vec![CellStep::Part(";".into(), 2), CellStep::Trim], "a; b ;c"), "b");
        assert_eq!(cleaned(vec![CellStep::Part("::".into(), -1)], "Hardware::Laptop::Dock"), "Dock");
        assert_eq!(cleaned(vec![CellStep::Part(";".into(), 4)], "a;b"), "");
        let strip = vec![CellStep::StripPrefix("re: ".into()), CellStep::StripSuffix(".0".into()), CellStep::Lower];
        assert_eq!(cleaned(strip, "re: AB.0"), "ab");
    }

    #[test]
    fn a_text_is_put_together_from_columns() {
        let parts = vec![TextPart::Column(1), TextPart::Plain(" / ".into()), TextPart::Column(0)];
        let cell = Cell { source: CellSource::Text(parts), row: RowChoice::Current, steps: Vec::new() };
        assert_eq!(cell.text(&["a", "b"]), "b / a");
        assert_eq!(cell.columns(), [1, 0]);
    }
}
