//! CSV and TSV: every cell is text, and an empty cell is an absent value.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::input::flat::{Cell, Layout, PIECE_BYTES, PIECE_ROWS};
use crate::input::piece::{MadeLine, Piece, Quarantined};
use crate::input::records::{Dialect, Malformed, Record, Records};

/// What to do about a record that is too long.
const ADVICE: &str = "look for a quote that is never closed";

/// An open table of events.
pub struct CsvRows {
    file: Arc<str>,
    records: Records,
    delimiter: u8,
    layout: Layout,
    /// A record that is not a row, found while rows were gathered.
    set_aside: Option<Quarantined>,
}

impl CsvRows {
    /// Opens a file and finds the columns of events in its header.
    ///
    /// # Errors
    /// When the file cannot be read, or its columns are not those of events.
    pub fn open(path: &Path, delimiter: u8) -> Result<CsvRows> {
        let file: Arc<str> = path.display().to_string().into();
        let records =
            Records::open(path, Dialect { delimiter, quote: b'"' }).map_err(|error| error.of(&file, ADVICE))?;
        let layout = Layout::of(&file, records.header().iter().map(String::as_str))?;
        Ok(CsvRows { file, records, delimiter, layout, set_aside: None })
    }

    /// Bytes read so far, decompressed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.records.bytes()
    }

    /// The next rows as lines.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        if let Some(line) = self.set_aside.take() {
            return Ok(Some(Piece::SetAside(line)));
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < PIECE_ROWS && bytes < PIECE_BYTES {
            let record = self.records.next_record().map_err(|error| error.of(&self.file, ADVICE))?;
            let Some(record) = record else { break };
            match record.texts() {
                Ok(texts) => {
                    let json = self.layout.line(&texts.into_iter().map(cell).collect::<Vec<_>>());
                    bytes += json.len();
                    lines.push(MadeLine { json, file: self.file.clone(), line: record.line, offset: record.offset });
                }
                Err(malformed) => {
                    self.set_aside = Some(not_a_row(&self.file, self.delimiter, record, &malformed));
                    break;
                }
            }
        }
        match lines.is_empty() {
            true => Ok(self.set_aside.take().map(Piece::SetAside)),
            false => Ok(Some(Piece::Lines { number: 0, lines })),
        }
    }
}

fn cell(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Absent } else { Cell::Text(Cow::Borrowed(text)) }
}

/// A record that is not a row, written as it was, but without unnecessary quotes.
fn not_a_row(file: &Arc<str>, delimiter: u8, record: Record<'_>, malformed: &Malformed) -> Quarantined {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    // Writing to memory cannot fail; an empty text would be seen.
    let written = writer.write_record(record.fields.iter()).ok().and_then(|()| writer.into_inner().ok());
    let bytes = written.unwrap_or_default().trim_ascii_end().to_vec();
    let rule = match malformed {
        Malformed::Fields { .. } => "invalid_csv",
        Malformed::Encoding => "invalid_utf8",
    };
    let (line, offset) = (record.line, record.offset);
    Quarantined { file: file.clone(), line, offset, rule, detail: malformed.to_string(), bytes }
}
