//! What a user may see (7.1, 9.6), put in below SQL, where a database makes its tables.

use crate::error::{Error, Result};
use crate::query::database::Database;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// The person who runs the program on their own files: sees everything.
    Owner,
    /// A user of the log, by id.
    User(String),
}

impl Database {
    /// The same database, which shows only what the viewer may see.
    ///
    /// # Errors
    /// When the log does not know the user, their role is `none`, or the facts cannot be read.
    pub async fn seen_by(&self, viewer: &Viewer) -> Result<Database> {
        match viewer {
            Viewer::Owner => Ok(self.showing(self.people().clone())),
            Viewer::User(user) => Err(Error::refused(format!("what `{user}` may see is not known yet"))),
        }
    }
}
