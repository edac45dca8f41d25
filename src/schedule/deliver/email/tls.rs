//! Encryption of connections: which certificates are trusted, and whether a server has one of them.

use std::path::Path;
use std::time::Duration;

#[expect(
    deprecated,
    reason = "nothing else in the libraries makes an encrypted connection and sends nothing over it"
)]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{Certificate, TlsParameters};

use crate::error::{Error, Result};
use crate::schedule::deliver::receipt::root_cause;
use crate::schedule::secret::Environment;

/// What a file of certificates in PEM holds.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The parameters for a host, with the certificates in a file trusted beside those of the system.
///
/// # Errors
/// When the file cannot be read, or holds no certificate.
pub fn parameters(host: &str, ca: Option<&Path>, environment: &Environment) -> Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(ca) = ca {
        let pem = environment.read_file(ca)?;
        let certificate =
            Certificate::from_pem(&pem).ok().filter(|_| String::from_utf8_lossy(&pem).contains(CERTIFICATE));
        let wrong = || Error::invalid(ca.display().to_string(), "there is no certificate in PEM in it");
        builder = builder.add_root_certificate(certificate.ok_or_else(wrong)?);
    }
    builder.build().map_err(|error| Error::refused(format!("no encryption for `{host}`: {}", root_cause(&error))))
}

/// Makes an encrypted connection, and closes it.
///
/// # Errors
/// Why it cannot be made.
pub async fn handshake(
    host: &str,
    port: u16,
    parameters: TlsParameters,
    limit: Duration,
) -> std::result::Result<(), String> {
    #[expect(deprecated, reason = "see above")]
    let connection = AsyncNetworkStream::connect_tokio1((host, port), Some(limit), Some(parameters), None);
    match tokio::time::timeout(limit, connection).await {
        Ok(connected) => connected.map(drop).map_err(|error| root_cause(&error)),
        Err(_) => Err("it took too long".to_owned()),
    }
}
