//! The auditor: a second, deliberately simple implementation of the specification, with which the product is compared.
//!
//! It shares no code with the product and may be slow: it sorts all events, replays each case step by step, and computes every
//! other value (the label of a clock at an instant, the target in force) again from those steps and from the versions of the
//! desk.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "in tests a panic is a failed test; here the simple way is the right one"
)]

mod business;
mod cases;
mod clock;
pub mod compare;
mod desk;
mod due;
mod event;
mod findings;
#[cfg(test)]
mod golden;
pub mod histories;
mod hours;
mod label;
mod life;
mod notices;
mod policy;
mod rules;
mod turns;
mod world;

use serde_json::Value;
use std::collections::BTreeMap;

pub use business::open_hours_ms;
pub use compare::differences;
pub use event::{Event, instant};
pub use label::counted_ms;
pub use life::{Case, Fate, State, Step, is_resolved};
pub use world::World;

/// One row of a table: column to value. Instants are RFC 3339 text, `_ms` columns integers.
pub type Row = BTreeMap<String, Value>;
/// The fact tables (4) by name. The order of rows means nothing.
pub type Tables = BTreeMap<&'static str, Vec<Row>>;

/// The facts that a log of acceptable events gives (4), in any order and with exact duplicates allowed.
///
/// The facts as of T are those of the events up to and including T.
#[must_use]
pub fn audit(lines: &[Value]) -> Tables {
    tables(&World::read(lines))
}

/// The fact tables of a log that has been read.
#[must_use]
pub fn tables(world: &World) -> Tables {
    let mut tables = Tables::new();
    for name in TABLES {
        tables.insert(name, Vec::new());
    }
    for case in &world.cases {
        cases::add_rows(world, case, &mut tables);
        clock::add_rows(world, case, &mut tables);
    }
    tables.insert("users", notices::users(world));
    tables.insert("presence", notices::presence(world));
    let notices = notices::breaches(world, &tables);
    tables.insert("breach_notices", notices);
    tables.insert("findings", findings::findings(world));
    tables.insert("noted", findings::noted(world));
    tables
}

/// The tables that the auditor gives.
pub const TABLES: [&str; 16] = [
    "cases",
    "periods",
    "assignments",
    "turns",
    "milestones",
    "ledger",
    "resolutions",
    "messages",
    "field_values",
    "findings",
    "users",
    "presence",
    "community_locks",
    "breach_notices",
    "surveys",
    "noted",
];

/// The outcome of a row of `milestones` as of an instant (3.6): the first line of its table that applies.
#[must_use]
pub fn outcome(milestone: &Row, as_of: i64) -> &'static str {
    let at = |column: &str| milestone.get(column).and_then(Value::as_str).map(instant);
    let by_now = |column: &str| at(column).filter(|t| *t <= as_of);
    let due = at("due_at");
    if let Some(completed) = by_now("completed_at") {
        return if due.is_none_or(|due| completed <= due) { "met" } else { "late" };
    }
    if let Some(stopped) = by_now("stopped_at") {
        return if due.is_some_and(|due| due < stopped) { "missed" } else { "cancelled" };
    }
    if by_now("disabled_at").is_some() {
        return "disabled";
    }
    if due.is_some_and(|due| due < as_of) { "overdue" } else { "running" }
}
