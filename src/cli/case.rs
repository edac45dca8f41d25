//! `case`: the timeline of one case, in the terminal.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimestampMillisecondType};
use clap::Args;
use datafusion::prelude::SessionContext;
use jiff::tz::TimeZone;

use super::{Desk, Outcome};
use crate::error::{Error, Result};
use crate::metric::zone_name;
use crate::model::event::EventType;
use crate::model::json::Json;
use crate::model::members;
use crate::model::time::{Instant, duration_text};

/// Only the last so many messages of one case are shown; all are counted (2.2).
const MESSAGES_MAX: usize = 500;

/// Arguments of `case`.
#[derive(Debug, Args)]
pub struct CaseArguments {
    /// The case
    id: String,
    /// Show what the messages say
    #[arg(long)]
    with_text: bool,
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    time: Instant,
    mark: &'static str,
    text: String,
}

/// Rows of a query, read by column name.
struct Rows {
    batches: Vec<RecordBatch>,
}

impl Rows {
    async fn of(context: &SessionContext, table: &str, case_id: &str, order: &str) -> Result<Rows> {
        let key = case_id.replace('\'', "''");
        let sql = format!("SELECT * FROM {table} WHERE case_id = '{key}' ORDER BY {order}");
        Ok(Rows { batches: context.sql(&sql).await?.collect().await? })
    }

    fn iter(&self) -> impl Iterator<Item = RowAt<'_>> {
        self.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| RowAt { batch, row }))
    }

    fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

#[derive(Clone, Copy)]
struct RowAt<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl RowAt<'_> {
    fn instant(&self, column: &str) -> Option<Instant> {
        let array = self.batch.column_by_name(column)?.as_primitive_opt::<TimestampMillisecondType>()?;
        array.is_valid(self.row).then(|| Instant(array.value(self.row)))
    }

    fn text(&self, column: &str) -> Option<String> {
        let slice = self.batch.column_by_name(column)?.slice(self.row, 1);
        let text = arrow::compute::cast(&slice, &DataType::Utf8).ok()?;
        let text = text.as_string::<i32>();
        text.is_valid(0).then(|| text.value(0).to_owned())
    }

    fn or_dash(&self, column: &str) -> String {
        self.text(column).unwrap_or_else(|| "–".to_owned())
    }

    fn is_message(&self) -> bool {
        self.text("type").is_some_and(|kind| kind.starts_with("message."))
    }

    fn ms(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }
}

/// Shows a case.
pub async fn case(desk: &Desk, arguments: &CaseArguments) -> Result<Outcome> {
    let (context, _) = desk.session().await?;
    let id = &arguments.id;
    let cases = Rows::of(&context, "cases", id, "case_id").await?;
    let events = Rows::of(&context, "events", id, "time, sequence, source, id").await?;
    if events.count() == 0 {
        return Err(no_such_case(&context, id).await?);
    }
    let zone = desk.settings.zone()?;
    let mut text = String::new();
    match cases.iter().next() {
        Some(row) => head(&mut text, &row, &zone),
        None => text.push_str(&format!("case {id}\nnever created; its events stand below\n")),
    }
    bands(&mut text, &context, id, &zone).await?;
    turns(&mut text, &context, id, &zone).await?;
    timeline(&mut text, &context, &events, arguments, &zone).await?;
    desk.printer.data(text.trim_end())?;
    Ok(Outcome::Done)
}

async fn no_such_case(context: &SessionContext, id: &str) -> Result<Error> {
    let prefix: String = id.chars().take(3).collect::<String>().replace('\'', "''");
    let sql = format!("SELECT case_id FROM cases ORDER BY starts_with(case_id, '{prefix}') DESC, case_id LIMIT 1");
    let rows = Rows { batches: context.sql(&sql).await?.collect().await? };
    let example = rows.iter().next().and_then(|row| row.text("case_id"));
    let hint =
        example.map_or("the log holds no case".to_owned(), |example| format!("cases have ids such as `{example}`"));
    Ok(Error::refused(format!("there is no case `{id}`")).with_hint(hint))
}

fn clock(instant: Instant, zone: &TimeZone) -> String {
    instant.to_local(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn clock_or(instant: Option<Instant>, zone: &TimeZone, otherwise: &str) -> String {
    instant.map_or_else(|| otherwise.to_owned(), |instant| clock(instant, zone))
}

fn head(text: &mut String, row: &RowAt<'_>, zone: &TimeZone) {
    let at = |column: &str| clock_or(row.instant(column), zone, "–");
    let lines = [
        format!(
            "case {}    {}, {} priority, assigned to {}",
            row.or_dash("case_id"),
            row.or_dash("status"),
            row.or_dash("priority"),
            row.or_dash("assignee")
        ),
        format!(
            "  customer {} on {} ({}), {}",
            row.or_dash("customer"),
            row.or_dash("profile"),
            row.or_dash("platform"),
            row.or_dash("origin")
        ),
        format!(
            "  created {}, first response {}, resolved {}, closes {}",
            at("created_at"),
            at("first_response_at"),
            at("resolved_at"),
            at("closes_at")
        ),
        format!(
            "  messages: {} received, {} sent, {} by bots, {} notes; {} assignments, {} reopenings",
            row.or_dash("messages_received"),
            row.or_dash("messages_sent"),
            row.or_dash("bot_messages_sent"),
            row.or_dash("notes"),
            row.or_dash("assignments"),
            row.or_dash("reopenings")
        ),
    ];
    text.push_str(&lines.join("\n"));
    text.push('\n');
    if let Some(deleted_at) = row.instant("deleted_at") {
        text.push_str(&format!("  deleted {}: its text is gone, its numbers stay\n", clock(deleted_at, zone)));
    }
    text.push_str(&format!("  times in {}\n", zone_name(zone)));
}

/// Status and assignment, as bands.
async fn bands(text: &mut String, context: &SessionContext, id: &str, zone: &TimeZone) -> Result<()> {
    text.push_str("\nstatus and assignment\n");
    for row in Rows::of(context, "periods", id, "since").await?.iter() {
        let (since, until) = (row.instant("since"), row.instant("until"));
        let length = since.zip(until).map_or("still".to_owned(), |(since, until)| duration_text(until.since_ms(since)));
        text.push_str(&format!(
            "  {} → {:19}  {length:>12}  {:8} {:12} {:7} by {}\n",
            clock_or(since, zone, "–"),
            clock_or(until, zone, "now"),
            row.or_dash("status"),
            row.or_dash("assignee"),
            row.or_dash("priority"),
            row.or_dash("cause"),
        ));
    }
    for row in Rows::of(context, "assignments", id, "n").await?.iter() {
        let end = row
            .instant("ended_at")
            .map_or("still".to_owned(), |at| format!("until {} ({})", clock(at, zone), row.or_dash("ended_by")));
        let reply = row
            .instant("first_reply_at")
            .map_or("no reply".to_owned(), |at| format!("first reply {}", clock(at, zone)));
        text.push_str(&format!(
            "  assignment {}: {} from {} {end}, {reply}\n",
            row.or_dash("n"),
            row.or_dash("agent"),
            clock_or(row.instant("assigned_at"), zone, "–")
        ));
    }
    Ok(())
}

/// Turns and resolutions with their durations.
async fn turns(text: &mut String, context: &SessionContext, id: &str, zone: &TimeZone) -> Result<()> {
    let duration = |row: &RowAt<'_>, column: &str| row.ms(column).map_or("–".to_owned(), duration_text);
    text.push_str("\nturns (the first is the first response)\n");
    for row in Rows::of(context, "turns", id, "n").await?.iter() {
        let end = match (row.instant("answered_at"), row.instant("stopped_at")) {
            (Some(at), _) => format!(
                "answered {} by {} after {} (active {})",
                clock(at, zone),
                row.or_dash("answered_by"),
                duration(&row, "elapsed_ms"),
                duration(&row, "active_ms")
            ),
            (None, Some(at)) => format!("stopped {} without an answer", clock(at, zone)),
            (None, None) => "open".to_owned(),
        };
        text.push_str(&format!(
            "  turn {}: asked {}, {end}\n",
            row.or_dash("n"),
            clock_or(row.instant("asked_at"), zone, "–")
        ));
    }
    for row in Rows::of(context, "resolutions", id, "n").await?.iter() {
        let after = match (row.instant("reopened_at"), row.instant("closed_at")) {
            (Some(at), _) => format!(", reopened {}", clock(at, zone)),
            (None, Some(at)) => format!(", closes {}", clock(at, zone)),
            (None, None) => String::new(),
        };
        text.push_str(&format!(
            "  resolution {}: {} {} by {}, {} after creation (active {}){after}\n",
            row.or_dash("n"),
            row.or_dash("status"),
            clock_or(row.instant("resolved_at"), zone, "–"),
            row.or_dash("by"),
            duration(&row, "elapsed_ms"),
            duration(&row, "active_ms"),
        ));
    }
    Ok(())
}

/// Every event, and the findings beside those that broke a rule.
async fn timeline(
    text: &mut String,
    context: &SessionContext,
    events: &Rows,
    arguments: &CaseArguments,
    zone: &TimeZone,
) -> Result<()> {
    let findings = Rows::of(context, "findings", &arguments.id, "time, source, id, rule").await?;
    let hidden = events.iter().filter(RowAt::is_message).count().saturating_sub(MESSAGES_MAX);
    let mut entries = customer(context, &arguments.id).await?;
    let mut messages = 0_usize;
    for row in events.iter() {
        let Some(time) = row.instant("time") else { continue };
        messages += usize::from(row.is_message());
        if !row.is_message() || messages > hidden {
            entries.push(Entry { time, mark: " ", text: describe(&row, arguments.with_text) });
        }
        entries.extend(broken_rules(&findings, &row, time));
    }
    for row in Rows::of(context, "periods", &arguments.id, "since")
        .await?
        .iter()
        .filter(|row| row.text("cause").as_deref() == Some("presence"))
    {
        let Some(time) = row.instant("since") else { continue };
        entries.push(Entry { time, mark: "~", text: "taken from its assignee, who is not there any more".to_owned() });
    }
    entries.sort_by_key(|entry| entry.time);
    text.push_str("\nevents\n");
    if hidden > 0 {
        let noun = if hidden == 1 { "message is" } else { "messages are" };
        text.push_str(&format!("  … {hidden} earlier {noun} not shown, but counted above\n"));
    }
    for entry in &entries {
        text.push_str(&format!("  {}  {} {}\n", clock(entry.time, zone), entry.mark, entry.text));
    }
    Ok(())
}

/// What an event broke, as entries beside it.
fn broken_rules(findings: &Rows, event: &RowAt<'_>, time: Instant) -> Vec<Entry> {
    let is_its = |finding: &RowAt<'_>| {
        finding.text("id") == event.text("id")
            && finding.text("source") == event.text("source")
            && finding.text("severity").as_deref() != Some("hidden")
    };
    let entry = |finding: RowAt<'_>| {
        let text =
            format!("{} ({}): {}", finding.or_dash("rule"), finding.or_dash("effect"), finding.or_dash("detail"));
        Entry { time, mark: "!", text }
    };
    findings.iter().filter(is_its).map(entry).collect()
}

/// The columns of `events` that an event's line shows.
const SHOWN: &[&str] =
    &["by", "agent", "customer", "profile", "status", "priority", "sentiment", "message", "kind", "set_status"];

/// Members that are shown with the text only: what somebody wrote or is called.
const WITH_TEXT: &[&str] = &["text", "comment", "customer_name"];

/// An event in a line: its type, who, and what it says.
fn describe(row: &RowAt<'_>, with_text: bool) -> String {
    let mut parts = vec![format!("{:24}", row.or_dash("type"))];
    parts.extend(SHOWN.iter().filter_map(|member| row.text(member).map(|value| format!("{member} {value}"))));
    // A deleted case has no data any more.
    let data = row.text("data").unwrap_or_default();
    let data = Json::parse(&data).unwrap_or(Json::Null);
    parts.extend(further_members(row, &data, with_text));
    let mut text = parts.join("  ");
    let said = [row.text("text"), data.get("comment").and_then(Json::as_text).map(str::to_owned)];
    for said in said.into_iter().flatten().filter(|_| with_text) {
        text.push_str(&format!("\n{:27}“{}”", "", said.replace('\n', " ")));
    }
    text
}

/// The members of an event's data that have no column, in the order in which the type has them.
fn further_members(row: &RowAt<'_>, data: &Json<'_>, with_text: bool) -> Vec<String> {
    let Some(kind) = row.text("type").and_then(|kind| EventType::parse(&kind)) else { return Vec::new() };
    let is_shown =
        |name: &&str| !SHOWN.contains(name) && (*name == "customer_name" && with_text || !WITH_TEXT.contains(name));
    let names = members::of(kind).map(|member| member.name).filter(is_shown);
    names.filter_map(|name| member_text(name, data.get_or_null(name)?)).collect()
}

fn member_text(name: &str, value: &Json<'_>) -> Option<String> {
    match value {
        // What null does is worth a word only where it takes a value away.
        Json::Null => (name == "value").then(|| "value cleared".to_owned()),
        Json::Flag(flag) => flag.then(|| name.to_owned()),
        Json::Text(text) => Some(format!("{name} {text}")),
        Json::List(items) if items.iter().all(|item| item.as_text().is_some()) => {
            let items: Vec<&str> = items.iter().filter_map(Json::as_text).collect();
            Some(format!("{name} {}", items.join(", ")))
        }
        other => Some(format!("{name} {}", other.to_text())),
    }
}

/// What is known of the case's customer, from the creation on (1.4).
async fn customer(context: &SessionContext, case_id: &str) -> Result<Vec<Entry>> {
    let key = case_id.replace('\'', "''");
    let sql = format!(
        "SELECT greatest(since, created_at) AS time, known.data FROM customers AS known JOIN cases USING (customer) \
         WHERE case_id = '{key}' AND deleted_at IS NULL AND (until IS NULL OR until > created_at) ORDER BY since"
    );
    let rows = Rows { batches: context.sql(&sql).await?.collect().await? };
    let entry = |row: RowAt<'_>| {
        let data = row.text("data")?;
        let data = Json::parse(&data).ok()?;
        let known: Vec<String> = data.members().iter().filter_map(|(name, value)| member_text(name, value)).collect();
        let text = format!(
            "known of the customer: {}",
            if known.is_empty() { "nothing".to_owned() } else { known.join("  ") }
        );
        Some(Entry { time: row.instant("time")?, mark: "~", text })
    };
    Ok(rows.iter().filter_map(entry).collect())
}
