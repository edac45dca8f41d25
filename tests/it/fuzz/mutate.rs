//! Alterations by lot: bits, bytes, pieces of other inputs, words that mean something, deep nesting, values for values.

use super::Input;

/// Inputs do not grow beyond this, but for nesting and repetition once in a while.
const BYTES_MAX: usize = 64 << 10;

/// Words that readers of the project's files, or their libraries, might stumble over.
const WORDS: &[&str] = &[
    // Signs.
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "\"",
    "\"\"\"",
    "'",
    "'''",
    ",",
    ":",
    "=",
    ".",
    "..",
    "#",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{200d}",
    "ß",
    "İ",
    "ﬃ",
    "猫",
    "👩‍👩‍👧",
    "e\u{301}",
    "null",
    "true",
    "false",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "{}",
    "[]",
    "\"\"",
    "--",
    "-- ",
    ";",
    "/*",
    "`",
    "$",
    "%",
    "%s",
    // Numbers.
    "0",
    "-0",
    "1",
    "-1",
    "00",
    "0x7fffffffffffffff",
    "0b1",
    "0o7",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "170141183460469231731687303715884105727",
    "1e308",
    "1e309",
    "-1e400",
    "1e-400",
    "1.7e38",
    "2.0",
    "0.1",
    "1_000",
    "4294967296",
    "2147483647",
    "-2147483648",
    "65536",
    "255",
    "256",
    "9999999999999999999999999999999999999999",
    // Instants, days and zones.
    "1970-01-01T00:00:00Z",
    "2199-12-31T23:59:59.999Z",
    "2200-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "-009999-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-03-29T02:30:00+02:00",
    "2026-03-02T09:00:00+23:59",
    "2026-03-02T09:00:00-23:59",
    "2026-03-02T24:00:00Z",
    "2026-03-02 09:00:00",
    "2026-03-02",
    "0001-01-01",
    "9999-12-31",
    "-9999-01-01",
    "2026-W53",
    "2026-Q4",
    "2026-W01..2026-W02",
    "0000-01-01..9999-12-31",
    "last 7 days",
    "last 99999999999999 days",
    "last 0 days",
    "last full month",
    "last 4000000 years",
    "UTC",
    "Europe/Prague",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Etc/GMT+12",
    "posixrules",
    "right/UTC",
    "../../etc/passwd",
    "Asia/Kathmandu",
    "+25:00",
    "EST5EDT",
    "unix",
    "unix_ms",
    "rfc3339",
    "%Y-%m-%dT%H:%M:%S%z",
    "%s",
    "%Q",
    "%:::z",
    "%9f",
    "%",
    "%%",
    "%G-W%V-%u",
    "%10000Y",
    "%-d.%m.%y",
    // Durations and hours.
    "1s",
    "1d 1h 1m 1s",
    "99999d",
    "106751991167d",
    "9223372036854775807s",
    "0d",
    "1d 0h",
    "1h 1d",
    "1 d",
    "never",
    "00:00",
    "24:00",
    "23:59",
    "24:01",
    "12:60",
    "09:00",
    "17:00",
    "[[\"00:00\",\"24:00\"]]",
    // Words of the specification.
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "data",
    "data.by",
    "data.fields",
    "by",
    "agent",
    "customer",
    "fields",
    "value",
    "score",
    "status",
    "new",
    "open",
    "pending",
    "on_hold",
    "done",
    "spam",
    "priority",
    "urgent",
    "high",
    "medium",
    "low",
    "case.created",
    "case.assigned",
    "case.unassigned",
    "case.status_changed",
    "case.closed",
    "case.deleted",
    "case.field_changed",
    "case.priority_changed",
    "message.received",
    "message.sent",
    "message.deleted",
    "survey.answered",
    "user.updated",
    "user.removed",
    "user.presence_changed",
    "group.updated",
    "profile.updated",
    "calendar.updated",
    "policy.updated",
    "policy.removed",
    "settings.updated",
    "field.updated",
    "view.updated",
    "position",
    "enabled",
    "targets",
    "conditions",
    "assign",
    "first_response",
    "next_response",
    "resolution",
    "pause_on",
    "time_zone",
    "hours",
    "holidays",
    "date",
    "mon",
    "sun",
    "remove",
    "clear",
    "grace_period",
    "unassign_on",
    "default_calendar",
    "transitions",
    "sla",
    "findings",
    "priority_change",
    "policy_edit",
    "keep",
    "retarget",
    "capacity",
    "position = 1",
    "remove = true",
    "clear = [\"team\"]",
    "column",
    "root",
    "map",
    "default",
    "trim",
    "lower",
    "strip_prefix",
    "strip_suffix",
    "separator",
    "as",
    "integer",
    "key",
    "delimiter",
    "quote",
    "zone",
    "format",
    "thread",
    "parent",
    "order",
    "[[event]]",
    "[[filter]]",
    "[[leave_out]]",
    "when",
    "on",
    "first",
    "row",
    "change",
    "of",
    "equals",
    "not_in",
    "empty",
    "[[row]]",
    "[[row.widget]]",
    "metric",
    "metrics",
    "chart",
    "by",
    "grain",
    "width",
    "range",
    "compare",
    "show",
    "target",
    "filters",
    "-- metric: ",
    "-- aggregate: ",
    "-- kind: ratio",
    "-- numerator: ",
    "p99.9",
    "p0",
    "p101",
    "count@end",
    // Bytes of formats.
    "PAR1",
    "\u{1f}\u{8b}\u{8}\0",
    "(\u{b5}/\u{fd}",
];

/// A small generator of numbers; the same seed gives the same inputs.
pub struct Mutator(u64);

impl Mutator {
    pub fn new(seed: u64) -> Mutator {
        Mutator(seed)
    }

    /// A number below `n`, which is more than nothing.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut lot = self.0;
        lot = (lot ^ (lot >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        lot = (lot ^ (lot >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((lot ^ (lot >> 31)) % n as u64).unwrap()
    }

    /// One of the seeds, altered one to six times.
    pub fn alter(&mut self, seeds: &[Input]) -> Input {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            let other = &seeds[self.below(seeds.len())];
            self.once(&mut input.bytes, if other.ending == input.ending { &other.bytes } else { &[] });
        }
        input.bytes.truncate(4 << 20);
        input
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        match self.below(16) {
            0 if !bytes.is_empty() => {
                let at = self.below(bytes.len());
                bytes[at] ^= 1 << self.below(8);
            }
            1 if !bytes.is_empty() => {
                let at = self.below(bytes.len());
                bytes[at] = self.byte();
            }
            2 => {
                let some: Vec<u8> = (0..=self.below(8)).map(|_| self.byte()).collect();
                self.insert(bytes, &some);
            }
            3 => {
                let (from, to) = self.part(bytes.len(), 64);
                bytes.drain(from..to);
            }
            4 => {
                let at = self.below(bytes.len() + 1);
                if self.below(8) == 0 {
                    bytes.truncate(at);
                }
            }
            5 => self.repeat(bytes),
            6 => {
                let (from, to) = self.part(other.len(), 4096);
                self.insert(bytes, &other[from..to]);
            }
            7 if !other.is_empty() => {
                let (at, from) = (self.below(bytes.len() + 1), self.below(other.len()));
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            8 => {
                let word = self.word();
                self.insert(bytes, word);
            }
            9 => self.nest(bytes),
            10 => self.lines(bytes),
            11 => self.swap(bytes),
            12 => self.number(bytes),
            _ => {
                let word = self.word().to_vec();
                self.replace(bytes, &word);
            }
        }
    }

    fn byte(&mut self) -> u8 {
        match self.below(3) {
            0 => [0, 0xff, 0x80, 0xc0, 0xed, 0x7f][self.below(6)],
            _ => u8::try_from(self.below(256)).unwrap(),
        }
    }

    fn word(&mut self) -> &'static [u8] {
        WORDS[self.below(WORDS.len())].as_bytes()
    }

    /// A part of at most so many bytes, often short.
    fn part(&mut self, length: usize, most: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let most = self.below(most) + 1;
        (from, (from + self.below(most) + 1).min(length))
    }

    fn insert(&mut self, bytes: &mut Vec<u8>, some: &[u8]) {
        if bytes.len() < BYTES_MAX {
            let at = self.below(bytes.len() + 1);
            bytes.splice(at..at, some.iter().copied());
        }
    }

    /// A part, repeated; rarely very often.
    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = self.part(bytes.len(), 256);
        let most = if self.below(50) == 0 { 20_000 } else { 40 };
        let times = (self.below(most) + 1).min(1 + (BYTES_MAX << 4) / (to - from).max(1));
        let again = bytes[from..to].repeat(times);
        if bytes.len() < BYTES_MAX {
            bytes.splice(to..to, again);
        }
    }

    /// Brackets within brackets, closed or not.
    fn nest(&mut self, bytes: &mut Vec<u8>) {
        let (open, close) = [
            ("[", "]"),
            ("{\"a\":", "}"),
            ("{a=", "}"),
            ("a.", ""),
            ("[[", "]]"),
            ("(", ")"),
            ("\"", "\""),
            ("{\"a\":[", "]}"),
        ][self.below(8)];
        let most = [8, 130, 1_000, 100_000][self.below(4)];
        let depth = self.below(most) + 1;
        let inner = ["", "1", "\"a\"", "a"][self.below(4)];
        let close = if self.below(3) == 0 { "" } else { close };
        let nested = [&open.repeat(depth), inner, &close.repeat(depth)].concat();
        match self.below(2) {
            0 => self.replace(bytes, nested.as_bytes()),
            _ => self.insert(bytes, nested.as_bytes()),
        }
    }

    /// A line less, a line twice, or two lines in each other's place.
    fn lines(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.is_empty() {
            return;
        }
        let (one, two) = (self.below(lines.len()), self.below(lines.len()));
        match self.below(3) {
            0 => drop(lines.remove(one)),
            1 => lines.insert(two, lines[one]),
            _ => lines.swap(one, two),
        }
        *bytes = lines.concat();
    }

    /// The position of a value: a word, a number, or what is between quotes.
    fn token(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        let start = self.below(bytes.len().max(1));
        let is_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.' | b':' | b'/');
        let from = start + bytes.get(start..)?.iter().position(is_word)?;
        let before = bytes[..from].iter().rev().take_while(|byte| is_word(byte)).count();
        let to = from + bytes[from..].iter().take_while(|byte| is_word(byte)).count();
        let (from, is_quoted) = (from - before, bytes.get(to) == Some(&b'"'));
        // With its quotes or without.
        match is_quoted && from > 0 && bytes[from - 1] == b'"' && self.below(3) == 0 {
            true => Some((from - 1, to + 1)),
            false => Some((from, to)),
        }
    }

    fn replace(&mut self, bytes: &mut Vec<u8>, word: &[u8]) {
        if let Some((from, to)) = self.token(bytes) {
            bytes.splice(from..to, word.iter().copied());
        }
    }

    fn swap(&mut self, bytes: &mut Vec<u8>) {
        let Some((from, to)) = self.token(bytes) else { return };
        let value = bytes[from..to].to_vec();
        self.replace(bytes, &value);
    }

    /// Another number in the place of one.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        let start = self.below(bytes.len().max(1));
        let digit = bytes.iter().skip(start).position(u8::is_ascii_digit);
        let Some(from) = digit.map(|at| start + at) else { return };
        let to = from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&bytes[from..to]).unwrap().parse::<i128>().unwrap_or(0);
        let other = match self.below(6) {
            0 => number.saturating_add(1),
            1 => number - 1,
            2 => number.saturating_mul(1000),
            3 => -number,
            4 => 1 << self.below(65),
            _ => i128::try_from(self.below(10_000)).unwrap(),
        };
        bytes.splice(from..to, other.to_string().into_bytes());
    }
}
