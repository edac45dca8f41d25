//! What a metric can be cut by. Dimensions are joined by the engine, not written in each metric (5.1).
//!
//! What changes over a case's life is taken as it was at the contribution; `NAME@now` takes it as of the report.

use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// A dimension, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// As typed, `@now` included; the column's name in every output.
    pub name: String,
    source: Source,
    now: bool,
}

/// Where the engine takes a dimension from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A column of the contributions.
    Contribution(&'static str),
    /// The team of the contribution's agent.
    Team,
    /// A column of `periods`.
    Period(&'static str),
    /// Done or Spam, where the case stands resolved.
    Resolution,
    /// A column of `cases`.
    Case(&'static str),
    /// Whether the case has been deleted as of the report.
    Deleted,
    /// A custom field, or the sentiment.
    Field(String),
    /// A function of the local time.
    Clock(&'static str),
}

/// Every name, for messages and completion; `field.NAME` names a custom field.
pub const NAMES: &[&str] = &[
    "agent",
    "team",
    "status",
    "priority",
    "profile",
    "resolution",
    "platform",
    "origin",
    "language",
    "customer",
    "policy",
    "deleted",
    "sentiment",
    "kind",
    "hour_of_day",
    "day_of_week",
    "field.NAME",
];

impl Dimension {
    /// The dimension of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is the hint.
    pub fn parse(typed: &str) -> Result<Dimension> {
        let (name, now) = typed.strip_suffix("@now").map_or((typed, false), |name| (name, true));
        let source = match name {
            "agent" => Source::Contribution("agent"),
            "kind" => Source::Contribution("kind"),
            "team" => Source::Team,
            "status" => Source::Period("status"),
            "priority" => Source::Period("priority"),
            "profile" => Source::Period("profile"),
            "resolution" => Source::Resolution,
            "platform" => Source::Case("platform"),
            "origin" => Source::Case("origin"),
            "language" => Source::Case("language"),
            "customer" => Source::Case("customer"),
            "policy" => Source::Case("policy"),
            "deleted" => Source::Deleted,
            "sentiment" => Source::Field("sentiment".to_owned()),
            "hour_of_day" => Source::Clock("hour_of_day"),
            "day_of_week" => Source::Clock("day_of_week"),
            _ => match name.strip_prefix("field.").filter(|field| !field.is_empty()) {
                Some(field) => Source::Field(field.to_owned()),
                None => return Err(unknown(name)),
            },
        };
        Ok(Dimension { name: typed.to_owned(), source, now })
    }

    /// Whether only metrics whose contributions have that column can be cut by it.
    #[must_use]
    pub fn needs_column(&self) -> Option<&'static str> {
        match self.source {
            Source::Contribution(column) if column != "agent" => Some(column),
            _ => None,
        }
    }

    /// The SQL of its value, for the `position`-th dimension of a question over contributions `f`; always a text.
    #[must_use]
    pub fn expression(&self, position: usize, question: &Bounds) -> String {
        let table = format!("d{position}");
        match &self.source {
            Source::Contribution("agent") if self.now => format!("{table}.assignee"),
            Source::Contribution(column) => format!("f.\"{column}\""),
            Source::Team => format!("{table}.team"),
            Source::Period(column) | Source::Case(column) => format!("{table}.{column}"),
            Source::Resolution => format!("CASE WHEN {table}.status IN ('done', 'spam') THEN {table}.status END"),
            Source::Deleted => {
                format!("CASE WHEN {table}.deleted_at <= {} THEN 'deleted' ELSE 'kept' END", question.as_of)
            }
            Source::Field(_) => format!("{table}.value"),
            Source::Clock(function) => {
                let number = format!("{function}(f.at, '{}')", question.zone);
                format!("lpad(CAST({number} AS VARCHAR), {}, '0')", if *function == "hour_of_day" { 2 } else { 1 })
            }
        }
    }

    /// A value that was typed, as the dimension spells it: `9` is hour `09`, `Monday` is day `1`.
    #[must_use]
    pub fn comparable(&self, typed: &str) -> String {
        const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        match self.source {
            Source::Clock("hour_of_day") => format!("{typed:0>2}"),
            Source::Clock(_) => {
                let name = typed.to_lowercase();
                let day = DAYS.iter().position(|day| name.len() >= 3 && day.starts_with(&name));
                day.map_or_else(|| typed.to_owned(), |day| (day + 1).to_string())
            }
            _ => typed.to_owned(),
        }
    }

    /// The join that its value needs.
    #[must_use]
    pub fn join(&self, position: usize, question: &Bounds) -> String {
        let table = format!("d{position}");
        let instant = if self.now { question.as_of.as_str() } else { "f.at" };
        let in_force = format!("{table}.since <= {instant} AND ({table}.until IS NULL OR {table}.until > {instant})");
        match &self.source {
            Source::Contribution("agent") if self.now => {
                format!("LEFT JOIN periods {table} ON {table}.case_id = f.case_id AND {in_force}")
            }
            Source::Contribution(_) | Source::Clock(_) => String::new(),
            Source::Team => format!("LEFT JOIN users {table} ON {table}.\"user\" = f.agent AND {in_force}"),
            Source::Period(_) | Source::Resolution => {
                format!("LEFT JOIN periods {table} ON {table}.case_id = f.case_id AND {in_force}")
            }
            Source::Case(_) | Source::Deleted => format!("LEFT JOIN cases {table} ON {table}.case_id = f.case_id"),
            Source::Field(field) => {
                let field = field.replace('\'', "''");
                format!(
                    "LEFT JOIN field_values {table} ON {table}.case_id = f.case_id AND {table}.field = '{field}' AND {in_force}"
                )
            }
        }
    }
}

/// What a question's SQL refers to: SQL of the as-of instant and the zone's name.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub as_of: String,
    pub zone: String,
}

fn unknown(name: &str) -> Error {
    let hint = did_you_mean(name, NAMES.iter().copied());
    let hint = match super::range::Grain::NAMES.contains(&name) {
        true => Some(format!("time is cut by a grain: `--grain {name}`, or `grain = \"{name}\"` in a dashboard")),
        false => hint,
    };
    Error::invalid("dimension", format!("`{name}` is not a dimension"))
        .with_hint(hint.unwrap_or_else(|| format!("the dimensions are {}", NAMES.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_dimension_names_the_nearest() {
        let hint = |name: &str| Dimension::parse(name).unwrap_err().hint().unwrap().to_owned();
        assert_eq!(hint("plattform"), "did you mean `platform`?");
        assert!(hint("day").contains("--grain day"));
        assert!(Dimension::parse("field.product@now").unwrap().now);
        assert_eq!(Dimension::parse("hour_of_day").unwrap().comparable("9"), "09");
        assert_eq!(Dimension::parse("day_of_week").unwrap().comparable("Mon"), "1");
    }
}
