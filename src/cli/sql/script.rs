//! The text of queries, and where it comes from.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::error::{Error, Result};
use crate::query::sql::Script;

/// What answers the queries, for messages.
pub const READER: &str = "`casebook sql`";

/// The queries that were typed, or those of a file; nothing where they are to be typed at a terminal.
///
/// # Errors
/// When the file or standard input cannot be read.
pub fn of(query: Option<&String>, file: Option<&Path>) -> Result<Option<Script>> {
    if let Some(text) = query {
        return Ok(Some(Script { name: "query".to_owned(), text: text.clone(), reader: READER }));
    }
    if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        return Ok(Some(Script { name: path.display().to_string(), text, reader: READER }));
    }
    if file.is_none() && io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(Error::file(Path::new("standard input")))?;
    Ok(Some(Script { name: "standard input".to_owned(), text, reader: READER }))
}
