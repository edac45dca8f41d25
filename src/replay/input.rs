//! Columns of the log in, events of the model out; nothing is copied.
//!
//! Texts are read as plain strings, not as views: views of a few rows keep whole pages of the file alive, and sorting would
//! count those pages once for every batch.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, SchemaRef, TimestampMillisecondType};

use crate::error::{Error, Result};
use crate::log::rows::LOG_SCHEMA;
use crate::model::desk::DeskEvent;
use crate::model::event::{
    Act, Answer, CaseEvent, Creation, EventType, Message, MessageKind, Priority, Sentiment, Status,
};
use crate::model::json::Json;
use crate::model::time::Instant;

/// The log's columns as replay reads them.
#[must_use]
pub fn schema() -> SchemaRef {
    plain(&LOG_SCHEMA)
}

/// The same columns with plain strings for views.
#[must_use]
pub fn plain(schema: &Schema) -> SchemaRef {
    let plain = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>()))
}

/// The columns of the log that replay reads of events about cases.
pub const CASE_COLUMNS: &[&str] = &[
    "case_id",
    "time",
    "sequence",
    "rank",
    "source",
    "id",
    "type",
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
    "value",
    "fields",
    "mentions",
    "automatic",
    "bot",
    "score",
];

/// The columns by which events of a case are put in the log's order (1.3).
pub const ORDER_COLUMNS: &[&str] = &["case_id", "time", "sequence", "rank", "source", "id"];

/// The columns of the log that replay reads of events about the desk.
pub const DESK_COLUMNS: &[&str] = &["time", "source", "id", "type", "subject", "data"];

/// A batch of events about cases, column by column.
pub struct CaseColumns<'a> {
    case_id: &'a StringArray,
    time: &'a TimestampMillisecondArray,
    sequence: &'a Int64Array,
    source: &'a StringArray,
    id: &'a StringArray,
    kind: &'a StringArray,
    by: &'a StringArray,
    agent: &'a StringArray,
    customer: &'a StringArray,
    profile: &'a StringArray,
    status: &'a StringArray,
    priority: &'a StringArray,
    sentiment: &'a StringArray,
    message: &'a StringArray,
    message_kind: &'a StringArray,
    set_status: &'a StringArray,
    text: &'a StringArray,
    platform: &'a StringArray,
    origin: &'a StringArray,
    language: &'a StringArray,
    field: &'a StringArray,
    record: &'a StringArray,
    survey: &'a StringArray,
    comment: &'a StringArray,
    value: &'a StringArray,
    fields: &'a StringArray,
    mentions: &'a StringArray,
    automatic: &'a BooleanArray,
    bot: &'a BooleanArray,
    score: &'a Float64Array,
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    let missing = || Error::refused(format!("the log has no column `{name}`"));
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(missing)
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    let wrong = || Error::refused(format!("the log's column `{name}` is not of texts"));
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(wrong)
}

fn times(batch: &RecordBatch) -> Result<&TimestampMillisecondArray> {
    let wrong = || Error::refused("the log's column `time` is not of instants");
    column(batch, "time")?.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(wrong)
}

impl<'a> CaseColumns<'a> {
    /// The columns of a batch.
    ///
    /// # Errors
    /// When a column is missing or of another type: the store was written by something else.
    pub fn new(batch: &'a RecordBatch) -> Result<CaseColumns<'a>> {
        let wrong = |name: &str| Error::refused(format!("the log's column `{name}` has another type"));
        let text = |name: &str| texts(batch, name);
        let flag = |name: &str| column(batch, name)?.as_boolean_opt().ok_or_else(|| wrong(name));
        Ok(CaseColumns {
            case_id: text("case_id")?,
            time: times(batch)?,
            sequence: column(batch, "sequence")?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("sequence"))?,
            source: text("source")?,
            id: text("id")?,
            kind: text("type")?,
            by: text("by")?,
            agent: text("agent")?,
            customer: text("customer")?,
            profile: text("profile")?,
            status: text("status")?,
            priority: text("priority")?,
            sentiment: text("sentiment")?,
            message: text("message")?,
            message_kind: text("kind")?,
            set_status: text("set_status")?,
            text: text("text")?,
            platform: text("platform")?,
            origin: text("origin")?,
            language: text("language")?,
            field: text("field")?,
            record: text("record")?,
            survey: text("survey")?,
            comment: text("comment")?,
            value: text("value")?,
            fields: text("fields")?,
            mentions: text("mentions")?,
            automatic: flag("automatic")?,
            bot: flag("bot")?,
            score: column(batch, "score")?.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong("score"))?,
        })
    }

    /// The case that a row is about.
    #[must_use]
    pub fn case_id(&self, row: usize) -> &'a str {
        self.case_id.value(row)
    }

    /// Whether a row is about a case.
    #[must_use]
    pub fn is_of_a_case(&self, row: usize) -> bool {
        self.case_id.is_valid(row)
    }

    /// The event of a row; nothing where its type is not known to this program.
    #[must_use]
    pub fn event(&self, row: usize) -> Option<CaseEvent<'a>> {
        let kind = EventType::parse(self.kind.value(row))?;
        Some(CaseEvent {
            case_id: self.case_id(row),
            time: Instant(self.time.value(row)),
            sequence: self.sequence.value(row),
            source: self.source.value(row),
            id: self.id.value(row),
            kind,
            by: text(self.by, row),
            act: self.act(kind, row).unwrap_or(Act::Other),
        })
    }

    /// What the event says. The log holds only events with all their required members.
    fn act(&self, kind: EventType, row: usize) -> Option<Act<'a>> {
        Some(match kind {
            EventType::CaseCreated => Act::Created(self.creation(row)?),
            EventType::CaseProfileAssigned => Act::ProfileAssigned { profile: text(self.profile, row)? },
            EventType::CaseAssigned => {
                Act::Assigned { agent: text(self.agent, row)?, automatic: flag(self.automatic, row) }
            }
            EventType::CaseUnassigned => Act::Unassigned,
            EventType::CasePriorityChanged => Act::PriorityChanged(Priority::parse(text(self.priority, row)?)?),
            EventType::CaseSentimentChanged => Act::SentimentChanged(Sentiment::parse(text(self.sentiment, row)?)?),
            EventType::CaseFieldChanged => {
                Act::FieldChanged { field: text(self.field, row)?, value: text(self.value, row) }
            }
            EventType::MessageReceived | EventType::MessageSent | EventType::MessageNoted => {
                Act::Message(self.message(row)?)
            }
            EventType::MessageLiked => Act::MessageLiked { message: text(self.message, row)? },
            EventType::MessageDeleted => Act::MessageDeleted { message: text(self.message, row)? },
            EventType::CaseStatusChanged => Act::StatusChanged(Status::parse(text(self.status, row)?)?),
            EventType::CaseClosed => Act::Closed,
            EventType::CaseDeleted => Act::Deleted,
            EventType::SurveySent => Act::SurveySent { survey: text(self.survey, row)? },
            EventType::SurveyAnswered => Act::SurveyAnswered(self.answer(row)?),
            EventType::SalesforceLinked => Act::RecordLinked { record: text(self.record, row)? },
            _ => return None,
        })
    }

    fn creation(&self, row: usize) -> Option<Creation<'a>> {
        Some(Creation {
            customer: text(self.customer, row)?,
            profile: text(self.profile, row),
            platform: text(self.platform, row),
            origin: text(self.origin, row),
            language: text(self.language, row),
            text: text(self.text, row),
            message: text(self.message, row),
            priority: text(self.priority, row),
            sentiment: text(self.sentiment, row).and_then(Sentiment::parse),
            fields: text(self.fields, row),
        })
    }

    fn answer(&self, row: usize) -> Option<Answer<'a>> {
        Some(Answer {
            survey: text(self.survey, row)?,
            kind: text(self.message_kind, row),
            score: self.score.is_valid(row).then(|| self.score.value(row)),
            comment: text(self.comment, row),
        })
    }

    fn message(&self, row: usize) -> Option<Message<'a>> {
        Some(Message {
            message: text(self.message, row)?,
            kind: text(self.message_kind, row).and_then(MessageKind::parse).unwrap_or(MessageKind::Public),
            text: text(self.text, row),
            sentiment: text(self.sentiment, row).and_then(Sentiment::parse),
            language: text(self.language, row),
            set_status: text(self.set_status, row).and_then(Status::parse),
            bot: flag(self.bot, row),
            mentions: text(self.mentions, row),
        })
    }
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn flag(column: &BooleanArray, row: usize) -> bool {
    column.is_valid(row) && column.value(row)
}

/// The events of a batch about the desk.
///
/// # Errors
/// When a column is missing or of another type: the store was written by something else.
pub fn desk_events(batch: &RecordBatch) -> Result<Vec<DeskEvent<'_>>> {
    let (source, id, kind) = (texts(batch, "source")?, texts(batch, "id")?, texts(batch, "type")?);
    let (subject, data, time) = (texts(batch, "subject")?, texts(batch, "data")?, times(batch)?);
    let event = |row: usize| {
        Some(DeskEvent {
            time: Instant(time.value(row)),
            source: source.value(row),
            id: id.value(row),
            kind: EventType::parse(kind.value(row))?,
            subject: subject.value(row),
            data: Json::parse(data.value(row)).ok()?,
        })
    };
    Ok((0..batch.num_rows()).filter_map(event).collect())
}
