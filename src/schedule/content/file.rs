//! What a schedule sends as it is written: the keys of every kind of content, of which each kind has its own.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The keys of `[[schedule.send]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentFile {
    pub board: Option<String>,
    pub metric: Option<String>,
    pub sql: Option<String>,
    pub breach_notices: Option<bool>,
    pub range: Option<String>,
    pub formats: Option<Words>,
    #[serde(rename = "where")]
    pub filters: Option<Words>,
    pub hours: Option<String>,
    pub compare: Option<Words>,
    pub widget: Option<String>,
    pub cases: Option<u16>,
    pub anonymize: Option<bool>,
    pub with_text: Option<bool>,
    pub by: Option<Words>,
    pub grain: Option<String>,
    pub show: Option<Words>,
    pub sort: Option<Words>,
    pub limit: Option<usize>,
    pub name: Option<String>,
}

impl ContentFile {
    /// The keys that are written.
    fn written(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("board", self.board.is_some()),
            ("metric", self.metric.is_some()),
            ("sql", self.sql.is_some()),
            ("breach_notices", self.breach_notices.is_some()),
            ("range", self.range.is_some()),
            ("formats", self.formats.is_some()),
            ("where", self.filters.is_some()),
            ("hours", self.hours.is_some()),
            ("compare", self.compare.is_some()),
            ("widget", self.widget.is_some()),
            ("cases", self.cases.is_some()),
            ("anonymize", self.anonymize.is_some()),
            ("with_text", self.with_text.is_some()),
            ("by", self.by.is_some()),
            ("grain", self.grain.is_some()),
            ("show", self.show.is_some()),
            ("sort", self.sort.is_some()),
            ("limit", self.limit.is_some()),
            ("name", self.name.is_some()),
        ];
        keys.into_iter().filter(|(_, is_written)| *is_written).map(|(key, _)| key)
    }

    /// Which of the kinds is written.
    ///
    /// # Errors
    /// When none is, or several.
    pub fn kind(&self) -> Result<&'static str, String> {
        let kinds: Vec<&'static str> = self.written().filter(|key| KINDS.contains(key)).collect();
        match kinds.as_slice() {
            [kind] => Ok(kind),
            [] => Err("it sends nothing: expected `board`, `metric`, `sql` or `breach_notices`".to_owned()),
            [first, second, ..] => {
                Err(format!("`{first}` and `{second}` are two contents: write `[[schedule.send]]` for each"))
            }
        }
    }

    /// Checks that there are no keys but the kind and these.
    ///
    /// # Errors
    /// When there is another, which would do nothing.
    pub fn check_keys(&self, kind: &str, known: &[&str]) -> Result<(), String> {
        match self.written().find(|key| *key != kind && !known.contains(key)) {
            Some(key) => Err(format!("the key `{key}` does nothing beside `{kind}`: leave it out")),
            None => Ok(()),
        }
    }
}

/// The keys that state what is sent.
const KINDS: [&str; 4] = ["board", "metric", "sql", "breach_notices"];

/// A list of texts; a list of one may be written as a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Words, E> {
        Ok(Words(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(text) = texts.next_element()? {
            words.push(text);
        }
        Ok(Words(words))
    }
}
