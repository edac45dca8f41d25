//! What a metric can be cut by. Dimensions are joined by the engine, not written in each metric (5.1).
//!
//! What changes over a case's life is taken as it was at the contribution; `NAME@now` takes it as of the report.

pub mod kinds;

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

use super::header::AgentRule;
use super::lists::{ListRule, Lists};
use super::quantity;
use super::quantity::Quantity;
use crate::error::{Error, Result};
use crate::model::case::history::SENTIMENT_FIELD;
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
    /// The value of the contribution itself; only to filter by.
    Value,
    /// An instant or a count of the case as of the report; only to filter by.
    Quantity(&'static Quantity),
}

/// The name under which questions filter by the value of a contribution.
const VALUE: &str = "value";

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
        let dimension = Dimension::parse_filtered(typed)?;
        match (&dimension.source, dimension.scale()) {
            (Source::Value | Source::Quantity(_), Some(scale)) => {
                let (_, example) = scale.about();
                let error = Error::invalid("dimension", format!("`{typed}` is only to filter by"));
                Err(error.with_hint(format!("write `--where \"{typed}{example}\"`; time is cut by `--grain`")))
            }
            _ => Ok(dimension),
        }
    }

    /// The dimension of that name, or what a question can only filter by: the value, an instant or a count.
    ///
    /// # Errors
    /// As [`Dimension::parse`].
    pub fn parse_filtered(typed: &str) -> Result<Dimension> {
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
            VALUE => Source::Value,
            _ => match (quantity::find(name), name.strip_prefix("field.").filter(|field| !field.is_empty())) {
                (Some(quantity), _) => Source::Quantity(quantity),
                (None, Some(field)) => Source::Field(field.to_owned()),
                (None, None) => return Err(unknown(name)),
            },
        };
        let dimension = Dimension { name: typed.to_owned(), place: "dimension".to_owned(), source, now };
        if now { dimension.check_now(name) } else { Ok(dimension) }
    }

    /// What belongs to the contribution has no value as of the report, and what is as of the report has no other.
    fn check_now(self, name: &str) -> Result<Dimension> {
        let reason = match self.source {
            Source::Contribution | Source::Value => "is of the contribution, and has no other value as of the report",
            Source::Clock(_) => "is of the instant at which it counts, and has no other value as of the report",
            Source::Quantity(_) => "is as of the report without `@now`",
            _ => return Ok(self),
        };
        Err(Error::invalid("dimension", format!("`{name}` {reason}")).with_hint(format!("write `{name}`")))
    }

    /// The same dimension, asked for at that place.
    #[must_use]
    pub fn written_at(self, place: impl Into<String>) -> Dimension {
        Dimension { place: place.into(), ..self }
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

    /// Whether it is the hour of the day or the day of the week.
    #[must_use]
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self.source, Source::Clock(_))
    }

    /// Whether its values have an order of their own, which is that of their names: hours, weekdays, classes of age.
    #[must_use]
    pub fn has_order(&self) -> bool {
        self.is_of_the_clock() || self.name == "age"
    }

    /// Whether it is the value of the contribution.
    #[must_use]
    pub fn is_value(&self) -> bool {
        self.source == Source::Value
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
        values: CaseValues,
    ) -> DimensionSql {
        if let Some(column) = self.own_column(columns) {
            return DimensionSql { expression: format!("f.\"{column}\""), ..DimensionSql::default() };
        }
        let (suffix, instant) = if self.now { ("now", "$as_of") } else { ("then", "f.at") };
        let period = |column| values.of_period(column, self.now);
        let case = || Join::new("c", "cases", "c.case_id = f.case_id".to_owned());
        let of = |expression: String, joins: Vec<Join>| DimensionSql { expression, joins, lookups: Vec::new() };
        match &self.source {
            Source::Agent if self.now => period("assignee"),
            Source::Agent => agent_sql(agent, values),
            Source::Contribution => of(format!("f.\"{}\"", self.name), Vec::new()),
            Source::Team => {
                let DimensionSql { expression, mut joins, lookups } = agent_sql(agent, values);
                let table = format!("u_{suffix}");
                let user = format!("{table}.\"user\" = {expression} AND {}", in_force(&table, instant));
                joins.push(Join::new(&table, "users", user));
                DimensionSql { expression: format!("{table}.team"), joins, lookups }
            }
            Source::Period(column) => period(column),
            Source::Resolution => {
                let status = period("status");
                let expression = format!("CASE WHEN {0} IN ('done', 'spam') THEN {0} END", status.expression);
                DimensionSql { expression, ..status }
            }
            Source::Case(column) => values.of_case(column),
            Source::Deleted => {
                let state =
                    "CASE WHEN c.deleted_at <= $as_of THEN 'deleted' WHEN c.case_id IS NOT NULL THEN 'kept' END";
                of(state.to_owned(), vec![case()])
            }
            Source::Field(_) => field_sql(position, instant, several),
            Source::Value => of("f.value".to_owned(), Vec::new()),
            Source::Quantity(quantity) => {
                let (alias, table) = quantity.table();
                let join = Join::new(&alias, &table, format!("{alias}.case_id = f.case_id"));
                of(quantity.expression(), vec![join])
            }
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

/// The SQL of a dimension's value, and the joins and lookups that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DimensionSql {
    pub expression: String,
    pub joins: Vec<Join>,
    pub lookups: Vec<Lookup>,
}

/// How the values of a case are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseValues {
    /// By joins with the tables.
    Joined,
    /// By functions of the number of the case.
    LookedUp,
}

/// A function that looks up a value of a case by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// `case_COLUMN(number)`: a column of `cases`.
    Case(&'static str),
    /// `COLUMN_as_of(number)`: a column of the period as of the report.
    AsOf(&'static str),
    /// `COLUMN_then(number, at)`: a column of the period that holds the instant.
    Then(&'static str),
}

impl Lookup {
    /// The name of the function.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Lookup::Case(column) => format!("case_{column}"),
            Lookup::AsOf(column) => format!("{column}_as_of"),
            Lookup::Then(column) => format!("{column}_then"),
        }
    }

    fn sql(self) -> DimensionSql {
        let arguments = if matches!(self, Lookup::Then(_)) { "f.case_id, f.at" } else { "f.case_id" };
        let expression = format!("{}({arguments})", self.name());
        DimensionSql { expression, joins: Vec::new(), lookups: vec![self] }
    }
}

impl CaseValues {
    /// A column of `cases`.
    fn of_case(self, column: &'static str) -> DimensionSql {
        match self {
            CaseValues::LookedUp => Lookup::Case(column).sql(),
            CaseValues::Joined => {
                let join = Join::new("c", "cases", "c.case_id = f.case_id".to_owned());
                DimensionSql { expression: format!("c.{column}"), joins: vec![join], lookups: Vec::new() }
            }
        }
    }

    /// A column of `periods`, as of the contribution or, `now`, as of the report.
    fn of_period(self, column: &'static str, now: bool) -> DimensionSql {
        match (self, now) {
            (CaseValues::LookedUp, true) => Lookup::AsOf(column).sql(),
            (CaseValues::LookedUp, false) => Lookup::Then(column).sql(),
            (CaseValues::Joined, now) => {
                let when = if now { "now" } else { "then" };
                let expression = format!("p_{when}.{column}");
                DimensionSql { expression, joins: vec![period_join(when)], lookups: Vec::new() }
            }
        }
    }
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
    DimensionSql { expression, joins: vec![join], lookups: Vec::new() }
}

fn in_force(table: &str, instant: &str) -> String {
    format!("{table}.since <= {instant} AND ({table}.until IS NULL OR {table}.until > {instant})")
}

/// The agent of a contribution.
#[must_use]
pub fn agent_sql(rule: AgentRule, values: CaseValues) -> DimensionSql {
    match rule {
        AgentRule::Column => DimensionSql { expression: "f.agent".to_owned(), ..DimensionSql::default() },
        AgentRule::AssigneeThen => values.of_period("assignee", false),
        AgentRule::AssigneeAsOf => values.of_period("assignee", true),
    }
}

fn unknown(name: &str) -> Error {
    if quantity::OF_THE_END_OF_THE_LOG.contains(&name) {
        let message = format!("`{name}` is kept as of the end of the log, and no question is as of then");
        return Error::invalid("dimension", message).with_hint("`casebook sql` reads it from `cases`");
    }
    let known = NAMES.iter().copied().chain([VALUE]).chain(quantity::QUANTITIES.iter().map(|quantity| quantity.name));
    let hint = match super::range::Grain::NAMES.contains(&name) {
        true => Some(format!("time is cut by a grain: `--grain {name}`, or `grain = \"{name}\"` in a dashboard")),
        false => did_you_mean(name, known),
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
        assert_eq!(Dimension::parse_filtered("creatd_at").unwrap_err().hint(), Some("did you mean `created_at`?"));
        let refused = |name: &str| Dimension::parse(name).unwrap_err();
        assert_eq!(
            refused("milestone@now").to_string(),
            "dimension: `milestone` is of the contribution, and has no other value as of the report"
        );
        assert_eq!(refused("hour_of_day@now").hint(), Some("write `hour_of_day`"));
        assert!(refused("created_at").hint().unwrap().starts_with("write `--where \"created_at>=2026-05-01\"`"));
        assert!(Dimension::parse_filtered("value@now").is_err() && Dimension::parse_filtered("closes_at").is_err());
    }
}
