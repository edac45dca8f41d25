//! What a metric can be cut by. Dimensions are joined by the engine, not written in each metric (5.1).
//!
//! What changes over a case's life is taken as it was at the contribution; `NAME@now` takes it as of the report.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

use super::header::AgentRule;
use super::lists::{ListRule, Lists};
use crate::error::{Error, Result};
use crate::model::case::history::SENTIMENT_FIELD;
use crate::model::event::{MessageKind, Origin, Presence, Priority, Sentiment, Status};
use crate::model::policy::Milestone;
use crate::spelling::did_you_mean;
use crate::wire::members;

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

/// The classes of the age of a backlog, as `queries/backlog_age.sql` names them.
const AGES: [&str; 8] = ["1. < 1h", "2. < 4h", "3. < 8h", "4. < 1d", "5. < 3d", "6. < 7d", "7. < 30d", "8. ≥ 30d"];

/// Whether a case has been deleted.
const DELETED_NAMES: &[&str] = &["kept", "deleted"];

/// The statuses of a resolved case.
const RESOLUTION_NAMES: &[&str] = &["done", "spam"];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Where the values of a dimension of free texts are found in the tables: a table and its column.
pub type Column = (&'static str, &'static str);

/// Where the engine takes a dimension from, unless the contributions have a column of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// Whom the contribution is counted for.
    Agent,
    /// Only a column of the contributions.
    Contribution,
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
    "milestone",
    "age",
    "presence",
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
            "agent" => Source::Agent,
            "kind" | "milestone" | "age" | "presence" => Source::Contribution,
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
            Source::Agent
            | Source::Contribution
            | Source::Team
            | Source::Period(_)
            | Source::Case(_)
            | Source::Field(_) => ValueKind::Text,
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

    /// How its values are read where they are lists.
    #[must_use]
    pub fn list_rule(&self, lists: &Lists) -> Option<ListRule> {
        self.field().and_then(|field| lists.of(field))
    }

    /// The values of a built-in metric, where those of the project's metrics are not known.
    #[must_use]
    pub fn usual_values(&self) -> Vec<&'static str> {
        match self.name.as_str() {
            // Of messages and of surveys.
            "kind" => [MessageKind::NAMES, members::SURVEYS].concat(),
            "milestone" => Milestone::NAMES.to_vec(),
            "presence" => Presence::NAMES.to_vec(),
            "age" => AGES.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The columns in which a value that an event states is found; those of a custom field only in the rows of the field.
    #[must_use]
    pub fn columns(&self) -> &'static [Column] {
        match &self.source {
            Source::Agent => &[
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

    /// Whether it is the hour of the day or the day of the week.
    #[must_use]
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self.source, Source::Clock(_))
    }

    /// Whether only metrics whose contributions have a column of its name can be cut by it.
    #[must_use]
    pub fn needs_column(&self) -> bool {
        self.source == Source::Contribution
    }

    /// The column of the contributions that it is taken from, where they have one of its name: `status` of a stay in a
    /// status is that of the stay. `@now` asks for the case as it is, so it takes none.
    #[must_use]
    pub fn own_column(&self, columns: &BTreeSet<String>) -> Option<&str> {
        let is_own = !self.now && own_columns().any(|name| name == self.name);
        (is_own && columns.contains(&self.name)).then_some(self.name.as_str())
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

    /// The SQL of its value over contributions `f`, and the joins that this needs. The value is a text, or a list of texts for
    /// [`Several::Listed`]. `position` is that of the dimension in the question. Refers to the parameters `$as_of` and `$zone`,
    /// and to [`Dimension::field_parameter`].
    #[must_use]
    pub fn sql(
        &self,
        position: usize,
        agent: AgentRule,
        columns: &BTreeSet<String>,
        several: Option<Several>,
    ) -> DimensionSql {
        if let Some(column) = self.own_column(columns) {
            return DimensionSql { expression: format!("f.\"{column}\""), joins: Vec::new() };
        }
        let (suffix, instant) = if self.now { ("now", "$as_of") } else { ("then", "f.at") };
        let period = period_join(suffix);
        let case = || Join::new("c", "cases", "c.case_id = f.case_id".to_owned());
        let of = |expression: String, joins: Vec<Join>| DimensionSql { expression, joins };
        match &self.source {
            Source::Agent if self.now => of("p_now.assignee".to_owned(), vec![period]),
            Source::Agent => agent_sql(agent),
            Source::Contribution => of(format!("f.\"{}\"", self.name), Vec::new()),
            Source::Team => {
                let DimensionSql { expression, mut joins } = agent_sql(agent);
                let table = format!("u_{suffix}");
                let user = format!("{table}.\"user\" = {expression} AND {}", in_force(&table, instant));
                joins.push(Join::new(&table, "users", user));
                of(format!("{table}.team"), joins)
            }
            Source::Period(column) => of(format!("p_{suffix}.{column}"), vec![period]),
            Source::Resolution => {
                let status = format!("p_{suffix}.status");
                of(format!("CASE WHEN {status} IN ('done', 'spam') THEN {status} END"), vec![period])
            }
            Source::Case(column) => of(format!("c.{column}"), vec![case()]),
            Source::Deleted => {
                let state =
                    "CASE WHEN c.deleted_at <= $as_of THEN 'deleted' WHEN c.case_id IS NOT NULL THEN 'kept' END";
                of(state.to_owned(), vec![case()])
            }
            Source::Field(_) => field_sql(position, instant, several),
            Source::Clock(function) => {
                let digits = if *function == "hour_of_day" { 2 } else { 1 };
                of(format!("lpad(CAST({function}(f.at, $zone) AS VARCHAR), {digits}, '0')"), Vec::new())
            }
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

/// The names of the dimensions that a metric's contributions may state in columns of their own.
pub fn own_columns() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .copied()
        .filter(|name| !matches!(*name, "agent" | "team" | "field.NAME" | "hour_of_day" | "day_of_week"))
}

/// How the values of a field are taken that may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Several {
    /// Each by itself: a contribution is repeated for each of them.
    Each(ListRule),
    /// All together, as a list.
    Listed(ListRule),
}

/// The SQL of a dimension's value, and the joins that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DimensionSql {
    pub expression: String,
    pub joins: Vec<Join>,
}

/// A table that is joined to the contributions `f`. Dimensions that need the same one share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    pub alias: String,
    pub sql: String,
}

impl Join {
    fn new(alias: &str, table: &str, condition: String) -> Join {
        Join { alias: alias.to_owned(), sql: format!("LEFT JOIN {table} {alias} ON {condition}") }
    }
}

/// The case as it was at the contribution (`then`) or as of the report (`now`).
fn period_join(when: &str) -> Join {
    let instant = if when == "now" { "$as_of" } else { "f.at" };
    let alias = format!("p_{when}");
    Join::new(&alias, "periods", format!("{alias}.case_id = f.case_id AND {}", in_force(&alias, instant)))
}

/// A custom field. Each value of a list is a row of its own, so that the contribution is in the group of each.
fn field_sql(position: usize, instant: &str, several: Option<Several>) -> DimensionSql {
    let (alias, field) = (format!("v{position}"), format!("field = $field{position}"));
    let of_case = format!("{alias}.case_id = f.case_id AND {}", in_force(&alias, instant));
    let of_texts = |rule: ListRule| rule == ListRule::ListsOfTexts;
    let join = match several {
        Some(Several::Each(rule)) => {
            let values = format!("unnest(list_items(value, {})) AS value", of_texts(rule));
            let rows = format!("(SELECT case_id, since, until, {values} FROM field_values WHERE {field})");
            Join::new(&alias, &rows, of_case)
        }
        _ => Join::new(&alias, "field_values", format!("{of_case} AND {alias}.{field}")),
    };
    let expression = match several {
        Some(Several::Listed(rule)) => format!("list_items({alias}.value, {})", of_texts(rule)),
        _ => format!("{alias}.value"),
    };
    DimensionSql { expression, joins: vec![join] }
}

fn in_force(table: &str, instant: &str) -> String {
    format!("{table}.since <= {instant} AND ({table}.until IS NULL OR {table}.until > {instant})")
}

/// The agent of a contribution.
#[must_use]
pub fn agent_sql(rule: AgentRule) -> DimensionSql {
    let (expression, joins) = match rule {
        AgentRule::Column => ("f.agent", Vec::new()),
        AgentRule::AssigneeThen => ("p_then.assignee", vec![period_join("then")]),
        AgentRule::AssigneeAsOf => ("p_now.assignee", vec![period_join("now")]),
    };
    DimensionSql { expression: expression.to_owned(), joins }
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
    fn the_classes_of_the_age_are_those_of_the_metric() {
        let sql = include_str!("../../queries/backlog_age.sql");
        assert_eq!(sql.matches("THEN '").count() + 1, AGES.len());
        assert!(AGES.iter().all(|class| sql.contains(&format!("'{class}'"))));
    }

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
