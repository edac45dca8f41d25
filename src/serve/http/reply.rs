//! Answers as bytes: what is kept between requests, compressed once, and not sent again to a client that has it.

use std::io::Write;
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::serve::answers::Kept;
use crate::store::hash::sha256;

/// Answers below that size are not worth compressing.
const GZIP_BYTES_MIN: usize = 1024;

/// An answer as bytes.
#[derive(Debug)]
pub struct Answer {
    media: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
    /// The name under which a browser saves it; one without is shown.
    file_name: Option<String>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Answer {
    /// An answer of that media type.
    #[must_use]
    pub fn new(media: &'static str, bytes: impl Into<Bytes>) -> Answer {
        let bytes = bytes.into();
        // Hexadecimal digits are a header's value.
        let etag =
            HeaderValue::from_str(&format!("\"{:.32}\"", sha256(&bytes))).unwrap_or(HeaderValue::from_static("\"\""));
        Answer { media, bytes, etag, file_name: None, gzip: OnceLock::new() }
    }

    /// The same, saved under that name.
    #[must_use]
    pub fn as_file(self, name: impl Into<String>) -> Answer {
        Answer { file_name: Some(name.into()), ..self }
    }

    /// The hash of the answer.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.etag.to_str().unwrap_or_default()
    }

    /// The response to a request with these headers.
    #[must_use]
    pub fn response(&self, request: &HeaderMap) -> Response {
        let has_it = request.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            let value = value.to_str().unwrap_or_default();
            value.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag())
        });
        let mut response = match has_it {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => self.whole(request),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding, authorization, cookie"));
        response
    }

    fn whole(&self, request: &HeaderMap) -> Response {
        let packed = if takes_gzip(request) { self.packed() } else { None };
        let is_packed = packed.is_some();
        let mut response = Body::from(packed.unwrap_or_else(|| self.bytes.clone())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        if is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let disposition = self.file_name.as_deref().map(disposition);
        if let Some(Ok(value)) = disposition.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }

    /// The bytes as gzip, packed once; nothing where that is no smaller.
    fn packed(&self) -> Option<Bytes> {
        let pack = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&self.bytes).ok()?;
            encoder.finish().ok().map(Bytes::from)
        };
        let is_worth_it = self.bytes.len() >= GZIP_BYTES_MIN;
        let packed = self.gzip.get_or_init(|| pack().filter(|packed| packed.len() < self.bytes.len()));
        packed.clone().filter(|_| is_worth_it)
    }
}

impl Kept for Answer {
    fn bytes(&self) -> usize {
        // The packed bytes are about a quarter.
        self.bytes.len() + self.bytes.len() / 4
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|part| part == "q=0" || part == "q=0.0")
    })
}

/// The header that makes a browser save a file, whatever letters its name has (RFC 6266).
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn an_answer_that_a_client_has_is_not_sent_again() {
        let answer = Answer::new("text/plain", "figures");
        assert_eq!(answer.response(&HeaderMap::new()).status(), StatusCode::OK);
        let known = request(header::IF_NONE_MATCH, &format!("\"other\", W/{}", answer.etag()));
        assert_eq!(answer.response(&known).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn large_answers_are_packed_where_the_client_can_unpack_them() {
        let answer = Answer::new("text/plain", "figures ".repeat(1000));
        let packed = |accepted: &str| {
            let response = answer.response(&request(header::ACCEPT_ENCODING, accepted));
            response.headers().contains_key(header::CONTENT_ENCODING)
        };
        assert!(packed("br, gzip") && packed("gzip;q=0.5"));
        assert!(!packed("identity") && !packed("gzip;q=0"));
    }

    #[test]
    fn a_file_has_a_name_of_any_letters() {
        assert_eq!(
            disposition("réponse \"1\".csv"),
            "attachment; filename=\"r_ponse__1_.csv\"; filename*=UTF-8''r%C3%A9ponse%20%221%22%2Ecsv"
        );
    }
}
