//! The numbers of a metric, or the cases behind them.

use super::arguments::MetricArguments;
use super::asked::Asked;
use super::order::Order;
use super::{caption, columns, order};
use crate::cli::context::CommandContext;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::metric::aggregation::Aggregation;
use crate::metric::ask::Listing;
use crate::metric::catalogue::Catalogue;
use crate::metric::compare::Compare;
use crate::metric::dimension::Dimension;
use crate::metric::filter::Filter;
use crate::metric::question::Question;
use crate::metric::range::{Grain, Range};
use crate::metric::values;
use crate::query::database::Database;

/// The question that was typed.
pub fn question(context: &CommandContext, arguments: &MetricArguments, name: &str, range: &str) -> Result<Question> {
    let zone = context.settings.zone()?;
    let range = Range::parse(range, &zone, context.now).map_err(|error| error.at("--range"))?;
    check_cases(arguments, &range)?;
    let dimension = |name: &String| Ok(Dimension::parse(name).map_err(|error| error.at("--by"))?.written_at("--by"));
    let aggregation = |name: &String| Aggregation::parse(name).map_err(|error| error.at("--show"));
    Ok(Question {
        metric: name.to_owned(),
        by: arguments.by.iter().map(dimension).collect::<Result<_>>()?,
        grain: arguments.grain.as_deref().map(Grain::parse).transpose().map_err(|error| error.at("--grain"))?,
        as_of: range.as_of(context.now),
        show: arguments.show.iter().map(aggregation).collect::<Result<_>>()?,
        filters: arguments.filters.iter().map(|text| Filter::parse("--where", text)).collect::<Result<_>>()?,
        range,
    })
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

/// The comparisons that were typed, each once.
fn comparisons(arguments: &MetricArguments) -> Result<Vec<Compare>> {
    let mut found: Vec<Compare> = Vec::new();
    for name in &arguments.compare {
        let compare = Compare::parse(name).map_err(|error| error.at("--compare"))?;
        if found.contains(&compare) {
            return Err(Error::invalid("--compare", format!("`{name}` is asked for twice")).with_hint("name it once"));
        }
        found.push(compare);
    }
    Ok(found)
}

/// Prints the numbers, or the cases behind them.
pub async fn numbers(
    context: &CommandContext,
    arguments: &MetricArguments,
    mut question: Question,
    catalogue: &Catalogue,
) -> Result<()> {
    let comparisons = comparisons(arguments)?;
    let order = Order::parse(&arguments.sort, arguments.limit)?;
    question.check_show(catalogue.get(&question.metric)?).map_err(|error| error.at("--show"))?;
    let database = context.database().await?;
    for filter in &mut question.filters {
        *filter = filter.clone().shown(&database).await?;
    }
    if arguments.cases {
        let listing = question.contributions(&database, catalogue).await?;
        return cases(context, arguments, &Listed { question, listing, order }, &database).await;
    }
    let answer = question.answer(&database, catalogue).await?;
    let is_empty = answer.contributions == 0 && answer.left_out.iter().all(|(_, count)| *count == 0);
    if is_empty || hides_misspelled(&question) {
        note_unknown_values(context, &question, &database).await?;
    }
    let mut asked = vec![Asked { compare: None, question: question.clone(), answer }];
    for compare in comparisons {
        let question = question.over(compare.range(&question.range), context.now);
        let answer = question.answer(&database, catalogue).await?;
        asked.push(Asked { compare: Some(compare), question, answer });
    }
    let columns = columns::columns(&asked);
    let batch = columns::for_machines(&columns)?;
    let names: Vec<(&str, &str)> = columns.iter().map(columns::Column::names).collect();
    let ordered = order.of(&batch, &names)?;
    let batch = if arguments.output.is_table() { columns::for_people(&columns)? } else { batch };
    let durations = columns.iter().filter(|column| column.is_duration()).map(|column| column.names().0.to_owned());
    let shown = Shown { durations: durations.collect(), ..Shown::new(context.settings.zone()?, &question.metric) };
    arguments.output.print(shown, &ordered.shown(&batch)?)?;
    let begins = if asked.len() > 1 { database.log_begins().await? } else { None };
    caption::lines(&asked, begins).iter().for_each(|line| context.printer.talk(line));
    caption::hidden(&columns, &ordered).iter().for_each(|line| context.printer.talk(line));
    Ok(())
}

/// The contributions behind a number, and how they are shown.
struct Listed {
    question: Question,
    listing: Listing,
    order: Order,
}

async fn cases(
    context: &CommandContext,
    arguments: &MetricArguments,
    listed: &Listed,
    database: &Database,
) -> Result<()> {
    let Listed { question, listing, order } = listed;
    let batch = order::joined(&listing.schema, &listing.batches)?;
    let ordered = order.of(&batch, &[])?;
    if batch.num_rows() == 0 || hides_misspelled(question) {
        note_unknown_values(context, question, database).await?;
    }
    let durations = listing.value_is_duration.then(|| "value".to_owned());
    let shown =
        Shown { durations: durations.into_iter().collect(), ..Shown::new(context.settings.zone()?, &question.metric) };
    arguments.output.print(shown, &ordered.shown(&batch)?)?;
    caption::of_cases(question, listing).iter().for_each(|line| context.printer.talk(line));
    caption::hidden(&[], &ordered).iter().for_each(|line| context.printer.talk(line));
    Ok(())
}

fn hides_misspelled(question: &Question) -> bool {
    question.filters.iter().any(Filter::hides_a_misspelled_value)
}

/// An empty answer may be due to a name that nothing in the log has.
async fn note_unknown_values(context: &CommandContext, question: &Question, database: &Database) -> Result<()> {
    // A metric of the project may have other values than the usual ones.
    let is_built_in = Catalogue::is_built_in(&question.metric);
    let in_question = |filter: &&Filter| is_built_in || filter.dimension.usual_values().is_empty();
    let notes = values::notes(question.filters.iter().filter(in_question), database).await?;
    notes.iter().for_each(|note| context.printer.talk(format!("note: {note}")));
    Ok(())
}
