//! Breach notices (3.6): to the assignee at the due instant and to the supervisors, each breach once.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use jiff::tz::TimeZone;

use super::board::summary_figure;
use super::output::rendered_mail;
use crate::error::Result;
use crate::metric::question::instant_value;
use crate::metric::range::zone_name;
use crate::model::time::{Instant, duration_text};
use crate::report::format::mail::letter::{Block, Card, Cell, Heading, Letter, Part, Rows};
use crate::report::format::mail::{left_out, of_letter};
use crate::report::text;
use crate::report::value::Value;
use crate::schedule::parcel::{Rendered, RunSummary};
use crate::schedule::sources::{Showing, Sources};

/// Breaches that one mail lists, at most.
const BREACHES_MAX: usize = 100;

/// Breaches that are written out one by one; more are in a table.
const CARDS_MAX: usize = 10;

/// The breaches of which one recipient is to be notified.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The id of the user.
    pub recipient: String,
    pub rendered: Rendered,
    /// What is not to be sent again, as `case|milestone|n|recipient`.
    pub keys: Vec<String>,
}

/// The breaches whose due instant is after one instant and not after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub after: Instant,
    pub until: Instant,
}

/// Breaches with what a reader needs to know of each case. A customer and a user have the name of their last version.
const QUERY: &str = r#"
SELECT notice.recipient, notice.case_id, notice.milestone, notice.n, notice.due_at,
       coalesce(customer.name, kase.customer) AS customer,
       coalesce(person.name, kase.assignee) AS assignee,
       kase.status,
       coalesce(clock.completed_at, clock.stopped_at) AS ended_at
FROM breach_notices AS notice
JOIN cases AS kase ON kase.case_id = notice.case_id
JOIN milestones AS clock ON clock.case_id = notice.case_id AND clock.milestone = notice.milestone AND clock.n = notice.n
     AND clock.until IS NULL
LEFT JOIN customers AS customer ON customer.customer = kase.customer AND customer.until IS NULL
LEFT JOIN users AS person ON person."user" = kase.assignee AND person.until IS NULL
WHERE notice.due_at > $after AND notice.due_at <= $until
ORDER BY notice.recipient, notice.due_at, notice.case_id, notice.milestone, notice.n"#;

/// A row of the query.
struct Breach {
    recipient: String,
    case: String,
    milestone: String,
    n: i64,
    due_at: Instant,
    customer: String,
    assignee: Option<String>,
    status: String,
    /// When the clock was completed or stopped, if it was.
    ended_at: Option<Instant>,
}

impl Breach {
    fn key(&self) -> String {
        format!("{}|{}|{}|{}", self.case, self.milestone, self.n, self.recipient)
    }

    /// How late as of an instant.
    fn late_text(&self, as_of: Instant) -> String {
        match self.ended_at.filter(|ended| *ended <= as_of) {
            Some(ended) => format!("ended {} late", duration_text(ended.since_ms(self.due_at))),
            None => format!("not ended, {} late", duration_text(as_of.since_ms(self.due_at))),
        }
    }
}

/// The notices of breaches that are due in an interval, one for each recipient, without those whose keys were sent before. A
/// breach that a late event reveals has a due instant in the past: an interval that begins earlier finds it.
///
/// # Errors
/// When the facts cannot be read.
pub async fn render(
    sources: &Sources,
    due: Due,
    scheduled_at: Instant,
    zone: &TimeZone,
    sent: &BTreeSet<String>,
) -> Result<Vec<Notice>> {
    let session = sources.database(Showing::PLAIN).await?.session();
    let parameters = [("after", due.after), ("until", due.until)];
    let parameters = parameters.map(|(name, at)| (name.to_owned(), instant_value(at))).to_vec();
    let batches = session.sql(QUERY).await?.with_param_values(parameters)?.collect().await?;
    let mut by_recipient: BTreeMap<String, Vec<Breach>> = BTreeMap::new();
    for batch in &batches {
        for breach in breaches(batch)?.into_iter().filter(|breach| !sent.contains(&breach.key())) {
            by_recipient.entry(breach.recipient.clone()).or_default().push(breach);
        }
    }
    let notice = |(recipient, breaches): (String, Vec<Breach>)| Notice {
        keys: breaches.iter().map(Breach::key).collect(),
        rendered: rendered(&breaches, scheduled_at, zone),
        recipient,
    };
    Ok(by_recipient.into_iter().map(notice).collect())
}

fn breaches(batch: &RecordBatch) -> Result<Vec<Breach>> {
    let texts = |column: usize| cast(batch.column(column), &DataType::Utf8);
    let (recipients, cases, milestones) = (texts(0)?, texts(1)?, texts(2)?);
    let (customers, assignees, statuses) = (texts(5)?, texts(6)?, texts(7)?);
    let numbers = cast(batch.column(3), &DataType::Int64)?;
    let text = |array: &arrow::array::ArrayRef, row: usize| {
        let texts = array.as_string::<i32>();
        (!arrow::array::Array::is_null(texts, row)).then(|| texts.value(row).to_owned())
    };
    let instants = |column: usize| batch.column(column).as_primitive::<TimestampMillisecondType>();
    let breach = |row: usize| {
        let ended = instants(8);
        Breach {
            recipient: text(&recipients, row).unwrap_or_default(),
            case: text(&cases, row).unwrap_or_default(),
            milestone: text(&milestones, row).unwrap_or_default(),
            n: numbers.as_primitive::<Int64Type>().value(row),
            due_at: Instant(instants(4).value(row)),
            customer: text(&customers, row).unwrap_or_else(|| "unknown".to_owned()),
            assignee: text(&assignees, row),
            status: text(&statuses, row).unwrap_or_default(),
            ended_at: (!arrow::array::Array::is_null(ended, row)).then(|| Instant(ended.value(row))),
        }
    };
    Ok((0..batch.num_rows()).map(breach).collect())
}

fn rendered(breaches: &[Breach], scheduled_at: Instant, zone: &TimeZone) -> Rendered {
    let title = match breaches {
        [one] => format!("Breach: {} of case {}", milestone_text(one), one.case),
        all => format!("{} breaches", all.len()),
    };
    let facts = vec![("As of".to_owned(), text::as_of(scheduled_at, zone)), ("Zone".to_owned(), zone_name(zone))];
    let parts = match breaches.len() <= CARDS_MAX {
        true => breaches.iter().map(|breach| Part::Card(card(breach, scheduled_at, zone))).collect(),
        false => {
            let blocks = vec![Block::Table(rows(breaches, scheduled_at, zone))];
            vec![Part::Card(Card { blocks, ..Card::default() })]
        }
    };
    let description = "Targets of service that were not met in time.".to_owned();
    let preview = breaches.iter().take(3).map(|breach| format!("{} {}", breach.case, milestone_text(breach)));
    let preview = preview.collect::<Vec<_>>().join(" · ");
    let notes = vec![
        "Each breach is reported once: to the user to whom the case was assigned when it was due, and to every supervisor.".to_owned(),
    ];
    let letter = Letter { title: title.clone(), description, facts, preview, parts, notes };
    let figures = vec![summary_figure("Breaches", &Value::Count(breaches.len() as f64))];
    let lines = breaches.iter().take(8).map(|breach| {
        let (milestone, late) = (milestone_text(breach), breach.late_text(scheduled_at));
        format!("Case {}: {milestone} was due on {}, {late}.", breach.case, local(breach.due_at, zone))
    });
    let summary = RunSummary { title, figures, notes: lines.collect(), ..RunSummary::default() };
    Rendered { summary, files: rendered_mail(of_letter(&letter)) }
}

/// The milestone in words; further instances with their number.
fn milestone_text(breach: &Breach) -> String {
    let milestone = breach.milestone.replace('_', " ");
    if breach.n > 1 { format!("{milestone} {}", breach.n) } else { milestone }
}

fn local(instant: Instant, zone: &TimeZone) -> String {
    instant.to_local(zone).strftime("%a %-d %b, %H:%M").to_string()
}

/// One breach in sentences.
fn card(breach: &Breach, scheduled_at: Instant, zone: &TimeZone) -> Card {
    let lines = [
        format!("Customer: {}", breach.customer),
        format!("Due: {}, {}", local(breach.due_at, zone), breach.late_text(scheduled_at)),
        format!("Assignee: {}", breach.assignee.as_deref().unwrap_or("none")),
    ];
    Card {
        title: format!("Case {}: {}", breach.case, milestone_text(breach)),
        caption: format!("status: {}", breach.status.replace('_', " ")),
        blocks: lines.map(Block::Text).to_vec(),
        remarks: Vec::new(),
    }
}

fn rows(breaches: &[Breach], scheduled_at: Instant, zone: &TimeZone) -> Rows {
    let headings = ["Case", "Customer", "Milestone", "Due", "How late", "Assignee", "Status"];
    let row = |breach: &Breach| {
        let cells = [
            breach.case.clone(),
            breach.customer.clone(),
            milestone_text(breach),
            local(breach.due_at, zone),
            breach.late_text(scheduled_at),
            breach.assignee.clone().unwrap_or_else(|| "none".to_owned()),
            breach.status.replace('_', " "),
        ];
        cells.map(Cell::from).to_vec()
    };
    Rows {
        columns: headings.map(|text| Heading { text: text.to_owned(), is_number: false }).to_vec(),
        rows: breaches.iter().take(BREACHES_MAX).map(row).collect(),
        more: left_out(breaches.len().saturating_sub(BREACHES_MAX), "more"),
    }
}
