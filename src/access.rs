//! Who may connect: the credentials in `access.toml` of a project.
//!
//! The file has no secret in it: of a password an argon2id hash and the SCRAM-SHA-256 verifier of the Postgres wire, of a
//! token its SHA-256 hash. What a user may see is not in it: roles, profiles and groups are events of the log. [`AccessFile`]
//! is what a server asks; `file` reads and writes the text, [`change`] alters it, [`password`], [`scram`] and [`token`]
//! are the three kinds of credentials.

pub mod change;
pub mod file;
pub mod password;
pub mod random;
pub mod scram;
pub mod token;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::project;
use file::{Content, FILE};
pub use password::PasswordStamp;
pub use scram::ScramVerifier;
pub use token::{Scope, Scopes};

/// The credentials of a project, as its file has them at each moment: what `casebook access` changes counts at once.
#[derive(Debug)]
pub struct AccessFile {
    path: PathBuf,
    /// The text that was read last, and what it states.
    last: Mutex<Option<(String, Arc<Access>)>>,
}

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub user: String,
    /// The name of the token.
    pub token: String,
    pub scopes: Scopes,
}

/// The credentials of one state of the file.
#[derive(Debug)]
pub struct Access {
    content: Content,
}

impl AccessFile {
    /// The file of a project, whether there is one or not.
    #[must_use]
    pub fn of_project(project: &Path) -> AccessFile {
        AccessFile { path: project.join(FILE), last: Mutex::new(None) }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The credentials of now; nothing where there is no file. The text is read each time, and understood again only where
    /// it is another one.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong.
    pub fn current(&self) -> Result<Option<Arc<Access>>> {
        let text = match project::read_text(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&self.path)(error)),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, access)) = last.as_ref().filter(|(read, _)| *read == text) {
            return Ok(Some(Arc::clone(access)));
        }
        let access = Arc::new(Access { content: file::parse(&self.path, &text)? });
        *last = Some((text, Arc::clone(&access)));
        Ok(Some(access))
    }

    /// A warning where other users of the machine may read the file.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let path = self.path.display();
        project::may_others_read(&self.path)
            .then(|| format!("other users of this machine may read {path}; `chmod 600 {path}` changes that"))
    }
}

impl Access {
    /// Whether anyone can log in or use a token.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.content.users.values().any(|user| user.password.is_some() || !user.tokens.is_empty())
    }

    /// Whether that is the user's password. An unknown user takes as long as a wrong password.
    #[must_use]
    pub fn verify_password(&self, user: &str, password: &str) -> bool {
        let hash = self.content.users.get(user).and_then(|user| user.password.as_deref());
        password::verify(hash, password)
    }

    /// What stands for the user's present password.
    #[must_use]
    pub fn password_stamp(&self, user: &str) -> Option<PasswordStamp> {
        self.content.users.get(user)?.password.as_deref().map(PasswordStamp::of)
    }

    /// What a token allows; nothing where it is unknown or has expired.
    #[must_use]
    pub fn verify_token(&self, token: &str, now: Instant) -> Option<Grant> {
        let hash = token::hash(token);
        let mut found = None;
        // All are compared, so that the time does not depend on which one it is.
        for (user, credentials) in &self.content.users {
            for known in &credentials.tokens {
                if known.has_hash(&hash) {
                    found = Some((user, known));
                }
            }
        }
        let (user, known) = found.filter(|(_, known)| now < known.expires_at())?;
        Some(Grant { user: user.clone(), token: known.name.clone(), scopes: Scopes::of(&known.scopes) })
    }

    /// What the Postgres wire checks the user's password with.
    #[must_use]
    pub fn scram(&self, user: &str) -> Option<ScramVerifier> {
        self.content.users.get(user)?.scram.as_deref().and_then(ScramVerifier::parse)
    }

    /// A verifier for a user without one, always the same for the same name, which no password passes: a client cannot find
    /// out who is known.
    #[must_use]
    pub fn scram_of_unknown(&self, user: &str) -> ScramVerifier {
        ScramVerifier::of_unknown(self.content.unknown_users.as_deref().unwrap_or_default().as_bytes(), user)
    }
}
