//! Views (7.3): which cases a user has in which view, in which order, and the header of each.
//!
//! [`built_in`] are the views that every desk has; those of the desk are events ([`crate::model::view`]). `state` reads the
//! cases, `order` sorts them, [`header`] is the current milestone of 3.6, and `source` answers, with the rights of the
//! database that is asked. In SQL it is a table function (`function`).

pub mod built_in;
mod columns;
pub(super) mod function;
pub mod header;
mod order;
pub(super) mod source;
pub(super) mod state;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};

use crate::error::Result;
use crate::query::database::Database;
pub use source::{ViewOfUser, ViewQuestion};

/// The views that a user has, with the number of cases in each: the built-in ones in the order of 7.3, then the others by id.
///
/// # Errors
/// When the user may see nothing, the viewer is another agent, or the tables cannot be read.
pub async fn views_of(database: &Database, user: &str) -> Result<Vec<ViewOfUser>> {
    database.view_source().views_of(user).await
}

/// The cases of a view, in order: what each is, its last messages, and its header as of the moment of the database. `header` is
/// `left`, `overdue`, `completed` or `closed`; `shown_ms` is the time left to count, since the breach, or to the resolution.
///
/// # Errors
/// When the user has no such view or may see nothing, the viewer is another agent, or the tables cannot be read.
pub async fn cases_of(database: &Database, question: &ViewQuestion) -> Result<RecordBatch> {
    database.view_source().cases_of(question).await
}

/// Views as a table: `view`, `title`, `built_in`, `cases`.
///
/// # Errors
/// When the columns do not fit each other, which would be a defect.
pub fn listed(views: &[ViewOfUser]) -> Result<RecordBatch> {
    let texts = |of: fn(&ViewOfUser) -> &str| -> ArrayRef {
        Arc::new(views.iter().map(|view| Some(of(view))).collect::<StringArray>())
    };
    let counts: Int64Array = views.iter().map(|view| i64::try_from(view.cases).ok()).collect();
    let built_in: BooleanArray = views.iter().map(|view| Some(view.is_built_in)).collect();
    Ok(RecordBatch::try_from_iter([
        ("view", texts(|view| &view.name)),
        ("title", texts(|view| &view.title)),
        ("built_in", Arc::new(built_in) as ArrayRef),
        ("cases", Arc::new(counts) as ArrayRef),
    ])?)
}
