//! Exact percentiles: linear between the two nearest ranks. The engine's own `percentile_cont` cuts the weight between the
//! ranks to six digits.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::AggregateUDF;

use super::aggregation::percentile_name;
use super::gather::{self, Gather};
use crate::cluster::portable::portable_aggregate;

/// The recipe of [`percentile`].
pub(super) const PERCENTILE: &str = "exact_percentile";

/// The values of one group.
#[derive(Debug, Default)]
struct Values(Vec<f64>);

impl Gather for Values {
    fn update(groups: &mut [Values], group_of_row: &[usize], values: &[ArrayRef]) -> Result<()> {
        let values = values.first().and_then(|values| values.as_primitive_opt::<Float64Type>());
        let values = values.ok_or_else(|| DataFusionError::Internal("values are needed".to_owned()))?;
        for (value, group) in values.iter().zip(group_of_row) {
            if let Some((value, group)) = value.zip(groups.get_mut(*group)) {
                group.0.push(value);
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let (values, _) = bytes.as_chunks();
        self.0.extend(values.iter().map(|value| f64::from_le_bytes(*value)));
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.capacity() * size_of::<f64>()
    }
}

/// `exact_percentile_N(value)`: the percentile of N thousandths.
#[must_use]
pub fn percentile(thousandths: u32) -> AggregateUDF {
    let name = percentile_name(thousandths);
    let function = gather::function::<Values>(&name, vec![DataType::Float64], DataType::Float64, move |groups| {
        let results = groups.into_iter().map(|mut group| percentile_of(&mut group.0, thousandths));
        Ok(Arc::new(results.collect::<Float64Array>()))
    });
    portable_aggregate(PERCENTILE, &thousandths, function)
}

/// The percentile of values, whose order it changes. Whole milliseconds below 2^53 / 1000 are weighed exactly and divided
/// once.
pub(super) fn percentile_of(values: &mut [f64], thousandths: u32) -> Option<f64> {
    let last = values.len().checked_sub(1)? as u64;
    let place = last * u64::from(thousandths);
    let rank = usize::try_from(place / 1000).ok()?;
    let weight = (place % 1000) as f64;
    let (_, lower, above) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let lower = *lower;
    if weight == 0.0 {
        return Some(lower);
    }
    let upper = above.iter().copied().min_by(f64::total_cmp).unwrap_or(lower);
    Some((lower * (1000.0 - weight) + upper * weight) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact() {
        let mut values: Vec<f64> = (0..10).map(|n| f64::from(n) * 1e9).collect();
        assert_eq!(percentile_of(&mut values, 900), Some(8.1e9));
        assert_eq!(percentile_of(&mut values, 500), Some(4.5e9));
        assert_eq!(percentile_of(&mut values, 999), Some(8.991e9));
        assert_eq!(percentile_of(&mut [7.0], 900), Some(7.0));
        assert_eq!(percentile_of(&mut [], 900), None);
    }
}
