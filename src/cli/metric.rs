//! `metric`: the list of metrics, one metric's page, or its numbers.

mod arguments;
mod numbers;
mod own;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};

use super::context::{CommandContext, Completion};
use crate::error::{Error, Result};
use crate::export::{Format, Shown};
use crate::metric::catalogue::Catalogue;
use crate::metric::header::Metric;
pub use arguments::MetricArguments;
use arguments::MetricOperation;

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
            numbers::numbers(context, arguments, (name, range), &catalogue).await?;
        }
    }
    Ok(Completion::Done)
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
    arguments.output.print(Shown::new(context.settings.zone()?, "Metrics"), &batch)
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
    arguments.output.print(Shown::new(context.settings.zone()?, &metric.name), &batch)
}
