//! `cases`: one row for each case, with every metric of it.

use clap::Args;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::output::OutputArguments;
use super::people::PeopleArguments;
use crate::error::Result;
use crate::export::Shown;
use crate::metric::cases::{CaseTable, CasesQuestion};
use crate::metric::filter::Filter;
use crate::metric::range::{ALWAYS, Range};

/// Arguments of `cases`.
#[derive(Debug, Args)]
pub struct CasesArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
    /// Only cases that were created then, such as 2026-05 [default: all]
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,
    /// Only cases that have this value of a dimension, as of their creation, or with `DIM@now=VALUE` as of now; as in `metric`
    #[arg(long = "where", value_name = "DIM=VALUE")]
    filters: Vec<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// Writes the rows.
pub async fn cases(context: &CommandContext, arguments: &CasesArguments) -> Result<Completion> {
    let catalogue = context.catalogue().await?;
    let zone = context.settings.zone()?;
    let range = Range::parse(arguments.range.as_deref().unwrap_or(ALWAYS), &zone, context.now);
    let range = range.map_err(|error| error.at("--range"))?;
    let filters = arguments.filters.iter().map(|text| Filter::parse("--where", text)).collect::<Result<Vec<_>>>()?;
    let database = context.database().await?;
    let mut shown = Vec::new();
    for filter in filters {
        shown.push(filter.shown(&database).await?);
    }
    let question = CasesQuestion { range, filters: shown, as_of: context.now };
    let memory_bytes = context.settings.memory_bytes.value;
    let mut table = CaseTable::open(&question, &database, &catalogue, memory_bytes).await?;
    let mut output = arguments.output.open(Shown::new(zone, "Cases"))?;
    let schema = table.schema().clone();
    let rows = output.write_parts(&schema, async || table.next().await).await?;
    output.finish()?;
    let noun = if rows == 1 { "case" } else { "cases" };
    context.printer.talk(format!("{rows} {noun}, as of {}", question.as_of));
    Ok(Completion::Done)
}
