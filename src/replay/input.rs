//! Columns of the log in, events of the model out; nothing is copied.
//!
//! Events about cases are read from string views into the pages of the file, for each row is read once. Events about the
//! desk are sorted, and so read from plain strings ([`plain_texts`](crate::replay::select::plain_texts)).

use arrow::array::{
    Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray, TimestampMillisecondArray,
};

use crate::error::{Error, Result};
use crate::json::Json;
use crate::log::columns::{event_bodies, member_columns};
use crate::model::desk::{Desk, DeskEvent};
use crate::model::event::{
    Answer, CaseEvent, Creation, EventBody, EventType, Message, MessageKind, Priority, Sentiment, Status,
};
use crate::model::time::Instant;

/// The columns of the log that replay reads of events about the desk.
pub const DESK_COLUMNS: &[&str] = &["time", "source", "id", "type", "subject", "data"];

/// The array of a member's column, as the table of columns describes it.
mod arrays {
    use arrow::array::{BooleanArray, Float64Array, StringViewArray};

    pub(super) type Text = StringViewArray;
    pub(super) type Json = StringViewArray;
    pub(super) type Flag = BooleanArray;
    pub(super) type Number = Float64Array;
}

macro_rules! declare_columns {
    (events { $($shown:ident: $shown_type:ident of $holds:ident,)+ } replay { $($hidden:ident: $hidden_type:ident,)+ }) => {
        /// The columns of the log that replay reads of events about cases.
        pub const CASE_COLUMNS: &[&str] = &[
            "case_id", "time", "sequence", "source", "id", "type",
            $(stringify!($shown),)+
            $(stringify!($hidden),)+
        ];

        /// A batch of events about cases, column by column.
        pub struct CaseColumns<'a> {
            case_id: &'a StringViewArray,
            time: &'a TimestampMillisecondArray,
            sequence: &'a Int64Array,
            source: &'a StringViewArray,
            id: &'a StringViewArray,
            event_type: &'a StringViewArray,
            $($shown: &'a arrays::$shown_type,)+
            $($hidden: &'a arrays::$hidden_type,)+
        }

        impl<'a> CaseColumns<'a> {
            /// The columns of a batch.
            ///
            /// # Errors
            /// When a column is missing or of another type: the store was written by something else.
            pub fn new(batch: &'a RecordBatch) -> Result<CaseColumns<'a>> {
                Ok(CaseColumns {
                    case_id: column(batch, "case_id")?,
                    time: column(batch, "time")?,
                    sequence: column(batch, "sequence")?,
                    source: column(batch, "source")?,
                    id: column(batch, "id")?,
                    event_type: column(batch, "type")?,
                    $($shown: column(batch, stringify!($shown))?,)+
                    $($hidden: column(batch, stringify!($hidden))?,)+
                })
            }
        }
    };
}

member_columns!(declare_columns);

fn column<'a, T: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T> {
    let missing = || Error::refused(format!("the log has no column `{name}`"));
    let wrong = || Error::refused(format!("the log's column `{name}` has another type"));
    batch.column_by_name(name).ok_or_else(missing)?.as_any().downcast_ref::<T>().ok_or_else(wrong)
}

impl<'a> CaseColumns<'a> {
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
        let kind = EventType::parse(self.event_type.value(row))?;
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
}

/// A value that is read from a row of a column.
trait FromColumn<'a, Column>: Sized {
    /// Nothing where the row has no such value. The log holds only events with all their required members.
    fn read(column: &'a Column, row: usize) -> Option<Self>;
}

impl<'a> FromColumn<'a, StringViewArray> for &'a str {
    #[inline]
    fn read(column: &'a StringViewArray, row: usize) -> Option<&'a str> {
        text(column, row)
    }
}

impl FromColumn<'_, BooleanArray> for bool {
    #[inline]
    fn read(column: &BooleanArray, row: usize) -> Option<bool> {
        Some(column.is_valid(row) && column.value(row))
    }
}

impl FromColumn<'_, Float64Array> for f64 {
    #[inline]
    fn read(column: &Float64Array, row: usize) -> Option<f64> {
        column.is_valid(row).then(|| column.value(row))
    }
}

impl FromColumn<'_, StringViewArray> for Priority {
    fn read(column: &StringViewArray, row: usize) -> Option<Priority> {
        text(column, row).and_then(Priority::parse)
    }
}

impl FromColumn<'_, StringViewArray> for Sentiment {
    fn read(column: &StringViewArray, row: usize) -> Option<Sentiment> {
        text(column, row).and_then(Sentiment::parse)
    }
}

impl FromColumn<'_, StringViewArray> for Status {
    fn read(column: &StringViewArray, row: usize) -> Option<Status> {
        text(column, row).and_then(Status::parse)
    }
}

impl FromColumn<'_, StringViewArray> for MessageKind {
    fn read(column: &StringViewArray, row: usize) -> Option<MessageKind> {
        Some(text(column, row).and_then(MessageKind::parse).unwrap_or(MessageKind::Public))
    }
}

impl<'a, Column, T: FromColumn<'a, Column>> FromColumn<'a, Column> for Option<T> {
    #[inline]
    fn read(column: &'a Column, row: usize) -> Option<Option<T>> {
        Some(T::read(column, row))
    }
}

/// A value that is read from several columns.
trait FromColumns<'a>: Sized {
    fn read(columns: &CaseColumns<'a>, row: usize) -> Option<Self>;
}

macro_rules! read_bodies {
    (
        types { $($type:ident { $($member:ident),+ })+ }
        bodies {
            $($variant:ident $(($binding:ident: $body:ident))? $([$column:ident])? $({ $($field:ident),+ })?:
                $($kind:ident)|+,)+
        }
    ) => {
        $(impl<'a> FromColumns<'a> for $type<'a> {
            fn read(columns: &CaseColumns<'a>, row: usize) -> Option<Self> {
                Some($type { $($member: FromColumn::read(columns.$member, row)?),+ })
            }
        })+

        impl<'a> CaseColumns<'a> {
            /// The body of the event of a row, by its type.
            fn body(&self, kind: EventType, row: usize) -> Option<EventBody<'a>> {
                Some(match kind {
                    $($(EventType::$kind)|+ => EventBody::$variant
                        $((<$body<'a> as FromColumns<'a>>::read(self, row)?))?
                        $((FromColumn::read(self.$column, row)?))?
                        $({ $($field: FromColumn::read(self.$field, row)?),+ })?,)+
                    _ => return None,
                })
            }
        }
    };
}

event_bodies!(read_bodies);

fn text(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// The events of a batch about the desk, of plain strings.
///
/// # Errors
/// When a column is missing or of another type: the store was written by something else.
pub fn desk_events(batch: &RecordBatch) -> Result<Vec<DeskEvent<'_>>> {
    let texts = |name: &str| column::<StringArray>(batch, name);
    let (source, id, kind) = (texts("source")?, texts("id")?, texts("type")?);
    let (subject, data) = (texts("subject")?, texts("data")?);
    let time = column::<TimestampMillisecondArray>(batch, "time")?;
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

/// The desk that events in the log's order make.
///
/// # Errors
/// As [`desk_events`].
pub fn desk(batches: &[RecordBatch]) -> Result<Desk> {
    let events = batches.iter().map(desk_events).collect::<Result<Vec<_>>>()?;
    Ok(Desk::replay(events.into_iter().flatten()))
}
