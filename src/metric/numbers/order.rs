//! The order in which rows are shown, and how many of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::spelling::did_you_mean;

/// The order and the number of rows that were typed.
#[derive(Clone)]
pub struct Order {
    /// Where it is written, for messages.
    place: String,
    keys: Vec<Key>,
    limit: Option<usize>,
}

#[derive(Clone)]
struct Key {
    column: String,
    is_descending: bool,
}

/// The rows in their order: first those that are shown, then those that are not.
pub struct Ordered {
    rows: UInt64Array,
    shown: usize,
}

impl Order {
    /// Reads what is written at that place: a column, or `-` and a column for the largest first.
    ///
    /// # Errors
    /// When a column is named twice, or has no name.
    pub fn parse(place: &str, sort: &[String], limit: Option<usize>) -> Result<Order> {
        let key = |typed: &String| {
            let (column, is_descending) = typed.strip_prefix('-').map_or((typed.as_str(), false), |name| (name, true));
            Key { column: column.trim().to_owned(), is_descending }
        };
        let keys: Vec<Key> = sort.iter().map(key).collect();
        if keys.iter().any(|key| key.column.is_empty()) {
            let error = Error::invalid(place, "a column has no name");
            return Err(error.with_hint(format!(
                "write {}, or {} for the largest first",
                written(place, "count"),
                written(place, "-count")
            )));
        }
        for (position, key) in keys.iter().enumerate() {
            if keys.iter().take(position).any(|before| before.column == key.column) {
                let error = Error::invalid(place, format!("`{}` is named twice", key.column));
                return Err(error.with_hint("name each column once"));
            }
        }
        Ok(Order { place: place.to_owned(), keys, limit })
    }

    /// Puts rows in order. Rows that are equal in every key keep their natural order; what has no value comes last. `names` has
    /// the columns that go by another name in a table for people.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn of(&self, batch: &RecordBatch, names: &[(&str, &str)]) -> Result<Ordered> {
        let natural: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..batch.num_rows() as u64));
        let mut columns = Vec::new();
        for key in &self.keys {
            let other = names.iter().find(|(_, title)| *title == key.column).map(|(name, _)| *name);
            let values = batch
                .column_by_name(other.unwrap_or(&key.column))
                .ok_or_else(|| unknown(&self.place, &key.column, batch))?;
            let options = SortOptions { descending: key.is_descending, nulls_first: false };
            columns.push(SortColumn { values: Arc::clone(values), options: Some(options) });
        }
        columns.push(SortColumn { values: natural, options: None });
        let rows = lexsort_to_indices(&columns, None)?.iter().flatten().map(u64::from).collect();
        Ok(Ordered { rows, shown: self.limit.unwrap_or(usize::MAX).min(batch.num_rows()) })
    }
}

impl Ordered {
    /// The rows of a batch that are shown, in their order.
    ///
    /// # Errors
    /// When the batch has fewer rows than were put in order.
    pub fn shown(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        Ok(take_record_batch(batch, &self.rows.slice(0, self.shown))?)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The positions of the rows that are not shown.
    #[must_use]
    pub fn hidden(&self) -> Vec<usize> {
        self.rows.values().iter().skip(self.shown).filter_map(|row| usize::try_from(*row).ok()).collect()
    }
}

/// Batches as one.
///
/// # Errors
/// When they differ in their columns.
pub fn joined(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(arrow::compute::concat_batches(schema, batches)?)
}

/// A column as it is written at a place: behind a flag, or alone.
fn written(place: &str, column: &str) -> String {
    if place.starts_with('-') { format!("`{place} {column}`") } else { format!("`{column}`") }
}

fn unknown(place: &str, name: &str, batch: &RecordBatch) -> Error {
    let schema = batch.schema();
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let plain = name.rsplit_once(':').map_or(name, |(plain, _)| plain);
    let hint = match known.contains(&plain) {
        true => format!(
            "write {} for the smallest first, {} for the largest",
            written(place, plain),
            written(place, &format!("-{plain}"))
        ),
        false => {
            did_you_mean(name, known.iter().copied()).unwrap_or_else(|| format!("the columns are {}", known.join(", ")))
        }
    };
    Error::invalid(place, format!("`{name}` is not a column of these rows")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Float64Array, StringArray};
    use arrow::datatypes::{Float64Type, Int64Type};

    fn batch() -> RecordBatch {
        let agents: ArrayRef = Arc::new(StringArray::from(vec![Some("ana"), Some("ben"), Some("eva"), None]));
        let medians: ArrayRef = Arc::new(Float64Array::from(vec![Some(5.0), None, Some(7.0), Some(5.0)]));
        let counts: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![3, 1, 2, 2]));
        RecordBatch::try_from_iter([("agent", agents), ("median", medians), ("count", counts)]).unwrap()
    }

    fn counts(sort: &[&str], limit: Option<usize>) -> std::result::Result<Vec<String>, String> {
        let sort: Vec<String> = sort.iter().map(|key| (*key).to_owned()).collect();
        let text = |error: Error| format!("{error} / {}", error.hint().unwrap_or_default());
        let order = Order::parse("--sort", &sort, limit).map_err(text)?;
        let ordered = order.of(&batch(), &[("count", "number")]).map_err(text)?;
        let shown = ordered.shown(&batch()).unwrap();
        let medians = shown.column(1).as_primitive::<Float64Type>().iter();
        let counts = shown.column(2).as_primitive::<Int64Type>().values();
        let mut texts: Vec<String> =
            medians.zip(counts).map(|(median, count)| format!("{} {count}", median.unwrap_or(-1.0))).collect();
        texts.extend(ordered.hidden().iter().map(|row| format!("not {row}")));
        Ok(texts)
    }

    #[test]
    fn equal_rows_keep_their_order_and_what_has_no_value_is_last_either_way() {
        assert_eq!(counts(&["median"], None).unwrap(), ["5 3", "5 2", "7 2", "-1 1"]);
        assert_eq!(counts(&["-median"], None).unwrap(), ["7 2", "5 3", "5 2", "-1 1"]);
        assert_eq!(counts(&["-count", "-median"], None).unwrap(), ["5 3", "7 2", "5 2", "-1 1"]);
        assert_eq!(counts(&["number"], None).unwrap(), ["-1 1", "7 2", "5 2", "5 3"]);
        assert_eq!(counts(&["-agent"], Some(1)).unwrap(), ["7 2", "not 1", "not 0", "not 3"]);
        assert_eq!(counts(&[], Some(9)).unwrap().len(), 4);
    }

    #[test]
    fn an_unknown_column_names_the_nearest_and_another_notation_the_right_one() {
        assert_eq!(
            counts(&["-cuont"], None).unwrap_err(),
            "--sort: `cuont` is not a column of these rows / did you mean `count`?"
        );
        assert!(counts(&["zzz"], None).unwrap_err().ends_with("the columns are agent, median, count"));
        assert!(counts(&["count:desc"], None).unwrap_err().ends_with("`--sort -count` for the largest"));
        assert!(
            counts(&["count", "-"], None)
                .unwrap_err()
                .starts_with("--sort: a column has no name / write `--sort count`")
        );
        assert_eq!(
            counts(&["count", "-count"], None).unwrap_err(),
            "--sort: `count` is named twice / name each column once"
        );
    }
}
