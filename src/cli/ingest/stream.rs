//! `ingest` of inputs that may never end: standard input, files that are followed. Commits repeatedly, and reports each commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::compact;
use crate::cli::context::CommandContext;
use crate::cli::signals::Stop;
use crate::error::{Error, Result};
use crate::input::batches::{Batches, Bounds};
use crate::input::pieces::Inputs;
use crate::input::source::Source;
use crate::log::{Log, Summary};
use crate::model::time::parse_duration_ms;

/// When a stream commits by default: the interval, and the number of lines.
const EVERY: Duration = Duration::from_secs(5);
const LINES: u64 = 100_000;
/// A pipe is one batch, as a file is, unless it takes longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flags for inputs that may never end.
#[derive(Clone, Debug, Default, Args)]
pub struct StreamArguments {
    /// Continue to read files as they grow, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// Commit at this interval [default with --follow: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    commit_every: Option<Duration>,
    /// Commit as soon as this many events have come [default with --follow: 100000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    commit_events: Option<u64>,
}

/// How a stream is cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    follow: bool,
    every: Duration,
    lines: u64,
    /// Whether the last commit is reported before the summary, too.
    reports_last: bool,
}

impl StreamArguments {
    /// The plan for these sources; none where they are one batch.
    pub fn plan(&self, sources: &[Source]) -> Option<Plan> {
        if self.follow || self.commit_every.is_some() || self.commit_events.is_some() {
            let (every, lines) = (self.commit_every.unwrap_or(EVERY), self.commit_events.unwrap_or(LINES));
            return Some(Plan { follow: self.follow, every, lines, reports_last: true });
        }
        let may_never_end = sources.iter().any(Source::may_never_end);
        may_never_end.then_some(Plan { follow: false, every: PATIENCE, lines: u64::MAX, reports_last: false })
    }
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let ms = parse_duration_ms(text).map_err(|refusal| refusal.to_string())?;
    Ok(Duration::from_millis(ms.unsigned_abs()))
}

/// Ingests batch after batch until the inputs end or the user stops it; gives the sums.
pub async fn ingest(context: &CommandContext, log: &mut Log, sources: Vec<Source>, plan: &Plan) -> Result<Summary> {
    let inputs = if plan.follow { Inputs::follow(&sources)? } else { Inputs::new(sources)? };
    let bounds = Bounds { lines: plan.lines, ..Bounds::default() };
    let timer = tokio::spawn(remind(plan.every, bounds.due.clone()));
    let _stop = Stop::listen_for(bounds.stop.clone())?;
    let batches = Arc::new(Mutex::new(Batches::of(inputs, bounds)));
    let mut sums = Summary::default();
    let mut commits = 0_u64;
    while gather(context, &batches).await? {
        let feeding = batches.clone();
        let summary = log.ingest(context.ingest_options(), move |take| hold(&feeding)?.feed(take)).await?;
        sums = plus(&sums, &summary);
        commits += 1;
        let over = hold(&batches)?.is_over();
        if plan.reports_last || !over {
            acknowledge(context, commits, &sums);
        }
        // What never ends must not leave files without end.
        compact::after_ingestion(context, log).await;
        if over {
            break;
        }
    }
    timer.abort();
    Ok(sums)
}

/// Waits for lines on a thread that may block.
async fn gather(context: &CommandContext, batches: &Arc<Mutex<Batches>>) -> Result<bool> {
    let (batches, printer) = (batches.clone(), context.printer);
    let mut say = move |notice| printer.talk(format!("note: {notice}"));
    let gathering = tokio::task::spawn_blocking(move || hold(&batches)?.gather(&mut say));
    gathering.await?
}

fn hold(batches: &Mutex<Batches>) -> Result<MutexGuard<'_, Batches>> {
    batches.lock().map_err(|_| Error::Worker("a panic while reading".to_owned()))
}

async fn remind(every: Duration, due: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(every).await;
        due.store(true, Ordering::Relaxed);
    }
}

fn plus(sums: &Summary, more: &Summary) -> Summary {
    Summary {
        read: sums.read + more.read,
        added: sums.added + more.added,
        duplicates: sums.duplicates + more.duplicates,
        conflicts: sums.conflicts + more.conflicts,
        quarantined: sums.quarantined + more.quarantined,
        bytes: sums.bytes + more.bytes,
    }
}

/// Reports that a batch is in the log; the counts are those of all batches so far.
fn acknowledge(context: &CommandContext, commits: u64, sums: &Summary) {
    let Summary { read, added, duplicates, conflicts, quarantined, bytes } = sums;
    if context.printer.json_summary {
        context.printer.talk(json!({
            "commits": commits, "read": read, "added": added, "duplicates": duplicates, "conflicts": conflicts,
            "quarantined": quarantined, "bytes": bytes,
        }));
        return;
    }
    context.printer.talk(format!(
        "commit {commits}: so far read {read}, added {added}, duplicates {duplicates}, conflicts {conflicts}, \
         quarantined {quarantined}"
    ));
}
