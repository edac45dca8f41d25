//! Columns of the log in, events of the model out; nothing is copied.
//!
//! Events about cases are read as views into the pages of the file, for each row is looked at once. What is sorted is read
//! as plain strings: views of a few rows keep whole pages alive, and sorting would count those once for every batch.

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMillisecondType};

use datafusion::prelude::{DataFrame, cast, ident};

use crate::error::{Error, Result};
use crate::facts::layers::plain;
use crate::json::Json;
use crate::model::desk::DeskEvent;
use crate::model::event::{
    Answer, CaseEvent, Creation, EventBody, EventType, Message, MessageKind, Priority, Sentiment, Status,
};
use crate::model::time::Instant;

/// Those columns of a frame, texts as plain strings.
///
/// # Errors
/// When there is no such column.
pub fn plain_texts(frame: DataFrame, columns: &[&str]) -> Result<DataFrame> {
    let selected = frame.select_columns(columns)?;
    let schema = plain(selected.schema().as_arrow());
    let columns = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => cast(ident(field.name()), DataType::Utf8).alias(field.name()),
        _ => ident(field.name()),
    });
    let columns: Vec<_> = columns.collect();
    Ok(selected.select(columns)?)
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
    case_id: &'a StringViewArray,
    time: &'a TimestampMillisecondArray,
    sequence: &'a Int64Array,
    source: &'a StringViewArray,
    id: &'a StringViewArray,
    kind: &'a StringViewArray,
    by: &'a StringViewArray,
    agent: &'a StringViewArray,
    customer: &'a StringViewArray,
    profile: &'a StringViewArray,
    status: &'a StringViewArray,
    priority: &'a StringViewArray,
    sentiment: &'a StringViewArray,
    message: &'a StringViewArray,
    message_kind: &'a StringViewArray,
    set_status: &'a StringViewArray,
    text: &'a StringViewArray,
    platform: &'a StringViewArray,
    origin: &'a StringViewArray,
    language: &'a StringViewArray,
    field: &'a StringViewArray,
    record: &'a StringViewArray,
    survey: &'a StringViewArray,
    comment: &'a StringViewArray,
    value: &'a StringViewArray,
    fields: &'a StringViewArray,
    mentions: &'a StringViewArray,
    automatic: &'a BooleanArray,
    bot: &'a BooleanArray,
    score: &'a Float64Array,
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    let missing = || Error::refused(format!("the log has no column `{name}`"));
    batch.column_by_name(name).map(AsRef::as_ref).ok_or_else(missing)
}

fn views<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringViewArray> {
    column(batch, name)?.as_string_view_opt().ok_or_else(|| no_texts(name))
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| no_texts(name))
}

fn no_texts(name: &str) -> Error {
    Error::refused(format!("the log's column `{name}` is not of texts"))
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
        let text = |name: &str| views(batch, name);
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
            body: self.body(kind, row).unwrap_or(EventBody::Other),
        })
    }

    /// What the event says. The log holds only events with all their required members.
    fn body(&self, kind: EventType, row: usize) -> Option<EventBody<'a>> {
        Some(match kind {
            EventType::CaseCreated => EventBody::Created(self.creation(row)?),
            EventType::CaseProfileAssigned => EventBody::ProfileAssigned { profile: text(self.profile, row)? },
            EventType::CaseAssigned => {
                EventBody::Assigned { agent: text(self.agent, row)?, automatic: flag(self.automatic, row) }
            }
            EventType::CaseUnassigned => EventBody::Unassigned,
            EventType::CasePriorityChanged => EventBody::PriorityChanged(Priority::parse(text(self.priority, row)?)?),
            EventType::CaseSentimentChanged => {
                EventBody::SentimentChanged(Sentiment::parse(text(self.sentiment, row)?)?)
            }
            EventType::CaseFieldChanged => {
                EventBody::FieldChanged { field: text(self.field, row)?, value: text(self.value, row) }
            }
            EventType::MessageReceived | EventType::MessageSent | EventType::MessageNoted => {
                EventBody::Message(self.message(row)?)
            }
            EventType::MessageLiked => EventBody::MessageLiked { message: text(self.message, row)? },
            EventType::MessageDeleted => EventBody::MessageDeleted { message: text(self.message, row)? },
            EventType::CaseStatusChanged => EventBody::StatusChanged(Status::parse(text(self.status, row)?)?),
            EventType::CaseClosed => EventBody::Closed,
            EventType::CaseDeleted => EventBody::Deleted,
            EventType::SurveySent => EventBody::SurveySent { survey: text(self.survey, row)? },
            EventType::SurveyAnswered => EventBody::SurveyAnswered(self.answer(row)?),
            EventType::SalesforceLinked => EventBody::RecordLinked { record: text(self.record, row)? },
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

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn flag(column: &BooleanArray, row: usize) -> bool {
    column.is_valid(row) && column.value(row)
}

/// The events of a batch about the desk, of plain strings.
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
