//! The cases of a view as rows.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::header::Header;
use super::state::CaseOfView;
use crate::error::Result;
use crate::log::rows::instant_type;
use crate::model::time::Instant;

/// The columns, in order.
pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let instant = |name: &str| Field::new(name, instant_type(), true);
    Arc::new(Schema::new(vec![
        text("case_id"),
        text("customer"),
        text("profile"),
        text("platform"),
        text("status"),
        text("assignee"),
        text("priority"),
        text("sentiment"),
        text("language"),
        text("policy"),
        instant("created_at"),
        instant("last_customer_message_at"),
        instant("last_message_at"),
        text("milestone"),
        text("header"),
        Field::new("shown_ms", DataType::Int64, true),
        text("colour"),
        instant("due_at"),
    ]))
});

/// A case with its header.
pub(super) type Shown = (CaseOfView, Option<Header>);

/// The rows of cases, in their order.
pub(super) fn batch(cases: &[Shown]) -> Result<RecordBatch> {
    let texts = |of: &dyn Fn(&CaseOfView) -> Option<&str>| -> ArrayRef {
        Arc::new(cases.iter().map(|(case, _)| of(case)).collect::<StringViewArray>())
    };
    let instants = |of: &dyn Fn(&Shown) -> Option<Instant>| -> ArrayRef {
        let values = cases.iter().map(|shown| of(shown).map(|at| at.0));
        Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
    };
    let of_headers = |of: &dyn Fn(&Header) -> &'static str| -> ArrayRef {
        Arc::new(cases.iter().map(|(_, header)| header.as_ref().map(of)).collect::<StringViewArray>())
    };
    let shown_ms = cases.iter().map(|(_, header)| header.and_then(|header| header.shown_ms)).collect::<Int64Array>();
    let columns = vec![
        texts(&|case| Some(&case.case_id)),
        texts(&|case| case.customer.as_deref()),
        texts(&|case| case.state.profile.as_deref()),
        texts(&|case| case.state.platform.as_deref()),
        texts(&|case| Some(case.state.status.name())),
        texts(&|case| case.state.assignee.as_deref()),
        texts(&|case| Some(case.state.priority.name())),
        texts(&|case| Some(case.state.sentiment.name())),
        texts(&|case| case.state.language.as_deref()),
        texts(&|case| case.state.policy.as_deref()),
        instants(&|(case, _)| Some(case.state.created_at)),
        instants(&|(case, _)| case.last_customer_message_at),
        instants(&|(case, _)| case.last_message_at),
        of_headers(&|header| header.milestone.name()),
        of_headers(&|header| header.kind.name()),
        Arc::new(shown_ms),
        of_headers(&|header| header.colour),
        instants(&|(_, header)| header.and_then(|header| header.due_at)),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
}
