//! What the events of a moment are, in one number: the same for the same events, whatever files and batches they are in
//! and in whatever order they came.

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use futures::StreamExt;

use crate::error::Result;
use crate::json::fingerprint;
use crate::log::Log;
use crate::query::moment::Moment;
use crate::store::engine;
use crate::store::engine::Resources;

/// The events of a log at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub events: u64,
    /// The sum of a fingerprint of each event. Merging files and ingesting in another order do not change it.
    pub fingerprint: u128,
}

impl Contents {
    /// Those of a log at a moment. Reads the two fingerprints of each event, and nothing else.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn of(log: &Log, resources: Resources, moment: Moment) -> Result<Contents> {
        let session = engine::session(resources)?;
        let events = moment.events(session.read_table(log.events.provider()?)?)?;
        let mut batches = events.select_columns(&["identity", "content"])?.execute_stream().await?;
        let mut contents = Contents::default();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let columns = [0, 1].map(|column| arrow::compute::cast(batch.column(column), &DataType::Binary));
            let [identities, of_content] = columns;
            let (identities, of_content) = (identities?, of_content?);
            let (identities, of_content) = (identities.as_binary::<i32>(), of_content.as_binary::<i32>());
            for (identity, content) in identities.iter().zip(of_content) {
                let of_event = [identity.unwrap_or_default(), content.unwrap_or_default()].concat();
                contents.fingerprint = contents.fingerprint.wrapping_add(fingerprint(&of_event));
                contents.events += 1;
            }
        }
        Ok(contents)
    }
}
