//! The life cycle of cases: what events mean.
//!
//! Pure: no I/O, no async, no Arrow, no wall clock. It takes events and returns what happened. No set of events makes it fail;
//! it reports findings. Reading order: [`event`] (types), [`position`] (their order), [`members`] (what an
//! event's data may hold), [`mod@line`] (one line of the wire format), [`desk`] (people, profiles and settings as versions
//! over time), [`case`] (the life cycle itself), [`finding`] (what contradicts it).

pub mod calendar;
pub mod case;
pub mod customer;
pub mod desk;
pub mod event;
pub mod field;
pub mod finding;
pub mod hours;
pub mod policy;
pub mod position;
pub mod schedule;
pub mod sla;
pub mod time;
mod update;
pub mod versions;
pub mod words;

use std::fmt;

/// Why an event is not accepted: the rule it breaks (a fixed name), where in its data, and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub rule: &'static str,
    path: String,
    detail: String,
}

impl Refusal {
    /// A refusal by that rule.
    #[must_use]
    pub fn new(rule: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { rule, path: String::new(), detail: detail.into() }
    }

    /// The same refusal, with the member in which it was found.
    #[must_use]
    pub fn within(mut self, member: &str) -> Refusal {
        self.path = if self.path.is_empty() { member.to_owned() } else { format!("{member}, {}", self.path) };
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.detail)
        } else {
            write!(formatter, "{}: {}", self.path, self.detail)
        }
    }
}
