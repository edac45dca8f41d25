//! How processes of a cluster connect to each other, and how each knows that the other belongs to it.
//!
//! Both sides show a certificate that the authority of the cluster has signed, and everything between them is encrypted. Without
//! certificates a process connects only within one machine. The side that connects states its version; the other refuses another.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::extension::SessionConfigExt;
use ballista_core::utils::GrpcServerConfig;
use datafusion::prelude::SessionConfig;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};

use crate::error::{Error, Result};

/// Seconds after which a process is taken for away that does not accept a connection, or does not answer a ping.
const ANSWER: Duration = Duration::from_secs(10);

/// The name under which a process of a cluster states its version, in the headers of every response.
pub const PROCESS: &str = "casebook-process";

/// The most bytes of one message between processes of a cluster.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// Bytes that may be on their way on one connection, and of one transfer.
const WINDOW_BYTES: u32 = 16 << 20;

/// The certificates of a process, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Of the authority that signs those of every process of the cluster.
    pub authority: Vec<u8>,
    pub certificate: Vec<u8>,
    /// The private key of `certificate`.
    pub key: Vec<u8>,
}

/// What a process shows to others of its cluster.
#[derive(Clone)]
pub struct Connector {
    certificates: Option<Arc<Certificates>>,
    /// The same for all processes of a cluster.
    version: String,
}

impl Connector {
    /// A process of that version.
    #[must_use]
    pub fn new(certificates: Option<Certificates>, version: String) -> Connector {
        if certificates.is_some() {
            // The library of the connections asks the process which one it has. It may have one already.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        Connector { certificates: certificates.map(Arc::new), version }
    }

    /// Whether everything is encrypted, and both sides show certificates.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.certificates.is_some()
    }

    /// What a process that connects states as its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The way to the process of an endpoint.
    ///
    /// # Errors
    /// When the address or a certificate is none.
    pub fn endpoint(&self, to: &Endpoint) -> std::result::Result<Endpoint, Box<dyn StdError + Send + Sync>> {
        let authority = to.uri().authority().ok_or("an address has a host")?;
        let scheme = if self.is_encrypted() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{authority}"))?
            .user_agent(self.version.clone())?
            .connect_timeout(ANSWER)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(ANSWER)
            .keep_alive_timeout(ANSWER)
            .keep_alive_while_idle(true)
            .initial_connection_window_size(WINDOW_BYTES)
            .initial_stream_window_size(WINDOW_BYTES);
        let Some(certificates) = &self.certificates else { return Ok(endpoint) };
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&certificates.authority))
            .identity(Identity::from_pem(&certificates.certificate, &certificates.key));
        Ok(endpoint.tls_config(tls)?)
    }

    /// A server that only processes of the cluster reach.
    ///
    /// # Errors
    /// When a certificate is none.
    pub fn server(&self) -> Result<Server> {
        let server = ballista_core::utils::create_grpc_server(&GrpcServerConfig::default());
        let Some(certificates) = &self.certificates else { return Ok(server) };
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&certificates.certificate, &certificates.key))
            .client_ca_root(Certificate::from_pem(&certificates.authority));
        let unusable =
            |error| Error::refused(format!("the certificates of the cluster cannot be used: {}", cause_of(&error)));
        server.tls_config(tls).map_err(unusable)
    }

    /// The function by which Ballista's own connections become such.
    #[must_use]
    pub fn customize(&self) -> ballista_core::extension::EndpointOverrideFn {
        let connector = self.clone();
        Arc::new(move |endpoint| connector.endpoint(&endpoint))
    }

    /// Settings by which a session of Ballista connects like that.
    #[must_use]
    pub fn config(&self, config: SessionConfig) -> SessionConfig {
        config
            .with_ballista_override_create_grpc_client_endpoint(self.customize())
            .with_ballista_use_tls(self.is_encrypted())
            .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES_MAX)
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of a private key is shown.
        formatter.debug_struct("Connector").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The innermost cause of an error: the others say only in which layer it happened.
#[must_use]
pub fn cause_of(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
