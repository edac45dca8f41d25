//! The ids of the events of one source.

use arrow::array::AsArray;
use datafusion::prelude::{col, lit};
use futures::TryStreamExt;

use crate::error::Result;
use crate::log::Log;
use crate::store::engine::{self, Resources};

impl Log {
    /// Gives the id of every event of a source and of some types, in any order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn each_id(
        &self,
        source: &str,
        types: &[&str],
        resources: Resources,
        take: &mut (dyn FnMut(&str) + Send),
    ) -> Result<()> {
        let context = engine::session(resources)?;
        context.register_table("log", self.events.provider()?)?;
        let types = types.iter().map(|kind| lit(*kind)).collect();
        let of_source = col("source").eq(lit(source)).and(col("type").in_list(types, false));
        let events = context.table("log").await?.filter(of_source)?.select_columns(&["id"])?;
        let mut batches = events.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            batch.column(0).as_string_view().iter().flatten().for_each(&mut *take);
        }
        Ok(())
    }
}
