//! The life cycle of cases: what events mean.
//!
//! Pure: no I/O, no async, no Arrow, no wall clock. It takes events and returns what happened. No set of events makes it fail;
//! it reports findings. Reading order: [`event`] (types), [`position`] (their order), [`desk`] (people, profiles and settings
//! as versions over time), [`case`] (the life cycle itself), [`finding`] (what contradicts it).

pub mod calendar;
pub mod case;
pub mod content;
pub mod customer;
pub mod desk;
pub mod event;
pub mod field;
pub mod finding;
pub mod hours;
pub mod outcome;
pub mod policy;
pub mod position;
pub mod schedule;
pub mod sla;
pub mod time;
mod update;
pub mod versions;
pub mod view;
pub mod words;

use std::collections::BTreeSet;
use std::fmt;

/// Why an event is not accepted: the rule it breaks (a fixed name), where in its data, and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub rule: &'static str,
    /// The member of the data that is refused, from the outside in; empty where it is the data as a whole.
    path: Vec<Step>,
    /// Names that come before the detail, such as `policy "Premium", urgent`.
    prefix: String,
    detail: String,
}

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Member(String),
    Item(usize),
}

impl Refusal {
    /// A refusal by that rule.
    #[must_use]
    pub fn new(rule: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { rule, path: Vec::new(), prefix: String::new(), detail: detail.into() }
    }

    /// The same refusal, of a value that is that member of the present one.
    #[must_use]
    pub fn at(mut self, member: &str) -> Refusal {
        self.path.insert(0, Step::Member(member.to_owned()));
        self
    }

    /// The same refusal, of a value that is that item of the present list.
    #[must_use]
    pub fn at_item(mut self, index: usize) -> Refusal {
        self.path.insert(0, Step::Item(index));
        self
    }

    /// Where in the data the refused part is; empty where it is the data as a whole.
    #[must_use]
    pub fn path(&self) -> &[Step] {
        &self.path
    }

    /// The same refusal, with the name of what holds the refused value in front of the text.
    #[must_use]
    pub fn within(mut self, holder: &str) -> Refusal {
        self.prefix = if self.prefix.is_empty() { holder.to_owned() } else { format!("{holder}, {}", self.prefix) };
        self
    }
}

/// Refuses a list in which a value is listed twice, where that cannot mean anything.
///
/// # Errors
/// `listed_twice`, at the second of the two.
pub fn check_listed_once<T: Ord>(
    list: &str,
    values: impl IntoIterator<Item = T>,
    text: impl Fn(&T) -> String,
) -> Result<(), Refusal> {
    let mut known = BTreeSet::new();
    for (at, value) in values.into_iter().enumerate() {
        if known.contains(&value) {
            let detail = format!("`{list}` lists {} twice", text(&value));
            return Err(Refusal::new("listed_twice", detail).at_item(at));
        }
        known.insert(value);
    }
    Ok(())
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            formatter.write_str(&self.detail)
        } else {
            write!(formatter, "{}: {}", self.prefix, self.detail)
        }
    }
}
