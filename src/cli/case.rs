//! `case`: the timeline of one case, and why its numbers are what they are.
//!
//! Its rows are read and explained by [`crate::timeline`], and shown to people ([`head`], [`policy`], [`clocks`], [`events`]) or
//! as one JSON object ([`crate::timeline::object`]).

mod clocks;
mod events;
mod head;
mod policy;
mod style;
mod text;

use clap::{Args, ValueEnum};
use datafusion::prelude::SessionContext;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::people::PeopleArguments;
use crate::error::{Error, Result};
use crate::explain::Explanation;
use crate::model::time::Instant;
use crate::timeline::ExplainedCase;
use crate::timeline::object::object;
use crate::timeline::rows::{CaseRows, Rows};
use style::Style;
use text::Ink;

/// Arguments of `case`.
#[derive(Debug, Args)]
pub struct CaseArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
    /// The case
    id: String,
    /// Show every interval of long ledgers
    #[arg(long)]
    full: bool,
    /// Format of the output
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    format: CaseFormat,
}

/// Format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CaseFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// Shows a case.
pub async fn case(context: &CommandContext, arguments: &CaseArguments) -> Result<Completion> {
    let database = context.database().await?;
    let id = &arguments.id;
    let as_of = context.moment.as_of.or(database.pointer().last_event_at_ms.map(Instant));
    let Some(ExplainedCase { rows, explanation, .. }) = ExplainedCase::read(&database, id, as_of).await? else {
        return Err(no_such_case(&database.session(), id).await?);
    };
    if arguments.format == CaseFormat::Json {
        context.printer.data(object(id, &rows, explanation.as_ref(), arguments.people.with_text)?)?;
        return Ok(Completion::Done);
    }
    let style = Style {
        zone: context.settings.zone()?,
        ink: Ink { on: context.printer.color },
        with_text: arguments.people.with_text,
        full: arguments.full,
    };
    context.printer.data(shown(id, &rows, explanation.as_ref(), &style).trim_end())?;
    Ok(Completion::Done)
}

fn shown(id: &str, rows: &CaseRows, explanation: Option<&Explanation>, style: &Style) -> String {
    let mut text = String::new();
    head::head(&mut text, id, rows, explanation, style);
    if let Some(explanation) = explanation {
        policy::policy(&mut text, &explanation.choice, style);
    }
    head::bands(&mut text, rows, style);
    head::turns(&mut text, rows, style);
    if let Some(explanation) = explanation {
        clocks::clocks(&mut text, explanation, style);
    }
    events::events(&mut text, rows, style);
    text
}

async fn no_such_case(session: &SessionContext, id: &str) -> Result<Error> {
    let prefix: String = id.chars().take(3).collect();
    let sql = "SELECT case_id FROM cases ORDER BY starts_with(case_id, $prefix) DESC, case_id LIMIT 1";
    let rows = Rows::ask(session, sql, "prefix", &prefix).await?;
    let example = rows.iter().next().and_then(|row| row.text("case_id"));
    let hint =
        example.map_or("the log holds no case".to_owned(), |example| format!("cases have ids such as `{example}`"));
    Ok(Error::refused(format!("there is no case `{id}`")).with_hint(hint))
}
