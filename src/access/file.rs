//! The text of `access.toml`: read with the place of every fault, and written whole.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::password;
use super::scram::ScramVerifier;
use super::token::Token;
use crate::error::{Error, Result};
use crate::toml_file;

/// The name of the file in a project.
pub const FILE: &str = "access.toml";

/// What a new file begins with.
const HEADER: &str = "\
# Credentials of this project, written by `casebook access`: hashes, no secrets. Roles and rights are events of the log.
# Comments above the first table are kept, others are not. `casebook access list` shows what is here.
";

/// Everything that the file states.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Random digits from which the wire makes what it answers to unknown users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_users: Option<String>,
    #[serde(default)]
    pub users: BTreeMap<String, Credentials>,
}

/// The credentials of one user.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// A PHC string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// As PostgreSQL writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scram: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tokens: Vec<&str> = self.tokens.iter().map(|token| token.name.as_str()).collect();
        formatter.debug_struct("Credentials").field("tokens", &tokens).finish_non_exhaustive()
    }
}

/// Reads the text of a file.
///
/// # Errors
/// When it is not TOML, has an unknown key, or a hash that is none; never with a part of a hash in the message.
pub fn parse(path: &Path, text: &str) -> Result<Content> {
    let unreadable = |error: toml::de::Error| without_values(toml_file::error(path, text, &error));
    toml_file::check_depth(text).map_err(unreadable)?;
    let content: Content = toml::from_str(text).map_err(unreadable)?;
    for (name, user) in &content.users {
        check(path, text, name, user)?;
    }
    Ok(content)
}

fn check(path: &Path, text: &str, name: &str, user: &Credentials) -> Result<()> {
    let fault = |value: &str, message: String| {
        let at = text.find(value).filter(|_| !value.is_empty()).unwrap_or_default();
        let hint = format!("remove the line; `casebook access password {name}` writes a new one");
        Err(Error::invalid(toml_file::position(path, text, at), message).with_hint(hint))
    };
    if let Some(hash) = user.password.as_deref().filter(|hash| !password::is_hash(hash)) {
        return fault(hash, format!("the `password` of `{name}` is not an argon2id hash"));
    }
    if let Some(verifier) = user.scram.as_deref().filter(|text| ScramVerifier::parse(text).is_none()) {
        return fault(verifier, format!("the `scram` of `{name}` is not a SCRAM-SHA-256 verifier"));
    }
    for token in &user.tokens {
        if let Some(what) = token.fault() {
            let at = text.find(&format!("\"{}\"", token.name)).unwrap_or_default();
            let message = format!("the token `{}` of `{name}` {what}", token.name);
            let hint = "remove the token from the file; `casebook access token` makes a new one";
            return Err(Error::invalid(toml_file::position(path, text, at), message).with_hint(hint));
        }
    }
    Ok(())
}

/// An error without the values that the library quotes: one may be a hash, or a password at the wrong place.
fn without_values(error: Error) -> Error {
    match error {
        Error::Invalid { place, message, hint } => {
            let mut parts = message.split('"');
            let mut kept = parts.next().unwrap_or_default().to_owned();
            while let (Some(_), Some(after)) = (parts.next(), parts.next()) {
                kept.push('…');
                kept.push_str(after);
            }
            Error::Invalid { place, message: kept, hint }
        }
        other => other,
    }
}

/// The text of a file with that content, with the comments that `before` begins with.
///
/// # Errors
/// When the content cannot be written as TOML.
pub fn render(content: &Content, before: &str) -> Result<String> {
    let is_comment = |line: &&str| line.trim_start().starts_with('#') || line.trim().is_empty();
    let comments: Vec<&str> = before.lines().take_while(is_comment).collect();
    let comments = comments.join("\n");
    let header = if comments.trim().is_empty() { HEADER.trim_end() } else { comments.trim_end() };
    let body = toml::to_string(content).map_err(|error| Error::refused(format!("writing {FILE}: {error}")))?;
    Ok(format!("{header}\n\n{body}"))
}
