//! Changes of `access.toml`, one at a time: the file is read, altered and replaced whole, readable by its owner alone.

use std::path::Path;

use super::file::{self, Content, Credentials, FILE};
use super::scram::{SALT_BYTES, ScramVerifier};
use super::token::{self, Scope, TOKEN_BYTES, Token};
use super::{password, random};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::spelling::did_you_mean;
use crate::store::{disk, project};

/// What a change does.
#[derive(Debug)]
pub enum Change {
    /// A user who is not there yet, with a password.
    Add { user: String, password: String },
    /// Another password of a user who is there.
    Password { user: String, password: String },
    /// A token more of a user, who need not have a password.
    Token { user: String, name: String, scopes: Vec<Scope>, expires_at: Instant },
    /// No credentials of the user any more.
    Revoke { user: String },
    /// One token less.
    RevokeToken { user: String, name: String },
}

/// Carries a change out; gives the token that was made, which is kept nowhere.
///
/// # Errors
/// When the file cannot be read or written, or the change does not fit what it states.
pub fn apply(folder: &Path, change: Change) -> Result<Option<String>> {
    let path = folder.join(FILE);
    let (mut token, mut refused) = (None, None);
    let replaced = disk::replace_private(&path, |before| {
        let altered = altered(&path, before, change);
        match altered {
            Ok((text, made)) => {
                token = made;
                Some(text)
            }
            Err(error) => {
                refused = Some(error);
                None
            }
        }
    });
    match refused {
        Some(error) => Err(error),
        None => replaced.map(|()| token).map_err(Error::file(&path)),
    }
}

/// The text of the file after a change, and the token that was made.
fn altered(path: &Path, before: Option<String>, change: Change) -> Result<(String, Option<String>)> {
    let before = before.unwrap_or_default();
    let mut content = file::parse(path, &before)?;
    if content.unknown_users.is_none() {
        content.unknown_users = Some(random::bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    let token = alter(&mut content, change)?;
    Ok((file::render(&content, &before)?, token))
}

fn alter(content: &mut Content, change: Change) -> Result<Option<String>> {
    match change {
        Change::Add { user, password } => {
            if content.users.get(&user).is_some_and(|user| user.password.is_some()) {
                let error = Error::refused(format!("`{user}` has a password already"));
                return Err(error.with_hint(format!("`casebook access password {user}` changes it")));
            }
            set_password(content.users.entry(check_name("user", user)?).or_default(), &password)?;
        }
        Change::Password { user, password } => set_password(known(content, &user)?, &password)?,
        Change::Token { user, name, scopes, expires_at } => {
            let name = check_name("token", name)?;
            let credentials = content.users.entry(check_name("user", user)?).or_default();
            if credentials.tokens.iter().any(|token| token.name == name) {
                let error = Error::refused(format!("there is a token `{name}` already"));
                return Err(error.with_hint("choose another name, or revoke that one first"));
            }
            let token = token::of_bytes(random::bytes::<TOKEN_BYTES>()?);
            credentials.tokens.push(Token::new(&name, &token, scopes, expires_at));
            return Ok(Some(token));
        }
        Change::Revoke { user } => {
            known(content, &user)?;
            content.users.remove(&user);
        }
        Change::RevokeToken { user, name } => {
            let credentials = known(content, &user)?;
            let names: Vec<String> = credentials.tokens.iter().map(|token| token.name.clone()).collect();
            if !names.contains(&name) {
                let hint = did_you_mean(&name, names.iter().map(String::as_str));
                let hint = hint.unwrap_or_else(|| "`casebook access list` shows the tokens".to_owned());
                return Err(Error::refused(format!("`{user}` has no token `{name}`")).with_hint(hint));
            }
            credentials.tokens.retain(|token| token.name != name);
        }
    }
    Ok(None)
}

fn set_password(credentials: &mut Credentials, password: &str) -> Result<()> {
    password::check(password)?;
    credentials.password = Some(password::hash(password)?);
    credentials.scram = Some(ScramVerifier::of_password(password, random::bytes::<SALT_BYTES>()?).to_string());
    Ok(())
}

/// The credentials of a user who has some.
fn known<'a>(content: &'a mut Content, user: &str) -> Result<&'a mut Credentials> {
    let hint = did_you_mean(user, content.users.keys().map(String::as_str));
    let error = || {
        let error = Error::refused(format!("`{user}` has no credentials in {FILE}"));
        error.with_hint(hint.unwrap_or_else(|| format!("`casebook access add {user}` gives them a password")))
    };
    content.users.get_mut(user).ok_or_else(error)
}

/// A name that can be shown and typed.
fn check_name(what: &str, name: String) -> Result<String> {
    let is_good = !name.trim().is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    if is_good {
        return Ok(name);
    }
    Err(Error::invalid(what, "a name has 1 to 200 bytes and no control characters"))
}

/// The credentials that a project has; none where there is no file.
///
/// # Errors
/// When the file cannot be read, or something in it is wrong.
pub fn content(folder: &Path) -> Result<Content> {
    let path = folder.join(FILE);
    match project::read_text(&path) {
        Ok(text) => file::parse(&path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Content::default()),
        Err(error) => Err(Error::file(&path)(error)),
    }
}
