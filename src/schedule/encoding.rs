//! Bytes as texts: base64, signatures, and texts in URLs.

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

/// Base64 that is read with its padding and without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is written as `%` and two digits in a URL's path: everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// HMAC-SHA256 of a message, as base64.
#[must_use]
pub fn signature(key: &[u8], message: &[&[u8]]) -> String {
    // A key of any length is taken.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in message {
        hmac.update(part);
    }
    base64(&hmac.finalize().into_bytes())
}

/// Base64 with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a text in base64, with its padding or without; none where it is not base64.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// A text as a part of a URL's path: every letter that has a meaning in a URL as `%` and two digits.
#[must_use]
pub fn in_url(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hash::hexadecimal;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(from_base64("Zm9vYg==").as_deref(), Some(b"foob".as_slice()));
        assert_eq!(from_base64("Zm9vYg").as_deref(), Some(b"foob".as_slice()));
        assert_eq!(from_base64("Zm9v!"), None);
        assert_eq!(from_base64("Z"), None);
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let signature = signature(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hexadecimal(&from_base64(&signature).unwrap()), expected);
    }

    #[test]
    fn a_text_in_a_url_has_no_meaning_there() {
        assert_eq!(in_url("a b/..?#%ř"), "a%20b%2F..%3F%23%25%C5%99");
    }
}
