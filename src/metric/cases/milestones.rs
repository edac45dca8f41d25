//! The milestones of a case, of each its last instance: when it is due, how it stands, and how late it is.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMillisecondType};
use futures::TryStreamExt;

use super::places::Places;
use crate::error::Result;
use crate::log::rows::instant_type;
use crate::metric::question::instant_value;
use crate::model::policy::Milestone;
use crate::model::time::Instant;
use crate::query::database::Database;

/// The valid instances as of an instant. Of one that is not over, the time since its due instant.
const SQL: &str = "\
    SELECT case_id, milestone, n, due_at, outcome, \
           CASE WHEN outcome IN ('late', 'missed') THEN CAST(coalesce(completed_at, stopped_at) AS BIGINT) - CAST(due_at AS BIGINT) \
                WHEN outcome = 'overdue' THEN CAST($as_of AS BIGINT) - CAST(due_at AS BIGINT) END AS late_ms \
    FROM (SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) AS outcome FROM milestones \
          WHERE since <= $as_of AND (until IS NULL OR until > $as_of)) AS judged";

/// The last instance of each milestone of each case.
pub struct Milestones {
    /// By milestone and place.
    last: Vec<Vec<Instance>>,
    /// By number.
    outcomes: Vec<String>,
}

/// An instance; none of the number 0.
#[derive(Clone, Copy, Default)]
struct Instance {
    n: i64,
    due_at: Option<i64>,
    outcome: usize,
    late_ms: Option<i64>,
}

impl Milestones {
    /// Bytes for each case.
    pub const BYTES: usize = Milestone::NAMES.len() * size_of::<Instance>();

    /// Three columns for each milestone.
    pub fn fields() -> Vec<Field> {
        let of = |name: &&str| {
            [
                Field::new(format!("{name}_due_at"), instant_type(), true),
                Field::new(format!("{name}_outcome"), DataType::Utf8, true),
                Field::new(format!("{name}_late_by_ms"), DataType::Int64, true),
            ]
        };
        Milestone::NAMES.iter().flat_map(of).collect()
    }

    /// Reads those of the cases in these places.
    pub async fn read(database: &Database, as_of: Instant, places: &Places) -> Result<Milestones> {
        let mut milestones = Milestones {
            last: vec![vec![Instance::default(); places.count]; Milestone::NAMES.len()],
            outcomes: Vec::new(),
        };
        let frame = database.session_by_number().sql(SQL).await?;
        let mut batches = frame.with_param_values(vec![("as_of", instant_value(as_of))])?.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            let texts = |column: usize| arrow::compute::cast(batch.column(column), &DataType::Utf8View);
            let (names, outcomes) = (texts(1)?, texts(4)?);
            let (names, outcomes) = (names.as_string_view(), outcomes.as_string_view());
            let (ns, late) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(5).as_primitive::<Int64Type>());
            let due = batch.column(3).as_primitive::<TimestampMillisecondType>();
            for (row, place) in places.of_column(batch.column(0))?.enumerate() {
                let outcome = milestones.outcome(outcomes.value(row));
                let milestone = Milestone::NAMES.iter().position(|name| *name == names.value(row));
                let of_milestone = milestone.and_then(|milestone| milestones.last.get_mut(milestone));
                let instance = of_milestone.zip(place).and_then(|(all, place)| all.get_mut(place));
                if let Some(known) = instance.filter(|known| known.n < ns.value(row)) {
                    *known = Instance {
                        n: ns.value(row),
                        due_at: due.is_valid(row).then(|| due.value(row)),
                        outcome,
                        late_ms: late.is_valid(row).then(|| late.value(row)),
                    };
                }
            }
        }
        Ok(milestones)
    }

    fn outcome(&mut self, name: &str) -> usize {
        let known = self.outcomes.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.outcomes.push(name.to_owned());
            self.outcomes.len() - 1
        })
    }

    /// The columns of some places.
    pub fn arrays(&self, places: Range<usize>) -> Vec<ArrayRef> {
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for all in &self.last {
            let some = all.get(places.clone()).unwrap_or_default();
            let due: TimestampMillisecondArray = some.iter().map(|instance| instance.due_at).collect();
            let name = |instance: &Instance| self.outcomes.get(instance.outcome).filter(|_| instance.n > 0);
            let outcomes: StringArray = some.iter().map(name).collect();
            let late: Int64Array = some.iter().map(|instance| instance.late_ms).collect();
            arrays.extend([Arc::new(due.with_timezone("UTC")) as ArrayRef, Arc::new(outcomes), Arc::new(late)]);
        }
        arrays
    }
}
