//! Formats that are recognised by the first bytes of a file. A file that is not what its reader reads is refused as a
//! whole, before any line of it is set aside.

use memchr::memmem;

use crate::error::{Error, Result};
use crate::input::format::InputFormat;
use crate::input::piece::without_mark;

/// Bytes from the beginning of a file that are looked at.
pub const HEAD_BYTES: usize = 4096;

/// The first bytes of a file compressed with gzip.
pub const GZIP: &[u8] = b"\x1f\x8b\x08";
/// The first bytes of a file compressed with zstd.
pub const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const PARQUET: &[u8] = b"PAR1";

/// A format that is not the one expected: what it is called, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unexpected {
    name: &'static str,
    advice: &'static str,
}

/// Formats of foreign tables that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryTable {
    /// A workbook (XLSX).
    Workbook,
    /// Parquet.
    Parquet,
    /// An SQLite database.
    Sqlite,
}

impl BinaryTable {
    /// The format of a file that begins so.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<BinaryTable> {
        match find(BINARY, head)?.name {
            XLSX => Some(BinaryTable::Workbook),
            PARQUET_FILE => Some(BinaryTable::Parquet),
            SQLITE => Some(BinaryTable::Sqlite),
            _ => None,
        }
    }
}

/// How an event log in OCEL is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcelText {
    /// One object of JSON.
    Json,
    /// A document in XML.
    Xml,
}

/// How a text is written that begins as an event log in OCEL 2.0 does. Its parts come in any order, so that the beginning of a log may
/// have the names of one or two of them only.
#[must_use]
pub fn ocel_text(head: &[u8]) -> Option<OcelText> {
    let text = without_mark(head).trim_ascii_start();
    let contains = |part: &&str| memmem::find(text, part.as_bytes()).is_some();
    if let Some(inner) = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) {
        let begins = OCEL_MEMBERS.iter().any(|name| inner.starts_with(name.as_bytes()));
        return (begins && OCEL_ONLY_JSON.iter().any(contains)).then_some(OcelText::Json);
    }
    let is_xml = text.starts_with(b"<?xml") || text.starts_with(b"<log");
    (is_xml && contains(&"<log") && OCEL_ONLY_XML.iter().any(contains)).then_some(OcelText::Xml)
}

/// Bytes at a fixed position, and a text anywhere in the head where the bytes alone do not determine the format.
struct Signature {
    offset: usize,
    bytes: &'static [u8],
    contains: &'static str,
    format: Unexpected,
}

const fn signature(bytes: &'static [u8], name: &'static str, advice: &'static str) -> Signature {
    Signature { offset: 0, bytes, contains: "", format: Unexpected { name, advice } }
}

impl Signature {
    const fn at(self, offset: usize) -> Signature {
        Signature { offset, ..self }
    }

    const fn containing(self, contains: &'static str) -> Signature {
        Signature { contains, ..self }
    }
}

/// What a log in JSON may begin with, and what no other document that begins so has.
const OCEL_MEMBERS: [&str; 4] = ["\"objectTypes\"", "\"eventTypes\"", "\"objects\"", "\"events\""];
const OCEL_ONLY_JSON: [&str; 3] = ["\"objectTypes\"", "\"eventTypes\"", "\"objectId\""];
/// The parts of a log in XML; the root of a log in XES has the same name and none of them.
const OCEL_ONLY_XML: [&str; 4] = ["<object-types", "<event-types", "<objects", "<events"];

/// How the members of a log in the first version begin.
const OCEL_1_MEMBER: &[u8] = b"\"ocel:";

const OCEL: &str = "an event log in OCEL";
const XLSX: &str = "a spreadsheet (XLSX)";
const PARQUET_FILE: &str = "a Parquet file";
const SQLITE: &str = "an SQLite database";

const IMPORT_SHEET: &str = "`casebook import --mapping` turns the rows of a worksheet into events";
const SAVE_SHEET_AS_CSV: &str = "save the sheet as CSV; `casebook import --mapping` turns a CSV table into events";
const EXPORT_AS_CSV: &str = "export a table of it as CSV; `casebook import --mapping` turns a CSV table into events";
const IMPORT_XES: &str = "`casebook import --mapping xes` turns an event log into events";
const IMPORT_OCEL: &str = "`casebook import --mapping ocel` turns an event log into events";
const CONVERT_TO_OCEL_2: &str =
    "convert it to OCEL 2.0, for example with pm4py; `casebook import --mapping ocel` turns that into events";
const IMPORT_DATABASE: &str = "`casebook import --mapping ocel` reads an event log in OCEL; of another database, export a table as CSV, which `casebook import --mapping` reads";
const CONVERT_TO_PARQUET: &str = "convert it to Parquet, which `casebook ingest` reads";
const EXTRACT: &str = "extract its files first; `casebook ingest` reads all files of a folder";
const DECOMPRESS: &str = "decompress it first; only files compressed with gzip or zstd are read as they are";
const DECOMPRESS_PIPE: &str =
    "decompress it once more, or before it reaches a pipe, as in `gzip -dc FILE | casebook ingest -`";
const SAVE_AS_PARQUET: &str = "give the file a name that ends in `.parquet`; Parquet cannot be read from a pipe";
const SAVE_AS_JSON: &str = "`casebook ingest` reads events as JSON from files that end in `.ndjson` or `.json`";
const SAVE_AS_UTF8: &str = "save it as UTF-8, or convert it with `iconv -f UTF-16 -t UTF-8`";
const NO_EVENTS: &str = "events are read from JSON, CSV and Parquet files";
const CHECK_DOWNLOAD: &str = "open it in a browser: some downloads save a page, such as a login, in place of the file";
const FETCH_LFS: &str = "fetch the file itself with `git lfs pull`";
const CHECK_ENDING: &str =
    "the ending of the name is `.parquet`; a file of JSON ends in `.ndjson`, a CSV table in `.csv`";

/// Formats that begin with bytes no text begins with. Of two that fit, the first counts.
const BINARY: &[Signature] = &[
    signature(GZIP, "data compressed with gzip", DECOMPRESS_PIPE),
    signature(ZSTD, "data compressed with zstd", DECOMPRESS_PIPE),
    signature(PARQUET, PARQUET_FILE, SAVE_AS_PARQUET).containing("\0"),
    signature(b"PARE", "an encrypted Parquet file", NO_EVENTS),
    signature(b"PK\x03\x04", XLSX, IMPORT_SHEET).containing("xl/"),
    signature(b"PK\x03\x04", "a spreadsheet (ODS)", SAVE_SHEET_AS_CSV).containing("opendocument.spreadsheet"),
    signature(b"PK\x03\x04", "a ZIP archive", EXTRACT),
    signature(b"PK\x05\x06", "an empty ZIP archive", EXTRACT),
    signature(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (XLS or DOC)", SAVE_SHEET_AS_CSV),
    signature(b"SQLite format 3\0", SQLITE, IMPORT_DATABASE),
    signature(b"DUCK", "a DuckDB database", EXPORT_AS_CSV).at(8).containing("\0"),
    signature(b"\0\x01\0\0Standard ", "an Access database", EXPORT_AS_CSV),
    signature(b"Obj\x01", "an Avro file", CONVERT_TO_PARQUET),
    signature(b"ORC", "an ORC file", CONVERT_TO_PARQUET).containing("\u{8}"),
    signature(b"ARROW1\0\0", "an Arrow file", CONVERT_TO_PARQUET),
    signature(b"\xff\xff\xff\xff", "an Arrow stream", CONVERT_TO_PARQUET),
    signature(b"FEA1", "a Feather file", CONVERT_TO_PARQUET).containing("\0"),
    signature(b"\x89HDF\r\n\x1a\n", "an HDF5 file", CONVERT_TO_PARQUET),
    signature(b"BZh", "data compressed with bzip2", DECOMPRESS).containing("1AY&SY"),
    signature(b"\xfd7zXZ\0", "data compressed with xz", DECOMPRESS),
    signature(b"\x04\x22\x4d\x18", "data compressed with LZ4", DECOMPRESS),
    signature(b"\xff\x06\0\0sNaPpY", "data compressed with Snappy", DECOMPRESS),
    signature(b"7z\xbc\xaf\x27\x1c", "a 7z archive", EXTRACT),
    signature(b"Rar!\x1a\x07", "a RAR archive", EXTRACT),
    signature(b"ustar", "a tar archive", EXTRACT).at(257),
    signature(b"%PDF-", "a PDF document", NO_EVENTS),
    signature(b"{\\rtf", "an RTF document", NO_EVENTS),
    signature(b"%!PS", "a PostScript document", NO_EVENTS),
    signature(b"\x89PNG\r\n", "an image (PNG)", NO_EVENTS),
    signature(b"\xff\xd8\xff", "an image (JPEG)", NO_EVENTS),
    signature(b"GIF87a", "an image (GIF)", NO_EVENTS),
    signature(b"GIF89a", "an image (GIF)", NO_EVENTS),
    signature(b"RIFF", "an image (WebP)", NO_EVENTS).containing("WEBP"),
    signature(b"II*\0", "an image (TIFF)", NO_EVENTS),
    signature(b"MM\0*", "an image (TIFF)", NO_EVENTS),
    signature(b"\xff\xfe\0\0", "UTF-32 text", SAVE_AS_UTF8),
    signature(b"\0\0\xfe\xff", "UTF-32 text", SAVE_AS_UTF8),
    signature(b"\xff\xfe", "UTF-16 text", SAVE_AS_UTF8),
    signature(b"\xfe\xff", "UTF-16 text", SAVE_AS_UTF8),
];

/// Texts that are neither JSON nor a table, by their beginning after blanks, in lower case.
const TEXT: &[Signature] = &[
    signature(b"<!doctype html", "an HTML page", CHECK_DOWNLOAD),
    signature(b"<html", "an HTML page", CHECK_DOWNLOAD),
    signature(b"<?xml", "an HTML page", CHECK_DOWNLOAD).containing("<html"),
    signature(b"<?xml", "an event log in XES", IMPORT_XES).containing("<log>"),
    signature(b"<?xml", "an event log in XES", IMPORT_XES).containing("<log "),
    signature(b"<log>", "an event log in XES", IMPORT_XES),
    signature(b"<log ", "an event log in XES", IMPORT_XES),
    signature(b"<?xml", "an XML document", NO_EVENTS),
    signature(b"<!doctype", "an XML document", NO_EVENTS),
    signature(b"<svg", "an image (SVG)", NO_EVENTS),
    signature(b"version https://git-lfs.github.com/", "a Git LFS pointer", FETCH_LFS),
];

/// Refuses a file whose first bytes are of another format than its reader reads. `head` is the beginning of the file,
/// decompressed; a format that needs more bytes than it has is not recognised.
///
/// # Errors
/// The format found, the format expected, and what to do about it.
pub fn check(file: &str, head: &[u8], expected: InputFormat) -> Result<()> {
    let Some(Unexpected { name, advice }) = unexpected(head, expected) else { return Ok(()) };
    let error = Error::invalid(file, format!("found {name}, expected {}", expected.expected()));
    Err(error.with_hint(advice))
}

/// Refuses a file that `import` cannot read as text, by its first bytes.
///
/// # Errors
/// The format found, and what to do about it.
pub fn check_foreign(file: &str, head: &[u8]) -> Result<()> {
    let found = unexpected(head, InputFormat::Json).filter(|found| found.name != OCEL);
    let Some(Unexpected { name, advice }) = found else { return Ok(()) };
    let error = Error::invalid(file, format!("found {name}, expected a table or JSON, as `import` reads them"));
    Err(error.with_hint(advice))
}

fn unexpected(head: &[u8], expected: InputFormat) -> Option<Unexpected> {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    if expected == InputFormat::Parquet && (head.is_empty() || head.starts_with(PARQUET)) {
        return None;
    }
    let text = without_mark(head).trim_ascii_start();
    let found = find(BINARY, head).or_else(|| event_log(text)).or_else(|| find(TEXT, &text.to_ascii_lowercase()));
    let found = found.or_else(|| by_zero_bytes(head));
    match expected {
        InputFormat::Json => found,
        InputFormat::Csv | InputFormat::Tsv => found.or_else(|| json(text)),
        InputFormat::Parquet => found.or(Some(Unexpected { name: "no Parquet data", advice: CHECK_ENDING })),
    }
}

/// An event log in OCEL, of any version.
fn event_log(text: &[u8]) -> Option<Unexpected> {
    let is_first = || text.strip_prefix(b"{").is_some_and(|inner| inner.trim_ascii_start().starts_with(OCEL_1_MEMBER));
    match ocel_text(text) {
        Some(_) => Some(Unexpected { name: OCEL, advice: IMPORT_OCEL }),
        None => is_first().then_some(Unexpected { name: "an event log in OCEL 1.0", advice: CONVERT_TO_OCEL_2 }),
    }
}

fn find(signatures: &[Signature], head: &[u8]) -> Option<Unexpected> {
    let fits = |signature: &&Signature| {
        head.get(signature.offset..).is_some_and(|rest| rest.starts_with(signature.bytes))
            && (signature.contains.is_empty() || memmem::find(head, signature.contains.as_bytes()).is_some())
    };
    signatures.iter().find(fits).map(|signature| signature.format)
}

/// UTF-16 text and data that is not text, by their zero bytes. Lines of JSON that contain zero bytes, and files that begin with
/// many, are left to the check of lines: a machine that loses power while it writes leaves such files.
fn by_zero_bytes(head: &[u8]) -> Option<Unexpected> {
    let pairs = head.chunks_exact(2);
    let count = pairs.len();
    let zeros = |at: usize| pairs.clone().filter(|pair| pair.get(at) == Some(&0)).count();
    let (first, second) = (zeros(0), zeros(1));
    if count >= 2 && first.max(second) * 2 > count && first.min(second) == 0 {
        return Some(Unexpected { name: "UTF-16 text", advice: SAVE_AS_UTF8 });
    }
    let may_be_lines = head.starts_with(&[0; 8]) || head.trim_ascii_start().starts_with(b"{");
    (!may_be_lines && head.contains(&0)).then_some(Unexpected { name: "binary data", advice: NO_EVENTS })
}

/// JSON where a table is expected: an object or a list of objects.
fn json(text: &[u8]) -> Option<Unexpected> {
    let inner = text.strip_prefix(b"[").map_or(text, <[u8]>::trim_ascii_start).strip_prefix(b"{")?;
    let is_object = inner.trim_ascii_start().starts_with(b"\"");
    is_object.then_some(Unexpected { name: "JSON", advice: SAVE_AS_JSON })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8], expected: InputFormat) -> &'static str {
        unexpected(head, expected).map_or("", |found| found.name)
    }

    #[test]
    fn every_format_is_recognised_by_its_first_bytes() {
        let utf_16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let mut tar = vec![b'a'; 257];
        tar.extend(b"ustar\x0000");
        let heads: Vec<(Vec<u8>, &str)> = vec![
            (b"PK\x03\x04\x14\0\0\0docProps/app.xml..PK..xl/theme".to_vec(), "a spreadsheet (XLSX)"),
            (b"PK\x03\x04..mimetypeapplication/vnd.oasis.opendocument.spreadsheet".to_vec(), "a spreadsheet (ODS)"),
            (b"PK\x03\x04\x14\0\0\0events.ndjson".to_vec(), "a ZIP archive"),
            (b"%PDF-1.7\n".to_vec(), "a PDF document"),
            (b"SQLite format 3\0\x10".to_vec(), "an SQLite database"),
            (b"ORC\n\x03\n\x01\x08".to_vec(), "an ORC file"),
            (b"\x1f\x8b\x08\0".to_vec(), "data compressed with gzip"),
            (b"BZh91AY&SY".to_vec(), "data compressed with bzip2"),
            (tar, "a tar archive"),
            (b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<log xes.version='2.0'>".to_vec(), "an event log in XES"),
            (b"<?xml version='1.0'?>\n<log>\n<objects>\n".to_vec(), "an event log in OCEL"),
            (b"\xef\xbb\xbf{\n\"events\": [{\"relationships\": [{\"objectId\":".to_vec(), "an event log in OCEL"),
            (b"{\n \"ocel:global-log\": {\"ocel:version\": \"1.0\"}".to_vec(), "an event log in OCEL 1.0"),
            (b"<?xml version='1.0'?>\n<feed>".to_vec(), "an XML document"),
            (b"\n<!DOCTYPE HTML>\n".to_vec(), "an HTML page"),
            (b"\xff\xfe{\0".to_vec(), "UTF-16 text"),
            (utf_16("{\"id\":\"ž\"}\n", u16::to_le_bytes), "UTF-16 text"),
            (utf_16("id,source\r\n", u16::to_be_bytes), "UTF-16 text"),
            (b"\x7fELF\x02\x01\x01\0\0\0".to_vec(), "binary data"),
            (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "a Git LFS pointer"),
        ];
        for (head, expected) in heads {
            for format in [InputFormat::Json, InputFormat::Csv, InputFormat::Parquet] {
                assert_eq!(name(&head, format), expected, "{}", String::from_utf8_lossy(&head));
            }
        }
    }

    #[test]
    fn what_a_reader_reads_and_what_may_be_broken_lines_is_not_refused() {
        let torn = [&[0; 64][..], b"\n{\"id\":1}\n"].concat();
        let lines: [&[u8]; 11] = [
            b"",
            b"{\"events\":[{\"id\":1}],\"objects\":[]}",
            b" \n",
            b"{\"id\":\"\0\"}",
            b"[{",
            b"{}",
            b"no event",
            &torn,
            b"BZh,id,source",
            b"ORCA,id\n1,2\n",
            b"PAR1,id\n",
        ];
        for head in lines {
            assert_eq!(name(head, InputFormat::Json), "", "{}", String::from_utf8_lossy(head));
        }
        let tables: [&[u8]; 5] =
            [b"id,source\n", b"<TICKER>,<PER>\n", b"[id],[source]\n", b"\xef\xbb\xbfid\n", b"{id},a\n"];
        for head in tables {
            assert_eq!(name(head, InputFormat::Csv), "", "{}", String::from_utf8_lossy(head));
        }
        assert_eq!(name(b"PAR1", InputFormat::Parquet), "");
    }

    #[test]
    fn a_format_under_the_ending_of_another_is_refused() {
        assert_eq!(name(b"PAR1\x15\x04\0", InputFormat::Csv), "a Parquet file");
        assert_eq!(name(b"PAR1\x15\x04\0", InputFormat::Json), "a Parquet file");
        assert_eq!(name(b"{\"id\":\"1\"}\n", InputFormat::Csv), "JSON");
        assert_eq!(name(b"[\n  {\n \"id\":1}]", InputFormat::Tsv), "JSON");
        assert_eq!(name(b"{\"id\":\"1\"}\n", InputFormat::Parquet), "no Parquet data");
    }
}
