//! Tables of text: CSV with any delimiter, TSV.

use std::sync::Arc;

use super::super::mapping::Mapping;
use super::super::record::{Ended, Record, TakeRecord};
use super::layout::{self, Layout};
use super::text::TextInput;
use crate::error::Result;
use crate::input::records::{Dialect, Malformed, Records};

/// What to do about a record that is too long.
const ADVICE: &str = "look for a quote that is never closed, or state another `quote` or `delimiter` in the mapping";
/// Delimiters of tables, the most common first.
pub(in crate::import) const DELIMITERS: [u8; 4] = *b",;\t|";

/// An open table.
pub(in crate::import) struct TableReader<'m> {
    mapping: &'m Mapping,
    file: Arc<str>,
    records: Records,
    layout: Layout,
    /// Lines and bytes before the header.
    skipped_lines: u64,
    skipped_bytes: u64,
}

impl<'m> TableReader<'m> {
    /// Reads the header and finds the mapping's columns in it.
    ///
    /// # Errors
    /// When there is no header, or it lacks a column.
    pub(super) fn open(input: TextInput, mapping: &'m Mapping) -> Result<TableReader<'m>> {
        let file = input.file.clone();
        let lines: Vec<&[u8]> = input.head.split(|byte| *byte == b'\n').collect();
        let stated = lines.first().and_then(|line| stated_delimiter(line));
        let skipped_lines = mapping.input.skip_lines + u64::from(stated.is_some());
        let header = usize::try_from(skipped_lines).ok().and_then(|lines_before| lines.get(lines_before));
        let header = header.copied().unwrap_or_default();
        let quote = mapping.input.quote;
        let likely = likely_delimiter(header, quote, mapping);
        let delimiter = mapping.input.delimiter.or(stated).unwrap_or(likely);
        let guess = (likely != delimiter
            && known(header, likely, quote, mapping) > known(header, delimiter, quote, mapping))
        .then(|| format!("the delimiter seems to be `{}`: state it as `delimiter` in the mapping", shown(likely)));
        let (input, skipped_bytes) = input.after_lines(skipped_lines)?;
        let records = Records::of(input, Dialect { delimiter, quote }).map_err(|cause| cause.of(&file, ADVICE))?;
        let place = format!("{file}:{}", skipped_lines + 1);
        let layout = Layout::of(mapping, records.header(), &place, guess)?;
        Ok(TableReader { mapping, file, records, layout, skipped_lines, skipped_bytes })
    }

    /// Gives every record.
    pub(super) fn read(mut self, take: TakeRecord<'_>) -> Result<Ended> {
        let header = self.records.header().to_vec();
        let mut record = Record::default();
        loop {
            let skipped_lines = self.skipped_lines;
            let next = self.records.next_record();
            let next = next.map_err(|cause| cause.after(skipped_lines).of(&self.file, ADVICE))?;
            let Some(found) = next else { break };
            record.begin(found.line + self.skipped_lines, found.offset + self.skipped_bytes);
            record.hash = layout::hash(found.fields.iter());
            let texts = if self.mapping.input.uneven_rows { found.any_texts() } else { found.texts() };
            match texts {
                Ok(texts) => self.layout.fill(self.mapping, 0, &texts, &mut record),
                Err(malformed) => record.problem = Some(problem(&malformed)),
            }
            let whole = || {
                let texts: Vec<_> = found.fields.iter().map(String::from_utf8_lossy).collect();
                layout::object(&header, &texts)
            };
            take(&record, &whole)?;
        }
        Ok(Ended::after(self.records.bytes() + self.skipped_bytes))
    }
}

fn problem(malformed: &Malformed) -> String {
    let advice = if matches!(malformed, Malformed::Encoding) {
        ": state its `encoding`, such as `windows-1252`, in the mapping"
    } else {
        ""
    };
    format!("{malformed}{advice}")
}

/// The delimiter that a first line `sep=;` states, as spreadsheets write it.
fn stated_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP="))? {
        [delimiter] => Some(*delimiter),
        [] => Some(b'\t'),
        _ => None,
    }
}

/// The delimiter with which a header has most of the mapping's columns.
fn likely_delimiter(header: &[u8], quote: u8, mapping: &Mapping) -> u8 {
    let best = DELIMITERS.into_iter().rev().max_by_key(|delimiter| known(header, *delimiter, quote, mapping));
    best.unwrap_or(b',')
}

fn known(header: &[u8], delimiter: u8, quote: u8, mapping: &Mapping) -> usize {
    let reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).quote(quote).from_reader(header);
    let names = reader.into_byte_records().next().and_then(std::result::Result::ok).unwrap_or_default();
    let names: Vec<String> =
        names.iter().map(|name| String::from_utf8_lossy(name).trim_end_matches('\r').to_owned()).collect();
    layout::known_columns(mapping, &names)
}

fn shown(delimiter: u8) -> String {
    if delimiter == b'\t' { "\\t".to_owned() } else { char::from(delimiter).to_string() }
}
