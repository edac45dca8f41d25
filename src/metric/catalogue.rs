//! The metrics that can be asked: the built-in ones and a project's own, read and checked together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;

use super::aggregation::Aggregation;
use super::dimension;
use super::functions;
use super::header::{AgentRule, Metric, MetricKind};
use super::question::{METRIC_PARAMETERS, instant_value};
use super::ratio::Side;
use crate::error::{Error, Result};
use crate::facts::tables::FACT_TABLES;
use crate::log::rows::{EVENT_COLUMNS, LOG_SCHEMA};
use crate::model::time::Instant;
use crate::query;
use crate::query::views;
use crate::spelling::did_you_mean;
use crate::store::engine;
use crate::store::engine::Resources;
use crate::store::project;

/// Path and text of each of these files of `queries`.
macro_rules! built_in {
    ($($name:literal,)+) => {
        &[$((
            concat!("queries/", $name, ".sql"),
            include_str!(concat!("../../queries/", $name, ".sql")),
        ),)+]
    };
}

/// The metrics that come with the program, in the order of 5.2.
#[rustfmt::skip]
const BUILT_IN: &[(&str, &str)] = built_in![
    // Volume
    "created_cases",
    "assigned_cases",
    "resolved_cases",
    "stayed_resolved_cases",
    "resolutions",
    "spam_cases",
    "reopenings",
    "deleted_cases",
    "unresolved_cases",
    "messages_received",
    "messages_sent",
    "bot_messages_sent",
    "notes",
    "contacts_per_customer",
    "repeat_contacts",
    // Backlog
    "backlog",
    "unassigned_backlog",
    "backlog_age",
    "waiting_for_us",
    "days_to_clear",
    // Processing
    "time_to_assign",
    "time_to_assign_business",
    "first_response_time",
    "first_response_time_business",
    "next_response_time",
    "next_response_time_business",
    "response_time",
    "response_time_business",
    "first_resolution_time",
    "first_resolution_time_business",
    "resolution_time",
    "resolution_time_business",
    "lifetime",
    "lifetime_business",
    "time_in_status",
    "time_in_status_business",
    "agent_time",
    "agent_time_business",
    "touches",
    "one_touch_cases",
    "reopened_share",
    "reassigned_share",
    // Service level
    "sla_attainment",
    "sla_breaches",
    "sla_late_by",
    "sla_at_risk",
    "sla_overdue",
    "cases_within_sla",
    "cases_by_policy",
    // Agents
    "workload",
    "workload_time",
    "capacity",
    "capacity_time",
    "utilization",
    "over_capacity_time",
    "online_time",
    "handled_cases",
    "replies",
    "replies_per_online_hour",
    "reply_by_other_share",
    // Satisfaction
    "survey_response_rate",
    "csat",
    "nps",
    "ces",
];

/// Every metric that can be asked.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    metrics: BTreeMap<String, Metric>,
}

impl Catalogue {
    /// The built-in metrics, and those of a project's `queries/` on top; a file of the same name takes the place of a
    /// built-in one. The project's files are checked at once, their SQL against the tables' columns; that of the built-in ones
    /// is checked by a test, because planning all of it takes longer than most questions.
    ///
    /// # Errors
    /// Everything that is wrong with any file: file, line and the fix.
    pub async fn load(project: &Path) -> std::result::Result<Catalogue, Vec<Error>> {
        let own = own_files(&project.join("queries")).map_err(|error| vec![error])?;
        let files: BTreeSet<String> = own.iter().map(|(file, _)| file.clone()).collect();
        Catalogue::read(own, |metric| files.contains(&metric.file)).await
    }

    async fn read(
        own: Vec<(String, String)>,
        is_checked: impl Fn(&Metric) -> bool,
    ) -> std::result::Result<Catalogue, Vec<Error>> {
        let mut catalogue = Catalogue::default();
        let mut errors = Vec::new();
        let built_in = BUILT_IN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
        for (file, text) in built_in.chain(own) {
            match Metric::parse(&file, &text) {
                Ok(metric) => drop(catalogue.metrics.insert(metric.name.clone(), metric)),
                Err(found) => errors.extend(found),
            }
        }
        let with_sources = catalogue.metrics.values().filter(|metric| metric.source.is_some());
        let with_sources: Vec<Result<Metric>> =
            with_sources.map(|metric| metric.with_source(&catalogue.metrics)).collect();
        for metric in with_sources {
            match metric {
                Ok(metric) => drop(catalogue.metrics.insert(metric.name.clone(), metric)),
                Err(error) => errors.push(error),
            }
        }
        // A ratio may divide a metric that the project replaces.
        let checked = |metric: &&Metric| metric.kind == MetricKind::Ratio || is_checked(metric);
        errors.extend(catalogue.check(catalogue.metrics.values().filter(checked)).await);
        if errors.is_empty() { Ok(catalogue) } else { Err(errors) }
    }

    /// The metric of one file, checked as those of a project are.
    ///
    /// # Errors
    /// Everything that is wrong with the file: file, line and the fix.
    pub async fn check_file(&self, file: &str, text: &str) -> std::result::Result<Metric, Vec<Error>> {
        let metric = Metric::parse(file, text)?;
        let metric = metric.with_source(&self.metrics).map_err(|error| vec![error])?;
        let errors = self.check([&metric]).await;
        if errors.is_empty() { Ok(metric) } else { Err(errors) }
    }

    /// Whether a metric of that name comes with the program.
    #[must_use]
    pub fn is_built_in(name: &str) -> bool {
        BUILT_IN.iter().any(|(file, _)| file.strip_suffix(".sql") == Some(&format!("queries/{name}")))
    }

    /// The same catalogue with another metric.
    #[must_use]
    pub fn with(mut self, metric: Metric) -> Catalogue {
        self.metrics.insert(metric.name.clone(), metric);
        self
    }

    /// The metric of that name.
    ///
    /// # Errors
    /// When there is none; the nearest name is the hint.
    pub fn get(&self, name: &str) -> Result<&Metric> {
        self.metrics.get(name).ok_or_else(|| {
            let names = self.metrics.keys().map(String::as_str);
            let hint = did_you_mean(name, names).unwrap_or_else(|| "`casebook metric` lists them".to_owned());
            Error::refused(format!("there is no metric `{name}`")).with_hint(hint)
        })
    }

    /// All metrics, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }

    /// What is wrong with these metrics, where they divide metrics of this catalogue or have SQL.
    async fn check<'m>(&self, metrics: impl IntoIterator<Item = &'m Metric>) -> Vec<Error> {
        let (ratios, with_sql): (Vec<&Metric>, Vec<&Metric>) =
            metrics.into_iter().partition(|metric| metric.kind == MetricKind::Ratio);
        let mut errors: Vec<Error> = ratios.into_iter().filter_map(|metric| self.check_ratio(metric).err()).collect();
        if with_sql.is_empty() {
            return errors;
        }
        match empty_session().await {
            Ok(session) => {
                for metric in with_sql {
                    errors.extend(check_sql(metric, &session).await.err());
                }
            }
            Err(error) => errors.push(error),
        }
        errors
    }

    fn check_ratio(&self, metric: &Metric) -> Result<()> {
        for side in [&metric.numerator, &metric.denominator].into_iter().flatten() {
            let found = Side::parse(side).and_then(|side| self.get(&side.metric).map(drop));
            found.map_err(|error| {
                let hint = error.hint().unwrap_or("write METRIC[:AGGREGATE][@end]").to_owned();
                Error::invalid(&metric.file, error.to_string()).with_hint(hint)
            })?;
        }
        Ok(())
    }
}

/// Path and text of the `.sql` files of a project's folder, by name; none where there is no such folder.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn own_files(folder: &Path) -> Result<Vec<(String, String)>> {
    let paths = project::files_with_extension(folder, "sql").map_err(Error::file(folder))?;
    let read = |path: std::path::PathBuf| {
        let text = project::read_text(&path).map_err(Error::file(&path))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

/// A session with every table and no row, for checking SQL without a store.
///
/// # Errors
/// When the engine cannot be set up.
pub async fn empty_session() -> Result<SessionContext> {
    let session = engine::session(Resources { memory_bytes: 64 << 20, threads: 1 })?;
    let events: Vec<_> =
        EVENT_COLUMNS.iter().filter_map(|name| LOG_SCHEMA.field_with_name(name).ok().cloned()).collect();
    session.register_table("events", Arc::new(EmptyTable::new(Arc::new(Schema::new(events)))))?;
    for table in FACT_TABLES {
        session.register_table(table.name, Arc::new(EmptyTable::new(table.visible_schema())))?;
    }
    functions::register(&session);
    query::functions::register(&session, query::functions::Calendars::default());
    views::register(&session, None).await?;
    Ok(session)
}

async fn check_sql(metric: &Metric, session: &SessionContext) -> Result<()> {
    let place = format!("{}:{}", metric.file, metric.sql_line);
    Aggregation::parse(&metric.aggregate).map_err(|error| {
        let hint = error.hint().unwrap_or_default().to_owned();
        Error::invalid(&metric.file, format!("`aggregate`: {error}")).with_hint(hint)
    })?;
    let sql = metric.sql.as_deref().unwrap_or_default();
    let wrong = |error: Error| {
        Error::invalid(sql_place(&metric.file, metric.sql_line, &error), error.to_string())
            .with_hint("the SQL under the header must run by itself")
    };
    match metric.kind {
        MetricKind::Stock => session.register_udf(functions::stock_reads(Vec::new())),
        _ => session.deregister_udf(functions::STOCK_READS),
    }
    let frame = session.sql(sql).await.map_err(|error| wrong(error.into()))?;
    let zero = instant_value(Instant(0));
    let parameters = METRIC_PARAMETERS.map(|name| (name, zero.clone())).to_vec();
    let frame = frame.with_param_values(parameters).map_err(|error| wrong(error.into()))?;
    check_columns(metric, frame.schema().as_arrow(), &place)
}

/// The line in the file that an SQL error speaks of, where it speaks of one; else that on which the SQL begins.
#[must_use]
pub fn sql_place(file: &str, sql_line: usize, error: &Error) -> String {
    let text = error.to_string();
    let line = text.split_once("Line: ").and_then(|(_, rest)| rest.split(',').next()?.trim().parse::<usize>().ok());
    format!("{file}:{}", sql_line + line.map_or(0, |line| line.saturating_sub(1)))
}

fn check_columns(metric: &Metric, schema: &Schema, place: &str) -> Result<()> {
    let instants = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
    let texts =
        |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Null);
    let numbers = |kind: &DataType| kind.is_numeric() || *kind == DataType::Boolean;
    type Fits<'a> = &'a dyn Fn(&DataType) -> bool;
    let has = |name: &str| schema.field_with_name(name).is_ok();
    let is_stock = metric.kind == MetricKind::Stock;
    let has_reads = functions::calls_stock_reads(metric);
    if is_stock && has("at") && !has_reads {
        return Err(Error::invalid(place, "the SQL of a stock has the column `at`")
            .with_hint("a stock is read at instants that the question states; it returns since, until"));
    }
    let has_times = !has_reads && (is_stock || has("since") && !has("at"));
    let times: &[(&str, Fits<'_>)] = match has_times {
        true => &[("since", &instants), ("until", &instants)],
        false => &[("at", &instants)],
    };
    let has_agent = metric.agent == AgentRule::Column;
    if !has_agent && schema.field_with_name("agent").is_ok() {
        return Err(Error::invalid(place, "the SQL has the column `agent`, which the header's rule stands for")
            .with_hint("leave the column out, or describe in the header whom it names"));
    }
    let columns: Vec<(&str, Fits<'_>)> = [("case_id", &texts as Fits<'_>), ("value", &numbers)]
        .into_iter()
        .chain(has_agent.then_some(("agent", &texts as Fits<'_>)))
        .chain(times.iter().copied())
        .collect();
    for name in ["key", "excluded"].into_iter().chain(dimension::own_columns()) {
        if schema.field_with_name(name).is_ok_and(|field| !texts(field.data_type())) {
            return Err(Error::invalid(place, format!("the column `{name}` must be of texts"))
                .with_hint("section 5.1 of docs/specification/5-metrics.md lists the columns"));
        }
    }
    for (name, fits) in columns {
        let Ok(field) = schema.field_with_name(name) else {
            let times = if has_times { "since, until" } else { "at" };
            let needed = format!("case_id, {times}, value{}", if has_agent { ", agent" } else { "" });
            return Err(Error::invalid(place, format!("the SQL lacks the column `{name}`"))
                .with_hint(format!("it must return {needed}")));
        };
        if !fits(field.data_type()) {
            return Err(Error::invalid(place, format!("the column `{name}` has the type {}", field.data_type()))
                .with_hint("section 5.1 of docs/specification/5-metrics.md lists the columns and their types"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_built_in_metrics_are_valid() {
        let catalogue = Catalogue::read(Vec::new(), |_| true).await.unwrap();
        assert_eq!(catalogue.iter().count(), BUILT_IN.len());
    }
}
