//! The numbers of a metric, or the cases behind them.

use super::arguments::MetricArguments;
use crate::cli::context::CommandContext;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::metric::ask::Listing;
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::numbers::{
    NumbersQuestion, NumbersRequest, caption_of_cases, caption_of_hidden, hides_misspelled, joined, unknown_values,
};
use crate::metric::range::Range;
use crate::query::database::Database;

/// Prints the numbers of a metric over a range, or the cases behind them.
pub async fn numbers(
    context: &CommandContext,
    arguments: &MetricArguments,
    (name, range): (&str, &str),
    catalogue: &Catalogue,
) -> Result<()> {
    let zone = context.settings.zone()?;
    let request = request(arguments, name, range);
    let asked = request.read(|key| format!("--{key}"), &zone, context.now, catalogue)?;
    check_cases(arguments, &asked.question.range)?;
    let database = context.database().await?;
    let asked = asked.shown(&database).await?;
    if arguments.cases {
        return cases(context, arguments, &asked, (&database, catalogue)).await;
    }
    let numbers = asked.answer(&database, catalogue).await?;
    numbers.unknown.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    let batch = if arguments.output.is_table() { numbers.for_people() } else { numbers.for_machines() }?;
    let shown = Shown { durations: numbers.durations(), ..Shown::new(zone, name) };
    arguments.output.print(shown, &batch)?;
    numbers.caption().iter().for_each(|line| context.printer.talk(line));
    Ok(())
}

/// What was typed.
fn request(arguments: &MetricArguments, name: &str, range: &str) -> NumbersRequest {
    NumbersRequest {
        metric: name.to_owned(),
        range: range.to_owned(),
        by: arguments.by.clone(),
        grain: arguments.grain.clone(),
        show: arguments.show.clone(),
        filters: arguments.filters.clone(),
        compare: arguments.compare.clone(),
        sort: arguments.sort.clone(),
        limit: arguments.limit,
    }
}

/// What is ignored by a list of cases is refused.
fn check_cases(arguments: &MetricArguments, range: &Range) -> Result<()> {
    if arguments.cases && !arguments.show.is_empty() {
        let error = Error::invalid("--show", "`--cases` lists contributions, which are not aggregated");
        return Err(error.with_hint("leave `--show` or `--cases` out"));
    }
    let compare = arguments.compare.iter().find_map(|name| Compare::parse(name).ok());
    if let Some(compare) = compare.filter(|_| arguments.cases) {
        let earlier = compare.range(range).typed();
        let error = Error::invalid("--compare", "`--cases` lists the contributions of one range");
        return Err(error.with_hint(format!("leave `--compare` out; `--range {earlier}` lists those of then")));
    }
    Ok(())
}

async fn cases(
    context: &CommandContext,
    arguments: &MetricArguments,
    asked: &NumbersQuestion,
    (database, catalogue): (&Database, &Catalogue),
) -> Result<()> {
    let NumbersQuestion { question, order, .. } = asked;
    let listing: Listing = question.contributions(database, catalogue).await?;
    let batch = joined(&listing.schema, &listing.batches)?;
    let ordered = order.of(&batch, &[])?;
    if batch.num_rows() == 0 || hides_misspelled(question) {
        let notes = unknown_values(question, database).await?;
        notes.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    }
    let durations = listing.value_is_duration.then(|| "value".to_owned());
    let shown =
        Shown { durations: durations.into_iter().collect(), ..Shown::new(context.settings.zone()?, &question.metric) };
    arguments.output.print(shown, &ordered.shown(&batch)?)?;
    caption_of_cases(question, &listing).iter().for_each(|line| context.printer.talk(line));
    caption_of_hidden(&ordered).iter().for_each(|line| context.printer.talk(line));
    Ok(())
}
