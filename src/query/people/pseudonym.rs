//! Pseudonyms: what stands for the ids and the names of people. The same person has the same one in everything that a
//! project shows, and without the project's key it cannot be computed whose it is.

use std::fmt;

use sha2::{Digest, Sha256};

/// For what a pseudonym stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// A user of the desk.
    Agent,
    Customer,
    /// A free value of a custom field, which may be anybody's.
    Value,
}

/// Digits that are not mistaken for each other, five bits each.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

impl Person {
    /// How a pseudonym begins, and its digits: 40 bits for hundreds of agents, 60 for millions of customers and values.
    fn form(self) -> (&'static str, usize) {
        match self {
            Person::Agent => ("agent-", 8),
            Person::Customer => ("customer-", 12),
            Person::Value => ("value-", 12),
        }
    }
}

/// The pseudonyms of one key. They are the first bits of HMAC-SHA256 over the kind of person and the id.
#[derive(Clone)]
pub struct Pseudonyms {
    inner: Sha256,
    outer: Sha256,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Those of a key.
    #[must_use]
    pub fn of_key(key: &[u8; 32]) -> Pseudonyms {
        let padded = |with: u8| {
            let mut block = [with; BLOCK];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            Sha256::new_with_prefix(block)
        };
        Pseudonyms { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The pseudonym of what was typed: an id, or a pseudonym, which stays as it is.
    #[must_use]
    pub fn of_typed(&self, person: Person, typed: &str) -> String {
        if is_pseudonym(person, typed) { typed.to_owned() } else { self.of(person, typed) }
    }

    /// The pseudonym of a person with that id.
    #[must_use]
    pub fn of(&self, person: Person, id: &str) -> String {
        let (prefix, digits) = person.form();
        let mut text = String::with_capacity(prefix.len() + digits);
        text.push_str(prefix);
        let mut bits = self.bits(prefix, id);
        for _ in 0..digits {
            let digit = DIGITS.get((bits >> 59) as usize).copied().unwrap_or_default();
            text.push(char::from(digit));
            bits <<= 5;
        }
        text
    }

    /// The same for the same key and another one for another key, from which no pseudonym can be computed.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{:016x}", self.bits("key", ""))
    }

    fn bits(&self, kind: &str, id: &str) -> u64 {
        let inner = self.inner.clone().chain_update(kind).chain_update([0]).chain_update(id).finalize();
        let whole = self.outer.clone().chain_update(inner).finalize();
        whole.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

/// Whether a text has the form of a pseudonym of that kind.
#[must_use]
pub fn is_pseudonym(person: Person, text: &str) -> bool {
    let (prefix, digits) = person.form();
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == digits && rest.bytes().all(|byte| DIGITS.contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second test case of RFC 4231, whose key is shorter than a block and here is filled up with zeros.
    #[test]
    fn pseudonyms_are_the_first_bits_of_hmac_sha256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let Pseudonyms { inner, outer } = Pseudonyms::of_key(&key);
        let inner = inner.chain_update("what do ya want for nothing?").finalize();
        let whole: String = outer.chain_update(inner).finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(whole, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn one_person_has_one_pseudonym_and_others_have_others() {
        let (ours, theirs) = (Pseudonyms::of_key(&[1; 32]), Pseudonyms::of_key(&[2; 32]));
        let ana = ours.of(Person::Agent, "ana");
        assert!(is_pseudonym(Person::Agent, &ana) && ana.starts_with("agent-") && ana.len() == 14, "{ana}");
        assert_eq!(ours.of(Person::Agent, "ana"), ana);
        assert_eq!(ours.of_typed(Person::Agent, &ana), ana);
        assert_eq!(ours.of_typed(Person::Agent, "ana"), ana);
        assert_ne!(ours.of(Person::Agent, &ana), ana, "an id may have the form of a pseudonym");
        let others = [
            theirs.of(Person::Agent, "ana"),
            ours.of(Person::Agent, "Ana"),
            ours.of(Person::Customer, "ana").replace("customer-", "agent-"),
        ];
        assert!(!others.contains(&ana), "{others:?}");
        assert!(!is_pseudonym(Person::Agent, "agent-0123456") && !is_pseudonym(Person::Agent, "agent-0123456i"));
        assert_ne!(ours.mark(), theirs.mark());
    }

    #[test]
    fn many_customers_have_different_pseudonyms() {
        let ours = Pseudonyms::of_key(&[7; 32]);
        let all: std::collections::HashSet<String> =
            (0..100_000).map(|number| ours.of(Person::Customer, &format!("cu-{number}"))).collect();
        assert_eq!(all.len(), 100_000);
    }
}
