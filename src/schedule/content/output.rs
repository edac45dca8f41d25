//! What all kinds of content give: files of rows, mails, names of files and of media.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::export;
use crate::export::{Format, Shown, media_type};
use crate::model::time::duration_text;
use crate::report::format::mail::letter::{Cell, Heading, Rows};
use crate::report::format::mail::{Mail, left_out};
use crate::report::table::capitalized;
use crate::schedule::parcel::{RenderedFile, Role};
use crate::spelling::did_you_mean;

/// Rows that a mail shows, at most.
pub const ROWS_IN_MAIL: usize = 50;

/// Letters of `2026-05-01 08:30`, with which an instant begins.
const INSTANT_LETTERS: usize = 16;

/// The formats of rows, by the endings of their files.
const ROW_FORMATS: [(&str, Format); 5] = [
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("parquet", Format::Parquet),
    ("xlsx", Format::Xlsx),
];

/// Where a key of something is written.
#[must_use]
pub fn at(place: &str, key: &str) -> String {
    if place.is_empty() { format!("`{key}`") } else { format!("{place}: `{key}`") }
}

/// The texts and pictures of a mail as files.
pub fn rendered_mail(mail: Mail) -> Vec<RenderedFile> {
    let file =
        |name: &str, role, bytes| RenderedFile { name: name.to_owned(), media_type: media_type(name), role, bytes };
    let mut files = vec![
        file("mail.html", Role::MailHtml, mail.html.into_bytes()),
        file("mail.txt", Role::MailText, mail.text.into_bytes()),
    ];
    files.extend(mail.pictures.into_iter().map(|picture| file(&picture.name, Role::Picture, picture.bytes)));
    files
}

/// Rows, and how they are shown beside their values.
pub struct Exported {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub shown: Shown,
}

impl Exported {
    /// The files of the rows, one a format.
    ///
    /// # Errors
    /// When a format is none of rows, or has no form for a column.
    pub fn files(&self, stem: &str, formats: &[String]) -> Result<Vec<RenderedFile>> {
        let file = |ending: &String| {
            let format =
                row_format(ending).ok_or_else(|| Error::refused(format!("`{ending}` is not a format of rows")))?;
            let bytes = export::file(format, &self.schema, &self.batches, &self.shown)?;
            let name = format!("{stem}.{ending}");
            Ok(RenderedFile { media_type: media_type(&name), name, role: Role::File, bytes })
        };
        formats.iter().map(file).collect()
    }

    /// The first rows for people; durations of columns that end in `_ms` in words.
    ///
    /// # Errors
    /// When a column has a type that cannot be shown.
    pub fn in_mail(&self, zone: &TimeZone) -> Result<Rows> {
        let mut left = ROWS_IN_MAIL;
        let mut rows = Vec::new();
        for batch in &self.batches {
            let first = batch.slice(0, left.min(batch.num_rows()));
            left -= first.num_rows();
            rows.extend(export::texts(&first, zone)?);
        }
        let fields = self.schema.fields();
        let cell = |(column, text): (usize, String)| {
            let field = fields.get(column);
            let is_duration = field.is_some_and(|field| field.name().ends_with("_ms"));
            let is_instant = field.is_some_and(|field| matches!(field.data_type(), DataType::Timestamp(..)));
            match text.parse() {
                Ok(ms) if is_duration => Cell::from(duration_text(ms)),
                // To the minute; the head of the mail names the zone.
                _ if is_instant => Cell::from(text.get(..INSTANT_LETTERS).map_or_else(String::new, str::to_owned)),
                _ => Cell::from(text),
            }
        };
        let heading = |field: &arrow::datatypes::FieldRef| Heading {
            text: capitalized(&field.name().strip_suffix("_ms").unwrap_or(field.name()).replace('_', " ")),
            is_number: field.data_type().is_numeric(),
        };
        Ok(Rows {
            columns: fields.iter().map(heading).collect(),
            rows: rows.into_iter().map(|row| row.into_iter().enumerate().map(cell).collect()).collect(),
            more: left_out(self.count().saturating_sub(ROWS_IN_MAIL), "more"),
        })
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

fn row_format(name: &str) -> Option<Format> {
    ROW_FORMATS.iter().find(|(ending, _)| *ending == name).map(|(_, format)| *format)
}

/// What is wrong with a list of formats of rows.
pub fn check_row_formats(formats: &[String], place: &str) -> Vec<Error> {
    let place = at(place, "formats");
    let unknown = formats.iter().filter(|name| row_format(name).is_none()).map(|name| {
        let names = || ROW_FORMATS.iter().map(|(name, _)| *name);
        let near = did_you_mean(name, names());
        let hint =
            near.unwrap_or_else(|| format!("the formats of rows are {}", names().collect::<Vec<_>>().join(", ")));
        Error::invalid(&place, format!("`{name}` is not a format of rows")).with_hint(hint)
    });
    let unknown: Vec<Error> = unknown.collect();
    check_once(formats, &place).into_iter().chain(unknown).collect()
}

/// What is written twice in a list.
pub fn check_once(words: &[String], place: &str) -> Vec<Error> {
    let twice =
        words.iter().enumerate().filter(|(number, word)| words.iter().take(*number).any(|before| before == *word));
    twice.map(|(_, word)| Error::invalid(place, format!("`{word}` is named twice")).with_hint("name it once")).collect()
}

/// What is wrong with a name of files.
pub fn check_name(name: Option<&str>, place: &str) -> Option<Error> {
    let is_odd = |letter: char| letter.is_control() || "/\\:*?\"<>|".contains(letter);
    let name = name.filter(|name| name.is_empty() || name.starts_with('.') || name.contains(is_odd))?;
    let error = Error::invalid(at(place, "name"), format!("`{}` is not a name for files", name.escape_debug()));
    Some(error.with_hint("write a name without a folder and without an ending, such as `responses`"))
}

/// What is sent, over which range and in which formats.
pub fn words(what: &str, range: Option<&str>, formats: &[String]) -> String {
    let range = range.map(|range| format!(" of {range}")).unwrap_or_default();
    format!("{what}{range} ({})", formats.join(", "))
}

/// A remark as a sentence.
pub fn sentence(remark: &str) -> String {
    let remark = remark.strip_prefix("note: ").unwrap_or(remark);
    let mut letters = remark.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let ending = if remark.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{ending}", letters.as_str())
}
