//! `generate`: the events of a generated desk on standard output.

use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::context::{CommandContext, Completion};
use crate::error::Result;
use crate::generate::{Plan, write_events};
use crate::model::time::Instant;

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// How many cases to generate
    #[arg(long, value_name = "N")]
    cases: u64,
    /// Seed of the random numbers; the same seed always gives the same bytes
    #[arg(long, value_name = "S", default_value_t = Plan::default().seed)]
    seed: u64,
    /// How many days the events span; the last one is 31 May 2026
    #[arg(long, value_name = "D", default_value_t = Plan::default().days, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    days: u32,
}

/// Writes the events to standard output, so the summary goes to standard error in both formats.
pub fn generate(context: &CommandContext, arguments: &GenerateArguments) -> Result<Completion> {
    let plan = Plan { cases: arguments.cases, seed: arguments.seed, days: arguments.days };
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let summary = write_events(&plan, &mut out)?;
    out.flush()?;
    let (first, last) = (Instant(summary.first).to_string(), Instant(summary.last).to_string());
    if context.printer.json_summary {
        let object = json!({"events": summary.events, "cases": summary.cases, "first": first, "last": last});
        context.printer.talk(object);
    } else {
        context.printer.talk(format!("{} events of {} cases, {first} to {last}", summary.events, summary.cases));
    }
    Ok(Completion::Done)
}
