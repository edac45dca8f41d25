//! Metrics of a project: a new file, and what is wrong with one.

use std::path::Path;

use serde_json::json;

use crate::cli::context::{CommandContext, Completion};
use crate::cli::init::write_new;
use crate::cli::output::OutputArguments;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::metric::ask::Listing;
use crate::metric::catalogue::Catalogue;
use crate::metric::header::MetricKind;
use crate::metric::question::Question;
use crate::metric::range::Range;
use crate::model::time::Instant;

/// A file that works as it is, with a comment for each key.
const TEMPLATE: &str = include_str!("../../../data/metric.sql");

/// The contributions that a check shows.
const SHOWN: usize = 10;

/// Writes a commented file. Never changes a file that exists.
pub fn new(context: &CommandContext, name: &str) -> Result<Completion> {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        let error = Error::refused(format!("`{name}` is not a name of a metric"));
        return Err(error.with_hint("a name has small letters, digits and `_`, and begins with a letter"));
    }
    let path = context.settings.project.value.join("queries").join(format!("{name}.sql"));
    write_new(&path, &TEMPLATE.replace("{name}", name), "choose another name, or change the file")?;
    let object = json!({"metric": name, "file": path.display().to_string()});
    context.printer.summary(format!("wrote {}", path.display()), &object)?;
    if Catalogue::is_built_in(name) {
        context.printer.talk(format!("note: it takes the place of the built-in metric `{name}` in this project"));
    }
    context.printer.talk(format!("hint: change it, then `casebook metric check {}`", path.display()));
    Ok(Completion::Done)
}

/// Reports everything that is wrong with a file; of a good one, shows the contributions of the last 30 days of the log.
pub async fn check(context: &CommandContext, file: &Path) -> Result<Completion> {
    let text = std::fs::read_to_string(file).map_err(Error::file(file))?;
    let known = context.catalogue().await?;
    let shown = file.display().to_string();
    let metric = known.check_file(&shown, &text).await.map_err(|errors| context.several(errors))?;
    let name = metric.name.clone();
    let is_ratio = metric.kind == MetricKind::Ratio;
    let known = known.with(metric);
    context.printer.talk(format!("{shown}: nothing is wrong with the header and the SQL"));
    if is_ratio || !context.has_log().await? {
        return Ok(Completion::Done);
    }
    let database = context.database().await?;
    let last = database.pointer().last_event_at_ms.map_or(context.now, Instant);
    let zone = context.settings.zone()?;
    let day = |instant: Instant| instant.to_local(&zone).strftime("%F").to_string();
    let (from, to) = (day(last.plus_ms(-29 * 86_400_000)), day(last.plus_ms(86_400_000)));
    let range = Range::parse(&format!("{from}..{to}"), &zone, context.now)?;
    let question = Question {
        metric: name,
        by: Vec::new(),
        grain: None,
        as_of: range.as_of(context.now),
        range,
        show: Vec::new(),
        filters: Vec::new(),
    };
    let Listing { schema, batches, .. } = question.contributions(&database, &known).await?;
    let count: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    let mut left = SHOWN;
    let first: Vec<_> = batches
        .iter()
        .map(|batch| {
            let rows = left.min(batch.num_rows());
            left -= rows;
            batch.slice(0, rows)
        })
        .collect();
    let mut output = OutputArguments::default().open(Shown::new(zone, "Contributions"))?;
    output.write_batches(&schema, &first)?;
    output.finish()?;
    context.printer.talk(format!("{} of {count} contributions from {from} to before {to}", count.min(SHOWN)));
    Ok(Completion::Done)
}
