//! Values packed into text, one after the other, for the time of a replay. The format has no name and no version.
//!
//! Texts are in it as they are, numbers in ASCII. So a piece of it is a text without a check of its bytes, which was a fifth
//! of the time of unpacking, for an event is ten short texts and little else.

use crate::log::columns::event_bodies;
use crate::model::event::{
    Answer, CaseEvent, Creation, EventBody, EventType, Message, MessageKind, Priority, Sentiment, Status,
};
use crate::model::time::Instant;

/// What can be packed into a text and unpacked from it, borrowing from it.
pub trait Pack<'t>: Sized {
    /// Puts the value at the end of a text.
    fn pack(&self, text: &mut String);

    /// Takes the value that the text begins with; nothing where it begins with none.
    fn unpack(text: &mut &'t str) -> Option<Self>;
}

/// Six bits a character, the lowest first; another bit is set if more follow.
impl Pack<'_> for u64 {
    #[inline]
    fn pack(&self, text: &mut String) {
        let mut rest = *self;
        while rest >= 64 {
            text.push(char::from(64 | (rest & 63) as u8));
            rest >>= 6;
        }
        text.push(char::from(rest as u8));
    }

    #[inline]
    fn unpack(text: &mut &str) -> Option<u64> {
        match text.bytes().next()? {
            // Most are lengths of short texts, or say whether there is something.
            number if number < 64 => {
                *text = text.get(1..)?;
                Some(u64::from(number))
            }
            _ => unpack_long(text),
        }
    }
}

fn unpack_long(text: &mut &str) -> Option<u64> {
    let mut number = 0_u64;
    for (digit, byte) in text.bytes().enumerate() {
        number |= u64::from(byte & 63).checked_shl(6 * digit as u32)?;
        if byte < 64 {
            *text = text.get(digit + 1..)?;
            return Some(number);
        }
    }
    None
}

/// Near zero in few characters, on both sides.
impl Pack<'_> for i64 {
    #[inline]
    fn pack(&self, text: &mut String) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().pack(text);
    }

    #[inline]
    fn unpack(text: &mut &str) -> Option<i64> {
        let number = u64::unpack(text)?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

impl Pack<'_> for u8 {
    #[inline]
    fn pack(&self, text: &mut String) {
        u64::from(*self).pack(text);
    }

    #[inline]
    fn unpack(text: &mut &str) -> Option<u8> {
        u64::unpack(text)?.try_into().ok()
    }
}

impl Pack<'_> for bool {
    #[inline]
    fn pack(&self, text: &mut String) {
        u64::from(*self).pack(text);
    }

    #[inline]
    fn unpack(text: &mut &str) -> Option<bool> {
        Some(u64::unpack(text)? == 1)
    }
}

impl Pack<'_> for f64 {
    fn pack(&self, text: &mut String) {
        self.to_bits().pack(text);
    }

    fn unpack(text: &mut &str) -> Option<f64> {
        Some(f64::from_bits(u64::unpack(text)?))
    }
}

impl Pack<'_> for Instant {
    #[inline]
    fn pack(&self, text: &mut String) {
        self.0.pack(text);
    }

    #[inline]
    fn unpack(text: &mut &str) -> Option<Instant> {
        Some(Instant(i64::unpack(text)?))
    }
}

impl<'t> Pack<'t> for &'t str {
    #[inline]
    fn pack(&self, text: &mut String) {
        (self.len() as u64).pack(text);
        text.push_str(self);
    }

    #[inline]
    fn unpack(text: &mut &'t str) -> Option<&'t str> {
        let length = usize::try_from(u64::unpack(text)?).ok()?;
        let (unpacked, rest) = text.split_at_checked(length)?;
        *text = rest;
        Some(unpacked)
    }
}

impl<'t, T: Pack<'t>> Pack<'t> for Option<T> {
    #[inline]
    fn pack(&self, text: &mut String) {
        self.is_some().pack(text);
        if let Some(value) = self {
            value.pack(text);
        }
    }

    #[inline]
    fn unpack(text: &mut &'t str) -> Option<Option<T>> {
        match bool::unpack(text)? {
            true => Some(Some(T::unpack(text)?)),
            false => Some(None),
        }
    }
}

/// Packs a structure member by member.
macro_rules! pack_struct {
    ($name:ident { $($member:ident),+ $(,)? }) => {
        impl<'t> Pack<'t> for $name<'t> {
            fn pack(&self, text: &mut String) {
                let $name { $($member),+ } = self;
                $($member.pack(text);)+
            }

            fn unpack(text: &mut &'t str) -> Option<Self> {
                Some($name { $($member: Pack::unpack(text)?),+ })
            }
        }
    };
}

/// Packs an enumeration: the number of the variant, then its members.
macro_rules! pack_enum {
    ($name:ident { $($variant:ident $(($($item:ident),+))? $({ $($member:ident),+ })?,)+ }) => {
        const _: () = {
            #[derive(Clone, Copy)]
            enum Tag {
                $($variant,)+
            }

            const TAGS: &[Tag] = &[$(Tag::$variant,)+];

            impl<'t> Pack<'t> for $name<'t> {
                fn pack(&self, text: &mut String) {
                    match self {
                        $($name::$variant $(($($item),+))? $({ $($member),+ })? => {
                            (Tag::$variant as u8).pack(text);
                            $($($item.pack(text);)+)?
                            $($($member.pack(text);)+)?
                        })+
                    }
                }

                fn unpack(text: &mut &'t str) -> Option<Self> {
                    Some(match TAGS.get(usize::from(u8::unpack(text)?))? {
                        $(Tag::$variant => $name::$variant
                            $(($({ let $item = Pack::unpack(text)?; $item }),+))?
                            $({ $($member: Pack::unpack(text)?),+ })?,)+
                    })
                }
            }
        };
    };
}

/// Packs enumerations of names as their positions.
macro_rules! pack_names {
    ($($name:ident),+) => {
        $(impl Pack<'_> for $name {
            #[inline]
            fn pack(&self, text: &mut String) {
                (*self as u8).pack(text);
            }

            #[inline]
            fn unpack(text: &mut &str) -> Option<Self> {
                $name::ALL.get(usize::from(u8::unpack(text)?)).copied()
            }
        })+
    };
}

pub(crate) use {pack_enum, pack_struct};

pack_names!(EventType, MessageKind, Priority, Sentiment, Status);

// The case first: events are brought together by it.
pack_struct!(CaseEvent { case_id, time, sequence, source, id, kind, by, body });

macro_rules! pack_bodies {
    (
        types { $($type:ident { $($member:ident),+ })+ }
        bodies {
            $($variant:ident $(($binding:ident: $body:ident))? $([$column:ident])? $({ $($field:ident),+ })?:
                $($kind:ident)|+,)+
        }
    ) => {
        $(pack_struct!($type { $($member),+ });)+

        pack_enum!(EventBody {
            $($variant $(($binding))? $(($column))? $({ $($field),+ })?,)+
            Other,
        });
    };
}

event_bodies!(pack_bodies);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// Comes back as it was, with nothing left; from a text that is cut off nothing does.
    fn comes_back<'t, T: Pack<'t> + PartialEq + Debug>(value: T, text: &'t mut String) {
        value.pack(text);
        let mut rest = text.as_str();
        assert_eq!((T::unpack(&mut rest), rest), (Some(value), ""));
        let cut = text.char_indices().map(|(end, _)| text.get(..end).unwrap());
        cut.for_each(|mut cut| assert_eq!(T::unpack(&mut cut), None));
    }

    fn all_come_back<T: for<'t> Pack<'t> + PartialEq + Debug>(values: impl IntoIterator<Item = T>) {
        values.into_iter().for_each(|value| comes_back(value, &mut String::new()));
    }

    fn body_comes_back(kind: EventType, body: EventBody<'_>) {
        let (time, by) = (Instant(1_780_000_000_123), Some("ana"));
        let event = CaseEvent { case_id: "C-é", time, sequence: -3, source: "s", id: "", kind, by, body };
        comes_back(event, &mut String::new());
    }

    #[test]
    fn numbers_come_back() {
        for power in 0..64 {
            let number = 1_u64 << power;
            all_come_back([number - 1, number, number + 1, u64::MAX - number]);
            all_come_back([number.cast_signed(), -1 - number.cast_signed().max(0)]);
        }
        all_come_back([0.0, -0.5, f64::MAX, f64::MIN_POSITIVE]);
        all_come_back([Some(true), Some(false), None]);
        all_come_back(0..=u8::MAX);
        assert_eq!(u64::unpack(&mut "\u{7f}".repeat(12).as_str()), None);
        assert_eq!(u8::unpack(&mut "\u{40}\u{4}"), None);
        assert_eq!(Status::unpack(&mut "\u{6}"), None);
    }

    #[test]
    fn events_come_back_whatever_they_say() {
        EventType::ALL.iter().for_each(|kind| body_comes_back(*kind, EventBody::Other));
        for text in [
            None,
            Some(""),
            Some("é\0\u{1}𝄞"),
            Some("a text that is longer than sixty-three bytes, as texts of messages are"),
        ] {
            let creation = Creation {
                customer: text.unwrap_or("c"),
                profile: text,
                platform: None,
                origin: text,
                language: None,
                text,
                message: None,
                priority: text,
                sentiment: text.map(|_| Sentiment::Negative),
                fields: text,
            };
            body_comes_back(EventType::CaseCreated, EventBody::Created(creation));
            let message = Message {
                message: "m",
                kind: MessageKind::Direct,
                text,
                sentiment: None,
                language: text,
                set_status: text.map(|_| Status::OnHold),
                bot: text.is_some(),
                mentions: text,
            };
            body_comes_back(EventType::MessageSent, EventBody::Message(message));
            let answer = Answer { survey: "s", kind: text, score: text.map(|text| text.len() as f64), comment: text };
            body_comes_back(EventType::SurveyAnswered, EventBody::SurveyAnswered(answer));
            body_comes_back(EventType::CaseFieldChanged, EventBody::FieldChanged { field: "f", value: text });
        }
        let name = "n";
        for body in [
            EventBody::ProfileAssigned { profile: name },
            EventBody::Assigned { agent: name, automatic: true },
            EventBody::Unassigned,
            EventBody::PriorityChanged(Priority::Low),
            EventBody::SentimentChanged(Sentiment::None),
            EventBody::MessageLiked { message: name },
            EventBody::MessageDeleted { message: name },
            EventBody::StatusChanged(Status::Spam),
            EventBody::Closed,
            EventBody::SurveySent { survey: name },
            EventBody::RecordLinked { record: name },
            EventBody::Deleted,
        ] {
            body_comes_back(EventType::CaseClosed, body);
        }
    }
}
