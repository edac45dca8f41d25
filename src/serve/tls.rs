//! The TLS of all listeners.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};

/// The configuration of listeners that show these certificates, the own one first; both texts are PEM.
///
/// # Errors
/// When there is no certificate or key, or they do not belong together.
pub fn configuration(certificates: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::refused(format!("the certificates cannot be read: {error}")))?;
    if chain.is_empty() {
        return Err(Error::refused("there is no certificate in the file")
            .with_hint("expected PEM: `-----BEGIN CERTIFICATE-----`"));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| Error::refused(format!("the private key cannot be read: {error}")))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let config = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|error| Error::refused(format!("certificate and key cannot be used: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
