//! Events as columns: the schema of the log and the builder that fills it.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, RecordBatch,
    StringViewBuilder, TimestampMillisecondBuilder, UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::Result;
use crate::model::event::{EventType, Order};
use crate::model::json::Json;
use crate::model::line::LoggedEvent;
use crate::model::members;
use crate::model::time::Instant;

/// The type of every instant in the store.
#[must_use]
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
}

/// Columns of the log that SQL sees as `events` (4).
pub const EVENT_COLUMNS: &[&str] = &[
    "time",
    "sequence",
    "source",
    "id",
    "type",
    "subject",
    "case_id",
    "by",
    "agent",
    "customer",
    "profile",
    "status",
    "priority",
    "sentiment",
    "message",
    "kind",
    "set_status",
    "text",
    "data",
    "ingested_at",
    "batch",
];

/// Members of `data` that stand as texts in columns of their own: what SQL sees, and what only replay reads.
const TEXT_MEMBERS: &[&str] = &[
    "by",
    "agent",
    "customer",
    "profile",
    "status",
    "priority",
    "sentiment",
    "message",
    "kind",
    "set_status",
    "text",
    "platform",
    "origin",
    "language",
    "field",
    "record",
    "survey",
    "comment",
];

/// The log's columns. Those beyond [`EVENT_COLUMNS`] spare replay the reading of `data`, and the fingerprints are the
/// event's identity and content (1.2).
pub static LOG_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let mut fields = vec![
        Field::new("time", instant_type(), false),
        Field::new("sequence", DataType::Int64, false),
        Field::new("source", DataType::Utf8View, false),
        Field::new("id", DataType::Utf8View, false),
        Field::new("type", DataType::Utf8View, false),
        Field::new("subject", DataType::Utf8View, false),
        text("case_id"),
    ];
    fields.extend(TEXT_MEMBERS.iter().map(|name| text(name)));
    fields.extend([
        text("value"),
        text("fields"),
        text("mentions"),
        Field::new("automatic", DataType::Boolean, true),
        Field::new("bot", DataType::Boolean, true),
        Field::new("score", DataType::Float64, true),
        Field::new("rank", DataType::Int32, false),
        text("data"),
        Field::new("identity", DataType::Binary, false),
        Field::new("content", DataType::Binary, false),
        Field::new("ingested_at", instant_type(), false),
        Field::new("batch", DataType::Int64, false),
    ]);
    Arc::new(Schema::new(fields))
});

/// What an event carries beside itself into the log.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub ingested_at: Instant,
    pub batch: i64,
}

/// Collects events into columns.
pub struct RowsBuilder {
    arrival: Arrival,
    rows: usize,
    bytes: usize,
    in_order: bool,
    last: Option<OwnedOrder>,
    times: TimestampMillisecondBuilder,
    sequences: Int64Builder,
    sources: StringViewBuilder,
    ids: StringViewBuilder,
    types: StringViewBuilder,
    subjects: StringViewBuilder,
    case_ids: StringViewBuilder,
    members: Vec<StringViewBuilder>,
    values: StringViewBuilder,
    fields: StringViewBuilder,
    mentions: StringViewBuilder,
    automatic: BooleanBuilder,
    bot: BooleanBuilder,
    scores: Float64Builder,
    ranks: Int32Builder,
    data: StringViewBuilder,
    identities: BinaryBuilder,
    contents: BinaryBuilder,
}

/// The part of an event's place in the log that is compared first; ties are settled when a file is sorted.
type OwnedOrder = (i64, bool, i64, u8);

impl RowsBuilder {
    /// An empty builder for events that arrive together.
    #[must_use]
    pub fn new(arrival: Arrival) -> RowsBuilder {
        RowsBuilder {
            arrival,
            rows: 0,
            bytes: 0,
            in_order: true,
            last: None,
            times: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            sequences: Int64Builder::new(),
            sources: StringViewBuilder::new().with_deduplicate_strings(),
            ids: StringViewBuilder::new(),
            types: StringViewBuilder::new().with_deduplicate_strings(),
            subjects: StringViewBuilder::new(),
            case_ids: StringViewBuilder::new(),
            members: TEXT_MEMBERS.iter().map(|_| StringViewBuilder::new()).collect(),
            values: StringViewBuilder::new(),
            fields: StringViewBuilder::new(),
            mentions: StringViewBuilder::new(),
            automatic: BooleanBuilder::new(),
            bot: BooleanBuilder::new(),
            scores: Float64Builder::new(),
            ranks: Int32Builder::new(),
            data: StringViewBuilder::new(),
            identities: BinaryBuilder::new(),
            contents: BinaryBuilder::new(),
        }
    }

    /// Rows collected so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event.
    pub fn push(&mut self, event: &LoggedEvent<'_>, identity: u128, content: u128) {
        self.note_order(event);
        self.times.append_value(event.time.0);
        self.sequences.append_value(event.sequence);
        self.sources.append_value(&event.source);
        self.ids.append_value(&event.id);
        self.types.append_value(event.kind.name());
        self.subjects.append_value(&event.subject);
        self.case_ids.append_option(event.kind.is_about_a_case().then_some(&event.subject));
        for (text, builder) in text_members(event).into_iter().zip(&mut self.members) {
            builder.append_option(text);
        }
        self.push_rest(event);
        self.ranks.append_value(i32::from(event.kind.rank()));
        self.data.append_value(event.data_text);
        self.identities.append_value(identity.to_be_bytes());
        self.contents.append_value(content.to_be_bytes());
        self.rows += 1;
        // Text twice (in `data` and in its own columns) and about 400 bytes of views and fixed columns.
        self.bytes += 2 * event.data_text.len() + 400;
    }

    fn push_rest(&mut self, event: &LoggedEvent<'_>) {
        let data = &event.data;
        let json_of = |name: &str, kind| data.get(name).filter(|_| event.kind == kind).map(Json::to_text);
        self.values.append_option(json_of("value", EventType::CaseFieldChanged));
        self.fields.append_option(json_of("fields", EventType::CaseCreated));
        self.mentions.append_option(json_of("mentions", EventType::MessageNoted));
        self.automatic.append_option(known(event, "automatic").and_then(Json::as_flag));
        self.bot.append_option(known(event, "bot").and_then(Json::as_flag));
        self.scores.append_option(match known(event, "score") {
            Some(Json::Number(number)) => Some(number.to_float()),
            _ => None,
        });
    }

    fn note_order(&mut self, event: &LoggedEvent<'_>) {
        let order = Order::new(event.time, event.kind, event.sequence, &event.source, &event.id);
        let key = (order.time.0, order.about_cases, order.sequence, order.rank);
        // Equal keys need the source and the id; sorting settles them.
        self.in_order &= self.last.is_none_or(|last| last < key);
        self.last = Some(key);
    }

    /// The events as columns, sorted as the log is (1.3); the builder is empty again. With them the row that each
    /// event was pushed as.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn finish(&mut self) -> Result<(RecordBatch, Option<UInt32Array>)> {
        let rows = self.rows;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.times.finish()),
            Arc::new(self.sequences.finish()),
            Arc::new(self.sources.finish()),
            Arc::new(self.ids.finish()),
            Arc::new(self.types.finish()),
            Arc::new(self.subjects.finish()),
            Arc::new(self.case_ids.finish()),
        ];
        columns.extend(self.members.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        let ingested_at = vec![self.arrival.ingested_at.0; rows];
        let ingested_at = arrow::array::TimestampMillisecondArray::from(ingested_at).with_timezone("UTC");
        let rest: [ArrayRef; 12] = [
            Arc::new(self.values.finish()),
            Arc::new(self.fields.finish()),
            Arc::new(self.mentions.finish()),
            Arc::new(self.automatic.finish()),
            Arc::new(self.bot.finish()),
            Arc::new(self.scores.finish()),
            Arc::new(self.ranks.finish()),
            Arc::new(self.data.finish()),
            Arc::new(self.identities.finish()),
            Arc::new(self.contents.finish()),
            Arc::new(ingested_at),
            Arc::new(arrow::array::Int64Array::from(vec![self.arrival.batch; rows])),
        ];
        columns.extend(rest);
        let batch = RecordBatch::try_new(LOG_SCHEMA.clone(), columns)?;
        let in_order = std::mem::replace(&mut self.in_order, true);
        (self.rows, self.bytes, self.last) = (0, 0, None);
        if in_order {
            return Ok((batch, None));
        }
        let order = log_order(&batch)?;
        Ok((take_record_batch(&batch, &order)?, Some(order)))
    }
}

/// The texts of [`TEXT_MEMBERS`], looked for once among the members that there are.
fn text_members<'e>(event: &'e LoggedEvent<'_>) -> [Option<&'e str>; TEXT_MEMBERS.len()] {
    let mut texts = [None; TEXT_MEMBERS.len()];
    // Of a member named twice the last counts.
    for (name, value) in event.data.members() {
        let position = TEXT_MEMBERS.iter().position(|member| member == name);
        if let Some(text) = position.and_then(|position| texts.get_mut(position)) {
            *text = value.as_text().filter(|_| members::has(event.kind, name));
        }
    }
    texts
}

/// A member that the event's type has; of another type's members an event says nothing (1.1).
fn known<'e, 'a>(event: &'e LoggedEvent<'a>, name: &str) -> Option<&'e Json<'a>> {
    event.data.get(name).filter(|_| members::has(event.kind, name))
}

/// The rows of a batch of the log in the log's order.
fn log_order(batch: &RecordBatch) -> Result<UInt32Array> {
    use arrow::array::AsArray;
    use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType};
    let column = |name: &str| {
        batch.column_by_name(name).cloned().unwrap_or_else(|| arrow::array::new_null_array(&DataType::Null, 0))
    };
    let (times, sequences, ranks) = (column("time"), column("sequence"), column("rank"));
    let (sources, ids) = (column("source"), column("id"));
    let times = times.as_primitive::<TimestampMillisecondType>().values();
    let sequences = sequences.as_primitive::<Int64Type>().values();
    let ranks = ranks.as_primitive::<Int32Type>().values();
    let (sources, ids) = (sources.as_string_view(), ids.as_string_view());
    let mut keyed: Vec<(i64, bool, i64, i32, u32)> = times
        .iter()
        .zip(sequences.iter())
        .zip(ranks.iter())
        .zip(0_u32..)
        .map(|(((time, sequence), rank), row)| (*time, *rank > 0, *sequence, *rank, row))
        .collect();
    keyed.sort_unstable_by(|a, b| {
        let names = |row: u32| (sources.value(row as usize), ids.value(row as usize));
        (a.0, a.1, a.2, a.3).cmp(&(b.0, b.1, b.2, b.3)).then_with(|| names(a.4).cmp(&names(b.4)))
    });
    Ok(keyed.into_iter().map(|key| key.4).collect())
}
