//! What events are, in one number: the same for the same events, whatever files and batches they are in and in whatever order
//! they came.

use std::ops::AddAssign;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::json::fingerprint;

/// Some events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub events: u64,
    /// The sum of a fingerprint of each event. Merging files and ingesting in another order do not change it.
    pub fingerprint: u128,
}

impl Contents {
    /// The columns that rows of events have of it: the two fingerprints of each event.
    pub const COLUMNS: [&str; 2] = ["identity", "content"];

    /// Those of rows; none of rows without these columns.
    ///
    /// # Errors
    /// When they are of another type.
    pub fn of(rows: &RecordBatch) -> Result<Contents> {
        let [identities, of_content] = Contents::COLUMNS.map(|name| rows.column_by_name(name));
        let Some((identities, of_content)) = identities.zip(of_content) else { return Ok(Contents::default()) };
        let (identities, of_content) =
            (cast(identities, &DataType::BinaryView)?, cast(of_content, &DataType::BinaryView)?);
        let (mut contents, mut of_event) = (Contents::default(), Vec::new());
        for (identity, content) in identities.as_binary_view().iter().zip(of_content.as_binary_view()) {
            of_event.clear();
            of_event.extend_from_slice(identity.unwrap_or_default());
            of_event.extend_from_slice(content.unwrap_or_default());
            contents += Contents { events: 1, fingerprint: fingerprint(&of_event) };
        }
        Ok(contents)
    }
}

impl AddAssign for Contents {
    fn add_assign(&mut self, other: Contents) {
        self.events += other.events;
        self.fingerprint = self.fingerprint.wrapping_add(other.fingerprint);
    }
}
