//! Keywords in a text: whole words or phrases, in lower case (3.1).

/// A text as conditions see it: in lower case, with everything but letters, digits and `_` as a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Words separated by single spaces, with a space at both ends.
    spaced: String,
}

impl Words {
    /// The words of a text.
    #[must_use]
    pub fn new(text: &str) -> Words {
        let mut spaced = String::with_capacity(text.len() + 2);
        spaced.push(' ');
        for symbol in text.to_lowercase().chars() {
            if symbol.is_alphanumeric() || symbol == '_' {
                spaced.push(symbol);
            } else if !spaced.ends_with(' ') {
                spaced.push(' ');
            }
        }
        if !spaced.ends_with(' ') {
            spaced.push(' ');
        }
        Words { spaced }
    }

    /// Whether a keyword is in the text. One without any letter or digit never is.
    #[must_use]
    pub fn have(&self, keyword: &Keyword) -> bool {
        let Words { spaced } = &keyword.words;
        match spaced.trim() {
            "" => false,
            inner if keyword.anywhere => self.spaced.contains(inner),
            _ => self.spaced.contains(spaced.as_str()),
        }
    }
}

/// A word or phrase of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// As the policy writes it.
    pub text: String,
    words: Words,
    /// It is in a script without spaces between words, so it matches anywhere.
    anywhere: bool,
}

impl Keyword {
    /// Prepares a keyword.
    #[must_use]
    pub fn new(text: &str) -> Keyword {
        Keyword {
            text: text.to_owned(),
            words: Words::new(text),
            anywhere: text.chars().any(is_written_without_spaces),
        }
    }
}

/// Thai, Lao, Tibetan, Myanmar, Khmer, Hiragana, Katakana, Bopomofo and Han.
fn is_written_without_spaces(symbol: char) -> bool {
    matches!(u32::from(symbol),
        0x0E00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x3100..=0x312F
        | 0x31A0..=0x31BF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F
        | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_whole_words_in_lower_case() {
        let has = |text: &str, keyword: &str| Words::new(text).have(&Keyword::new(keyword));
        assert!(has("I want a REFUND, now!", "refund"));
        assert!(!has("refunds?", "refund"));
        assert!(has("Money-back guarantee", "money back"));
        assert!(!has("money he gave back", "money back"));
        assert!(has("order_id 17", "order_id") && !has("order id 17", "order_id"));
        assert!(has("ÄRGER über alles", "ärger"));
        assert!(has("返金してください", "返金") && has("ขอคืนเงินด้วย", "คืนเงิน"));
        assert!(!has("anything", "!?") && !has("", "refund"));
    }
}
