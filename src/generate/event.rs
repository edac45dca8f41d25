//! Writes events as CloudEvents in newline-delimited JSON, member by member.
//!
//! All lines are built in one buffer, so that a million events allocate almost nothing.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use super::rhythm::{DAY, HOUR, MINUTE, date};

/// The `source` of every generated event.
const SOURCE: &str = "desk/demo";

/// Writes events in time order and counts them.
pub(super) struct Events<W: Write> {
    out: BufWriter<W>,
    line: Vec<u8>,
    /// Whether `data` of the current line has a member yet.
    has_member: bool,
    /// The day whose date is in `date`.
    day: i64,
    date: String,
    pub(super) count: u64,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    /// The instant of the next event; never moved back.
    now: i64,
}

impl<W: Write> Events<W> {
    pub(super) fn new(out: W, start: i64) -> Self {
        let day = start.div_euclid(DAY);
        Self {
            out: BufWriter::with_capacity(1 << 16, out),
            line: Vec::with_capacity(1 << 10),
            has_member: false,
            day,
            date: date_text(day),
            count: 0,
            first: None,
            last: None,
            now: start,
        }
    }

    /// The instant of the next event, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.now
    }

    /// Moves the clock on to `at`; an earlier instant leaves it where it is.
    pub(super) fn move_to(&mut self, at: i64) {
        self.now = self.now.max(at);
        let day = self.now.div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.date = date_text(day);
        }
    }

    /// Starts an event about a case.
    pub(super) fn case(&mut self, kind: &str, case: u64) -> &mut Self {
        self.about(kind, format_args!("C-{case:06}"))
    }

    /// Starts an event about anything. `subject` needs no escapes: identifiers here are plain ASCII.
    pub(super) fn about(&mut self, kind: &str, subject: std::fmt::Arguments<'_>) -> &mut Self {
        self.count += 1;
        self.first.get_or_insert(self.now);
        self.last = Some(self.now);
        self.line.clear();
        self.has_member = false;
        let (id, time) = (self.count, self.now.rem_euclid(DAY));
        let (hour, minute, ms) = (time / HOUR, time % HOUR / MINUTE, time % MINUTE);
        let (second, ms) = (ms / 1_000, ms % 1_000);
        let date = std::mem::take(&mut self.date);
        self.push(format_args!(
            r#"{{"specversion":"1.0","id":"e-{id:07}","source":"{SOURCE}","type":"{kind}","subject":"{subject}","#
        ));
        self.push(format_args!(r#""time":"{date}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z","data":{{"#));
        self.date = date;
        self
    }

    /// A text member, escaped.
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.quoted(value);
        self
    }

    /// A text member, or none.
    pub(super) fn text_if(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// An identifier made of a prefix and a number: `m-0000017`.
    pub(super) fn numbered(&mut self, name: &str, prefix: &str, number: u64) -> &mut Self {
        self.raw(name, format_args!("\"{prefix}-{number:07}\""))
    }

    /// A member that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: std::fmt::Arguments<'_>) -> &mut Self {
        self.name(name);
        self.push(json);
        self
    }

    /// A list of texts.
    pub(super) fn list<T: AsRef<str>>(&mut self, name: &str, values: &[T]) -> &mut Self {
        self.name(name);
        for (at, value) in values.iter().enumerate() {
            self.line.push(if at == 0 { b'[' } else { b',' });
            self.quoted(value.as_ref());
        }
        self.line.extend_from_slice(if values.is_empty() { b"[]" } else { b"]" });
        self
    }

    /// Ends the line and passes it to the writer.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.line.extend_from_slice(b"}}\n");
        self.out.write_all(&self.line)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.has_member, true) {
            self.line.push(b',');
        }
        self.push(format_args!("\"{name}\":"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.line.write_fmt(text);
    }

    fn quoted(&mut self, value: &str) {
        // Neither does a text as JSON.
        let _ = serde_json::to_writer(&mut self.line, value);
    }
}

/// `2026-03-02`
pub(super) fn date_text(day: i64) -> String {
    let (year, month, of_month) = date(day);
    let mut text = String::new();
    let _ = write!(text, "{year:04}-{month:02}-{of_month:02}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line() {
        let mut written = Vec::new();
        let mut events = Events::new(&mut written, 1_772_442_845_250);
        let line = events.case("message.sent", 12).numbered("message", "m", 9).text("text", "\"Ahoj\"\nty");
        line.text_if("by", None).list("mentions", &["ana", "bo"]).raw("bot", format_args!("true")).end().unwrap();
        events.flush().unwrap();
        drop(events);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            concat!(
                r#"{"specversion":"1.0","id":"e-0000001","source":"desk/demo","type":"message.sent","subject":"C-000012","#,
                r#""time":"2026-03-02T09:14:05.250Z","data":{"message":"m-0000009","text":"\"Ahoj\"\nty","#,
                r#""mentions":["ana","bo"],"bot":true}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_clock_never_goes_back() {
        let mut events = Events::new(Vec::new(), 1_000);
        events.move_to(5_000);
        events.move_to(2_000);
        assert_eq!(events.now(), 5_000);
    }
}
