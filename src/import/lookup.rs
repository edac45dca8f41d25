//! Tables beside an export in which cells are looked up: people, teams, statuses.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::input::records::{Dialect, Records};
use crate::spelling::did_you_mean;

/// The most bytes of texts of one table that are held.
const TEXT_BYTES_MAX: usize = 256 << 20;

/// One column of a table, by the texts of another.
#[derive(Debug)]
pub(super) struct Lookup(HashMap<String, String>);

impl Lookup {
    /// What the table has for the text; empty where it has nothing.
    pub(super) fn find(&self, text: &str) -> &str {
        self.0.get(text).map_or("", String::as_str)
    }
}

/// A table that cells are looked up in.
#[derive(Debug)]
pub(super) struct LookupTable {
    file: Arc<str>,
    header: Vec<String>,
    key: usize,
    rows: Vec<Vec<String>>,
}

/// The tables of a mapping, by name.
pub(super) type LookupTables = BTreeMap<String, LookupTable>;

impl LookupTable {
    /// Reads a CSV table whose column `key` names its rows.
    ///
    /// # Errors
    /// When it cannot be read, is too large to be held, or has no such column.
    pub(super) fn read(path: &Path, dialect: Dialect, key: &str) -> Result<LookupTable> {
        const ADVICE: &str = "look for a quote that is never closed";
        let file: Arc<str> = path.display().to_string().into();
        let mut records = Records::open(path, dialect).map_err(|cause| cause.of(&file, ADVICE))?;
        let header = records.header().to_vec();
        let key = position(&file, &header, key)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(record) = records.next_record().map_err(|cause| cause.of(&file, ADVICE))? {
            let line = record.line;
            let texts =
                record.texts().map_err(|malformed| Error::invalid(format!("{file}:{line}"), malformed.to_string()))?;
            bytes += texts.iter().map(|text| text.len() + size_of::<String>()).sum::<usize>();
            if bytes > TEXT_BYTES_MAX {
                let message = format!("the table has more than {} MiB of text", TEXT_BYTES_MAX >> 20);
                return Err(Error::invalid(&*file, message)
                    .with_hint("a table for lookups is held in memory; leave columns out"));
            }
            rows.push(texts.into_iter().map(str::to_owned).collect());
        }
        Ok(LookupTable { file, header, key, rows })
    }

    /// The texts of a column by those of the key. The first of several rows of one key counts.
    ///
    /// # Errors
    /// When the table has no such column.
    pub(super) fn column(&self, name: &str) -> Result<Lookup> {
        let taken = position(&self.file, &self.header, name)?;
        let mut texts = HashMap::new();
        for row in &self.rows {
            if let (Some(key), Some(text)) = (row.get(self.key), row.get(taken)) {
                texts.entry(key.clone()).or_insert_with(|| text.clone());
            }
        }
        Ok(Lookup(texts))
    }
}

fn position(file: &str, header: &[String], name: &str) -> Result<usize> {
    header.iter().position(|known| known == name).ok_or_else(|| {
        let error = Error::invalid(format!("{file}:1"), format!("no column `{name}`"));
        let near = did_you_mean(name, header.iter().map(String::as_str));
        error.with_hint(near.unwrap_or_else(|| format!("the columns are {}", header.join(", "))))
    })
}
