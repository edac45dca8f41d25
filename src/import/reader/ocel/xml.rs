//! OCEL in XML: a `log` with the elements `object-types`, `event-types`, `objects` and `events`, in any order.

use quick_xml::XmlVersion;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::super::text::TextInput;
use super::super::xml::{XmlInput, attributes};
use super::item::{Entry, Item, Of, Part, Related, TakeEntry, Value};
use crate::error::Result;

/// The most bytes of the attributes and relations of one event or one object.
const ITEM_BYTES_MAX: usize = 64 << 20;

/// An element that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Log,
    Types(Of),
    Type(Of),
    Items,
    Item,
    Attributes,
    Attribute,
    Objects,
    /// What has nothing that is wanted.
    Other,
}

/// What is read of a log.
struct Log<'t> {
    input: XmlInput,
    part: Part,
    take: TakeEntry<'t>,
    open: Vec<Open>,
    /// The name of the type that is open.
    kind: String,
    item: Item,
    item_bytes: usize,
    place: (u64, u64),
}

/// Gives what a part of a log has. Returns the bytes read.
///
/// # Errors
/// What is no XML, and any error of `take`.
pub(super) fn read(input: TextInput, part: Part, take: TakeEntry<'_>) -> Result<u64> {
    let mut log = Log {
        input: XmlInput::open(input),
        part,
        take,
        open: Vec::new(),
        kind: String::new(),
        item: Item::default(),
        item_bytes: 0,
        place: (0, 0),
    };
    let mut buffer = Vec::new();
    loop {
        match log.input.next(&mut buffer)? {
            Event::Start(tag) => log.start(&tag)?,
            Event::Empty(tag) => {
                log.start(&tag)?;
                log.end()?;
            }
            Event::End(_) => log.end()?,
            Event::Text(text) => log.text(&text.xml_content(XmlVersion::Implicit1_0))?,
            Event::CData(text) => log.text(&text.xml_content(XmlVersion::Implicit1_0))?,
            Event::GeneralRef(name) => match unescape(&format!("&{};", &*name)) {
                Ok(text) => log.text(&text)?,
                Err(_) => {
                    let message = format!("no XML: found the entity `&{};`, which XML does not have", &*name);
                    return Err(log.input.error(message));
                }
            },
            Event::Eof => return Ok(log.input.offset()),
            _ => {}
        }
    }
}

impl Log<'_> {
    fn start(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = tag.local_name();
        let open = match (self.open.last().copied(), name.as_ref()) {
            (None, "log") => Open::Log,
            (None, other) => {
                return Err(self.input.error(format!("found the element `{other}`, expected `log`, as OCEL has it")));
            }
            (Some(Open::Log), "object-types") if self.part == Part::Objects => Open::Types(Of::Object),
            (Some(Open::Log), "event-types") if self.part == Part::Objects => Open::Types(Of::Event),
            (Some(Open::Log), "objects") if self.part == Part::Objects => Open::Items,
            (Some(Open::Log), "events") if self.part == Part::Events => Open::Items,
            (Some(Open::Types(of)), "object-type" | "event-type") => {
                let [name] = self.attributes(tag, ["name"])?;
                self.kind = name.unwrap_or_default();
                Open::Type(of)
            }
            (Some(Open::Items), "object" | "event") => self.item(tag)?,
            (Some(Open::Type(_) | Open::Item), "attributes") => Open::Attributes,
            (Some(Open::Attributes), "attribute") => self.attribute(tag)?,
            (Some(Open::Item), "objects") => Open::Objects,
            (Some(Open::Item), "string" | "date" | "list") => {
                let name = name.as_ref();
                let message = format!("found the element `{name}`, as OCEL 1.0 has it, expected a log in OCEL 2.0");
                return Err(self.input.error(message).with_hint("convert it, for example with pm4py"));
            }
            // The text of the standard has the one name, its schema the other.
            (Some(Open::Objects), "relationship" | "object") => self.related(tag)?,
            _ => Open::Other,
        };
        self.open.push(open);
        Ok(())
    }

    fn attributes<const N: usize>(&self, tag: &BytesStart<'_>, names: [&str; N]) -> Result<[Option<String>; N]> {
        let found = attributes(tag, names).map_err(|reason| self.input.error(reason))?;
        Ok(found.map(|value| value.map(std::borrow::Cow::into_owned)))
    }

    fn item(&mut self, tag: &BytesStart<'_>) -> Result<Open> {
        let [id, kind, time] = self.attributes(tag, ["id", "type", "time"])?;
        self.place = (self.input.line(), self.input.offset());
        self.item_bytes = 0;
        self.item = Item { id: id.unwrap_or_default(), kind: kind.unwrap_or_default(), time, ..Item::default() };
        Ok(Open::Item)
    }

    /// An attribute that a type declares, or the value of one.
    fn attribute(&mut self, tag: &BytesStart<'_>) -> Result<Open> {
        let [name, value_type, time] = self.attributes(tag, ["name", "type", "time"])?;
        let name = name.ok_or_else(|| self.input.error("found an `attribute` without a `name`"))?;
        let of_type = self.open.iter().rev().find_map(|open| if let Open::Type(of) = open { Some(*of) } else { None });
        match of_type {
            Some(of) => {
                let value_type = value_type.unwrap_or_default();
                let place = (self.input.line(), self.input.offset());
                (self.take)(Entry::Attribute { of, kind: &self.kind, name: &name, value_type: &value_type }, place)?;
                Ok(Open::Other)
            }
            None => {
                self.grow(name.len())?;
                self.item.values.push(Value { name, time, text: Some(String::new()) });
                Ok(Open::Attribute)
            }
        }
    }

    fn related(&mut self, tag: &BytesStart<'_>) -> Result<Open> {
        let [id, qualifier] = self.attributes(tag, ["object-id", "qualifier"])?;
        let related = Related { id: id.unwrap_or_default(), qualifier: qualifier.unwrap_or_default() };
        self.grow(related.id.len() + related.qualifier.len())?;
        if related.id.is_empty() {
            self.item.fail("`objects`: found a relationship without `object-id`".to_owned());
        } else {
            self.item.related.push(related);
        }
        Ok(Open::Other)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.open.last() != Some(&Open::Attribute) {
            return Ok(());
        }
        self.grow(text.len())?;
        if let Some(value) = self.item.values.last_mut() {
            value.text.get_or_insert_default().push_str(text);
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<()> {
        self.item_bytes += bytes;
        if self.item_bytes <= ITEM_BYTES_MAX {
            return Ok(());
        }
        let message =
            format!("`{}` has more than {} MiB of attributes and relations", self.item.id, ITEM_BYTES_MAX >> 20);
        Err(self.input.error(message))
    }

    fn end(&mut self) -> Result<()> {
        match self.open.pop() {
            Some(Open::Item) => (self.take)(Entry::Item(std::mem::take(&mut self.item)), self.place),
            _ => Ok(()),
        }
    }
}
