//! What people write, with pseudonyms in the place of whom it names: ids, names and addresses that the log knows, and what
//! has the form of an e-mail address, a handle, a telephone number or an account number.
//!
//! A text can name a person in a way that no program recognises. So texts are shown only where they are asked for.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::pseudonym::{Person, Pseudonyms};

const EMAIL: &str = "[e-mail]";
const HANDLE: &str = "[handle]";
const NUMBER: &str = "[number]";
const NAME: &str = "[name]";

/// Digits of a number that may be a telephone's or an account's.
const DIGITS_MIN: usize = 7;

/// Letters of a part of a name that is looked for alone.
const PART_MIN: usize = 3;

/// Words of a name or an address that are looked for together.
const WORDS_MAX: usize = 8;

/// By what texts may name people, and the pseudonym of each.
#[derive(Debug, Default)]
pub struct Known {
    pseudonyms: Vec<String>,
    positions: HashMap<String, u32, FixedState>,
    /// By a hash of the text without regard to case.
    texts: HashMap<u64, Found, FixedState>,
    /// Parts of names, such as a first name: nothing where several people share one.
    parts: HashMap<u64, Option<u32>, FixedState>,
    words_max: usize,
}

/// Whom a text names.
#[derive(Clone, Copy, Debug)]
struct Found {
    person: Person,
    /// Nothing where it names several.
    pseudonym: Option<u32>,
    /// Whether it is looked for with a capital letter only: a name may be a word, too.
    is_capital: bool,
}

/// What a text of a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// An id, an address or a handle.
    Id,
    /// A name, of one or several words.
    Name,
}

impl Known {
    /// Adds a text that names the person with that id; those of agents come first.
    pub fn add(&mut self, pseudonyms: &Pseudonyms, person: Person, id: &str, (naming, text): (Naming, &str)) {
        let text = text.trim_matches(|letter: char| !letter.is_alphanumeric());
        let words = words(text);
        let is_short_number = text.len() < 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if text.chars().count() < 2 || is_short_number || words.len() > WORDS_MAX {
            return;
        }
        let pseudonym = self.position(pseudonyms.of(person, id));
        self.words_max = self.words_max.max(words.len());
        let is_capital = naming == Naming::Name && text.chars().next().is_some_and(char::is_uppercase);
        let found = self.texts.entry(hash(text)).or_insert(Found { person, pseudonym: Some(pseudonym), is_capital });
        // An agent, who was added before, counts more than a customer.
        if found.person == person {
            found.pseudonym = found.pseudonym.filter(|known| *known == pseudonym);
            found.is_capital &= is_capital;
        }
        if naming == Naming::Name && words.len() > 1 {
            for (from, to) in words {
                self.add_part(text.get(from..to).unwrap_or_default(), pseudonym);
            }
        }
    }

    fn add_part(&mut self, part: &str, pseudonym: u32) {
        let starts_capital = part.chars().next().is_some_and(char::is_uppercase);
        if starts_capital && part.chars().count() >= PART_MIN && part.chars().all(char::is_alphabetic) {
            let known = self.parts.entry(hash(part)).or_insert(Some(pseudonym));
            *known = known.filter(|known| *known == pseudonym);
        }
    }

    fn position(&mut self, pseudonym: String) -> u32 {
        if let Some(position) = self.positions.get(&pseudonym) {
            return *position;
        }
        let position = u32::try_from(self.pseudonyms.len()).unwrap_or(u32::MAX);
        self.pseudonyms.push(pseudonym.clone());
        self.positions.insert(pseudonym, position);
        position
    }

    /// What is shown for one person, or for one of several.
    fn pseudonym(&self, position: Option<u32>) -> &str {
        position.and_then(|position| self.pseudonyms.get(position as usize)).map_or(NAME, String::as_str)
    }

    /// The text with pseudonyms.
    #[must_use]
    pub fn rewritten(&self, text: &str) -> String {
        let words = words(text);
        let (mut written, mut copied, mut next) = (String::with_capacity(text.len()), 0, 0);
        while next < words.len() {
            let Some(part) = self.person_at(text, &words, next) else {
                next += 1;
                continue;
            };
            written.push_str(text.get(copied..part.from).unwrap_or_default());
            written.push_str(part.shown);
            copied = part.to;
            while words.get(next).is_some_and(|(from, _)| *from < copied) {
                next += 1;
            }
        }
        written.push_str(text.get(copied..).unwrap_or_default());
        written
    }

    /// What names a person from that word on.
    fn person_at<'s>(&'s self, text: &str, words: &[(usize, usize)], at: usize) -> Option<Part<'s>> {
        let (start, end) = *words.get(at)?;
        if let Some((from, to)) = address(text, start, end) {
            let known = text.get(from..to).and_then(|address| self.known(address));
            return Some(Part { from, to, shown: known.unwrap_or(EMAIL) });
        }
        let handle = handle(text, start);
        // That of a telephone number.
        let with_plus = if text.get(..start).is_some_and(|before| before.ends_with('+')) { start - 1 } else { start };
        let last = words.len().min(at + self.words_max);
        for (_, to) in words.get(at..last)?.iter().rev() {
            if let Some(shown) = text.get(start..*to).and_then(|several| self.known(several)) {
                return Some(Part { from: handle.map_or(with_plus, |(from, _)| from), to: *to, shown });
            }
        }
        if let Some((from, to)) = handle {
            return Some(Part { from, to, shown: HANDLE });
        }
        if let Some(to) = number(text, words, at) {
            return Some(Part { from: with_plus, to, shown: NUMBER });
        }
        let word = text.get(start..end)?;
        let is_capital = word.chars().next().is_some_and(char::is_uppercase);
        let part = self.parts.get(&hash(word)).filter(|_| is_capital)?;
        Some(Part { from: start, to: end, shown: self.pseudonym(*part) })
    }

    fn known(&self, text: &str) -> Option<&str> {
        let found = self.texts.get(&hash(text))?;
        let starts_capital = text.chars().next().is_some_and(char::is_uppercase);
        (starts_capital || !found.is_capital).then(|| self.pseudonym(found.pseudonym))
    }
}

/// A part of a text, and what is shown for it.
struct Part<'s> {
    from: usize,
    to: usize,
    shown: &'s str,
}

/// A hash of a text without regard to case and to how many blanks are between words.
fn hash(text: &str) -> u64 {
    let lower = text.to_lowercase();
    let plain = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    FixedState::default().hash_one(plain)
}

/// Where the words of a text are: letters and digits next to each other.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_alphanumeric()) {
        let end = at + letter.len_utf8();
        match words.last_mut() {
            Some((_, last)) if *last == at => *last = end,
            _ => words.push((at, end)),
        }
    }
    words
}

/// Whether a letter can be part of an address or a handle.
fn is_of_address(letter: char) -> bool {
    letter.is_alphanumeric() || "._%+-@".contains(letter)
}

/// The e-mail address whose first word that is.
fn address(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let rest = text.get(start..)?;
    let length = rest.find(|letter| !is_of_address(letter)).unwrap_or(rest.len());
    let whole = rest.get(..length)?.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let (local, domain) = whole.split_once('@')?;
    let is_address = !local.is_empty() && domain.contains('.') && domain.starts_with(char::is_alphanumeric);
    (is_address && start + local.len() >= end).then_some((start, start + whole.len()))
}

/// The handle that begins with a word: from the `@` before it.
fn handle(text: &str, start: usize) -> Option<(usize, usize)> {
    let before = text.get(..start)?.strip_suffix('@')?;
    if before.ends_with(is_of_address) {
        return None;
    }
    let rest = text.get(start..)?;
    let length = rest.find(|letter| !is_of_address(letter)).unwrap_or(rest.len());
    let whole = rest.get(..length)?.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    Some((start - 1, start + whole.len()))
}

/// The end of a long number that begins with a word: its digits may stand in groups. A date is none.
fn number(text: &str, words: &[(usize, usize)], at: usize) -> Option<usize> {
    let word = |(from, to): (usize, usize)| text.get(from..to).unwrap_or_default();
    let is_digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let first = *words.get(at)?;
    let digits_of = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    if !is_digits(word(first)) {
        // Such as an account number, which begins with letters.
        return (digits_of(word(first)) >= DIGITS_MIN).then_some(first.1);
    }
    let (mut end, mut lengths) = (first.1, vec![first.1 - first.0]);
    for next in words.get(at + 1..)? {
        let gap = text.get(end..next.0)?;
        let is_gap = matches!(gap, " " | "-" | "." | "/" | ") " | " (" | ")" | "(" | "\u{a0}");
        if !is_gap || !is_digits(word(*next)) {
            break;
        }
        lengths.push(next.1 - next.0);
        end = next.1;
    }
    let is_date = matches!(lengths.as_slice(), [4, 2, 2] | [1 | 2, 1 | 2, 4]);
    (lengths.iter().sum::<usize>() >= DIGITS_MIN && !is_date).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> (Known, Pseudonyms) {
        let pseudonyms = Pseudonyms::of_key(&[3; 32]);
        let mut known = Known::default();
        let mut add = |person, id: &str, naming, text: &str| known.add(&pseudonyms, person, id, (naming, text));
        add(Person::Agent, "ana", Naming::Id, "ana");
        add(Person::Agent, "ana", Naming::Name, "Ana Lópezová");
        add(Person::Agent, "ana", Naming::Id, "ana.l@desk.example");
        add(Person::Agent, "will", Naming::Name, "Will");
        add(Person::Customer, "cu-17", Naming::Id, "cu-17");
        add(Person::Customer, "cu-17", Naming::Name, "Maria O'Neil");
        add(Person::Customer, "cu-18", Naming::Name, "Maria Novak");
        add(Person::Customer, "cu-19", Naming::Name, "Jo Two");
        add(Person::Customer, "cu-20", Naming::Name, "Jo Two");
        add(Person::Customer, "7", Naming::Id, "7");
        (known, pseudonyms)
    }

    #[test]
    fn people_of_the_log_are_replaced_by_their_pseudonyms() {
        let (known, pseudonyms) = known();
        let (ana, will) = (pseudonyms.of(Person::Agent, "ana"), pseudonyms.of(Person::Agent, "will"));
        let (neil, novak) = (pseudonyms.of(Person::Customer, "cu-17"), pseudonyms.of(Person::Customer, "cu-18"));
        let cases = [
            ("Ask Ana  lópezová, or ANA.L@desk.example.", format!("Ask {ana}, or {ana}.")),
            ("@ana: banana", format!("{ana}: banana")),
            ("Lópezová wrote, lópezová", format!("{ana} wrote, lópezová")),
            ("Will will", format!("{will} will")),
            ("Maria o'neil (cu-17, CU-17) and Maria", format!("{neil} ({neil}, {neil}) and [name]")),
            ("Novak 7", format!("{novak} 7")),
            ("Jo Two", "[name]".to_owned()),
        ];
        for (text, expected) in cases {
            assert_eq!(known.rewritten(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_the_form_of_an_address_or_a_number_is_replaced() {
        let (known, _) = known();
        let cases = [
            ("write to jo.smith+x@mail.example.org!", "write to [e-mail]!"),
            ("(jo_s@x.io)", "([e-mail])"),
            ("dear @jo_smith.", "dear [handle]."),
            ("call +420 777 123 456 now", "call [number] now"),
            ("(030) 123-4567", "([number]"),
            ("account CZ6508000000192000145399", "account [number]"),
            ("order 12345 of 2026-03-02, 2.3.2026 at 09:14", "order 12345 of 2026-03-02, 2.3.2026 at 09:14"),
            ("a @ b, 5 @ home", "a @ b, 5 @ home"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(known.rewritten(text), expected, "{text}");
        }
    }
}
