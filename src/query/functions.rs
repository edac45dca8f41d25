//! The functions that SQL has beside the facts (4.1): what they mean and how they are called.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};

use crate::cluster::portable::{OfNothing, Recipes, portable};
use crate::error::Error;
use crate::facts::columns::{ColumnBuilder, Name};
use crate::json::Json;
use crate::log::rows::instant_type;
use crate::model::calendar::Calendar;
use crate::model::hours::OpenHours;
use crate::model::outcome::Outcome;
use crate::model::schedule::Schedule;
use crate::model::time::{Instant, duration_text};
use crate::model::versions::Versions;
use crate::spelling::nearest;

/// The calendars by which business time is counted.
#[derive(Debug, Default)]
pub struct Calendars {
    /// By name, each in all its versions.
    by_name: BTreeMap<String, Versions<Arc<OpenHours>>>,
    stated: Vec<CalendarVersion>,
}

/// A version of a calendar, as the log states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct CalendarVersion {
    name: String,
    since_ms: i64,
    data: String,
}

impl Calendars {
    fn of(mut stated: Vec<CalendarVersion>) -> crate::error::Result<Calendars> {
        stated.sort();
        let mut by_name = BTreeMap::<String, Versions<Arc<OpenHours>>>::new();
        for CalendarVersion { name, since_ms, data } in &stated {
            let calendar = Json::parse(data).ok().and_then(|data| Calendar::parse(name, &data).ok());
            let calendar =
                calendar.ok_or_else(|| Error::refused(format!("the calendar `{name}` of the facts cannot be read")))?;
            by_name.entry(name.clone()).or_default().state(Instant(*since_ms), Arc::new(OpenHours::new(calendar)));
        }
        Ok(Calendars { by_name, stated })
    }
}

/// The columns of `calendars` that a calendar is read from.
pub(super) const OF_CALENDARS: [&str; 5] = ["calendar", "since", "time_zone", "hours", "holidays"];

/// The calendars of a session's fact table of that name.
///
/// # Errors
/// When the table cannot be read.
pub async fn calendars(session: &SessionContext) -> crate::error::Result<Calendars> {
    calendars_of(&session.table("calendars").await?.select_columns(&OF_CALENDARS)?.collect().await?)
}

/// The calendars of rows of the fact table, with the columns [`OF_CALENDARS`].
///
/// # Errors
/// When a row is not a calendar's.
pub(super) fn calendars_of(rows: &[RecordBatch]) -> crate::error::Result<Calendars> {
    let mut versions = Vec::new();
    for batch in rows {
        let text = |at: usize| batch.column(at).as_string_view();
        for (row, since) in instants(batch.column(1)).enumerate() {
            let name = text(0).value(row);
            let data = format!(
                r#"{{"time_zone":{},"hours":{},"holidays":{}}}"#,
                serde_json::Value::from(text(2).value(row)),
                text(3).value(row),
                text(4).value(row)
            );
            let since_ms = since.unwrap_or_default().0;
            versions.push(CalendarVersion { name: name.to_owned(), since_ms, data });
        }
    }
    Calendars::of(versions)
}

/// Registers the functions; business time is counted by these calendars.
pub fn register(session: &SessionContext, calendars: Calendars) {
    let calendars = Arc::new(calendars);
    let stated = &calendars.stated;
    session.register_udf(portable(BUSINESS_MS, stated, business_ms(Arc::clone(&calendars))));
    session.register_udf(portable(BUSINESS_END, stated, business_end(Arc::clone(&calendars))));
    for (name, function) in OF_NOTHING {
        session.register_udf(portable(name, &(), function()));
    }
}

/// How other processes make these functions again.
pub fn add_recipes(recipes: &mut Recipes) {
    let calendars = |stated: Vec<CalendarVersion>| match Calendars::of(stated) {
        Ok(calendars) => Ok(Arc::new(calendars)),
        Err(error) => Err(DataFusionError::External(error.into())),
    };
    recipes.add(BUSINESS_MS, move |stated| Ok(business_ms(calendars(stated)?)));
    recipes.add(BUSINESS_END, move |stated| Ok(business_end(calendars(stated)?)));
    for (name, function) in OF_NOTHING {
        recipes.add(name, move |(): ()| Ok(function()));
    }
}

const BUSINESS_MS: &str = "business_ms";
const BUSINESS_END: &str = "business_end";

/// The functions that follow from nothing but their arguments.
const OF_NOTHING: [OfNothing; 3] =
    [("outcome", outcome), ("duration_text", duration_text_function), ("json_text", json_text)];

fn wrong_call(name: &str) -> DataFusionError {
    DataFusionError::Plan(format!("`{name}` was called with arguments that it does not take"))
}

/// The instants of an argument.
fn instants(array: &dyn Array) -> impl Iterator<Item = Option<Instant>> + '_ {
    array.as_primitive::<TimestampMillisecondType>().iter().map(|ms| ms.map(Instant))
}

/// A calendar that a query names in its text must be one of the log's. A name that a row has may be unknown: a policy may
/// refer to a calendar that was never defined, and then counts all hours.
fn check_calendar(argument: Option<&ColumnarValue>, calendars: &Calendars) -> Result<(), DataFusionError> {
    let Some(ColumnarValue::Scalar(ScalarValue::Utf8View(Some(name)) | ScalarValue::Utf8(Some(name)))) = argument
    else {
        return Ok(());
    };
    if calendars.by_name.contains_key(name) {
        return Ok(());
    }
    let names: Vec<&str> = calendars.by_name.keys().map(String::as_str).collect();
    let near = nearest(name, names.iter().copied()).map(|near| format!("Did you mean `{near}`? ")).unwrap_or_default();
    let known = match names.is_empty() {
        true => "The log has no calendar".to_owned(),
        false => format!("The calendars are {}", names.join(", ")),
    };
    Err(DataFusionError::Plan(format!("there is no calendar `{name}`. {near}{known}")))
}

/// The schedule of the calendar of each row; rows that follow each other mostly name the same one.
struct Schedules<'c> {
    calendars: &'c Calendars,
    last: Option<(String, Schedule)>,
}

impl Schedules<'_> {
    /// Without a name, and by a calendar that the log does not know, all hours count.
    fn of(&mut self, name: Option<&str>) -> &Schedule {
        let name = name.unwrap_or_default();
        if self.last.as_ref().is_some_and(|(last, _)| last != name) {
            self.last = None;
        }
        let follow = || (name.to_owned(), Schedule::follow([(Instant(i64::MIN), Some(name))], &self.calendars.by_name));
        &self.last.get_or_insert_with(follow).1
    }
}

/// `business_ms(calendar, from, until)`: milliseconds of business time, each instant by the calendar's version then in
/// force. Negative where `until` is before `from`. All hours count where the calendar is null or not defined yet; a calendar
/// that the query names and the log does not know is an error.
fn business_ms(calendars: Arc<Calendars>) -> ScalarUDF {
    create_udf(
        BUSINESS_MS,
        vec![DataType::Utf8View, instant_type(), instant_type()],
        DataType::Int64,
        Volatility::Stable,
        Arc::new(move |arguments| {
            check_calendar(arguments.first(), &calendars)?;
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [names, from, until] = arrays.as_slice() else { return Err(wrong_call("business_ms")) };
            let mut schedules = Schedules { calendars: &calendars, last: None };
            let rows = names.as_string_view().iter().zip(instants(from)).zip(instants(until));
            let lengths: Int64Array = rows
                .map(|((name, from), until)| {
                    let (from, until) = (from?, until?);
                    let sign = if until < from { -1 } else { 1 };
                    Some(sign * schedules.of(name).open_ms(from.min(until), from.max(until)))
                })
                .collect();
            Ok(ColumnarValue::Array(Arc::new(lengths)))
        }),
    )
}

/// `business_end(calendar, from, ms)`: the instant at which that much business time has passed since `from`; for
/// nothing, or less, `from` itself. Null where it never has.
fn business_end(calendars: Arc<Calendars>) -> ScalarUDF {
    create_udf(
        BUSINESS_END,
        vec![DataType::Utf8View, instant_type(), DataType::Int64],
        instant_type(),
        Volatility::Stable,
        Arc::new(move |arguments| {
            check_calendar(arguments.first(), &calendars)?;
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [names, from, lengths] = arrays.as_slice() else { return Err(wrong_call("business_end")) };
            let mut schedules = Schedules { calendars: &calendars, last: None };
            let rows = names.as_string_view().iter().zip(instants(from)).zip(lengths.as_primitive::<Int64Type>());
            let ends: TimestampMillisecondArray =
                rows.map(|((name, from), ms)| Some(schedules.of(name).end_of(from?, ms?)?.0)).collect();
            Ok(ColumnarValue::Array(Arc::new(ends.with_timezone("UTC"))))
        }),
    )
}

/// `outcome(completed_at, stopped_at, disabled_at, due_at, as_of)`: how a milestone instance stands (3.6). Null without `as_of`.
fn outcome() -> ScalarUDF {
    create_udf(
        "outcome",
        vec![instant_type(); 5],
        DataType::Utf8View,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [completed, stopped, disabled, due, as_of] = arrays.as_slice() else {
                return Err(wrong_call("outcome"));
            };
            let ends = instants(completed).zip(instants(stopped)).zip(instants(disabled));
            let mut names = Name::with_capacity(due.len());
            for (((completed, stopped), disabled), (due, as_of)) in ends.zip(instants(due).zip(instants(as_of))) {
                names.push(as_of.map(|as_of| Outcome::of(completed, stopped, disabled, due, as_of).name()));
            }
            let names = names.finish().map_err(|error| DataFusionError::External(error.into()))?;
            Ok(ColumnarValue::Array(names))
        }),
    )
}

/// `duration_text(ms)`: milliseconds in words, such as `1d 2h 5m`.
fn duration_text_function() -> ScalarUDF {
    create_udf(
        "duration_text",
        vec![DataType::Int64],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [lengths] = arrays.as_slice() else { return Err(wrong_call("duration_text")) };
            let texts: StringArray =
                lengths.as_primitive::<Int64Type>().iter().map(|ms| ms.map(duration_text)).collect();
            Ok(ColumnarValue::Array(Arc::new(texts)))
        }),
    )
}

/// `json_text(json, member)`: a member of a JSON object as text: a text as it is, anything else as JSON. Null where the
/// member is absent or null, and where there is no object.
fn json_text() -> ScalarUDF {
    create_udf(
        "json_text",
        vec![DataType::Utf8View; 2],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let [objects, members] = arrays.as_slice() else { return Err(wrong_call("json_text")) };
            let rows = objects.as_string_view().iter().zip(members.as_string_view().iter());
            let texts: StringArray = rows.map(|(object, member)| member_text(object?, member?)).collect();
            Ok(ColumnarValue::Array(Arc::new(texts)))
        }),
    )
}

fn member_text(object: &str, member: &str) -> Option<String> {
    // Most objects do not have the member; a spelling with escapes is found by reading.
    if !object.contains(member) && !object.contains('\\') {
        return None;
    }
    match Json::parse(object).ok()?.get(member)? {
        Json::Text(text) => Some(text.to_string()),
        other => Some(other.to_text()),
    }
}

#[cfg(test)]
mod tests {
    use super::member_text;

    #[test]
    fn a_member_is_read_as_text_and_only_at_the_top() {
        let object = r#"{"odd":{"bot":true},"by":"ana","text":"\"bot\":true","n":2.0,"list":["a"],"none":null}"#;
        let texts = ["bot", "by", "n", "list", "none"].map(|member| member_text(object, member));
        assert_eq!(texts.map(|text| text.unwrap_or("-".to_owned())), ["-", "ana", "2", "[\"a\"]", "-"]);
        assert_eq!(member_text(r#"{"bo\u0074":true}"#, "bot").as_deref(), Some("true"));
        assert_eq!(member_text("[1]", "bot"), None);
    }
}
