//! Where rows go: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::export::{Format, RowWriter, Shown};
use crate::store::disk::begin_whole_file;

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Format] {
        &[Format::Table, Format::Csv, Format::Json, Format::Ndjson, Format::Parquet, Format::Xlsx]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Format::Table => ("table", "A table for people"),
            Format::Csv => (
                "csv",
                "A header and one line per row, for spreadsheets; lists and maps are JSON text, null is empty. A text \
                 that a spreadsheet would calculate (it begins with =, +, -, @, tab or carriage return and is no \
                 number) gets an apostrophe before it; the other formats keep every text as it is",
            ),
            Format::Json => ("json", "One array of objects, nulls included"),
            Format::Ndjson => ("ndjson", "One object per line, nulls included"),
            Format::Parquet => ("parquet", "A Parquet file"),
            Format::Xlsx => (
                "xlsx",
                "A workbook for spreadsheets, with real numbers and durations, and instants of the project's zone",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Flags of the commands that print rows.
#[derive(Clone, Debug, Default, Args)]
pub struct OutputArguments {
    /// Format of the rows [default: by the ending of FILE, else table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Write to a file, which appears whole or not at all; - is standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl OutputArguments {
    /// Whether a table for people is written.
    #[must_use]
    pub fn is_table(&self) -> bool {
        self.chosen() == Format::Table
    }

    /// Writes one batch of rows.
    ///
    /// # Errors
    /// As [`OutputArguments::open`], and when the rows cannot be written.
    pub fn print(&self, shown: Shown, batch: &RecordBatch) -> Result<()> {
        let mut output = self.open(shown)?;
        output.write_batches(&batch.schema(), std::slice::from_ref(batch))?;
        output.finish()
    }

    /// The file to write to, unless that is standard output.
    fn path(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// The format that was typed, else that of the file's ending, else a table.
    fn chosen(&self) -> Format {
        self.format.or_else(|| Format::of_file(self.path()?)).unwrap_or(Format::Table)
    }

    /// Opens the destination of rows.
    ///
    /// # Errors
    /// When the file cannot be made, or Parquet would go to a terminal.
    pub fn open(&self, shown: Shown) -> Result<Output> {
        let (path, format) = (self.path(), self.chosen());
        let destination = match path {
            Some(path) => Destination::file(path)?,
            None if format.is_binary() && io::stdout().is_terminal() => {
                let message = format!("{} cannot be shown on a terminal", format.file_name());
                return Err(Error::refused(message).with_hint("add `-o FILE`"));
            }
            None => Destination::Stdout(BufWriter::new(io::stdout())),
        };
        Ok(Output { format, shown, destination, path: path.map(Path::to_owned), results: 0 })
    }
}

/// An open destination, in one format. What went to a file is visible after [`Output::finish`] only.
pub struct Output {
    format: Format,
    shown: Shown,
    destination: Destination,
    path: Option<PathBuf>,
    results: usize,
}

impl Output {
    /// Writes the rows of a query as they come; gives their number.
    ///
    /// # Errors
    /// When the query fails or the rows cannot be written.
    pub async fn write(&mut self, stream: SendableRecordBatchStream) -> Result<usize> {
        let written = self.write_stream(stream).await;
        written.map_err(|error| self.named(error))
    }

    /// Writes rows that are already there.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_batches(&mut self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
        let written = self.begin(schema).and_then(|mut writer| {
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.finish()
        });
        let written = written.and_then(|()| Ok(self.destination.flush()?));
        written.map_err(|error| self.named(error))
    }

    /// Writes the rows of these columns that `next` gives, until it gives none; gives their number.
    ///
    /// # Errors
    /// Those of `next`, and when the rows cannot be written.
    pub async fn write_parts(
        &mut self,
        schema: &SchemaRef,
        mut next: impl AsyncFnMut() -> Result<Option<Vec<RecordBatch>>>,
    ) -> Result<usize> {
        let written = async {
            let (mut writer, mut rows) = (self.begin(schema)?, 0);
            while let Some(batches) = next().await? {
                rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                batches.iter().try_for_each(|batch| writer.write(batch))?;
            }
            writer.finish()?;
            self.destination.flush()?;
            Ok(rows)
        };
        let written = written.await;
        written.map_err(|error| self.named(error))
    }

    /// Makes the file visible; nothing more can be written.
    ///
    /// # Errors
    /// When the file cannot be put in its place.
    pub fn finish(self) -> Result<()> {
        self.destination.finish()
    }

    async fn write_stream(&mut self, mut stream: SendableRecordBatchStream) -> Result<usize> {
        let schema = stream.schema();
        let mut writer = self.begin(&schema)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            rows += batch.num_rows();
            writer.write(&batch)?;
        }
        writer.finish()?;
        // At a prompt or behind a pipe, each result is to be seen as soon as it is complete.
        self.destination.flush()?;
        Ok(rows)
    }

    /// An error of writing, with the name of the file.
    fn named(&self, error: Error) -> Error {
        match (&self.path, error) {
            (Some(path), Error::Output(source)) => Error::file(path)(source),
            (_, error) => error,
        }
    }

    fn begin(&mut self, schema: &SchemaRef) -> Result<RowWriter<&mut Destination>> {
        self.results += 1;
        if self.results > 1 && self.format.is_binary() {
            let message = format!("{} holds the rows of one query, and there are several", self.format.file_name());
            let error = Error::refused(message);
            return Err(error.with_hint("run the queries one by one, each with a file of its own"));
        }
        RowWriter::begin(self.format, schema, &self.shown, &mut self.destination)
    }
}

/// An open destination of bytes, as they are. What goes to a file is visible after [`Bytes::finish`] only.
pub struct Bytes {
    destination: Destination,
}

impl Bytes {
    /// Opens a file, or standard output without one or for `-`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn open(output: Option<&Path>) -> Result<Bytes> {
        let destination = match output.filter(|path| *path != Path::new("-")) {
            Some(path) => Destination::file(path)?,
            None => Destination::Stdout(BufWriter::new(io::stdout())),
        };
        Ok(Bytes { destination })
    }

    /// Writes a line and its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_line(&mut self, line: &[u8]) -> Result<()> {
        Ok(self.destination.write_all(line).and_then(|()| self.destination.write_all(b"\n"))?)
    }

    /// Makes a file visible; nothing more can be written.
    ///
    /// # Errors
    /// When the file cannot be put in its place.
    pub fn finish(self) -> Result<()> {
        self.destination.finish()
    }
}

enum Destination {
    Stdout(BufWriter<io::Stdout>),
    /// A pipe or a device, which must not be replaced.
    Direct(BufWriter<File>),
    /// A file under another name until it is complete.
    Whole {
        file: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
}

impl Destination {
    fn file(path: &Path) -> Result<Destination> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(Error::file(path)(io::ErrorKind::IsADirectory.into())),
            Ok(found) if !found.is_file() => {
                let file = File::options().write(true).open(path).map_err(Error::file(path))?;
                Ok(Destination::Direct(BufWriter::new(file)))
            }
            // Through a symbolic link, so that the link stays one.
            Ok(_) => Destination::whole(std::fs::canonicalize(path).map_err(Error::file(path))?),
            Err(_) => Destination::whole(std::path::absolute(path).map_err(Error::file(path))?),
        }
    }

    fn whole(path: PathBuf) -> Result<Destination> {
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        std::fs::metadata(&folder).map_err(Error::file(&folder))?;
        Ok(Destination::Whole { file: BufWriter::new(begin_whole_file(&folder).map_err(Error::file(&folder))?), path })
    }

    fn finish(self) -> Result<()> {
        match self {
            Destination::Stdout(mut out) => Ok(out.flush()?),
            Destination::Direct(mut out) => Ok(out.flush()?),
            Destination::Whole { file, path } => {
                let file = file.into_inner().map_err(|error| Error::file(&path)(error.into_error()))?;
                file.as_file().sync_all().map_err(Error::file(&path))?;
                file.persist(&path).map(|_| ()).map_err(|error| Error::file(&path)(error.error))
            }
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Destination::Stdout(out) => out.write(bytes),
            Destination::Direct(out) => out.write(bytes),
            Destination::Whole { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Destination::Stdout(out) => out.flush(),
            Destination::Direct(out) => out.flush(),
            Destination::Whole { file, .. } => file.flush(),
        }
    }
}
