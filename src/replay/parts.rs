//! Parts of the cases of a log, of which every process gives a case the same one.

use std::sync::Arc;

use arrow::array::{AsArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::DataFrame;

use crate::cluster::portable::{Recipes, portable};
use crate::error::Result;
use crate::replay::exchange::ranges::CaseRanges;
use crate::replay::exchange::sampled;
use crate::store::engine::Resources;

/// The name of the column with the part of a case, from 0.
pub const PART: &str = "part";

/// The function that gives it, and its recipe.
const CASE_PART: &str = "case_part";

/// Ranges of case ids that hold about equally many events.
#[derive(Clone, Debug)]
pub struct CaseParts {
    ranges: CaseRanges,
    events: u64,
}

impl CaseParts {
    /// Parts of the cases of those events, by a sample of them.
    ///
    /// # Errors
    /// When the events cannot be read.
    pub async fn of(events: DataFrame, resources: Resources) -> Result<CaseParts> {
        let (ranges, events) = sampled(events, resources).await?;
        Ok(CaseParts { ranges, events })
    }

    /// How many events all of them have.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.count() as u64
    }

    /// `case_part(case_id)`: the part of a case.
    #[must_use]
    pub fn function(&self) -> ScalarUDF {
        portable(CASE_PART, &self.ranges.starts(), case_part(self.ranges.clone()))
    }
}

fn case_part(ranges: CaseRanges) -> ScalarUDF {
    create_udf(
        CASE_PART,
        vec![DataType::Utf8View],
        DataType::UInt64,
        Volatility::Immutable,
        Arc::new(move |arguments| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let ids = arrays.first().ok_or_else(|| DataFusionError::Internal("an id is needed".to_owned()))?;
            let ids = cast(ids, &DataType::Utf8View)?;
            let parts: UInt64Array = ids.as_string_view().iter().map(|id| Some(ranges.of(id?) as u64)).collect();
            Ok(ColumnarValue::Array(Arc::new(parts)))
        }),
    )
}

/// How other processes make the function again.
pub fn add_recipes(recipes: &mut Recipes) {
    recipes.add(CASE_PART, |starts| Ok(case_part(CaseRanges::starting_at(starts))));
}
