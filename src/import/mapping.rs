//! The content of a mapping, checked and ready: which columns are read, what of a row is kept, and which events it becomes.
//!
//! Pure data; [`parse`](super::parse) makes it from TOML, and the other files only read it. Columns are numbered in the order in which
//! the mapping first names them; the cells of a [`Row`](super::row::Row) have the same numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::{Cell, RowChoice};
use super::time_rule::TimeRule;
use super::vocabulary::ValueType;
use crate::model::event::EventType;

/// How one foreign table becomes events, read from a TOML file.
///
/// ```toml
/// source = "zendesk/eu"            # CloudEvents source of every event
/// grace_period = "3650d"           # a duration, or "never" (99999d); one settings.updated at 1970-01-01T00:00:00Z
/// key = ["ticket", "n"]            # columns that name a row; without them a hash of the record and its number among equal ones
/// sequence = "n"                   # a column of whole numbers; empty is 0
/// delimiter = ";"                  # default ","; likewise `quote`
///
/// [time]                           # or time = "at", for RFC 3339
/// column = "at"
/// format = "%d.%m.%Y %H:%M"        # rfc3339 (default), unix, unix_ms, or a strptime pattern
/// zone = "Europe/Prague"           # for times without an offset
///
/// [case]
/// id = "ticket"                    # or thread = { id = "tweet", parent = { column = "reply_to", strip_suffix = ".0" } }
/// order = ["time", { column = "n", as = "integer" }]   # within a case; default: time, sequence
///
/// [[filter]]                       # rows must pass every filter; rows that do not are ignored
/// column = "channel"
/// not_in = ["test", "spam"]        # one of: equals, not_equals, in, not_in, empty
///
/// [[leave_out]]                    # cases whose first row (the root of a thread) meets the condition
/// name = "thread begun by a brand" # the name under which they are counted
/// column = "inbound"
/// not_equals = "True"
///
/// [[event]]
/// type = "case.status_changed"
/// name = "state"                   # part of the id; default: the type
/// on = "change"                    # first (row of a case), row (each), change (of a member or `{ column = … }`)
/// of = "status"
/// when = { column = "kind", equals = "audit" }         # or a list, of which all must hold
/// time = "changed_at"              # default: the row's; empty: no event
/// [event.data]                     # plain values are constants; tables take a cell
/// status = { column = "state", map = { Working = "open" }, default = "new" }
/// by = { column = "who", trim = true, lower = true }   # also strip_prefix, strip_suffix, as, separator
/// ```
///
/// `root = "column"` in place of `column` takes the cell of the case's first row. An empty cell, or one that the map lacks where there
/// is no `default`, leaves out an optional member, and the whole event where the member is required. Each is counted, but for empty
/// cells of optional members. `fields.NAME` sets a case field. Events about users, profiles and customers state a `subject`.
#[derive(Debug)]
pub struct Mapping {
    pub(super) file: Arc<str>,
    pub(super) source: String,
    pub(super) grace: Grace,
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    pub(super) columns: Vec<Column>,
    pub(super) filters: Vec<Condition>,
    /// Columns that identify a row; empty: the whole record does.
    pub(super) key: Vec<usize>,
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

    /// Whether the rows must be brought together by case before they can become events.
    pub(super) fn needs_order(&self) -> bool {
        self.key.is_empty()
            || !self.leave_out.is_empty()
            || matches!(self.case, CaseOf::Thread { .. })
            || self.events.iter().any(EventRule::needs_other_rows)
    }
}

/// A column that the mapping names, and where it names it first.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) line: usize,
}

/// The grace period, as a duration of the specification, and its place in the mapping file.
#[derive(Debug)]
pub(super) struct Grace {
    pub(super) period: String,
    pub(super) line: usize,
    pub(super) offset: usize,
}

/// Which case a row belongs to.
#[derive(Debug)]
pub(super) enum CaseOf {
    /// A column holds the case.
    Column(Cell),
    /// The case is the root of the chain of parents.
    Thread { id: Cell, parent: Cell },
}

/// One key of the order of rows within a case.
#[derive(Debug)]
pub(super) enum OrderKey {
    Time,
    Sequence,
    Integer(Cell),
    Text(Cell),
}

/// A condition on a row or on the first row of its case.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) cell: Cell,
    pub(super) test: Test,
}

/// What a condition asks of a text.
#[derive(Debug)]
pub(super) enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Empty(bool),
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
    pub(super) when: Vec<Condition>,
    /// The subject where it is not the case.
    pub(super) subject: Option<Value>,
    /// The event's own time, where it is not the row's.
    pub(super) time: Option<TimeRule>,
    pub(super) members: Vec<Member>,
}

impl EventRule {
    fn needs_other_rows(&self) -> bool {
        let cells = self.when.iter().map(|condition| &condition.cell);
        let values = self.subject.iter().chain(self.members.iter().map(|member| &member.value));
        !matches!(self.on, On::Row)
            || cells.chain(values.filter_map(Value::cell)).any(|cell| cell.row == RowChoice::First)
    }
}

/// Which rows of a case an event is emitted for.
#[derive(Debug)]
pub(super) enum On {
    First,
    Row,
    /// Rows whose value differs from that of the row before.
    Change(Value),
}

/// A member of an event's `data`.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// A member of `fields` rather than of `data` itself.
    pub(super) of_fields: bool,
    pub(super) required: bool,
    pub(super) value: Value,
}

/// Where the value of a member comes from.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// The same for every row, as JSON.
    Constant(serde_json::Value),
    /// A cell, through a map and with a default where the mapping states them.
    Taken(Taken),
}

/// A value taken from a cell.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) cell: Cell,
    pub(super) map: Option<BTreeMap<String, String>>,
    pub(super) default: Option<String>,
    pub(super) value_type: ValueType,
}

impl Value {
    pub(super) fn cell(&self) -> Option<&Cell> {
        match self {
            Self::Constant(_) => None,
            Self::Taken(taken) => Some(&taken.cell),
        }
    }
}
