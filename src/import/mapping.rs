//! The content of a mapping, checked and ready: which columns are read, what of a row is kept, and which events it becomes.
//!
//! Pure data; [`parse`](super::parse) makes it from TOML, and the other files only read it. Columns are numbered in the order in which
//! the mapping first names them; the cells of a [`Row`](super::row::Row) have the same numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cell::{Cell, RowChoice};
use super::condition::Condition;
use super::path::Arrays;
use super::time_rule::TimeRule;
use super::vocabulary::ValueType;
use crate::model::event::EventType;

/// What the name of a mapping that comes with the program begins with, in place of a file.
pub const BUILT_IN_FILE: &str = "built-in mapping ";

/// How one foreign table becomes events, read from a TOML file. `docs/mappings.md` describes every key.
#[derive(Debug)]
pub struct Mapping {
    pub(super) file: Arc<str>,
    pub(super) source: String,
    pub(super) grace: Grace,
    pub(super) input: InputRules,
    pub(super) columns: Vec<Column>,
    /// What rules go through within a record: level 1 is the first of these.
    pub(super) levels: Vec<Each>,
    pub(super) filters: Vec<Condition>,
    /// Cells that identify a row; empty: the whole record does.
    pub(super) key: Vec<Cell>,
    /// Each row is the state of its case at its time.
    pub(super) snapshots: bool,
    pub(super) time: TimeRule,
    pub(super) sequence: Option<Cell>,
    pub(super) case: CaseOf,
    pub(super) order: Vec<OrderKey>,
    pub(super) leave_out: Vec<LeaveOut>,
    pub(super) events: Vec<EventRule>,
}

impl Mapping {
    /// The CloudEvents source of every event the mapping emits.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The grace period of its cases, as a duration.
    pub fn grace_period(&self) -> &str {
        &self.grace.period
    }

    /// The file and the line that states the grace period.
    pub fn grace_place(&self) -> String {
        format!("{}:{}", self.file, self.grace.line)
    }

    /// The names of the types of events that later snapshots do not state again: those that a case has once. None where
    /// rows are not snapshots.
    pub fn types_stated_once(&self) -> Vec<&'static str> {
        let once = self.events.iter().filter(|rule| self.snapshots && rule.on.is_once_per_case());
        once.map(|rule| rule.kind.name()).collect()
    }

    /// Whether messages are routed into cases.
    pub fn routes(&self) -> bool {
        matches!(self.case, CaseOf::Route { .. })
    }

    /// The grace period of its cases, in milliseconds.
    pub fn grace_period_ms(&self) -> i64 {
        self.grace.period_ms
    }

    /// The value of a member of a case's creation.
    pub(super) fn at_creation(&self, name: &str) -> Option<&Value> {
        let creation = self.events.iter().find(|rule| rule.kind == EventType::CaseCreated)?;
        creation.members.iter().find(|member| member.name == name && !member.of_fields).map(|member| &member.value)
    }

    /// Name and event type of every rule, in their order.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.events.iter().map(|rule| (rule.name.as_str(), rule.kind.name()))
    }

    /// The names of the columns that are read, in the order in which the mapping names them.
    pub fn columns_read(&self) -> impl Iterator<Item = String> {
        self.columns.iter().map(Column::shown)
    }

    /// How many of these columns the mapping needs, and how many it needs in all.
    pub fn columns_in(&self, columns: &[String]) -> (usize, usize) {
        let is_needed =
            |column: &&Column| column.level == 0 && column.up == 0 && !column.optional && column.name() != "@index";
        let needed: Vec<&Column> = self.columns.iter().filter(is_needed).collect();
        let found = needed.iter().filter(|column| column.names.iter().any(|name| columns.contains(name)));
        (found.count(), needed.len())
    }

    /// The zones in which it reads times without an offset, by their IANA names.
    pub fn zones(&self) -> BTreeSet<&str> {
        let mut times: Vec<&TimeRule> =
            std::iter::once(&self.time).chain(self.events.iter().filter_map(|rule| rule.time.as_ref())).collect();
        let mut zones = BTreeSet::new();
        while let Some(time) = times.pop() {
            zones.extend(time.zone.as_ref().and_then(|zone| zone.iana_name()));
            times.extend(time.default.as_deref());
        }
        zones
    }

    /// How to change the mapping where it comes with the program.
    pub(super) fn how_to_copy(&self) -> Option<String> {
        let name = self.file.strip_prefix(BUILT_IN_FILE)?;
        Some(format!(
            "`casebook mapping show {name} -o mappings/{name}.toml` writes the mapping into a project, to be changed there"
        ))
    }

    /// Whether the rows must be brought together by case before they can become events.
    pub(super) fn needs_order(&self) -> bool {
        self.key.is_empty()
            || self.snapshots
            || !self.leave_out.is_empty()
            || !matches!(self.order.as_slice(), [OrderKey::Time, OrderKey::Sequence])
            || !matches!(self.case, CaseOf::Column(_))
            || self.events.iter().any(EventRule::needs_other_rows)
    }

    /// The name of a cell in messages: that of its column, or its columns.
    pub(super) fn cell_name(&self, cell: &Cell) -> String {
        let name = |column: usize| self.columns.get(column).map_or("", |column| column.name()).to_owned();
        cell.columns().into_iter().map(name).collect::<Vec<_>>().join("`, `")
    }
}

/// How the inputs are read.
#[derive(Clone, Debug)]
pub(super) struct InputRules {
    /// Between the cells of a CSV table; that of the file's first line, a tab or a comma where the mapping states none.
    pub(super) delimiter: Option<u8>,
    pub(super) quote: u8,
    /// Of texts without a byte order mark; UTF-8 where the mapping states none.
    pub(super) encoding: Option<&'static encoding_rs::Encoding>,
    /// Lines before the header.
    pub(super) skip_lines: u64,
    /// Rows with fewer cells than the header have empty ones at the end, and cells beyond the header are left out.
    pub(super) uneven_rows: bool,
    /// The worksheet of a workbook, and the line that names it; the first that has rows where the mapping names none.
    pub(super) worksheet: Option<(String, usize)>,
    /// The rows of a JSON document; the document itself where the mapping states none.
    pub(super) rows: Arrays,
}

/// A column that the mapping names, and where it names it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The first of these that the input has counts.
    pub(super) names: Vec<String>,
    pub(super) occurrence: Occurrence,
    /// An input may lack it; its cells are empty then.
    pub(super) optional: bool,
    /// 0 for a column of the record, else the number of the level whose elements have it.
    pub(super) level: usize,
    /// How many elements around that of the level it belongs to: 1 for that around it.
    pub(super) up: usize,
    /// Line of the mapping.
    pub(super) line: usize,
}

impl Column {
    /// Its name in messages.
    pub(super) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Its name, and what chooses among several of that name.
    pub(super) fn shown(&self) -> String {
        let occurrence = match self.occurrence {
            Occurrence::Only => String::new(),
            Occurrence::Number(number) => format!(" ({number})"),
            Occurrence::All => " (all)".to_owned(),
        };
        format!("{}{}{occurrence}", "../".repeat(self.up), self.name())
    }

    /// Its names in messages: `` `a` or `b` ``.
    pub(super) fn any_name(&self) -> String {
        self.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    }

    /// The same column, wherever the mapping names it.
    pub(super) fn is_same(&self, other: &Column) -> bool {
        let place = |column: &Column| (column.occurrence, column.optional, column.level, column.up);
        self.names == other.names && place(self) == place(other)
    }
}

/// Which of the columns of one name a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    /// There must be one of that name.
    Only,
    /// That of this number, from 1.
    Number(usize),
    /// All of them: the cell is a JSON array of their texts, empty ones left out.
    All,
}

/// What a rule goes through within a record.
#[derive(Clone, Debug)]
pub(super) enum Each {
    /// The elements of arrays.
    Elements(Arrays),
    /// The parts of a cell of the record; without a separator the elements of its JSON array.
    Parts { cell: Cell, separator: Option<String> },
    /// As many times as a cell of the record counts.
    Times(Cell),
}

impl Each {
    /// Whether two rules go through the same. Cells to whose text something is done are not compared.
    pub(super) fn is_same(&self, other: &Each) -> bool {
        match (self, other) {
            (Each::Elements(one), Each::Elements(other)) => one == other,
            (Each::Parts { cell: one, separator }, Each::Parts { cell: other, separator: others }) => {
                separator == others && one.is_same_plain(other)
            }
            (Each::Times(one), Each::Times(other)) => one.is_same_plain(other),
            _ => false,
        }
    }
}

/// The grace period, as a duration of the specification, and its place in the mapping file.
#[derive(Debug)]
pub(super) struct Grace {
    pub(super) period: String,
    pub(super) period_ms: i64,
    pub(super) line: usize,
    pub(super) offset: usize,
}

/// Which case a row belongs to.
#[derive(Debug)]
pub(super) enum CaseOf {
    /// A cell holds the case.
    Column(Cell),
    /// The case is the root of the chain of parents.
    Thread { id: Cell, parent: Cell },
    /// The row is a message of this id without a case. It belongs to one of the cases of the customer and the profile that the rule of
    /// `case.created` gives.
    Route { message: Cell },
}

/// One key of the order of rows within a case.
#[derive(Debug)]
pub(super) enum OrderKey {
    Time,
    Sequence,
    Integer(Cell),
    Text(Cell),
}

/// Cases that are not imported, and the name under which they are counted.
#[derive(Debug)]
pub(super) struct LeaveOut {
    pub(super) name: String,
    pub(super) condition: Condition,
}

/// One event that rows may become.
#[derive(Debug)]
pub(super) struct EventRule {
    /// Part of the event's id; the type where the mapping gives no name.
    pub(super) name: String,
    pub(super) kind: EventType,
    pub(super) on: On,
    /// The level whose rows it is for.
    pub(super) level: usize,
    pub(super) when: Vec<Condition>,
    /// The cells that identify the event, where they are not those of the row.
    pub(super) key: Vec<Cell>,
    /// The subject where it is not the case.
    pub(super) subject: Option<Value>,
    /// The event's own time, where it is not the row's.
    pub(super) time: Option<TimeRule>,
    /// The event's own sequence, where it is not the row's.
    pub(super) sequence: Option<Cell>,
    pub(super) members: Vec<Member>,
}

impl EventRule {
    fn needs_other_rows(&self) -> bool {
        !matches!(self.on, On::Row) || self.takes_of_first_row()
    }

    /// Whether a cell is that of the first row of the case.
    pub(super) fn takes_of_first_row(&self) -> bool {
        let cells = self.when.iter().flat_map(Condition::cells);
        let cells = cells.chain(self.time.iter().flat_map(TimeRule::cells));
        let values = self.subject.iter().chain(self.members.iter().map(|member| &member.value));
        cells.chain(values.flat_map(Value::cells)).any(|cell| cell.row == RowChoice::First)
    }
}

/// Which rows of a case an event is emitted for.
#[derive(Debug)]
pub(super) enum On {
    /// The first row of the case.
    First,
    /// The first row of the case that meets the rule's conditions.
    Once,
    Row,
    /// Rows whose value differs from that of the row before.
    Change(Value),
}

impl On {
    /// Whether a case has at most one such event.
    pub(super) fn is_once_per_case(&self) -> bool {
        matches!(self, On::First | On::Once)
    }
}

/// A member of an event's `data`.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// A member of `fields` rather than of `data` itself.
    pub(super) of_fields: bool,
    pub(super) required: bool,
    /// Null, which clears what was there, where the cell is empty.
    pub(super) clears: bool,
    pub(super) value: Value,
}

/// Where the value of a member comes from.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// The same for every row, as JSON.
    Constant(serde_json::Value),
    /// A cell, through a map and with a default where the mapping states them.
    Taken(Box<Taken>),
}

/// A value taken from a cell.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) cell: Cell,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) default: Option<Value>,
    pub(super) value_type: ValueType,
}

impl Value {
    /// The cell it is taken from first.
    pub(super) fn cell(&self) -> Option<&Cell> {
        match self {
            Self::Constant(_) => None,
            Self::Taken(taken) => Some(&taken.cell),
        }
    }

    /// Every cell it may be taken from.
    pub(super) fn cells(&self) -> Vec<&Cell> {
        match self {
            Self::Constant(_) => Vec::new(),
            Self::Taken(taken) => {
                let default = taken.default.iter().flat_map(Value::cells);
                std::iter::once(&taken.cell).chain(default).collect()
            }
        }
    }
}
