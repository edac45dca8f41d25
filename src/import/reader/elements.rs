//! Elements of arrays in documents of JSON, given one by one as they are read, so that no document is held as a whole.

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value as Json};

use crate::error::{Error, Result};

/// Which elements of a document are wanted: those of some arrays or, without an array, the document itself.
pub(super) struct Wanted<'a> {
    /// From the document to each array, by the names of members.
    arrays: Vec<Vec<&'a str>>,
    /// Which of the arrays a document has.
    reached: Vec<Cell<bool>>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(arrays: Vec<Vec<&'a str>>) -> Wanted<'a> {
        let reached = vec![Cell::new(false); arrays.len()];
        Wanted { arrays, reached }
    }

    /// Whether a document had the array of this number.
    pub(super) fn has_reached(&self, number: usize) -> bool {
        self.reached.get(number).is_some_and(Cell::get)
    }
}

/// Where an element ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct ElementEnd {
    /// From 1.
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// Takes an element and the number of its array.
pub(super) type TakeElement<'t> = &'t mut dyn FnMut(usize, &Json, ElementEnd) -> Result<()>;

/// Gives the elements of documents that come one after the other or in an array. Returns the bytes read.
///
/// # Errors
/// What is no JSON, with its line, and any error of `take`.
pub(super) fn each(file: &str, input: impl Read, wanted: &Wanted<'_>, take: TakeElement<'_>) -> Result<u64> {
    let end = Rc::new(Cell::new(ElementEnd { line: 1, offset: 0 }));
    let counted = Counted { input: BufReader::new(input), end: end.clone() };
    let mut deserializer = Deserializer::from_reader(counted);
    let mut failure = None;
    loop {
        let mut give =
            |number: usize, value: &Json| take(number, value, end.get()).map_err(|error| failure = Some(error)).is_ok();
        let arrays = wanted.arrays.iter().map(Vec::as_slice).enumerate().collect();
        let is_whole = wanted.arrays.is_empty();
        let walk = Walk { arrays, is_whole, reached: &wanted.reached, give: &mut give, is_top: true };
        let outcome = walk.deserialize(&mut deserializer);
        if let Some(error) = failure {
            return Err(error);
        }
        outcome.map_err(|error| Error::invalid(format!("{file}:{}", error.line()), format!("not JSON: {error}")))?;
        if deserializer.end().is_ok() {
            return Ok(end.get().offset);
        }
    }
}

/// Goes into a document, along members to arrays, and gives their elements.
struct Walk<'w> {
    /// The numbers of the arrays that are in this value, and the members that lead to them.
    arrays: Vec<(usize, &'w [&'w str])>,
    /// This value is wanted as it is.
    is_whole: bool,
    reached: &'w [Cell<bool>],
    /// Takes an element; false ends the reading.
    give: &'w mut dyn FnMut(usize, &Json) -> bool,
    /// At the beginning of the input, where an array holds documents.
    is_top: bool,
}

impl Walk<'_> {
    fn give<E: serde::de::Error>(&mut self, number: usize, value: &Json) -> std::result::Result<(), E> {
        if (self.give)(number, value) { Ok(()) } else { Err(E::custom("the element was not taken")) }
    }

    /// The array that this value must be.
    fn array(&self) -> Option<usize> {
        self.arrays.iter().find(|(_, members)| members.is_empty()).map(|(number, _)| *number)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object or an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> std::result::Result<(), A::Error> {
        if self.is_top {
            let Walk { arrays, is_whole, reached, give, .. } = self;
            loop {
                let walk = Walk { arrays: arrays.clone(), is_whole, reached, give: &mut *give, is_top: false };
                if elements.next_element_seed(walk)?.is_none() {
                    return Ok(());
                }
            }
        }
        if self.is_whole {
            let mut values = Vec::new();
            while let Some(value) = elements.next_element()? {
                values.push(value);
            }
            return self.give(0, &Json::Array(values));
        }
        let Some(number) = self.array() else {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        self.reached.get(number).into_iter().for_each(|reached| reached.set(true));
        while let Some(value) = elements.next_element::<Json>()? {
            self.give(number, &value)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        if self.is_whole {
            let mut object = Map::new();
            while let Some((name, value)) = map.next_entry()? {
                object.insert(name, value);
            }
            return self.give(0, &Json::Object(object));
        }
        let Walk { arrays, reached, give, .. } = self;
        while let Some(name) = map.next_key::<String>()? {
            let first = arrays.iter().filter_map(|(number, members)| Some((*number, members.split_first()?)));
            let inner = first.filter(|(_, (first, _))| **first == name).map(|(number, (_, rest))| (number, rest));
            let inner: Vec<(usize, &[&str])> = inner.collect();
            if inner.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                let walk = Walk { arrays: inner, is_whole: false, reached, give: &mut *give, is_top: false };
                map.next_value_seed(walk)?;
            }
        }
        Ok(())
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }
}

/// Counts lines and bytes as they are read.
struct Counted<R> {
    input: R,
    end: Rc<Cell<ElementEnd>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        let ElementEnd { line, offset } = self.end.get();
        let lines = buffer.get(..count).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        self.end.set(ElementEnd { line: line + lines as u64, offset: offset + count as u64 });
        Ok(count)
    }
}
