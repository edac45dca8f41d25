//! One line of the wire format: a CloudEvent in JSON, checked against every rule of 1.1.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::plain::Plain;
use crate::json::{Json, fingerprint};
use crate::model::Refusal;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::wire::members;

/// The longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The event of a line that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent<'a> {
    pub id: Cow<'a, str>,
    pub source: Cow<'a, str>,
    pub kind: EventType,
    pub subject: Cow<'a, str>,
    pub time: Instant,
    pub sequence: i64,
    pub data: Json<'a>,
    /// `data` as it was written; absent and null are `{}`.
    pub data_text: &'a str,
}

impl LoggedEvent<'_> {
    /// A fingerprint of (`source`, `id`), the identity of 1.2.
    pub fn identity(&self, buffer: &mut Vec<u8>) -> u128 {
        identity(&self.source, &self.id, buffer)
    }

    /// A fingerprint of what 1.2 compares: type, subject, time, sequence and data as JSON values.
    pub fn content(&self, buffer: &mut Vec<u8>) -> u128 {
        buffer.clear();
        write_part(buffer, self.kind.name());
        write_part(buffer, &self.subject);
        buffer.extend_from_slice(&self.time.0.to_le_bytes());
        buffer.extend_from_slice(&self.sequence.to_le_bytes());
        self.data.write_canonical(buffer);
        fingerprint(buffer)
    }
}

/// A fingerprint of (`source`, `id`), the identity of 1.2.
pub fn identity(source: &str, id: &str, buffer: &mut Vec<u8>) -> u128 {
    buffer.clear();
    write_part(buffer, source);
    write_part(buffer, id);
    fingerprint(buffer)
}

fn write_part(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
    buffer.extend_from_slice(text.as_bytes());
}

/// The attributes as JSON; their types are checked here so that a refusal can name the wrong one.
#[derive(Default)]
struct Envelope<'a> {
    specversion: Option<Json<'a>>,
    id: Option<Json<'a>>,
    source: Option<Json<'a>>,
    kind: Option<Json<'a>>,
    subject: Option<Json<'a>>,
    time: Option<Json<'a>>,
    sequence: Option<Json<'a>>,
    /// The text of the line, and its value.
    data: Option<(&'a str, Json<'a>)>,
}

impl<'a> Envelope<'a> {
    /// Reads a plain line; none where [`Envelope::read_any`] has to read it.
    fn read_plain(text: &'a str) -> Option<Envelope<'a>> {
        let mut envelope = Envelope::default();
        let mut is_repeated = false;
        Plain::of(text).whole_object(|plain, name| {
            let slot = match name.as_ref() {
                "specversion" => &mut envelope.specversion,
                "id" => &mut envelope.id,
                "source" => &mut envelope.source,
                "type" => &mut envelope.kind,
                "subject" => &mut envelope.subject,
                "time" => &mut envelope.time,
                "sequence" => &mut envelope.sequence,
                "data" => {
                    is_repeated |= envelope.data.replace(plain.value_with_text()?).is_some();
                    return Some(());
                }
                _ => return plain.value().map(drop),
            };
            is_repeated |= slot.replace(plain.value()?).is_some();
            Some(())
        })?;
        // An attribute that is written twice is refused, with the reason.
        (!is_repeated).then_some(envelope)
    }

    fn read_any(text: &'a str) -> Result<Envelope<'a>, Refusal> {
        let written: Written<'_> = serde_json::from_str(text).map_err(|error| {
            let rule = if error.is_data() { "wrong_type" } else { "invalid_json" };
            Refusal::new(rule, format!("not a CloudEvent in JSON: {error}"))
        })?;
        let Written { specversion, id, source, kind, subject, time, sequence, data } = written;
        let invalid = |error: serde_json::Error| Refusal::new("invalid_json", format!("`data` is not JSON: {error}"));
        let data = data.map(|raw| Ok((raw.get(), Json::parse(raw.get()).map_err(invalid)?))).transpose()?;
        Ok(Envelope { specversion, id, source, kind, subject, time, sequence, data })
    }
}

/// The same, as `serde_json` reads it.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    specversion: Option<Json<'a>>,
    #[serde(borrow, default)]
    id: Option<Json<'a>>,
    #[serde(borrow, default)]
    source: Option<Json<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Json<'a>>,
    #[serde(borrow, default)]
    subject: Option<Json<'a>>,
    #[serde(borrow, default)]
    time: Option<Json<'a>>,
    #[serde(borrow, default)]
    sequence: Option<Json<'a>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Reads one line and checks it against every rule of 1.1.
///
/// # Errors
/// The rule that the line breaks: `line_too_long`, `invalid_utf8`, `invalid_json`, `missing_attribute`, `wrong_type`,
/// `unknown_type`, those of [`Instant::parse`] and those of [`members::check`].
pub fn parse(line: &[u8]) -> Result<LoggedEvent<'_>, Refusal> {
    if line.len() > LINE_BYTES_MAX {
        let detail = format!("a line has at most {LINE_BYTES_MAX} bytes, found {}", line.len());
        return Err(Refusal::new("line_too_long", detail));
    }
    let text = std::str::from_utf8(line).map_err(|error| {
        Refusal::new("invalid_utf8", format!("not UTF-8 from byte {} of the line", error.valid_up_to()))
    })?;
    if !text.trim_start().starts_with('{') {
        return Err(Refusal::new("invalid_json", "a line must hold one JSON object"));
    }
    let envelope = Envelope::read_plain(text).map_or_else(|| Envelope::read_any(text), Ok)?;
    check_version(envelope.specversion.as_ref())?;
    let id = name("id", envelope.id)?;
    let source = name("source", envelope.source)?;
    let kind = read_type(envelope.kind)?;
    let subject = name("subject", envelope.subject)?;
    let time = Instant::parse(&text_of("time", envelope.time)?)?;
    let sequence = read_sequence(envelope.sequence.as_ref())?;
    let (data_text, data) = read_data(envelope.data)?;
    members::check(kind, &subject, &data)?;
    Ok(LoggedEvent { id, source, kind, subject, time, sequence, data, data_text })
}

fn check_version(value: Option<&Json<'_>>) -> Result<(), Refusal> {
    match value {
        None | Some(Json::Null) => Ok(()),
        Some(Json::Text(text)) if text == "1.0" => Ok(()),
        Some(_) => Err(Refusal::new("wrong_type", "`specversion` must be `1.0`")),
    }
}

fn text_of<'a>(attribute: &str, value: Option<Json<'a>>) -> Result<Cow<'a, str>, Refusal> {
    match value {
        None | Some(Json::Null) => {
            Err(Refusal::new("missing_attribute", format!("the attribute `{attribute}` is missing")))
        }
        Some(Json::Text(text)) => Ok(text),
        Some(other) => Err(Refusal::new("wrong_type", format!("`{attribute}` must be a text, found {}", other.kind()))),
    }
}

fn name<'a>(attribute: &str, value: Option<Json<'a>>) -> Result<Cow<'a, str>, Refusal> {
    let text = text_of(attribute, value)?;
    if (1..=256).contains(&text.len()) {
        return Ok(text);
    }
    Err(Refusal::new("wrong_type", format!("`{attribute}` must have 1 to 256 bytes, found {}", text.len())))
}

fn read_type(value: Option<Json<'_>>) -> Result<EventType, Refusal> {
    let text = text_of("type", value)?;
    EventType::parse(&text).ok_or_else(|| Refusal::new("unknown_type", format!("`{text}` is not a type of event")))
}

fn read_sequence(value: Option<&Json<'_>>) -> Result<i64, Refusal> {
    match value {
        None | Some(Json::Null) => Ok(0),
        Some(value) => value.as_whole().ok_or_else(|| {
            Refusal::new("wrong_type", format!("`sequence` must be a whole number of 64 bits, found {}", value.kind()))
        }),
    }
}

fn read_data<'a>(value: Option<(&'a str, Json<'a>)>) -> Result<(&'a str, Json<'a>), Refusal> {
    match value {
        None | Some((_, Json::Null)) => Ok(("{}", Json::Object(Vec::new()))),
        Some((text, data @ Json::Object(_))) => Ok((text, data)),
        Some((_, other)) => {
            Err(Refusal::new("wrong_type", format!("`data` must be an object, found {}", other.kind())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"specversion":"1.0","id":"e","source":"s","type":"case.closed","subject":"C","time":"2026-01-01T00:00:00Z"}"#;

    fn rule(line: &str) -> &'static str {
        parse(line.as_bytes()).err().map_or("accepted", |refusal| refusal.rule)
    }

    #[test]
    fn a_line_is_refused_by_the_rule_it_breaks() {
        let edit = |from: &str, to: &str| GOOD.replace(from, to);
        let cases = [
            (GOOD.to_owned(), "accepted"),
            (edit(r#""specversion":"1.0","#, ""), "accepted"),
            (edit(r#""1.0""#, r#""0.3""#), "wrong_type"),
            (edit(r#""id":"e","#, ""), "missing_attribute"),
            (edit(r#""id":"e""#, r#""id":"""#), "wrong_type"),
            (edit(r#""id":"e""#, r#""id":5"#), "wrong_type"),
            (edit("case.closed", "case.exploded"), "unknown_type"),
            (edit(r#""time":"2026-01-01T00:00:00Z""#, r#""time":"2026-01-01T00:00:00""#), "time_without_offset"),
            (edit(r#""subject":"C""#, r#""subject":"C","sequence":1.5"#), "wrong_type"),
            (edit(r#""subject":"C""#, r#""subject":"C","sequence":2.0"#), "accepted"),
            (edit(r#""subject":"C""#, r#""subject":"C","data":[]"#), "wrong_type"),
            (edit(r#""subject":"C""#, r#""subject":"C","data":null"#), "accepted"),
            (edit(r#""subject":"C""#, r#""subject":"C","data":{"by":5}"#), "wrong_type"),
            (GOOD.trim_end_matches('}').to_owned(), "invalid_json"),
            (format!("{GOOD} {GOOD}"), "invalid_json"),
            ("[]".to_owned(), "invalid_json"),
        ];
        for (line, expected) in cases {
            assert_eq!(rule(&line), expected, "{line}");
        }
        assert_eq!(parse(b"{\"id\":\"\xff\"}").unwrap_err().rule, "invalid_utf8");
        assert_eq!(parse(&vec![b' '; LINE_BYTES_MAX + 1]).unwrap_err().rule, "line_too_long");
    }

    #[test]
    fn identity_and_content_are_those_of_the_specification() {
        let mark = |line: &str| {
            let event = parse(line.as_bytes()).unwrap();
            (event.identity(&mut Vec::new()), event.content(&mut Vec::new()))
        };
        let spelled_otherwise = r#"{"time":"2026-01-01T01:00:00.0009+01:00","data":{},"sequence":0,"source":"s","id":"e","subject":"C","type":"case.closed"}"#;
        assert_eq!(mark(GOOD), mark(spelled_otherwise));
        let other_content = mark(&GOOD.replace("00:00:00Z", "00:00:01Z"));
        assert!(mark(GOOD).0 == other_content.0 && mark(GOOD).1 != other_content.1);
        assert_ne!(mark(GOOD).0, mark(&GOOD.replace(r#""id":"e""#, r#""id":"f""#)).0);
    }
}
