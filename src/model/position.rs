//! Positions in the log: the order of events (1.3), and the same as texts for SQL.

use std::cmp::Ordering;

use super::time::Instant;

/// The position of an event in the log (1.3). Sorts as the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventOrder<'a> {
    pub time: Instant,
    /// False for rank 0: these events come before all others of their instant.
    pub about_cases: bool,
    pub sequence: i64,
    pub rank: u8,
    pub source: &'a str,
    pub id: &'a str,
}

impl<'a> EventOrder<'a> {
    /// The position of an event whose type has that rank.
    #[must_use]
    pub fn new(time: Instant, rank: u8, sequence: i64, source: &'a str, id: &'a str) -> EventOrder<'a> {
        EventOrder { time, about_cases: rank > 0, sequence, rank, source, id }
    }
}

/// A position in the log: an event's own, or the one before all events of an instant. Sorts as the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPosition<'a> {
    Before(Instant),
    Of(EventOrder<'a>),
}

impl Ord for LogPosition<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // `None` is less than any order.
        self.time().cmp(&other.time()).then_with(|| self.order().cmp(&other.order()))
    }
}

impl PartialOrd for LogPosition<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> LogPosition<'a> {
    /// The instant, or that of the event.
    #[must_use]
    pub fn time(&self) -> Instant {
        match self {
            LogPosition::Before(time) | LogPosition::Of(EventOrder { time, .. }) => *time,
        }
    }

    /// The position of the event, if it is that of an event.
    #[must_use]
    pub fn order(&self) -> Option<&EventOrder<'a>> {
        match self {
            LogPosition::Before(_) => None,
            LogPosition::Of(order) => Some(order),
        }
    }

    /// Reads what [`LogPosition::to_text`] wrote. A source with escapes is unescaped into `buffer`.
    #[must_use]
    pub fn of_text(text: &'a str, buffer: &'a mut String) -> Option<LogPosition<'a>> {
        let (time, rest) = sortable::read(text)?;
        let time = Instant(time);
        if rest.is_empty() {
            return Some(LogPosition::Before(time));
        }
        let (about_cases, rest) = match rest.strip_prefix('1') {
            Some(rest) => (true, rest),
            None => (false, rest.strip_prefix('0')?),
        };
        let (sequence, rest) = sortable::read(rest)?;
        let (rank, rest) = rest.split_at_checked(1)?;
        let rank = rank.bytes().next()?.checked_sub(b'0')?;
        let (mut source, id) = rest.split_once('\0')?;
        if source.contains(ESCAPE) {
            *buffer = source.replace(ESCAPED_NUL, "\0").replace(ESCAPED_ESCAPE, ESCAPE);
            source = buffer;
        }
        Some(LogPosition::Of(EventOrder { time, about_cases, sequence, rank, source, id }))
    }

    /// Text that compares, byte by byte, as the positions do, for SQL.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// The same at the end of a text.
    pub fn write_text(self, text: &mut String) {
        sortable::write(text, self.time().0);
        if let LogPosition::Of(EventOrder { about_cases, sequence, rank, source, id, .. }) = self {
            text.push(if about_cases { '1' } else { '0' });
            sortable::write(text, sequence);
            // Ranks go up to 10.
            text.push(char::from(b'0' + rank));
            // A NUL ends the source. JSON can put a NUL into a source, so it is escaped in a way that sorts the same.
            if source.contains(['\0', '\u{1}']) {
                text.push_str(&source.replace(ESCAPE, ESCAPED_ESCAPE).replace('\0', ESCAPED_NUL));
            } else {
                text.push_str(source);
            }
            text.push('\0');
            text.push_str(id);
        }
    }
}

const ESCAPE: &str = "\u{1}";
const ESCAPED_NUL: &str = "\u{1}\u{1}";
const ESCAPED_ESCAPE: &str = "\u{1}\u{2}";

/// Whole numbers as texts that sort as the numbers do: the number of digits, then the digits, in 64 ascending characters.
/// A number below zero is the text of its complement with reversed digits.
mod sortable {
    const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

    /// Eleven digits at the most: `Z` down to `O` below zero, `a` to `l` from zero on.
    const NO_DIGITS_BELOW_ZERO: u8 = b'Z';
    const NO_DIGITS: u8 = b'a';

    /// Writes the number at the end of a text.
    pub fn write(text: &mut String, number: i64) {
        let magnitude = if number < 0 { !number } else { number }.cast_unsigned();
        let count = (u64::BITS - magnitude.leading_zeros()).div_ceil(6);
        let (begin, backwards) = match number < 0 {
            true => (NO_DIGITS_BELOW_ZERO - count as u8, 63),
            false => (NO_DIGITS + count as u8, 0),
        };
        text.push(char::from(begin));
        for place in (0..count).rev() {
            let digit = (magnitude >> (6 * place)) as usize & 63 ^ backwards;
            text.extend(DIGITS.get(digit).map(|digit| char::from(*digit)));
        }
    }

    /// The number that a text begins with, and the rest.
    pub fn read(text: &str) -> Option<(i64, &str)> {
        let begin = *text.as_bytes().first()?;
        let (count, backwards) = match begin <= NO_DIGITS_BELOW_ZERO {
            true => (NO_DIGITS_BELOW_ZERO - begin, 63),
            false => (begin.checked_sub(NO_DIGITS)?, 0),
        };
        let (digits, rest) = text.get(1..)?.split_at_checked(usize::from(count))?;
        let mut magnitude = 0_u64;
        for digit in digits.bytes() {
            let value = DIGITS.binary_search(&digit).ok()? as u64 ^ backwards;
            magnitude = magnitude << 6 | value;
        }
        let magnitude = magnitude.cast_signed();
        Some((if backwards > 0 { !magnitude } else { magnitude }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::EventType;

    /// Positions in ascending order, with numbers of every size.
    fn ascending() -> Vec<LogPosition<'static>> {
        let order = |time, kind: EventType, sequence, source, id| {
            LogPosition::Of(EventOrder::new(Instant(time), kind.rank(), sequence, source, id))
        };
        let mut sorted = vec![
            order(-5, EventType::CaseDeleted, 0, "s", "a"),
            LogPosition::Before(Instant(7)),
            order(7, EventType::UserUpdated, 3, "s", "a"),
            order(7, EventType::CaseDeleted, -1, "s", "a"),
            order(7, EventType::CaseCreated, 0, "s", "a"),
            order(7, EventType::CaseCreated, 0, "s", "ab"),
            order(7, EventType::CaseCreated, 0, "s\0", "a"),
            order(7, EventType::CaseCreated, 0, "s\0t", "a"),
            order(7, EventType::CaseCreated, 0, "s\u{1}\0", "a\0b"),
            order(7, EventType::CaseCreated, 0, "s\u{1}\u{1}", "a"),
            order(7, EventType::CaseCreated, 0, "sa", "a"),
            order(7, EventType::CaseAssigned, 0, "a", "a"),
        ];
        let powers = (3..63).map(|power| 1_i64 << power);
        let numbers: Vec<i64> = powers.flat_map(|number| [number - 1, number, number + 1]).chain([i64::MAX]).collect();
        let below = numbers.iter().rev().map(|number| !number);
        sorted.splice(0..0, below.clone().map(|time| LogPosition::Before(Instant(time))));
        sorted.extend(below.chain(numbers.iter().copied()).map(|n| order(8, EventType::CaseCreated, n, "", "")));
        sorted.extend(numbers.iter().skip(4).map(|time| LogPosition::Before(Instant(*time))));
        sorted
    }

    #[test]
    fn positions_and_their_texts_compare_as_the_log_does() {
        let sorted = ascending();
        assert_eq!(sorted.len(), 12 + 181 * 4 - 4);
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
        let texts: Vec<String> = sorted.iter().map(|position| position.to_text()).collect();
        assert!(texts.windows(2).all(|pair| pair[0] < pair[1]));
        for (text, position) in texts.iter().zip(sorted) {
            assert_eq!(LogPosition::of_text(text, &mut String::new()), Some(position));
        }
        for text in ["", "g", "!", "aé", "a2a1s\0e", "a1", "a1a", "a1a1", "a1a1s", "é", "b~"] {
            assert_eq!(LogPosition::of_text(text, &mut String::new()), None, "{text}");
        }
    }
}
