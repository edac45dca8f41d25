//! `quarantine`: the lines that were set aside, and why.

use std::path::Path;

use clap::{Args, Subcommand};

use super::format::Format;
use super::output::OutputArguments;
use super::{Desk, Outcome};
use crate::error::Result;
use crate::replay::engine;

/// Arguments of `quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List them by file and line
    List(OutputArguments),
}

/// The lines whole, for machines.
const WHOLE_SQL: &str = r#"
SELECT file, line, "offset", rule, detail, text FROM quarantine ORDER BY file, line, "offset", rule"#;

/// A person wants to see which line it is, and has the file to look into.
const SHORT_SQL: &str = r#"
SELECT file, line, "offset", rule, detail,
       CASE WHEN character_length(text) > 60 THEN concat(left(text, 59), '…') ELSE text END AS text
FROM quarantine ORDER BY file, line, "offset", rule"#;

/// Does what was asked with the lines that were set aside.
pub async fn quarantine(desk: &Desk, arguments: &QuarantineArguments) -> Result<Outcome> {
    match &arguments.act {
        Act::List(output) => list(desk, output).await,
    }
}

/// Lists them; also before any fact was made.
async fn list(desk: &Desk, arguments: &OutputArguments) -> Result<Outcome> {
    let log = desk.existing_log().await?;
    let context = engine::session(desk.settings.resources())?;
    context.register_table("quarantine", log.quarantine.provider()?)?;
    let format = arguments.format.or_else(|| Format::of_file(arguments.output.as_deref().unwrap_or(Path::new(""))));
    let sql = if format.is_none_or(|format| format == Format::Table) { SHORT_SQL } else { WHOLE_SQL };
    let mut output = arguments.open(desk.settings.zone()?)?;
    output.write(context.sql(sql).await?.execute_stream().await?).await?;
    output.finish()?;
    Ok(Outcome::Done)
}
