//! Rows of facts on their way into columns.
//!
//! [`tables`](super::tables) declares each table once. From that follow its schema, the type of its rows, with a field for
//! each column, and the builders of its columns. So each cell is put under the name of its column, and one of another type
//! does not compile.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::facts::columns::FactTable;

/// The columns of a fact table while they are filled.
pub trait TableColumns: Sized {
    /// The table; others may have the same columns.
    const TABLE: FactTable;

    /// A row, a field for each column.
    type Row<'a>;

    /// Empty columns with capacity for that many rows.
    fn with_capacity(rows: usize) -> Self;

    /// Appends a row.
    fn push(&mut self, row: Self::Row<'_>);

    /// The columns in the order of the table.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    fn finish(self) -> Result<Vec<ArrayRef>>;
}

/// Collects rows of a table into record batches.
pub struct RowsBuilder<C> {
    schema: SchemaRef,
    capacity: usize,
    columns: C,
    rows: usize,
}

impl<C: TableColumns> RowsBuilder<C> {
    /// An empty builder.
    #[must_use]
    pub fn new() -> RowsBuilder<C> {
        RowsBuilder::with_capacity(0)
    }

    /// The same with capacity for that many rows, after each [`RowsBuilder::finish`] too.
    #[must_use]
    pub fn with_capacity(rows: usize) -> RowsBuilder<C> {
        RowsBuilder { schema: C::TABLE.schema(), capacity: rows, columns: C::with_capacity(rows), rows: 0 }
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, row: C::Row<'_>) {
        self.rows += 1;
        self.columns.push(row);
    }

    /// Rows added since the last [`RowsBuilder::finish`].
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as columns; the builder is empty again.
    ///
    /// # Errors
    /// Arrow's, which would be a defect.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns = std::mem::replace(&mut self.columns, C::with_capacity(self.capacity));
        Ok(RecordBatch::try_new(self.schema.clone(), columns.finish()?)?)
    }
}

impl<C: TableColumns> Default for RowsBuilder<C> {
    fn default() -> Self {
        RowsBuilder::new()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;
    use crate::facts::tables::{OpenSpanRow, OpenSpans};
    use crate::facts::tables::{PeriodRow, Periods};
    use crate::model::position::LogPosition;
    use crate::model::time::Instant;

    fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
        batch.column_by_name(column).unwrap().as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
    }

    /// Each cell is found under the name of its column, also after the builder was finished and filled again.
    #[test]
    fn keys_names_and_log_positions_come_out_as_texts() {
        let long = "a key of more than twelve bytes";
        let keys = [Some("a"), Some("a"), None, Some("a"), Some(long), Some(long), Some(""), None, None, Some("b")];
        let names = [None, Some("new"), Some("open"), Some("new"), Some("a name of more than twelve bytes"), None];
        let (mut periods, mut spans) = (RowsBuilder::<Periods>::with_capacity(4), RowsBuilder::<OpenSpans>::new());
        for round in 0..2 {
            let mut expected: [Vec<Option<String>>; 3] = Default::default();
            for (row, key) in keys.iter().enumerate() {
                let name = names[(row + round) % names.len()];
                let position = (row % 3 > 0).then_some(LogPosition::Before(Instant(row as i64 - 5)));
                periods.push(PeriodRow {
                    case_id: *key,
                    case_number: 0,
                    since: None,
                    until: None,
                    status: name,
                    assignee: None,
                    priority: None,
                    profile: None,
                    cause: None,
                    event_source: None,
                    event_id: name,
                    business_ms: None,
                    status_since: None,
                    status_until: None,
                    status_business_ms: None,
                });
                spans.push(OpenSpanRow {
                    case_id: None,
                    customer: None,
                    profile: None,
                    since_position: position,
                    until_position: None,
                    created: None,
                    severity: None,
                });
                expected[0].push(key.map(str::to_owned));
                expected[1].push(name.map(str::to_owned));
                expected[2].push(position.map(LogPosition::to_text));
            }
            assert_eq!((periods.rows(), spans.rows()), (keys.len(), keys.len()));
            let (of_periods, of_spans) = (periods.finish().unwrap(), spans.finish().unwrap());
            assert_eq!((periods.rows(), spans.rows()), (0, 0));
            assert_eq!(texts(&of_periods, "case_id"), expected[0]);
            assert_eq!(texts(&of_periods, "status"), expected[1]);
            assert_eq!(texts(&of_periods, "event_id"), expected[1]);
            assert_eq!(texts(&of_spans, "since_position"), expected[2]);
            assert_eq!(of_periods.column_by_name("assignee").unwrap().null_count(), keys.len());
        }
    }
}
