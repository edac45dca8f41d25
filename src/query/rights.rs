//! What a user may see (7.1, 9.6), put in below SQL, where a database makes its tables.
//!
//! [`granted`] is what someone may see, `read` computes it once for all tables, [`rule`] states for each table which rows
//! that are, and `guarded` is a table of only these rows: neither a query nor its plan sees that there are others, and no array
//! has a byte of them (`own`).

pub mod granted;
mod guarded;
mod own;
mod plan;
pub(super) mod read;
pub mod rule;
mod safe;
pub(super) mod tables;

use crate::error::{Error, Result};
use crate::query::database::Database;
use granted::Rights;

/// Who asks. Where people are shown by pseudonyms, the id of a user may be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// The person who runs the program on their own files: sees everything.
    Owner,
    /// A user of the log, by id.
    User(String),
}

impl Database {
    /// The same database, which shows only what the viewer may see. A database that already shows only a part stays as it is
    /// for the same user, and is refused for another one.
    ///
    /// # Errors
    /// When the log does not know the user, their role is `none`, or the facts cannot be read.
    pub async fn seen_by(&self, viewer: &Viewer) -> Result<Database> {
        let of_another = match viewer {
            Viewer::Owner => self.rights().is_limited(),
            Viewer::User(user) => self.rights().user().is_some_and(|known| known != user),
        };
        if of_another {
            return Err(Error::refused("a database with the rights of a user is not opened for someone else"));
        }
        let rights = match viewer {
            Viewer::Owner => Rights::owner(),
            Viewer::User(_) if self.rights().user().is_some() => self.rights().clone(),
            Viewer::User(user) => {
                let session = self.complete_session();
                let user = match &self.people().pseudonyms {
                    Some(pseudonyms) => read::user_of(&session, pseudonyms, user).await?,
                    None => user.clone(),
                };
                read::rights(&session, &user, self.as_of()).await?
            }
        };
        Ok(self.with_rights(rights))
    }
}
