//! Reading JSON quickly: plain JSON is read here, in one pass over its bytes. For anything else this gives no answer;
//! `serde_json` reads it, or reports what is wrong with it.

use std::borrow::Cow;

use memchr::memchr2;

use crate::json::{Json, Number};

/// How deep values may be nested, as in `serde_json`.
const DEPTH_MAX: usize = 120;

/// The most digits of a whole number that is read here.
const DIGITS_MAX: usize = 18;

/// Reads one value that is the whole text, if it is plain.
#[must_use]
pub fn read(text: &str) -> Option<Json<'_>> {
    let mut plain = Plain::of(text);
    let value = plain.value()?;
    plain.space();
    (plain.at == text.len()).then_some(value)
}

/// A position in a text of JSON.
pub struct Plain<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Plain<'a> {
    /// The beginning of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Plain<'a> {
        Plain { text, at: 0 }
    }

    /// Reads an object that is the whole text: `take` gets the name of each member and must read its value.
    pub fn whole_object(mut self, take: impl FnMut(&mut Plain<'a>, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.space();
        self.pass(b'{')?;
        self.members(take)?;
        self.space();
        (self.at == self.text.len()).then_some(())
    }

    /// Reads a value, and also returns its text.
    pub fn value_with_text(&mut self) -> Option<(&'a str, Json<'a>)> {
        self.space();
        let from = self.at;
        let value = self.value_within(0)?;
        Some((self.text.get(from..self.at)?, value))
    }

    /// Reads a value.
    pub fn value(&mut self) -> Option<Json<'a>> {
        self.space();
        self.value_within(0)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.byte()? == byte).then(|| self.at += 1)
    }

    /// The rest of an object after its brace.
    fn members(&mut self, mut take: impl FnMut(&mut Plain<'a>, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.space();
        if self.byte()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            self.pass(b'"')?;
            let name = self.text_behind_quote()?;
            self.space();
            self.pass(b':')?;
            take(self, name)?;
            self.space();
            let after = self.byte()?;
            self.at += 1;
            match after {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn value_within(&mut self, depth: usize) -> Option<Json<'a>> {
        match self.byte()? {
            b'"' => {
                self.at += 1;
                self.text_behind_quote().map(Json::Text)
            }
            b'{' if depth < DEPTH_MAX => {
                self.at += 1;
                let mut members = Vec::with_capacity(8);
                self.members(|plain, name| {
                    plain.space();
                    members.push((name, plain.value_within(depth + 1)?));
                    Some(())
                })?;
                Some(Json::Object(members))
            }
            b'[' if depth < DEPTH_MAX => {
                self.at += 1;
                self.items(depth)
            }
            b't' => self.word("true", Json::Flag(true)),
            b'f' => self.word("false", Json::Flag(false)),
            b'n' => self.word("null", Json::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn items(&mut self, depth: usize) -> Option<Json<'a>> {
        let mut items = Vec::new();
        self.space();
        if self.byte()? == b']' {
            self.at += 1;
            return Some(Json::List(items));
        }
        loop {
            self.space();
            items.push(self.value_within(depth + 1)?);
            self.space();
            let after = self.byte()?;
            self.at += 1;
            match after {
                b',' => {}
                b']' => return Some(Json::List(items)),
                _ => return None,
            }
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        let behind = self.text.get(self.at..)?;
        behind.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }

    /// A text; one with escapes is left to `serde_json`.
    fn text_behind_quote(&mut self) -> Option<Cow<'a, str>> {
        let from = self.at;
        let mut has_escapes = false;
        loop {
            let found = memchr2(b'"', b'\\', self.text.as_bytes().get(self.at..)?)?;
            self.at += found;
            if self.byte()? == b'"' {
                break;
            }
            has_escapes = true;
            self.at += 2;
        }
        let text = self.text.get(from..self.at)?;
        self.at += 1;
        // Not `all`, which would check them one by one.
        let has_no_controls = text.bytes().fold(true, |so_far, byte| so_far & (byte >= b' '));
        match (has_no_controls, has_escapes) {
            (false, _) => None,
            (true, false) => Some(Cow::Borrowed(text)),
            (true, true) => serde_json::from_str(self.text.get(from - 1..self.at)?).ok().map(Cow::Owned),
        }
    }

    /// A number; one that is not a short whole one is left to `serde_json`.
    fn number(&mut self) -> Option<Json<'a>> {
        let behind = self.text.as_bytes().get(self.at..)?;
        let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = behind.iter().take_while(|byte| is_of_number(byte)).count();
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length;
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let is_short = (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        if !is_short || digits.len() > 1 && digits.first() == Some(&b'0') {
            return serde_json::from_str(text).ok();
        }
        let whole = digits.iter().fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
        let negative = digits.len() < text.len();
        // `-0` is a double to `serde_json`, and zero to both.
        Some(Json::Number(Number::Whole(if negative { -whole } else { whole })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is read here has the value that `serde_json` reads; a text that it refuses is not read here.
    #[test]
    fn plain_text_is_read_as_serde_reads_it() {
        let plain = [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "7",
            "-12",
            "123456789012345678",
            "1234567890123456789",
            "1.5",
            "-2e3",
            "1.0",
            r#""""#,
            r#""abc""#,
            r#""ümlaut 漢字""#,
            r#""a\"b\\c\nd\u00e9""#,
            r#""\ud83d\ude00""#,
            "[]",
            "[ ]",
            "[1, [2,3] ,{}]",
            "{}",
            "{ }",
            r#"{"a":1,"a":[true,null],"b\n":{"c":"d"}}"#,
            " \t\r\n{ \"a\" : 1 } ",
        ];
        for text in plain {
            assert_eq!(read(text), Some(serde_json::from_str(text).unwrap()), "{text}");
        }
        let broken = [
            "",
            " ",
            "nul",
            "tru",
            "+1",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "--1",
            "\"",
            "\"a",
            "\"\\",
            "\"\\q\"",
            "\"\\ud83d\"",
            "\"\u{1}\"",
            "\"a\nb\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,]",
            "[1 2]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "1 2",
            "{}}",
            "nan",
            "\"\\",
        ];
        for text in broken {
            assert!(read(text).is_none() && serde_json::from_str::<Json<'_>>(text).is_err(), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(read(&deep), None);
    }

    #[test]
    fn a_value_keeps_its_text() {
        let mut data = None;
        let read = Plain::of(r#" {"a": {"b" : [1,  2]} , "c":3}"#).whole_object(|plain, name| {
            if name == "a" {
                data = plain.value_with_text()
            } else {
                drop(plain.value()?)
            }
            Some(())
        });
        assert!(read.is_some());
        assert_eq!(data.map(|(text, _)| text), Some(r#"{"b" : [1,  2]}"#));
    }
}
