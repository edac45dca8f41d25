//! What every request works with.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::meters::Meters;
use super::sessions::Sessions;
use crate::access::AccessFile;
use crate::serve::engine::Engine;
use crate::serve::ingestion::Ingestion;

/// What every request works with; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    pub engine: Arc<Engine>,
    pub ingestion: Ingestion,
    /// Who may ask; without it the listener is the owner's own.
    pub access: Option<Arc<AccessFile>>,
    pub sessions: Sessions,
    pub meters: Meters,
    /// Whether browsers reach the process by TLS, its own or that of a proxy.
    pub is_secure: bool,
    /// Whether a proxy is in front, whose word on the address of a client counts.
    pub behind_proxy: bool,
    /// The process is to end.
    pub stop: CancellationToken,
}

impl App {
    /// An app of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> App {
        App(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
