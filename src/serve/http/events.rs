//! Events by HTTP: CloudEvents in binary, structured and batch mode, and NDJSON; plain, gzip or zstd. The answer comes when they are
//! durable.

use std::io::Read;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::app::App;
use super::body::unread;
use super::problem::Problem;
use super::visitor::Sender;
use crate::input::piece::{MadeLine, Next, Piece, Quarantined};
use crate::input::text::TextReader;
use crate::serve::ingestion::{Arrived, Arriving};
use crate::store::hash::hexadecimal;

/// How events are laid out in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The attributes are headers, the body is `data`.
    Binary,
    /// One event.
    Structured,
    /// An array of events.
    Batch,
    /// One event a line.
    Lines,
}

/// Refused lines that an answer lists; all of them are in the quarantine.
const LISTED_MAX: usize = 100;

/// Appends events: CloudEvents in binary, structured and batch mode, or NDJSON. A repeated request adds nothing
#[utoipa::path(
    post, path = "/events",
    request_body(
        description = "Events; `Content-Encoding` may be gzip or zstd",
        content(
            (Value = "application/cloudevents+json"), (Vec<Value> = "application/cloudevents-batch+json"),
            (String = "application/x-ndjson"), (Value = "application/json"),
        ),
    ),
    responses(
        (status = 200, description = "Durable: counts, and each line that was set aside with its rule", body = Value),
        (status = 400, description = "The body cannot be unpacked"), (status = 401, description = "No token, or none that is valid"),
        (status = 403, description = "The token has not the scope `ingest`"), (status = 413, description = "Too many bytes"),
        (status = 415, description = "Another media type or encoding"), (status = 422, description = "Every line was set aside"),
        (status = 503, description = "Send it again later"),
    ),
)]
pub async fn events(
    State(app): State<App>,
    Sender(visitor): Sender,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let mode = mode(&headers)?;
    let body = body.map_err(|rejection| unread(&rejection))?;
    let (limit, user) = (app.engine.limits().body_bytes, visitor.name().to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let plain = unpacked(&headers, &body, limit)?;
        arriving(mode, &headers, plain, &user)
    });
    let read = read.await.map_err(|error| {
        Problem::defect(StatusCode::INTERNAL_SERVER_ERROR, "the events could not be read", error.to_string())
    })?;
    let arrived = app.ingestion.add(read?).await?;
    app.meters.count_events(&arrived);
    let summary = &arrived.summary;
    let is_refused = summary.read > 0 && summary.quarantined == summary.read;
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, Json(object(&arrived))).into_response())
}

fn object(arrived: &Arrived) -> Value {
    let summary = &arrived.summary;
    let refused = |line: &Quarantined| json!({"line": line.line, "offset": line.offset, "rule": line.rule, "detail": line.detail});
    let listed: Vec<Value> = arrived.refused.iter().take(LISTED_MAX).map(refused).collect();
    json!({
        "read": summary.read, "added": summary.added, "duplicates": summary.duplicates, "conflicts": summary.conflicts,
        "quarantined": summary.quarantined, "bytes": summary.bytes, "batch": arrived.batch, "refused": listed,
        "refused_not_listed": arrived.refused.len().saturating_sub(LISTED_MAX),
    })
}

/// How the events are laid out, by the media type.
fn mode(headers: &HeaderMap) -> Result<Mode, Problem> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (plain, parameters) = media.split_once(';').unwrap_or((media, ""));
    let charset = parameters.split(';').find_map(|part| part.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("events are UTF-8, found `{media}`")));
    }
    let is_binary = headers.contains_key("ce-id") || headers.contains_key("ce-type");
    match plain.trim().to_ascii_lowercase().as_str() {
        "application/cloudevents+json" => Ok(Mode::Structured),
        "application/cloudevents-batch+json" => Ok(Mode::Batch),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Mode::Lines),
        "application/json" | "" if is_binary => Ok(Mode::Binary),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("`{media}` is not a media type of events"))
            .with_hint(
                "send application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, or the \
             attributes as `ce-` headers with application/json",
            )),
    }
}

/// The bytes of the body, unpacked, but not more than the limit.
fn unpacked(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Vec<u8>, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let reader: Box<dyn Read + '_> = match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => return Ok(body.to_vec()),
        Some("gzip") => Box::new(flate2::read::MultiGzDecoder::new(body.as_ref())),
        Some("zstd") => match zstd::stream::read::Decoder::new(body.as_ref()) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => return Err(broken(&error)),
        },
        Some(other) => {
            let problem =
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the encoding `{other}` is not known"));
            return Err(problem.with_hint("send it plain, as gzip, or as zstd"));
        }
    };
    let mut plain = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(most).read_to_end(&mut plain).map_err(|error| broken(&error))?;
    if plain.len() > limit {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a request has at most {limit} bytes, unpacked"),
        ));
    }
    Ok(plain)
}

fn broken(error: &std::io::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("the body cannot be unpacked: {error}"))
}

/// The lines of a request, under a name that is the same when it is sent again.
fn arriving(mode: Mode, headers: &HeaderMap, plain: Vec<u8>, user: &str) -> Result<Arriving, Problem> {
    let bytes = plain.len() as u64;
    let own = if mode == Mode::Binary { attributes(headers)? } else { Map::new() };
    let hash = Sha256::new().chain_update(&plain).chain_update(Value::from(own.clone()).to_string()).finalize();
    let name = format!("http:{user}/{:.16}", hexadecimal(&hash));
    let pieces = match mode {
        Mode::Lines | Mode::Batch => pieces(&name, plain)?,
        Mode::Structured => vec![line(&name, one_line(&plain)?)],
        Mode::Binary => vec![line(&name, binary(own, &plain)?)],
    };
    Ok(Arriving { name: name.into(), pieces, bytes })
}

fn line(name: &str, json: Vec<u8>) -> Piece {
    Piece::Lines { number: 0, lines: vec![MadeLine { json, file: Arc::from(name), line: 1, offset: 0 }] }
}

fn pieces(name: &str, plain: Vec<u8>) -> Result<Vec<Piece>, Problem> {
    let mut reader = TextReader::of_bytes(name, plain);
    let mut pieces = Vec::new();
    loop {
        match reader.next_piece()? {
            Next::Piece(piece) => pieces.push(piece),
            Next::Idle | Next::End => return Ok(pieces),
        }
    }
}

/// A JSON text, which may have line ends between its members, as one line.
fn one_line(plain: &[u8]) -> Result<Vec<u8>, Problem> {
    let text = std::str::from_utf8(plain).map_err(|_| not_json("it is not UTF-8"))?;
    let event: Box<RawValue> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| not_json(&error.to_string()))?;
    // Line ends within texts are escaped, so those that are left stand between members.
    Ok(event.get().replace(['\n', '\r'], " ").into_bytes())
}

fn not_json(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {why}"))
}

/// The attributes of an event in binary mode: headers that begin with `ce-`, whose values may be percent-encoded.
fn attributes(headers: &HeaderMap) -> Result<Map<String, Value>, Problem> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let faulty = || Problem::new(StatusCode::BAD_REQUEST, format!("the header `ce-{name}` is not text"));
        let text = value.to_str().map_err(|_| faulty())?;
        let text = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| faulty())?;
        // The only attribute that is a number.
        let value = match (name, text.parse::<i64>()) {
            ("sequence", Ok(number)) => Value::from(number),
            _ => Value::from(text.as_ref()),
        };
        attributes.insert(name.to_owned(), value);
    }
    Ok(attributes)
}

/// An event in binary mode as a line.
fn binary(attributes: Map<String, Value>, data: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut event = attributes;
    let mut text = Value::from(std::mem::take(&mut event)).to_string();
    if !data.trim_ascii().is_empty() {
        let data = String::from_utf8(one_line(data)?).map_err(|_| not_json("it is not UTF-8"))?;
        text.truncate(text.len().saturating_sub(1));
        let comma = if text.len() > 1 { "," } else { "" };
        text = format!("{text}{comma}\"data\":{data}}}");
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_media_type_decides_how_events_are_laid_out() {
        let mode = |media: &str| mode(&headers(&[("content-type", media)])).map_err(|problem| problem.status);
        assert_eq!(mode("application/cloudevents+json; charset=UTF-8"), Ok(Mode::Structured));
        assert_eq!(mode("application/cloudevents-batch+json"), Ok(Mode::Batch));
        assert_eq!(mode("application/x-ndjson"), Ok(Mode::Lines));
        for other in ["application/json", "text/plain", "", "application/cloudevents+json; charset=latin1"] {
            assert_eq!(mode(other), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{other}");
        }
        let binary = headers(&[("content-type", "application/json"), ("ce-id", "1")]);
        assert_eq!(super::mode(&binary), Ok(Mode::Binary));
    }

    #[test]
    fn an_event_in_binary_mode_is_a_line() {
        let headers = headers(&[("ce-id", "e%201"), ("ce-sequence", "7"), ("ce-type", "message.sent"), ("host", "x")]);
        let made = binary(attributes(&headers).unwrap(), b"{\n\"by\": \"ana\"\n}").unwrap();
        let made: Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(made, json!({"id": "e 1", "sequence": 7, "type": "message.sent", "data": {"by": "ana"}}));
        assert_eq!(binary(Map::new(), b"{}").unwrap(), b"{\"data\":{}}");
    }

    #[test]
    fn a_request_is_unpacked_up_to_the_limit() {
        let packed = Bytes::from(zstd::encode_all(&[b'a'; 1000][..], 1).unwrap());
        let zstd = headers(&[("content-encoding", "zstd")]);
        assert_eq!(unpacked(&zstd, &packed, 1000).unwrap().len(), 1000);
        assert_eq!(unpacked(&zstd, &packed, 999).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        let gzip = headers(&[("content-encoding", "gzip")]);
        assert_eq!(unpacked(&gzip, &packed, 1000).unwrap_err().status, StatusCode::BAD_REQUEST);
        let other = headers(&[("content-encoding", "br")]);
        assert_eq!(unpacked(&other, &packed, 1000).unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[test]
    fn the_same_request_has_the_same_name() {
        let name =
            |body: &[u8], user: &str| arriving(Mode::Lines, &HeaderMap::new(), body.to_vec(), user).unwrap().name;
        assert_eq!(name(b"{}", "desk"), name(b"{}", "desk"));
        assert_ne!(name(b"{}", "desk"), name(b"{ }", "desk"));
        assert_ne!(name(b"{}", "desk"), name(b"{}", "other"));
    }
}
