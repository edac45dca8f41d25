//! `config`: every setting, its value and where it came from.

use super::context::{CommandContext, Completion};
use super::settings::{CLUSTER_FILES, Origin, Settings};
use crate::error::Result;

/// Prints the settings, one a line: name, value, origin.
pub fn config(context: &CommandContext) -> Result<Completion> {
    let lines = lines(&context.settings);
    let width = |text: fn(&(&'static str, String, Origin)) -> usize| lines.iter().map(text).max().unwrap_or(0);
    let (names, values) = (width(|line| line.0.len()), width(|line| line.1.chars().count()));
    for (name, value, origin) in &lines {
        context.printer.data(format!("{name:names$}  {value:values$}  {}", origin.name()))?;
    }
    Ok(Completion::Done)
}

fn lines(settings: &Settings) -> Vec<(&'static str, String, Origin)> {
    let Settings { project, store, copies, copies_bytes, time_zone, memory_bytes, threads, file_events, .. } = settings;
    let Settings { cluster, cluster_files, .. } = settings;
    let nothing = || "-".to_owned();
    let mut lines = vec![
        ("project", project.value.display().to_string(), project.origin),
        ("store", store.value.to_string(), store.origin),
        ("copies", copies.value.display().to_string(), copies.origin),
        ("copies_size", bytes_text(copies_bytes.value), copies_bytes.origin),
        ("time_zone", time_zone.value.clone(), time_zone.origin),
        ("memory", bytes_text(memory_bytes.value as u64), memory_bytes.origin),
        ("threads", threads.value.to_string(), threads.origin),
        ("file_events", file_events.value.to_string(), file_events.origin),
        ("cluster", cluster.value.as_ref().map_or_else(nothing, ToString::to_string), cluster.origin),
    ];
    lines.extend(CLUSTER_FILES.into_iter().zip(cluster_files).map(|(name, file)| {
        (name, file.value.as_ref().map_or_else(nothing, |path| path.display().to_string()), file.origin)
    }));
    lines
}

/// As the setting is written.
fn bytes_text(bytes: u64) -> String {
    match (bytes % (1 << 30), bytes % (1 << 20)) {
        (0, _) => format!("{}GiB", bytes >> 30),
        (_, 0) => format!("{}MiB", bytes >> 20),
        _ => format!("{bytes}B"),
    }
}
