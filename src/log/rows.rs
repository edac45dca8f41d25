//! Events as columns: the schema of the log and the builder that fills it.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBufferBuilder, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, StringViewBuilder, TimestampMillisecondBuilder, UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::Result;
use crate::json::Json;
use crate::log::columns::member_columns;
use crate::model::content::Holds;
use crate::model::time::Instant;
use crate::store::parquet::{Codec, FileLayout};
use crate::wire::line::LoggedEvent;
use crate::wire::members;

/// The type of every instant in the store.
#[must_use]
pub fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
}

/// What a column of a member holds.
#[derive(Clone, Copy)]
enum MemberType {
    Text,
    /// Any value, as JSON text.
    Json,
    Flag,
    Number,
}

macro_rules! declare_columns {
    (events { $($shown:ident: $shown_type:ident of $holds:ident,)+ } replay { $($hidden:ident: $hidden_type:ident,)+ }) => {
        /// Columns of the log that SQL sees as `events` (4).
        pub const EVENT_COLUMNS: &[&str] = &[
            "time", "sequence", "source", "id", "type", "subject", "case_id",
            $(stringify!($shown),)+
            "data", "ingested_at", "batch",
        ];

        /// What the columns of texts among them hold.
        pub const EVENT_HOLDS: &[(&str, Holds)] = &[
            ("source", Holds::Thing),
            ("id", Holds::Thing),
            ("type", Holds::Thing),
            ("subject", Holds::Subject),
            ("case_id", Holds::Thing),
            $((stringify!($shown), Holds::$holds),)+
            ("data", Holds::Data),
        ];

        /// Members of `data` that have columns of their own.
        const MEMBERS: &[(&str, MemberType)] = &[
            $((stringify!($shown), MemberType::$shown_type),)+
            $((stringify!($hidden), MemberType::$hidden_type),)+
        ];
    };
}

member_columns!(declare_columns);

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
    fields.extend(MEMBERS.iter().map(|(name, content)| Field::new(*name, content.data_type(), true)));
    fields.extend([
        Field::new("rank", DataType::Int32, false),
        text("data"),
        Field::new("identity", DataType::Binary, false),
        Field::new("content", DataType::Binary, false),
        Field::new("ingested_at", instant_type(), false),
        Field::new("batch", DataType::Int64, false),
    ]);
    Arc::new(Schema::new(fields))
});

impl MemberType {
    fn data_type(self) -> DataType {
        match self {
            MemberType::Text | MemberType::Json => DataType::Utf8View,
            MemberType::Flag => DataType::Boolean,
            MemberType::Number => DataType::Float64,
        }
    }
}

/// A column of a member. Few events have a given member, so only the values are kept, and the rows that have them.
struct MemberBuilder {
    values: MemberValues,
    /// The row of each value.
    rows: Vec<u32>,
}

/// The values of a member.
enum MemberValues {
    Text(StringViewBuilder),
    Json(StringViewBuilder),
    Flag(BooleanBuilder),
    Number(Float64Builder),
}

impl MemberBuilder {
    fn new(content: MemberType) -> MemberBuilder {
        let values = match content {
            MemberType::Text => MemberValues::Text(StringViewBuilder::new()),
            MemberType::Json => MemberValues::Json(StringViewBuilder::new()),
            MemberType::Flag => MemberValues::Flag(BooleanBuilder::new()),
            MemberType::Number => MemberValues::Number(Float64Builder::new()),
        };
        MemberBuilder { values, rows: Vec::new() }
    }

    /// Sets the value of the member in a row; one of another type is none.
    fn set(&mut self, row: u32, value: &Json<'_>) {
        match (&mut self.values, value) {
            (MemberValues::Text(builder), value) => {
                let Some(text) = value.as_text() else { return };
                builder.append_value(text);
            }
            (MemberValues::Flag(builder), value) => {
                let Some(flag) = value.as_flag() else { return };
                builder.append_value(flag);
            }
            (MemberValues::Json(builder), value) if !matches!(value, Json::Null) => {
                builder.append_value(value.to_text())
            }
            (MemberValues::Number(builder), Json::Number(number)) => builder.append_value(number.to_float()),
            (MemberValues::Json(_) | MemberValues::Number(_), _) => return,
        }
        self.rows.push(row);
    }

    /// The column of so many rows.
    fn finish(&mut self, rows: usize) -> Result<ArrayRef> {
        let values: ArrayRef = match &mut self.values {
            MemberValues::Text(builder) | MemberValues::Json(builder) => Arc::new(builder.finish()),
            MemberValues::Flag(builder) => Arc::new(builder.finish()),
            MemberValues::Number(builder) => Arc::new(builder.finish()),
        };
        let of_rows = std::mem::take(&mut self.rows);
        if of_rows.len() == rows {
            return Ok(values);
        }
        let (mut positions, mut is_set) = (vec![0_u32; rows], BooleanBufferBuilder::new(rows));
        is_set.append_n(rows, false);
        for (position, row) in (0..).zip(of_rows) {
            if let Some(slot) = positions.get_mut(row as usize) {
                *slot = position;
                is_set.set_bit(row as usize, true);
            }
        }
        let positions = UInt32Array::try_new(positions.into(), Some(NullBuffer::new(is_set.finish())))?;
        Ok(take(&values, &positions, None)?)
    }
}

/// How files of events are written: small, because the log is kept.
///
/// Ten thousand new identities are tested against the filter of every row group at once: with one false hit in a hundred
/// thousand, nine row groups in ten are skipped unread. That takes 4 bytes an event. A case is looked up alone, and its
/// filter takes little space, because a case has many events.
pub const EVENT_FILES: FileLayout = FileLayout {
    plain_codec: Codec::Zstd,
    codec: Codec::Zstd,
    unique_columns: &["id", "text", "data", "message", "identity", "content"],
    random_columns: &["identity", "content"],
    sorted_column: Some("case_id"),
    filtered_columns: &[("identity", 1e-5), ("case_id", 1e-2)],
    encoded_rows: None,
    has_events: true,
};

/// What an event carries beside itself into the log.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub ingested_at: Instant,
    pub batch: i64,
}

/// Collects events into columns.
pub struct EventRowsBuilder {
    arrival: Arrival,
    rows: usize,
    bytes: usize,
    capacity: usize,
    times: TimestampMillisecondBuilder,
    sequences: Int64Builder,
    sources: StringViewBuilder,
    ids: StringViewBuilder,
    types: StringViewBuilder,
    subjects: StringViewBuilder,
    case_ids: StringViewBuilder,
    members: Vec<MemberBuilder>,
    ranks: Int32Builder,
    data: StringViewBuilder,
    identities: BinaryBuilder,
    contents: BinaryBuilder,
}

impl EventRowsBuilder {
    /// An empty builder for events that arrive together.
    #[must_use]
    pub fn new(arrival: Arrival) -> EventRowsBuilder {
        EventRowsBuilder::with_capacity(arrival, 0)
    }

    /// The same with memory for that many events.
    #[must_use]
    pub fn with_capacity(arrival: Arrival, capacity: usize) -> EventRowsBuilder {
        let texts = || StringViewBuilder::with_capacity(capacity);
        let marks = || BinaryBuilder::with_capacity(capacity, capacity * size_of::<u128>());
        EventRowsBuilder {
            arrival,
            capacity,
            rows: 0,
            bytes: 0,
            times: TimestampMillisecondBuilder::with_capacity(capacity).with_timezone("UTC"),
            sequences: Int64Builder::with_capacity(capacity),
            sources: texts().with_deduplicate_strings(),
            ids: texts(),
            types: texts().with_deduplicate_strings(),
            subjects: texts(),
            case_ids: texts(),
            members: MEMBERS.iter().map(|(_, content)| MemberBuilder::new(*content)).collect(),
            ranks: Int32Builder::with_capacity(capacity),
            data: texts(),
            identities: marks(),
            contents: marks(),
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
        self.times.append_value(event.time.0);
        self.sequences.append_value(event.sequence);
        self.sources.append_value(&event.source);
        self.ids.append_value(&event.id);
        self.types.append_value(event.kind.name());
        self.subjects.append_value(&event.subject);
        self.case_ids.append_option(event.kind.is_about_a_case().then_some(&event.subject));
        let row = u32::try_from(self.rows).unwrap_or(u32::MAX);
        for (value, builder) in member_values(event).into_iter().zip(&mut self.members) {
            if let Some(value) = value {
                builder.set(row, value);
            }
        }
        self.ranks.append_value(i32::from(event.kind.rank()));
        self.data.append_value(event.data_text);
        self.identities.append_value(identity.to_be_bytes());
        self.contents.append_value(content.to_be_bytes());
        self.rows += 1;
        // Text twice (in `data` and in its own columns) and about 400 bytes of views and fixed columns.
        self.bytes += 2 * event.data_text.len() + 400;
    }

    /// The events as columns, in the order they came in; the builder is empty again.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn finish(&mut self) -> Result<RecordBatch> {
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
        for member in &mut self.members {
            columns.push(member.finish(rows)?);
        }
        let ingested_at = vec![self.arrival.ingested_at.0; rows];
        let ingested_at = arrow::array::TimestampMillisecondArray::from(ingested_at).with_timezone("UTC");
        let rest: [ArrayRef; 6] = [
            Arc::new(self.ranks.finish()),
            Arc::new(self.data.finish()),
            Arc::new(self.identities.finish()),
            Arc::new(self.contents.finish()),
            Arc::new(ingested_at),
            Arc::new(arrow::array::Int64Array::from(vec![self.arrival.batch; rows])),
        ];
        columns.extend(rest);
        let batch = RecordBatch::try_new(LOG_SCHEMA.clone(), columns)?;
        *self = EventRowsBuilder::with_capacity(self.arrival, self.capacity);
        Ok(batch)
    }
}

/// The values of [`MEMBERS`] that an event has. Members of another type are not read (1.1).
fn member_values<'e, 'a>(event: &'e LoggedEvent<'a>) -> [Option<&'e Json<'a>>; MEMBERS.len()] {
    let mut values = [None; MEMBERS.len()];
    // Of a member that is written twice the last value counts.
    for (name, value) in event.data.members() {
        let position = MEMBERS.iter().position(|(member, _)| member == name);
        if let Some(slot) = position.and_then(|position| values.get_mut(position)) {
            *slot = Some(value).filter(|_| members::has(event.kind, name));
        }
    }
    values
}
