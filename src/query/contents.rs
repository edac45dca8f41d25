//! What the events of a moment are, in one number: the same for the same events, whatever files and batches they are in
//! and in whatever order they came.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
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
        let rows = events.select_columns(&["identity", "content"])?.execute_stream_partitioned().await?;
        let parts: Vec<_> = rows.into_iter().map(|rows| SpawnedTask::spawn(Contents::of_rows(rows))).collect();
        let mut contents = Contents::default();
        for part in parts {
            let part = part.join().await.map_err(|error| DataFusionError::External(error.into()))??;
            contents.events += part.events;
            contents.fingerprint = contents.fingerprint.wrapping_add(part.fingerprint);
        }
        Ok(contents)
    }

    async fn of_rows(mut rows: SendableRecordBatchStream) -> Result<Contents> {
        let (mut contents, mut of_event) = (Contents::default(), Vec::new());
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let [identities, of_content] = [0, 1].map(|column| cast(batch.column(column), &DataType::BinaryView));
            let (identities, of_content) = (identities?, of_content?);
            for (identity, content) in identities.as_binary_view().iter().zip(of_content.as_binary_view()) {
                of_event.clear();
                of_event.extend_from_slice(identity.unwrap_or_default());
                of_event.extend_from_slice(content.unwrap_or_default());
                contents.fingerprint = contents.fingerprint.wrapping_add(fingerprint(&of_event));
                contents.events += 1;
            }
        }
        Ok(contents)
    }
}
