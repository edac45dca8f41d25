//! What a metric can be cut by. Dimensions are joined by the engine, not written in each metric (5.1).
//!
//! What changes over a case's life is taken as it was at the contribution; `NAME@now` takes it as of the report.

use datafusion::common::ScalarValue;

use crate::error::{Error, Result};
use crate::model::case::history::SENTIMENT_FIELD;
use crate::model::event::{MessageKind, Origin, Priority, Sentiment, Status};
use crate::spelling::did_you_mean;

/// A dimension, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// As typed, `@now` included; the column's name in every output.
    pub name: String,
    /// Where it was asked for, for messages: a flag, or file and line.
    pub place: String,
    source: Source,
    now: bool,
}

/// The values that a dimension can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// These names and no others.
    OneOf(&'static [&'static str]),
    /// An hour of the day, from 0 to 23.
    Hour,
    /// A day of the week: 1 (Monday) to 7, or its name.
    Weekday,
    /// Any text that an event states.
    Text,
}

/// Whether a case has been deleted.
const DELETED_NAMES: &[&str] = &["kept", "deleted"];

/// The statuses of a resolved case.
const RESOLUTION_NAMES: &[&str] = &["done", "spam"];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Where the values of a dimension of free texts are found in the tables: a table and its column.
pub type Column = (&'static str, &'static str);

/// Where the engine takes a dimension from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A column of the contributions.
    Contribution(&'static str),
    /// The team of the contribution's agent.
    Team,
    /// A column of `periods`.
    Period(&'static str),
    /// Done or Spam, of a resolved case.
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
            "sentiment" => Source::Field(SENTIMENT_FIELD.to_owned()),
            "hour_of_day" => Source::Clock("hour_of_day"),
            "day_of_week" => Source::Clock("day_of_week"),
            _ => match name.strip_prefix("field.").filter(|field| !field.is_empty()) {
                Some(field) => Source::Field(field.to_owned()),
                None => return Err(unknown(name)),
            },
        };
        Ok(Dimension { name: typed.to_owned(), place: "dimension".to_owned(), source, now })
    }

    /// The same dimension, asked for at that place.
    #[must_use]
    pub fn written_at(self, place: impl Into<String>) -> Dimension {
        Dimension { place: place.into(), ..self }
    }

    /// The values that it can have.
    #[must_use]
    pub fn value_kind(&self) -> ValueKind {
        match &self.source {
            Source::Period("status") => ValueKind::OneOf(Status::NAMES),
            Source::Period("priority") => ValueKind::OneOf(Priority::NAMES),
            Source::Case("origin") => ValueKind::OneOf(Origin::NAMES),
            Source::Resolution => ValueKind::OneOf(RESOLUTION_NAMES),
            Source::Deleted => ValueKind::OneOf(DELETED_NAMES),
            Source::Field(field) if field == SENTIMENT_FIELD => ValueKind::OneOf(Sentiment::NAMES),
            Source::Clock("hour_of_day") => ValueKind::Hour,
            Source::Clock(_) => ValueKind::Weekday,
            // A metric of the project may have kinds of its own.
            Source::Contribution(_) | Source::Team | Source::Period(_) | Source::Case(_) | Source::Field(_) => {
                ValueKind::Text
            }
        }
    }

    /// The custom field that it takes its values from.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match &self.source {
            Source::Field(field) if field != SENTIMENT_FIELD => Some(field),
            _ => None,
        }
    }

    /// The values of a built-in metric, where those of the project's metrics are not known.
    #[must_use]
    pub fn usual_values(&self) -> &'static [&'static str] {
        match self.source {
            Source::Contribution("kind") => MessageKind::NAMES,
            _ => &[],
        }
    }

    /// The columns in which a value that an event states is found; those of a custom field only in the rows of the field.
    #[must_use]
    pub fn columns(&self) -> &'static [Column] {
        match &self.source {
            Source::Contribution("agent") => &[
                ("users", "user"),
                ("periods", "assignee"),
                ("assignments", "agent"),
                ("resolutions", "by"),
                ("messages", "by"),
            ],
            Source::Team => &[("users", "team")],
            Source::Period("profile") => &[("profiles", "profile"), ("periods", "profile")],
            Source::Case("platform") => &[("profiles", "platform"), ("cases", "platform")],
            Source::Case("language") => &[("cases", "language")],
            Source::Case("customer") => &[("cases", "customer")],
            Source::Case("policy") => &[("policies", "policy"), ("cases", "policy")],
            Source::Field(_) => &[("field_values", "value")],
            _ => &[],
        }
    }

    /// Whether a value that was typed can be one of this dimension's.
    ///
    /// # Errors
    /// When the dimension has a fixed set of values and this is none of them; the nearest is the hint.
    pub fn check_value(&self, typed: &str) -> Result<()> {
        let (fits, values, near) = match self.value_kind() {
            ValueKind::Text => return Ok(()),
            ValueKind::OneOf(names) => {
                (names.contains(&typed), names.join(", "), did_you_mean(typed, names.iter().copied()))
            }
            ValueKind::Hour => {
                let is_hour = typed.len() <= 2 && typed.parse::<u8>().is_ok_and(|hour| hour < 24);
                (is_hour, "0 to 23".to_owned(), None)
            }
            ValueKind::Weekday => {
                let is_day = typed.parse::<u8>().is_ok_and(|day| (1..=7).contains(&day)) || weekday(typed).is_some();
                let near = did_you_mean(&typed.to_lowercase(), WEEKDAYS);
                (is_day, "1 (Monday) to 7 (Sunday), or the name of a day".to_owned(), near)
            }
        };
        if fits {
            return Ok(());
        }
        let error = Error::invalid(&self.place, format!("`{}` has the values {values}; found `{typed}`", self.name));
        Err(error.with_hint(near.unwrap_or_else(|| format!("`{}=` is for what has no value", self.name))))
    }

    /// Whether only metrics whose contributions have that column can be cut by it.
    #[must_use]
    pub fn needs_column(&self) -> Option<&'static str> {
        match self.source {
            Source::Contribution(column) if column != "agent" => Some(column),
            _ => None,
        }
    }

    /// The SQL of its value, for the `position`-th dimension of a question over contributions `f`; always a text. Refers to
    /// the parameters `$as_of` and `$zone`.
    #[must_use]
    pub fn expression(&self, position: usize) -> String {
        let table = format!("d{position}");
        match &self.source {
            Source::Contribution("agent") if self.now => format!("{table}.assignee"),
            Source::Contribution(column) => format!("f.\"{column}\""),
            Source::Team => format!("{table}.team"),
            Source::Period(column) | Source::Case(column) => format!("{table}.{column}"),
            Source::Resolution => format!("CASE WHEN {table}.status IN ('done', 'spam') THEN {table}.status END"),
            Source::Deleted => format!("CASE WHEN {table}.deleted_at <= $as_of THEN 'deleted' ELSE 'kept' END"),
            Source::Field(_) => format!("{table}.value"),
            Source::Clock(function) => {
                let digits = if *function == "hour_of_day" { 2 } else { 1 };
                format!("lpad(CAST({function}(f.at, $zone) AS VARCHAR), {digits}, '0')")
            }
        }
    }

    /// A value that was typed, as the dimension spells it: `9` is hour `09`, `Monday` is day `1`.
    #[must_use]
    pub fn value(&self, typed: &str) -> ScalarValue {
        let spelled = match self.value_kind() {
            ValueKind::Hour => format!("{typed:0>2}"),
            ValueKind::Weekday => weekday(typed).map_or_else(|| typed.to_owned(), |day| day.to_string()),
            ValueKind::OneOf(_) | ValueKind::Text => typed.to_owned(),
        };
        ScalarValue::Utf8(Some(spelled))
    }

    /// The join that its value needs. Refers to the parameters `$as_of` and, for a custom field, to
    /// [`Dimension::field_parameter`].
    #[must_use]
    pub fn join(&self, position: usize) -> String {
        let table = format!("d{position}");
        let instant = if self.now { "$as_of" } else { "f.at" };
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
            Source::Field(_) => format!(
                "LEFT JOIN field_values {table} ON {table}.case_id = f.case_id AND {table}.field = $field{position} \
                 AND {in_force}"
            ),
        }
    }

    /// Name and value of the parameter that the join of a custom field refers to.
    #[must_use]
    pub fn field_parameter(&self, position: usize) -> Option<(String, ScalarValue)> {
        match &self.source {
            Source::Field(field) => Some((format!("field{position}"), ScalarValue::Utf8(Some(field.clone())))),
            _ => None,
        }
    }
}

/// The number of a day of the week whose name, or at least its first three letters, was typed.
fn weekday(typed: &str) -> Option<usize> {
    let name = typed.to_lowercase();
    WEEKDAYS.iter().position(|day| name.len() >= 3 && day.starts_with(&name)).map(|day| day + 1)
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
        let value = |name: &str, typed: &str| Dimension::parse(name).unwrap().value(typed).to_string();
        assert_eq!(value("hour_of_day", "9"), "09");
        assert_eq!(value("day_of_week", "Mon"), "1");
    }

    #[test]
    fn a_value_outside_a_fixed_set_is_an_error_that_names_the_set_and_the_nearest() {
        let refused = |name: &str, typed: &str| {
            let error = Dimension::parse(name).unwrap().written_at("--where").check_value(typed).unwrap_err();
            format!("{error} / {}", error.hint().unwrap())
        };
        assert_eq!(
            refused("deleted", "false"),
            "--where: `deleted` has the values kept, deleted; found `false` / `deleted=` is for what has no value"
        );
        assert_eq!(
            refused("resolution@now", "Done"),
            "--where: `resolution@now` has the values done, spam; found `Done` / did you mean `done`?"
        );
        for (name, typed) in [
            ("status", "solved"),
            ("priority", "normal"),
            ("origin", "email"),
            ("sentiment", "good"),
            ("field.sentiment", "good"),
            ("hour_of_day", "24"),
            ("hour_of_day", "007"),
            ("day_of_week", "8"),
            ("day_of_week", "mo"),
        ] {
            assert!(refused(name, typed).contains("has the values"), "{name}={typed}");
        }
        for (name, typed) in [
            ("status", "on_hold"),
            ("hour_of_day", "0"),
            ("hour_of_day", "23"),
            ("day_of_week", "7"),
            ("day_of_week", "Sun"),
            ("agent", "anyone"),
            ("kind", "a project's own"),
            ("field.tier", "gold"),
        ] {
            assert!(Dimension::parse(name).unwrap().check_value(typed).is_ok(), "{name}={typed}");
        }
    }
}
