//! Bytes that cannot be guessed.

use rustls::crypto::aws_lc_rs;

use crate::error::{Error, Result};

/// Random bytes of the system's generator, for keys, salts, tokens and nonces.
///
/// # Errors
/// When the system has none.
pub fn bytes<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let filled = aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    filled.map_err(|_| Error::refused("the system has no random bytes"))?;
    Ok(bytes)
}
