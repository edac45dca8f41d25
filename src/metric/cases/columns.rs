//! The columns of a row of a case: what the case is, and a column for each metric.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Field};
use datafusion::prelude::{DataFrame, SessionContext};

use crate::error::Result;
use crate::metric::aggregation::Aggregation;
use crate::metric::contributions::{Columns, Contributions, Ids};
use crate::metric::header::Metric;
use crate::metric::percentile::percentile;
use crate::metric::question::Question;
use crate::metric::unit::Unit;
use crate::model::case::history::SENTIMENT_FIELD;
use crate::query::database::Database;

/// What a case is, in the columns of `cases`.
const ATTRIBUTES: [&str; 24] = [
    "customer",
    "profile",
    "platform",
    "origin",
    "language",
    "priority",
    "sentiment",
    "status",
    "assignee",
    "policy",
    "created_at",
    "created_by",
    "first_assigned_at",
    "first_response_at",
    "first_response_by",
    "first_resolved_at",
    "resolved_at",
    "resolved_by",
    "closed_at",
    "deleted_at",
    "last_customer_message_at",
    "last_agent_message_at",
    "assignments",
    "salesforce_record",
];

/// The SQL of the attributes of each case, after its number and its id, in the order of ids; a column for each custom field.
pub async fn attributes_sql(session: &SessionContext, taken: &HashSet<&str>) -> Result<String> {
    let fields = field_names(session).await?;
    let mut columns = String::new();
    for name in ATTRIBUTES.iter().filter(|name| !taken.contains(*name)) {
        columns.push_str(&format!(", c.{name}"));
        if *name == "assignee" {
            columns.push_str(", u.team");
        }
    }
    for field in fields {
        let (key, name) = (field.replace('\'', "''"), field.replace('"', "\"\""));
        columns.push_str(&format!(", map_extract(c.fields, '{key}')[1] AS \"field.{name}\""));
    }
    Ok(format!(
        "SELECT c.case_number, c.case_id{columns} FROM numbered_cases c \
         LEFT JOIN users u ON u.\"user\" = c.assignee AND u.since <= $as_of AND (u.until IS NULL OR u.until > $as_of) \
         ORDER BY c.case_id"
    ))
}

/// The custom fields that the log defines or uses.
async fn field_names(session: &SessionContext) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for table in ["fields", "field_values"] {
        let rows = session.table(table).await?.select_columns(&["field"])?.distinct()?;
        for batch in rows.collect().await? {
            let fields = arrow::compute::cast(batch.column(0), &DataType::Utf8)?;
            names.extend(fields.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
    }
    names.remove(SENTIMENT_FIELD);
    Ok(names)
}

/// The column of a metric.
pub struct MetricColumn {
    pub name: String,
    /// The metric's own aggregation.
    pub shown: Aggregation,
    is_integer: bool,
    /// Of a case without a contribution; not a number where that is null.
    pub of_nothing: f64,
}

impl MetricColumn {
    /// The column of a metric; none where it has no contributions of cases at instants.
    ///
    /// # Errors
    /// When the metric cannot be asked.
    pub async fn of(question: &Question, metric: &Metric, database: &Database) -> Result<Option<MetricColumn>> {
        let shown = Aggregation::parse(&metric.aggregate)?;
        let contributions = Contributions::open(question, metric, database, Ids::Any).await?;
        let has_cases = contributions.kind_of("case_id").is_some_and(|kind| *kind != DataType::Null);
        if shown == Aggregation::PerKey || !has_cases || contributions.kind_of("at").is_none() {
            return Ok(None);
        }
        let ending = if Unit::of(metric, &shown) == Unit::Duration { "_ms" } else { "" };
        Ok(Some(MetricColumn {
            name: format!("{}{ending}", metric.name),
            is_integer: shown.is_integer(contributions.are_integral()),
            of_nothing: metric.of_nothing(&shown).unwrap_or(f64::NAN),
            shown,
        }))
    }

    /// Name and type.
    pub fn field(&self) -> Field {
        Field::new(&self.name, if self.is_integer { DataType::Int64 } else { DataType::Float64 }, true)
    }

    /// The values of some rows.
    pub fn array(&self, values: &[f64]) -> ArrayRef {
        let values = values.iter().map(|value| Some(*value).filter(|value| !value.is_nan()));
        match self.is_integer {
            // Sums of milliseconds of one case are far below 2^53, so they are exact.
            true => Arc::new(values.map(|value| value.map(|value| value as i64)).collect::<Int64Array>()),
            false => Arc::new(values.collect::<Float64Array>()),
        }
    }
}

impl Contributions<'_> {
    /// The aggregation of the contributions of each case: `case_id`, `value`.
    pub async fn of_each_case(&self, shown: &Aggregation) -> Result<DataFrame> {
        if let Aggregation::Percentile(thousandths, _) = shown {
            self.session().register_udaf(percentile(*thousandths));
        }
        let has_key = self.have_keys();
        let key = self.number_sql(if has_key { "key" } else { "case_id" });
        let sql = format!(
            "{}, counted AS (SELECT case_id, value, {key} AS key FROM cut WHERE excluded IS NULL AND case_id IS NOT NULL) \
             SELECT case_id, {} AS value FROM counted GROUP BY case_id",
            self.cut_sql(Columns::None),
            shown.expression(has_key)
        );
        self.frame(&sql, Vec::new()).await
    }

    /// The cases that contribute.
    pub async fn cases_frame(&self) -> Result<DataFrame> {
        let sql = format!("{} SELECT DISTINCT case_id FROM cut", self.cut_sql(Columns::None));
        self.frame(&sql, Vec::new()).await
    }
}
