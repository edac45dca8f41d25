//! `metric`: the list of metrics, one metric's page, or its numbers.

mod own;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::context::{CommandContext, Completion};
use super::format::Format;
use super::moment::MomentArguments;
use super::output::OutputArguments;
use crate::error::{Error, Result};
use crate::metric::aggregation::Aggregation;
use crate::metric::answer::Answer;
use crate::metric::ask::Listing;
use crate::metric::catalogue::Catalogue;
use crate::metric::dimension::Dimension;
use crate::metric::filter::Filter;
use crate::metric::header::Metric;
use crate::metric::question::Question;
use crate::metric::range::{Grain, Range};
use crate::metric::unit::Unit;
use crate::metric::values;
use crate::query::database::Database;

/// Arguments of `metric`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct MetricArguments {
    #[command(subcommand)]
    operation: Option<MetricOperation>,
    #[command(flatten)]
    pub moment: MomentArguments,
    /// The metric; without one, the list of all
    name: Option<String>,
    /// Cut by these dimensions; `NAME@now` takes one as of the report
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    by: Vec<String>,
    /// Cut into hours, days, weeks, months, quarters or years
    #[arg(long, value_name = "GRAIN")]
    grain: Option<String>,
    /// 2026, 2026-Q1, 2026-02, 2026-W07, 2026-02-03, 2026-02-03..2026-02-10, "last 7 days", "last full month"
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,
    /// Aggregations: count, sum, mean, median, p0 to p100, min, max, share, per_key, per_day, hours
    #[arg(long, value_name = "AGG", value_delimiter = ',')]
    show: Vec<String>,
    /// Only contributions with that value of a dimension; `DIM=A,B` one of several, `DIM!=A` all others, `DIM=` those without one
    #[arg(long = "where", value_name = "DIM=VALUE")]
    filters: Vec<String>,
    /// The cases behind the number, one contribution a row
    #[arg(long)]
    cases: bool,
    #[command(flatten)]
    output: OutputArguments,
}

/// What can be done for a metric of the project.
#[derive(Debug, Subcommand)]
enum MetricOperation {
    /// Write a commented file of a metric of your own into queries/
    New {
        /// Its name: small letters, digits and `_`
        name: String,
    },
    /// Check a metric's file, and show its first contributions
    Check { file: PathBuf },
}

/// Answers.
pub async fn metric(context: &CommandContext, arguments: &MetricArguments) -> Result<Completion> {
    match &arguments.operation {
        Some(MetricOperation::New { name }) => return own::new(context, name),
        Some(MetricOperation::Check { file }) => return own::check(context, file).await,
        None => {}
    }
    let catalogue = context.catalogue().await?;
    let ignored = arguments.of_numbers();
    match (&arguments.name, &arguments.range) {
        (None, range) => match ignored.first().or(range.as_ref().map(|_| &"--range")) {
            Some(flag) => {
                let error = Error::invalid(*flag, "numbers need a metric");
                return Err(
                    error.with_hint("name one, such as `casebook metric created_cases`; `casebook metric` lists them")
                );
            }
            None => list(context, arguments, &catalogue)?,
        },
        (Some(name), None) => {
            let metric = catalogue.get(name)?;
            if !ignored.is_empty() {
                let hint = "add --range, such as --range \"last full month\"";
                return Err(Error::invalid("--range", "numbers need a range").with_hint(hint));
            }
            describe(context, arguments, metric)?;
        }
        (Some(name), Some(range)) => {
            catalogue.get(name)?;
            let question = question(context, arguments, name, range)?;
            numbers(context, arguments, &question, &catalogue).await?;
        }
    }
    Ok(Completion::Done)
}

impl MetricArguments {
    /// The flags that were typed and have a meaning for numbers alone.
    fn of_numbers(&self) -> Vec<&'static str> {
        let flags = [
            ("--by", !self.by.is_empty()),
            ("--grain", self.grain.is_some()),
            ("--show", !self.show.is_empty()),
            ("--where", !self.filters.is_empty()),
            ("--cases", self.cases),
            ("--as-of, --known-at", !self.moment.is_empty()),
        ];
        flags.into_iter().filter(|(_, is_typed)| *is_typed).map(|(flag, _)| flag).collect()
    }
}

fn list(context: &CommandContext, arguments: &MetricArguments, catalogue: &Catalogue) -> Result<()> {
    let texts = |text: fn(&Metric) -> &str| -> ArrayRef {
        Arc::new(catalogue.iter().map(|metric| Some(text(metric))).collect::<StringArray>())
    };
    let batch = RecordBatch::try_from_iter([
        ("metric", texts(|metric| &metric.name)),
        ("title", texts(|metric| &metric.title)),
        ("unit", texts(|metric| &metric.unit)),
        ("kind", texts(|metric| metric.header_value("kind"))),
        ("aggregate", texts(|metric| &metric.aggregate)),
        ("meaning", texts(|metric| &metric.meaning)),
    ])?;
    print(context, arguments, &batch)
}

fn describe(context: &CommandContext, arguments: &MetricArguments, metric: &Metric) -> Result<()> {
    let is_table =
        arguments.output.format.is_none_or(|format| format == Format::Table) && arguments.output.output.is_none();
    if is_table {
        let width = metric.header.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let lines: Vec<String> = metric.header.iter().map(|(key, value)| format!("{key:width$}  {value}")).collect();
        let sql = metric.sql.as_deref().unwrap_or("");
        return context.printer.data(format!(
            "{}\n{:width$}  {}\n\n{}",
            lines.join("\n"),
            "file",
            metric.file,
            sql.trim()
        ));
    }
    let column = |of: fn(&(String, String)) -> &String| -> ArrayRef {
        Arc::new(metric.header.iter().map(|pair| Some(of(pair))).collect::<StringArray>())
    };
    let batch = RecordBatch::try_from_iter([("key", column(|pair| &pair.0)), ("value", column(|pair| &pair.1))])?;
    print(context, arguments, &batch)
}

fn question(context: &CommandContext, arguments: &MetricArguments, name: &str, range: &str) -> Result<Question> {
    let zone = context.settings.zone()?;
    let range = Range::parse(range, &zone, context.now)?;
    if arguments.cases && !arguments.show.is_empty() {
        let error = Error::invalid("--show", "`--cases` lists contributions, which are not aggregated");
        return Err(error.with_hint("leave `--show` or `--cases` out"));
    }
    let dimension = |name: &String| Ok(Dimension::parse(name)?.written_at("--by"));
    Ok(Question {
        metric: name.to_owned(),
        by: arguments.by.iter().map(dimension).collect::<Result<_>>()?,
        grain: arguments.grain.as_deref().map(Grain::parse).transpose()?,
        as_of: range.as_of(context.now),
        show: arguments.show.iter().map(|name| Aggregation::parse(name)).collect::<Result<_>>()?,
        filters: arguments.filters.iter().map(|text| Filter::parse("--where", text)).collect::<Result<_>>()?,
        range,
    })
}

async fn numbers(
    context: &CommandContext,
    arguments: &MetricArguments,
    question: &Question,
    catalogue: &Catalogue,
) -> Result<()> {
    let database = context.database().await?;
    if arguments.cases {
        let Listing { schema, batches, several } = question.contributions(&database, catalogue).await?;
        if batches.iter().all(|batch| batch.num_rows() == 0) || hides_misspelled(question) {
            note_unknown_values(context, question, &database).await?;
        }
        let mut output = arguments.output.open(context.settings.zone()?)?;
        output.write_batches(&schema, &batches)?;
        output.finish()?;
        for name in several {
            context.printer.talk(format!("note: a contribution is listed once for each value of `{name}` that it has"));
        }
        return Ok(());
    }
    let answer = question.answer(&database, catalogue).await?;
    let is_empty = answer.contributions == 0 && answer.left_out.iter().all(|(_, count)| *count == 0);
    if is_empty || hides_misspelled(question) {
        note_unknown_values(context, question, &database).await?;
    }
    let for_people = is_for_people(arguments);
    let batch = if for_people { texts(question, &answer)? } else { rows(question, &answer)? };
    print(context, arguments, &batch)?;
    context.printer.talk(caption(question, &answer));
    answer.overlap_text().into_iter().for_each(|text| context.printer.talk(format!("note: {text}")));
    Ok(())
}

fn hides_misspelled(question: &Question) -> bool {
    question.filters.iter().any(Filter::hides_a_misspelled_value)
}

/// An empty answer may be due to a name that nothing in the log has.
async fn note_unknown_values(context: &CommandContext, question: &Question, database: &Database) -> Result<()> {
    let notes = values::notes(&question.filters, database).await?;
    notes.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    Ok(())
}

fn is_for_people(arguments: &MetricArguments) -> bool {
    let named = arguments.output.output.as_deref().filter(|path| *path != Path::new("-"));
    arguments.output.format.or_else(|| Format::of_file(named?)).is_none_or(|format| format == Format::Table)
}

fn print(context: &CommandContext, arguments: &MetricArguments, batch: &RecordBatch) -> Result<()> {
    let mut output = arguments.output.open(context.settings.zone()?)?;
    output.write_batches(&batch.schema(), std::slice::from_ref(batch))?;
    output.finish()
}

/// What the numbers were computed from, in a line.
fn caption(question: &Question, answer: &Answer) -> String {
    let range = &question.range;
    let mut text = format!(
        "{}: {}, as of {}; {} contributions of {} cases",
        answer.metric.title,
        range.text(),
        as_of_text(question),
        answer.contributions,
        answer.cases
    );
    for (name, count) in answer.left_out.iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("; left out: {name} {count}"));
    }
    text
}

/// The as-of on the clock of the range's zone.
fn as_of_text(question: &Question) -> String {
    let zone = question.range.zone();
    let local = question.as_of.to_local(zone).strftime("%Y-%m-%d %H:%M:%S%.3f");
    format!("{local} {}", crate::metric::range::zone_name(zone))
}

/// The answer as rows for machines (8.2).
fn rows(question: &Question, answer: &Answer) -> Result<RecordBatch> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    if question.grain.is_some() {
        let starts = answer.rows.iter().map(|row| row.bucket.map(|bucket| bucket.0));
        let starts: TimestampMillisecondArray = starts.collect();
        columns.push(("bucket".to_owned(), Arc::new(starts.with_timezone("UTC"))));
    }
    for (position, dimension) in question.by.iter().enumerate() {
        let values = answer.rows.iter().map(|row| row.group.get(position).cloned().flatten());
        columns.push((dimension.name.clone(), Arc::new(values.collect::<StringArray>())));
    }
    for (position, shown) in answer.show.iter().enumerate() {
        let values = answer.rows.iter().map(|row| row.values.get(position).copied().flatten());
        let column: ArrayRef = match shown {
            // Counts are far below 2^53, where the conversion is exact.
            Aggregation::Count => Arc::new(values.map(|value| value.map(|value| value as i64)).collect::<Int64Array>()),
            _ => Arc::new(values.collect::<Float64Array>()),
        };
        columns.push((shown.name().to_owned(), column));
    }
    columns.extend(counts(answer));
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn counts(answer: &Answer) -> [(String, ArrayRef); 2] {
    let contributions: Int64Array = answer.rows.iter().map(|row| row.contributions).collect();
    let cases: Int64Array = answer.rows.iter().map(|row| row.cases).collect();
    [("contributions".to_owned(), Arc::new(contributions)), ("cases".to_owned(), Arc::new(cases))]
}

/// The answer as rows for people: durations and shares in words, instants in the range's zone.
fn texts(question: &Question, answer: &Answer) -> Result<RecordBatch> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    if let Some(grain) = question.grain {
        let starts =
            answer.rows.iter().map(|row| row.bucket.map(|bucket| bucket_text(bucket, grain, question.range.zone())));
        columns.push((grain.name().to_owned(), Arc::new(starts.collect::<StringArray>())));
    }
    for (position, dimension) in question.by.iter().enumerate() {
        let values =
            answer.rows.iter().map(|row| row.group.get(position).cloned().flatten().or_else(|| Some("–".to_owned())));
        columns.push((dimension.name.clone(), Arc::new(values.collect::<StringArray>())));
    }
    for (position, shown) in answer.show.iter().enumerate() {
        let unit = Unit::of(&answer.metric, shown);
        let values = answer.rows.iter().map(|row| Some(unit.text(row.values.get(position).copied().flatten())));
        columns.push((shown.name().to_owned(), Arc::new(values.collect::<StringArray>())));
    }
    columns.extend(counts(answer));
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// A bucket's name in its zone.
fn bucket_text(start: crate::model::time::Instant, grain: Grain, zone: &TimeZone) -> String {
    let local = start.to_local(zone);
    let pattern = match grain {
        Grain::Hour => "%Y-%m-%d %H:%M",
        Grain::Day => "%a %Y-%m-%d",
        Grain::Week => "%G-W%V",
        Grain::Month => "%Y-%m",
        Grain::Quarter => return format!("{}-Q{}", local.year(), (local.month() - 1) / 3 + 1),
        Grain::Year => "%Y",
    };
    local.strftime(pattern).to_string()
}
