//! Rows as bytes in the format that a client asks for.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use axum::http::{HeaderMap, StatusCode, header};

use crate::error::Result;
use crate::export::{self, Format, Shown, media_type};
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::reply::Answer;

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFormat {
    /// The name that `format` takes, and the ending of a file.
    pub name: &'static str,
    /// Nothing for Arrow's own.
    format: Option<Format>,
}

/// Every format of rows; the first is the default.
pub const ROW_FORMATS: [RowFormat; 6] = [
    RowFormat { name: "json", format: Some(Format::Json) },
    RowFormat { name: "csv", format: Some(Format::Csv) },
    RowFormat { name: "ndjson", format: Some(Format::Ndjson) },
    RowFormat { name: "parquet", format: Some(Format::Parquet) },
    RowFormat { name: "xlsx", format: Some(Format::Xlsx) },
    RowFormat { name: "arrow", format: None },
];

impl RowFormat {
    fn media(self) -> &'static str {
        media_type(&format!("rows.{}", self.name))
    }

    /// The format that is asked for: by `format`, else by `Accept`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn asked(params: &Params, headers: &HeaderMap) -> std::result::Result<RowFormat, Problem> {
        let [first, ..] = ROW_FORMATS;
        if let Some(name) = params.one("format")? {
            let found = ROW_FORMATS.into_iter().find(|format| format.name == name);
            return found
                .ok_or_else(|| unknown(StatusCode::BAD_REQUEST, &format!("format: there is no format `{name}`")));
        }
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<&str> = accepted.flat_map(|value| value.split(',')).map(plain).collect();
        if accepted.is_empty() || accepted.iter().any(|media| ["*/*", "application/*", "text/html"].contains(media)) {
            let exact = ROW_FORMATS.into_iter().find(|format| accepted.contains(&plain(format.media())));
            return Ok(exact.unwrap_or(first));
        }
        let found = ROW_FORMATS.into_iter().find(|format| accepted.contains(&plain(format.media())));
        found.ok_or_else(|| unknown(StatusCode::NOT_ACCEPTABLE, "there is no format of rows among those accepted"))
    }

    /// The rows in this format, as a file of that name.
    ///
    /// # Errors
    /// When the rows cannot be written in it.
    pub fn answer(self, schema: &SchemaRef, batches: &[RecordBatch], shown: &Shown, stem: &str) -> Result<Answer> {
        let bytes = match self.format {
            Some(format) => export::file(format, schema, batches, shown)?,
            None => {
                let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
                batches.iter().try_for_each(|batch| writer.write(batch))?;
                writer.into_inner()?
            }
        };
        let answer = Answer::new(self.media(), bytes);
        Ok(if matches!(self.name, "json" | "ndjson") {
            answer
        } else {
            answer.as_file(format!("{stem}.{}", self.name))
        })
    }
}

/// A media type without its parameters.
fn plain(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

fn unknown(status: StatusCode, detail: &str) -> Problem {
    let names: Vec<&str> = ROW_FORMATS.iter().map(|format| format.name).collect();
    Problem::new(status, detail).with_hint(format!("the formats are {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_that_of_the_parameter_or_of_the_header() {
        let asked = |query: &str, accept: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            RowFormat::asked(&Params::of(query), &headers).map(|format| format.name)
        };
        assert_eq!(asked("format=parquet", "text/csv"), Ok("parquet"));
        assert_eq!(asked("", "text/csv;q=0.9, text/plain"), Ok("csv"));
        assert_eq!(asked("", "text/csv, */*;q=0.1"), Ok("csv"));
        assert_eq!(asked("", "*/*"), Ok("json"));
        assert_eq!(asked("", "application/vnd.apache.arrow.stream"), Ok("arrow"));
        assert_eq!(asked("", "image/png").unwrap_err().status, StatusCode::NOT_ACCEPTABLE);
        assert_eq!(asked("format=doc", "*/*").unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
