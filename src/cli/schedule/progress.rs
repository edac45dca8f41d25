//! What a daemon does, one line each.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::cli::printer::Printer;
use crate::model::time::Instant;
use crate::schedule::daemon::{Observer, Progress};
use crate::store::run_log::RunKey;

/// Writes each step to standard error.
pub fn observer(printer: Printer, zone: TimeZone) -> Observer {
    Arc::new(move |progress: &Progress<'_>| match progress {
        Progress::Fault(error) => printer.error(error),
        progress => printer.talk(line(progress, &zone)),
    })
}

/// An instant in the zone of the reader.
pub fn local(instant: Instant, zone: &TimeZone) -> String {
    instant.to_timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

fn line(progress: &Progress<'_>, zone: &TimeZone) -> String {
    let of = |run: &RunKey| format!("{} {}", run.name, local(run.scheduled_at, zone));
    match progress {
        Progress::Waiting { holder } => format!("note: another process is at work ({holder}); waiting for its end"),
        Progress::Working { schedules } => format!("at work on {schedules} schedules"),
        Progress::LeaseLost => "note: another process has taken the work over".to_owned(),
        Progress::Fault(error) => error.to_string(),
        Progress::Skipped { run, reason } => format!("{}: skipped: {reason}", of(run)),
        Progress::Rendered { run, files, bytes } => format!("{}: rendered {files} files, {bytes} bytes", of(run)),
        Progress::Quiet { run, reason } => format!("{}: nothing is sent: {reason}", of(run)),
        Progress::Delivered { run, target, receipt, is_repeat } => {
            let repeat = if *is_repeat { ", marked as a repeat" } else { "" };
            format!("{}: delivered to {target}{repeat}: {receipt}", of(run))
        }
        Progress::Delayed { run, target, error, until } => {
            format!("{}: {target}: {error}; again at {}", of(run), local(*until, zone))
        }
        Progress::NotDelivered { run, target, error } => format!("{}: not delivered to {target}: {error}", of(run)),
        Progress::Ended { run, error: None } => format!("{}: done", of(run)),
        Progress::Ended { run, error: Some(error) } => format!("{}: failed: {error}", of(run)),
        Progress::Refreshed => "the facts are up to date".to_owned(),
    }
}
