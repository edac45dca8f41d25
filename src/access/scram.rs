//! SCRAM-SHA-256 (RFC 5802, RFC 7677) without the password: what a server keeps, and what it computes from that.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion_postgres::pgwire::api::auth::sasl::scram::gen_salted_password;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How a verifier begins.
const METHOD: &str = "SCRAM-SHA-256";

/// Iterations of a new verifier; RFC 7677 asks for 4096 at least and recommends 15000 or more.
const ITERATIONS: u32 = 16_384;

/// Bytes of a new salt.
pub const SALT_BYTES: usize = 16;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// A key.
type Key = [u8; KEY_BYTES];

/// What a server keeps of a password. A client that has it cannot log in with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    pub iterations: u32,
    pub salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
}

impl ScramVerifier {
    /// The verifier of a password. The password is normalised as clients do it (SASLprep).
    #[must_use]
    pub fn of_password(password: &str, salt: [u8; SALT_BYTES]) -> ScramVerifier {
        ScramVerifier::with_iterations(password, &salt, ITERATIONS)
    }

    fn with_iterations(password: &str, salt: &[u8], iterations: u32) -> ScramVerifier {
        let salted = gen_salted_password(password, salt, iterations as usize);
        let stored_key = Sha256::digest(hmac(&salted, b"Client Key")).into();
        ScramVerifier { iterations, salt: salt.to_vec(), stored_key, server_key: hmac(&salted, b"Server Key") }
    }

    /// A verifier that no password passes, the same each time for the same seed and name.
    #[must_use]
    pub fn of_unknown(seed: &[u8], user: &str) -> ScramVerifier {
        let derived = |what: &str| hmac(seed, format!("{what} {user}").as_bytes());
        let salt = derived("salt").iter().copied().take(SALT_BYTES).collect();
        ScramVerifier { iterations: ITERATIONS, salt, stored_key: derived("stored"), server_key: derived("server") }
    }

    /// Reads `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, as PostgreSQL keeps it.
    #[must_use]
    pub fn parse(text: &str) -> Option<ScramVerifier> {
        let rest = text.strip_prefix(METHOD)?.strip_prefix('$')?;
        let (derivation, keys) = rest.split_once('$')?;
        let (iterations, salt) = derivation.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let key = |text: &str| -> Option<Key> { STANDARD.decode(text).ok()?.try_into().ok() };
        let verifier = ScramVerifier {
            iterations: iterations.parse().ok()?,
            salt: STANDARD.decode(salt).ok()?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        };
        ((1..=1_000_000).contains(&verifier.iterations) && !verifier.salt.is_empty()).then_some(verifier)
    }

    /// The signature with which the server answers a right proof of a client; nothing where the proof is wrong.
    #[must_use]
    pub fn signature(&self, auth_message: &[u8], proof: &[u8]) -> Option<Key> {
        let proof: Key = proof.try_into().ok()?;
        let client_signature = hmac(&self.stored_key, auth_message);
        let mut client_key = proof;
        client_key.iter_mut().zip(client_signature).for_each(|(byte, of_signature)| *byte ^= of_signature);
        let stored_key: Key = Sha256::digest(client_key).into();
        bool::from(stored_key.ct_eq(&self.stored_key)).then(|| hmac(&self.server_key, auth_message))
    }
}

impl fmt::Display for ScramVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = |bytes: &[u8]| STANDARD.encode(bytes);
        let (salt, stored) = (encoded(&self.salt), encoded(&self.stored_key));
        write!(formatter, "{METHOD}${}:{salt}${stored}:{}", self.iterations, encoded(&self.server_key))
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScramVerifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Key {
    // A key of any length is good.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; KEY_BYTES] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn the_exchange_of_the_standard_is_reproduced() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = ScramVerifier::with_iterations("pencil", &salt, 4096);
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let auth =
            format!("n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}");
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let signature = verifier.signature(auth.as_bytes(), &proof).unwrap();
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert_eq!(ScramVerifier::parse(&verifier.to_string()), Some(verifier.clone()));
        assert_eq!(verifier.signature(b"another message", &proof), None);
        assert_eq!(verifier.signature(auth.as_bytes(), &proof[1..]), None);
    }

    #[test]
    fn an_unknown_user_has_one_salt_and_no_password() {
        let first = ScramVerifier::of_unknown(b"seed", "eve");
        assert_eq!(first, ScramVerifier::of_unknown(b"seed", "eve"));
        assert_ne!(first.salt, ScramVerifier::of_unknown(b"seed", "bob").salt);
        assert_eq!((first.salt.len(), first.iterations), (SALT_BYTES, ITERATIONS));
        assert!(!format!("{first:?}").contains(&STANDARD.encode(first.stored_key)));
    }

    #[test]
    fn a_text_that_is_no_verifier_is_refused() {
        for text in ["", "SCRAM-SHA-256$0:AA==$AA==:AA==", "SCRAM-SHA-256$4096:AA==$AA==:AA==", "md5abc"] {
            assert_eq!(ScramVerifier::parse(text), None, "{text}");
        }
    }
}
