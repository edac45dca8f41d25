//! What all connections of the wire share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::cancel::Cancels;
use super::statement::Reader;
use crate::access::AccessFile;
use crate::serve::engine::Engine;

/// What all connections share.
pub struct Shared {
    pub engine: Arc<Engine>,
    /// Where it is missing, who connects is the owner of the files.
    pub access: Option<Arc<AccessFile>>,
    /// Where it is there, connections are encrypted.
    pub tls: Option<TlsAcceptor>,
    pub reader: Reader,
    pub cancels: Arc<Cancels>,
    /// Places of connections that are logged in.
    pub places: Arc<Semaphore>,
    pub stop: CancellationToken,
}
