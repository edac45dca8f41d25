//! Frames between an answer and its chart: Polars ranks groups, sums those that are "other", and aligns series by bucket.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series, SortMultipleOptions};

use super::value::Value;
use crate::error::Result;
use crate::metric::answer::Answer;

const BUCKET: &str = "bucket";
const GROUP: &str = "group";
const VALUE: &str = "value";
/// The group of what has no value of the dimension: no name that a group can have.
const MISSING: &str = "\0";

/// One aggregation of an answer: bucket, group (the first dimension), value.
#[derive(Clone, Debug)]
pub struct Frame {
    data: DataFrame,
}

/// A group's name and its values, bucket by bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: String,
    pub values: Vec<Option<f64>>,
}

impl Frame {
    /// The `shown`-th aggregation of an answer.
    ///
    /// # Errors
    /// Polars', which would be a defect.
    pub fn new(answer: &Answer, shown: usize) -> Result<Frame> {
        let rows = &answer.rows;
        let buckets: Vec<i64> = rows.iter().map(|row| row.bucket.map_or(0, |bucket| bucket.0)).collect();
        let group = |row: &crate::metric::answer::AnswerRow| row.group.first().cloned().flatten();
        let groups: Vec<String> = rows.iter().map(|row| group(row).unwrap_or_else(|| MISSING.to_owned())).collect();
        let values: Vec<Option<f64>> = rows.iter().map(|row| row.values.get(shown).copied().flatten()).collect();
        let columns: Vec<Column> = vec![
            Series::new(BUCKET.into(), buckets).into_column(),
            Series::new(GROUP.into(), groups).into_column(),
            Series::new(VALUE.into(), values).into_column(),
        ];
        Ok(Frame { data: DataFrame::new(rows.len(), columns)? })
    }

    /// The groups, the one with the largest total first; ties by name.
    ///
    /// # Errors
    /// Polars', which would be a defect.
    pub fn ranked_groups(&self) -> Result<Vec<String>> {
        let totals = sums(&self.data, &[GROUP])?;
        let order = SortMultipleOptions::default().with_order_descending_multi([true, false]);
        let sorted = totals.sort(["value_sum", GROUP], order)?;
        let names = sorted.column(GROUP)?.str()?.iter().map(|name| name.unwrap_or(MISSING).to_owned()).collect();
        Ok(names)
    }

    /// The values of all groups but those named, added up bucket by bucket; nothing where none has a value.
    ///
    /// # Errors
    /// Polars', which would be a defect.
    pub fn sum_without(&self, kept: &[String]) -> Result<Vec<Option<f64>>> {
        let (buckets, groups) = (self.data.column(BUCKET)?.i64()?, self.data.column(GROUP)?.str()?);
        let mut sums: BTreeMap<Option<i64>, Option<f64>> = BTreeMap::new();
        for ((bucket, group), value) in buckets.iter().zip(groups.iter()).zip(self.data.column(VALUE)?.f64()?.iter()) {
            if kept.iter().any(|kept| Some(kept.as_str()) == group) {
                continue;
            }
            let sum = sums.entry(bucket).or_default();
            *sum = value.map_or(*sum, |value| Some(sum.unwrap_or(0.0) + value));
        }
        Ok(sums.into_values().collect())
    }

    /// The values of each named group, in the order of the buckets.
    ///
    /// # Errors
    /// Polars', which would be a defect.
    pub fn lines(&self, groups: &[String]) -> Result<Vec<Line>> {
        groups.iter().map(|group| Ok(Line { name: group.clone(), values: self.values_of(group)? })).collect()
    }

    fn values_of(&self, group: &str) -> Result<Vec<Option<f64>>> {
        let is_group = self.data.column(GROUP)?.str()?.iter().map(|name| name == Some(group)).collect();
        let rows = self.data.filter(&is_group)?.sort([BUCKET], SortMultipleOptions::default())?;
        Ok(rows.column(VALUE)?.f64()?.iter().collect())
    }
}

/// A group as a value of the page.
pub fn group_value(group: &str) -> Value {
    if group == MISSING { Value::Missing } else { Value::Text(group.to_owned()) }
}

/// The sum of the values of each group, as `value_sum`.
#[expect(deprecated, reason = "its successor lives in the lazy engine, which would double what Polars costs to build")]
fn sums(data: &DataFrame, by: &[&str]) -> Result<DataFrame> {
    Ok(data.group_by(by.iter().copied())?.select([VALUE]).sum()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rows: &[(i64, &str, Option<f64>)]) -> Frame {
        let columns = vec![
            Series::new(BUCKET.into(), rows.iter().map(|row| row.0).collect::<Vec<_>>()).into_column(),
            Series::new(GROUP.into(), rows.iter().map(|row| row.1).collect::<Vec<_>>()).into_column(),
            Series::new(VALUE.into(), rows.iter().map(|row| row.2).collect::<Vec<_>>()).into_column(),
        ];
        Frame { data: DataFrame::new(rows.len(), columns).unwrap() }
    }

    #[test]
    fn the_largest_groups_come_first_and_the_rest_is_other() {
        let rows = [
            (1, "a", Some(1.0)),
            (1, "b", Some(5.0)),
            (1, "c", Some(2.0)),
            (2, "a", None),
            (2, "b", None),
            (2, "c", Some(2.0)),
            (3, "a", None),
            (3, "b", None),
            (3, "c", None),
        ];
        let frame = frame(&rows);
        assert_eq!(frame.ranked_groups().unwrap(), ["b", "c", "a"]);
        let kept = ["b".to_owned()];
        let lines = frame.lines(&kept).unwrap();
        // The line keeps its gap, and what is nowhere known is not 0.
        assert_eq!(lines[0].values, [Some(5.0), None, None]);
        assert_eq!(frame.sum_without(&kept).unwrap(), [Some(3.0), Some(2.0), None]);
    }

    #[test]
    fn a_group_without_a_value_is_missing_and_not_a_text() {
        assert_eq!([group_value(MISSING), group_value("–")], [Value::Missing, Value::Text("–".to_owned())]);
    }
}
