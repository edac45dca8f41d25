//! Statements that are too large to be understood safely: what understands them goes as deep as their operators are chained.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Bytes of a text with statements.
pub const BYTES_MAX: usize = 256 << 10;

/// Operators of one statement. Values in a list have none, so a list may be long.
const OPERATORS_MAX: usize = 1000;

/// Words that combine what is before and after them.
const COMBINING: &[Keyword] = &[
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::CASE,
    Keyword::COLLATE,
    Keyword::AT,
];

/// What is too much about a text that another machine sends.
#[must_use]
pub fn excess(text: &str) -> Option<String> {
    if text.len() > BYTES_MAX {
        return Some(format!("the statement has {} bytes; {BYTES_MAX} is the limit", text.len()));
    }
    too_many_operators(text)
}

/// That a statement of a text has more operators than can be understood.
#[must_use]
pub fn too_many_operators(text: &str) -> Option<String> {
    // What cannot be cut into words is refused by the parser, which begins with that.
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().ok()?;
    let statements = tokens.split(|token| *token == Token::SemiColon);
    let operators = statements.map(|tokens| tokens.iter().filter(|token| is_operator(token)).count()).max()?;
    (operators > OPERATORS_MAX).then(|| {
        format!("the statement has {operators} operators; {OPERATORS_MAX} is the limit, and a list after `IN` has none")
    })
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => COMBINING.contains(&word.keyword),
        Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::RParen
        | Token::LParen
        | Token::RBracket
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_allowed_and_long_chains_are_not() {
        let list = (0..20_000).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(excess(&format!("SELECT * FROM cases WHERE a = 1 AND b IN ({list})")), None);
        for link in [" + 1", " OR a", " UNION ALL SELECT 1", "::int", "[1]", " AND NOT a"] {
            assert_eq!(excess(&format!("SELECT 1{}", link.repeat(400))), None, "{link}");
            assert!(excess(&format!("SELECT 1{}", link.repeat(1001))).is_some(), "{link}");
        }
        assert!(excess(&" ".repeat(BYTES_MAX + 1)).is_some());
        assert_eq!(excess(&"SELECT 1 + 1; ".repeat(1001)), None);
    }
}
