//! What the tools of an assistant are answered from.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::tz::TimeZone;

use crate::error::Result;
use crate::metric::catalogue::Catalogue;
use crate::model::time::Instant;
use crate::query::database::Database;

/// Opens the database that a tool reads, as the viewer may see it.
pub type Opener = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<Database>>> + Send + Sync>;

/// What tools are answered from.
pub struct Sources {
    pub open: Opener,
    pub catalogue: Arc<Catalogue>,
    /// The folder of the project, for its dashboards.
    pub project: PathBuf,
    pub zone: TimeZone,
    /// The present, at which relative ranges end.
    pub now: fn() -> Instant,
}
