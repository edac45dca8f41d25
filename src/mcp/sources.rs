//! What the tools of an assistant are answered from.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use rmcp::model::ContentBlock;

use crate::error::Result;
use crate::metric::catalogue::Catalogue;
use crate::model::time::Instant;
use crate::query::database::Database;

/// Opens the database that a tool reads, as the viewer may see it.
pub type Opener = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<Database>>> + Send + Sync>;

/// A tool that is being answered.
pub type Answering = BoxFuture<'static, Result<Vec<ContentBlock>>>;

/// What tools are answered from.
pub struct Sources {
    pub open: Opener,
    pub catalogue: Arc<Catalogue>,
    /// The folder of the project, for its dashboards.
    pub project: PathBuf,
    pub zone: TimeZone,
    /// The present, at which relative ranges end.
    pub now: Box<dyn Fn() -> Instant + Send + Sync>,
    /// Answers a tool within the limits of its server; what is wrong is for the eyes of the client.
    pub within_limits: Box<dyn Fn(Answering) -> Answering + Send + Sync>,
}
