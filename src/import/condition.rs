//! Conditions on rows.

use regex::Regex;

use super::cell::Cell;
use super::view::RowView;

/// A condition on a row or on the first row of its case.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// What a cell must be.
    Cell(Cell, Test),
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
}

/// What a text is compared with.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// A text that the mapping states.
    Text(String),
    /// The text of another cell.
    Cell(Cell),
}

/// What a condition asks of a text.
#[derive(Clone, Debug)]
pub(super) enum Test {
    In(Vec<Operand>),
    NotIn(Vec<Operand>),
    Empty(bool),
    BeginsWith(String),
    EndsWith(String),
    Contains(String),
    Matches(Regex),
}

impl Condition {
    /// Whether it holds.
    pub(super) fn holds(&self, view: RowView<'_>) -> bool {
        match self {
            Condition::Cell(cell, test) => test.holds(&view.text(cell), view),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(view)),
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(view)),
            Condition::Not(condition) => !condition.holds(view),
        }
    }

    /// The cells it looks at.
    pub(super) fn cells(&self) -> Vec<&Cell> {
        match self {
            Condition::Cell(cell, test) => {
                std::iter::once(cell).chain(test.operands().filter_map(Operand::cell)).collect()
            }
            Condition::Any(conditions) | Condition::All(conditions) => {
                conditions.iter().flat_map(Condition::cells).collect()
            }
            Condition::Not(condition) => condition.cells(),
        }
    }

    /// The same condition on other cells.
    pub(super) fn with_cells(self, change: &impl Fn(Cell) -> Cell) -> Condition {
        let each = |conditions: Vec<Condition>| conditions.into_iter().map(|one| one.with_cells(change)).collect();
        match self {
            Condition::Cell(cell, test) => Condition::Cell(change(cell), test.with_cells(change)),
            Condition::Any(conditions) => Condition::Any(each(conditions)),
            Condition::All(conditions) => Condition::All(each(conditions)),
            Condition::Not(condition) => Condition::Not(Box::new(condition.with_cells(change))),
        }
    }
}

impl Test {
    fn holds(&self, text: &str, view: RowView<'_>) -> bool {
        match self {
            Test::In(known) => known.iter().any(|known| known.is(text, view)),
            Test::NotIn(known) => !known.iter().any(|known| known.is(text, view)),
            Test::Empty(empty) => text.is_empty() == *empty,
            Test::BeginsWith(start) => text.starts_with(start.as_str()),
            Test::EndsWith(end) => text.ends_with(end.as_str()),
            Test::Contains(part) => text.contains(part.as_str()),
            Test::Matches(expression) => expression.is_match(text),
        }
    }

    /// What the text is compared with.
    fn operands(&self) -> impl Iterator<Item = &Operand> {
        let (Test::In(operands) | Test::NotIn(operands)) = self else { return [].iter() };
        operands.iter()
    }

    fn with_cells(self, change: &impl Fn(Cell) -> Cell) -> Test {
        let each = |operands: Vec<Operand>| operands.into_iter().map(|one| one.with_cell(change)).collect();
        match self {
            Test::In(operands) => Test::In(each(operands)),
            Test::NotIn(operands) => Test::NotIn(each(operands)),
            other => other,
        }
    }
}

impl Operand {
    fn is(&self, text: &str, view: RowView<'_>) -> bool {
        match self {
            Operand::Text(known) => known == text,
            Operand::Cell(cell) => view.text(cell) == text,
        }
    }

    fn cell(&self) -> Option<&Cell> {
        if let Operand::Cell(cell) = self { Some(cell) } else { None }
    }

    fn with_cell(self, change: &impl Fn(Cell) -> Cell) -> Operand {
        match self {
            Operand::Text(text) => Operand::Text(text),
            Operand::Cell(cell) => Operand::Cell(change(cell)),
        }
    }
}
