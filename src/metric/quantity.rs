//! Instants and counts of a case that a question can filter by.
//!
//! `cases` has them as of the end of the log. A question is as of an earlier instant, so each is taken as it was then: instants
//! that are set once are compared with it, the others are read from the rows that carry their own instants.

use super::interval::Scale;

/// An instant or a count of a case.
#[derive(Debug, PartialEq, Eq)]
pub struct Quantity {
    pub name: &'static str,
    pub scale: Scale,
    origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A column of `cases` that is set once.
    Once,
    /// A column of the resolution that is in force.
    Resolution,
    /// The time of the last message that fulfils a condition.
    LastMessage(&'static str),
    /// The number of rows of a table that are there by then: the column of their instant, and a condition.
    Count(&'static str, &'static str, &'static str),
}

const fn instant(name: &'static str, origin: Origin) -> Quantity {
    Quantity { name, scale: Scale::Instant, origin }
}

const fn count(name: &'static str, table: &'static str, at: &'static str, condition: &'static str) -> Quantity {
    Quantity { name, scale: Scale::Number, origin: Origin::Count(table, at, condition) }
}

const RECEIVED: &str = "direction = 'received'";
const SENT_BY_PEOPLE: &str = "direction = 'sent' AND NOT bot";
const SENT_BY_BOTS: &str = "direction = 'sent' AND bot";

/// Every quantity.
pub const QUANTITIES: &[Quantity] = &[
    instant("created_at", Origin::Once),
    instant("first_assigned_at", Origin::Once),
    instant("first_response_at", Origin::Once),
    instant("first_resolved_at", Origin::Once),
    instant("resolved_at", Origin::Resolution),
    instant("closed_at", Origin::Resolution),
    instant("deleted_at", Origin::Once),
    instant("last_customer_message_at", Origin::LastMessage(RECEIVED)),
    instant("last_agent_message_at", Origin::LastMessage(SENT_BY_PEOPLE)),
    count("messages_received", "messages", "time", RECEIVED),
    count("messages_sent", "messages", "time", SENT_BY_PEOPLE),
    count("bot_messages_sent", "messages", "time", SENT_BY_BOTS),
    count("notes", "messages", "time", "direction = 'noted'"),
    count("assignments", "assignments", "assigned_at", "true"),
    count("reopenings", "resolutions", "reopened_at", "true"),
];

/// Columns of `cases` that are not kept as they were at an earlier instant.
pub const OF_THE_END_OF_THE_LOG: &[&str] = &["closes_at", "survey_score", "policy_version"];

/// The quantity of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Quantity> {
    QUANTITIES.iter().find(|quantity| quantity.name == name)
}

impl Quantity {
    /// Its value as of `$as_of`, over the table that [`Quantity::table`] names.
    #[must_use]
    pub fn expression(&self) -> String {
        let (name, (alias, _)) = (self.name, self.table());
        match self.origin {
            Origin::Once => format!("CASE WHEN {alias}.{name} <= $as_of THEN {alias}.{name} END"),
            Origin::Resolution | Origin::LastMessage(_) => format!("{alias}.{name}"),
            Origin::Count(..) => format!("CASE WHEN f.case_id IS NOT NULL THEN coalesce({alias}.{name}, 0) END"),
        }
    }

    /// The alias of the table with its value, and the table, which has a row of a case or none.
    #[must_use]
    pub fn table(&self) -> (String, String) {
        let name = self.name;
        let rows = |value: &str, table: &str, condition: &str| {
            let rows = format!("SELECT case_id, {value} AS {name} FROM {table} WHERE {condition} GROUP BY case_id");
            (format!("q_{name}"), format!("({rows})"))
        };
        match self.origin {
            Origin::Once => ("c".to_owned(), "cases".to_owned()),
            Origin::Resolution => {
                let in_force = format!("{name} <= $as_of AND (reopened_at IS NULL OR reopened_at > $as_of)");
                rows(&format!("max({name})"), "resolutions", &in_force)
            }
            Origin::LastMessage(condition) => rows("max(time)", "messages", &format!("{condition} AND time <= $as_of")),
            Origin::Count(table, at, condition) => rows("count(*)", table, &format!("{condition} AND {at} <= $as_of")),
        }
    }
}
