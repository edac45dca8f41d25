//! Passwords: hashed with argon2id, and compared so that an unknown user takes as long as a wrong password.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Characters that a password has at least.
pub const CHARACTERS_MIN: usize = 10;

/// Bytes that a password has at most.
pub const BYTES_MAX: usize = 1024;

/// What stands for one state of a user's password: another one as soon as the password is set again, also to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordStamp([u8; 32]);

impl PasswordStamp {
    /// The stamp of a hash, from which the hash cannot be found out.
    #[must_use]
    pub fn of(hash: &str) -> PasswordStamp {
        PasswordStamp(Sha256::digest(hash).into())
    }
}

/// Refuses a password that is too short, too long, or has control characters.
///
/// # Errors
/// In these cases. The message does not contain the password.
pub fn check(password: &str) -> Result<()> {
    let refuse = |what: &str| Err(Error::invalid("password", what.to_owned()));
    if password.chars().count() < CHARACTERS_MIN {
        return refuse(&format!("it has fewer than {CHARACTERS_MIN} characters"));
    }
    if password.len() > BYTES_MAX {
        return refuse(&format!("it has more than {BYTES_MAX} bytes"));
    }
    if password.chars().any(char::is_control) {
        return refuse("it has control characters, such as a tab or an end of line");
    }
    Ok(())
}

/// The hash of a password, with a random salt, as a PHC string.
///
/// # Errors
/// When the system has no randomness.
pub fn hash(password: &str) -> Result<String> {
    let hashed: std::result::Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hashed
        .map(|hash| hash.to_string())
        .map_err(|error| Error::refused(format!("the password cannot be hashed: {error}")))
}

/// Whether that is an argon2id hash.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    PasswordHash::new(text).is_ok_and(|hash| {
        hash.algorithm.as_str() == "argon2id"
            && hash.hash.is_some()
            && hash.salt.is_some()
            && Params::try_from(&hash).is_ok()
    })
}

/// Whether a password has that hash. Without one the same work is done.
#[must_use]
pub fn verify(hash: Option<&str>, password: &str) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let argon2 = Argon2::default();
    match hash.and_then(|text| PasswordHash::new(text).ok()) {
        Some(hash) => argon2.verify_password(password.as_bytes(), &hash).is_ok(),
        None => {
            let mut output = [0; 32];
            let _ = argon2.hash_password_into(password.as_bytes(), b"of an unknown user", &mut output);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_password_and_is_another_one_each_time() {
        let (one, other) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(is_hash(&one) && verify(Some(&one), "correct horse") && verify(Some(&other), "correct horse"));
        assert!(!verify(Some(&one), "correct horsf") && !verify(None, "correct horse"));
        for text in
            ["", "correct horse", "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "$argon2id$v=19"]
        {
            assert!(!is_hash(text), "{text}");
        }
    }

    #[test]
    fn passwords_that_are_too_short_or_cannot_be_typed_are_refused_without_being_shown() {
        for password in ["", "short", "123456789", "a tab\tin between", &"long".repeat(300)] {
            let error = check(password).unwrap_err().to_string();
            assert!(password.is_empty() || !error.contains(password), "{error}");
        }
        assert!(check("příliš žluť").is_ok());
    }
}
