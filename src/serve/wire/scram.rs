//! The exchange of SCRAM-SHA-256 (RFC 5802, RFC 7677) on the side of the server, without channel binding.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::problem::{Answer, Problem, WRONG_PASSWORD};
use crate::access::{ScramVerifier, random};

/// The name of the mechanism.
pub const MECHANISM: &str = "SCRAM-SHA-256";

/// Letters of a client's nonce.
const NONCE_MAX: usize = 1024;

/// What was exchanged so far.
pub struct Exchange {
    verifier: ScramVerifier,
    /// The nonces of both sides.
    nonce: String,
    /// What the client must repeat of the beginning of its first message.
    header: String,
    client_first: String,
    server_first: String,
}

impl Exchange {
    /// Takes the client's first message. [`Exchange::server_first`] answers it.
    ///
    /// # Errors
    /// When the message is not one, or asks for what this server does not have.
    pub fn begin(verifier: ScramVerifier, message: &str) -> Answer<Exchange> {
        let malformed = || Problem::protocol("the first message of SCRAM is malformed");
        let mut parts = message.splitn(3, ',');
        let (flag, identity, bare) = (parts.next(), parts.next(), parts.next().ok_or_else(malformed)?);
        match flag {
            // `y`: the client could bind the channel and takes it that the server cannot, which is so.
            Some("n" | "y") => {}
            Some(flag) if flag.starts_with("p=") => {
                return Err(Problem::protocol("channel binding was asked for, which this server does not offer"));
            }
            _ => return Err(malformed()),
        }
        // Another identity than that of the log-in is never granted.
        let identity = identity.filter(|identity| identity.is_empty()).ok_or_else(malformed)?;
        let header = format!("{},{identity},", flag.unwrap_or_default());
        // The name of the user is that of the connection; the one here counts for nothing, as for PostgreSQL.
        let nonce = bare.split(',').find_map(|part| part.strip_prefix("r=")).ok_or_else(malformed)?;
        if !bare.starts_with("n=") || nonce.is_empty() || nonce.len() > NONCE_MAX || !is_printable(nonce) {
            return Err(malformed());
        }
        let random = random::bytes::<18>().map_err(|error| Problem::fatal("58000", error.to_string()))?;
        let nonce = format!("{nonce}{}", STANDARD.encode(random));
        let (salt, iterations) = (STANDARD.encode(&verifier.salt), verifier.iterations);
        let server_first = format!("r={nonce},s={salt},i={iterations}");
        Ok(Exchange { verifier, nonce, header, client_first: bare.to_owned(), server_first })
    }

    /// The server's first message.
    #[must_use]
    pub fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Takes the client's last message; gives the server's, where the password is right.
    ///
    /// # Errors
    /// When the message is malformed, or the password wrong.
    pub fn finish(&self, message: &str) -> Answer<String> {
        let malformed = || Problem::protocol("the last message of SCRAM is malformed");
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or_else(malformed)?;
        let (binding, nonce) = without_proof.split_once(',').ok_or_else(malformed)?;
        let nonce = nonce.strip_prefix("r=").and_then(|nonce| nonce.split(',').next()).ok_or_else(malformed)?;
        if binding.strip_prefix("c=") != Some(STANDARD.encode(&self.header).as_str()) || nonce != self.nonce {
            return Err(malformed());
        }
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        let auth_message = format!("{},{},{without_proof}", self.client_first, self.server_first);
        let signature = self.verifier.signature(auth_message.as_bytes(), &proof);
        let signature = signature.ok_or_else(|| Problem::fatal(WRONG_PASSWORD, "the user or the password is wrong"))?;
        Ok(format!("v={}", STANDARD.encode(signature)))
    }
}

fn is_printable(nonce: &str) -> bool {
    nonce.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_messages_are_refused() {
        let verifier = || ScramVerifier::of_unknown(b"seed", "ana");
        for message in [
            "",
            "n",
            "n,,",
            "n,,n=,r=",
            "n,a=bob,n=,r=abc",
            "p=tls-unique,,n=,r=abc",
            "x,,n=,r=abc",
            "n,,r=abc",
            "n,,n=,r=a b",
        ] {
            assert!(Exchange::begin(verifier(), message).is_err(), "{message}");
        }
        let exchange = Exchange::begin(verifier(), "n,,n=,r=abc").unwrap();
        assert!(exchange.server_first().starts_with("r=abc") && exchange.server_first().contains(",i="));
        let nonce = exchange.nonce.clone();
        let wrong = exchange.finish(&format!("c=biws,r={nonce},p={}", STANDARD.encode([0; 32]))).unwrap_err();
        assert_eq!(wrong.code, WRONG_PASSWORD);
        for message in
            ["", "c=biws", "c=biws,r=abc,p=AA==", &format!("c=eSws,r={nonce},p=AA=="), &format!("c=biws,r={nonce},p=%")]
        {
            assert_eq!(exchange.finish(message).unwrap_err().code, "08P01", "{message}");
        }
    }
}
