//! What an answer holds, in whatever form: its bytes as they are, and those that are packed in them.

use std::io::Read;

use parquet::file::reader::{FileReader, SerializedFileReader};

/// The bytes of an answer, and after them all that can be unpacked from them.
pub fn all(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![bytes.to_vec()];
    if bytes.starts_with(b"PK") {
        found.push(crate::project::unpacked_bytes(bytes).into_bytes());
    } else if bytes.starts_with(b"PAR1") {
        found.extend(pages(bytes));
    } else if bytes.starts_with(b"%PDF") {
        found.extend(streams(bytes));
    }
    found
}

/// The pages of a Parquet file, those of dictionaries among them, and its texts about itself.
fn pages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let file = SerializedFileReader::new(axum::body::Bytes::copy_from_slice(bytes)).unwrap();
    let mut found = vec![format!("{:?}", file.metadata()).into_bytes()];
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).unwrap();
        for column in 0..group.num_columns() {
            let pages = group.get_column_page_reader(column).unwrap();
            found.extend(pages.map(|page| page.unwrap().buffer().to_vec()));
        }
    }
    assert!(found.len() > 1);
    found
}

/// The streams of a PDF file that are packed as zlib does.
fn streams(bytes: &[u8]) -> Vec<Vec<u8>> {
    let begins = |at: &usize| bytes[*at..].starts_with(b"stream\n") || bytes[*at..].starts_with(b"stream\r\n");
    let unpacked = |at: usize| {
        let from = at + bytes[at..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut stream = Vec::new();
        // Others, such as fonts, are no such streams.
        let _ = flate2::read::ZlibDecoder::new(&bytes[from..]).read_to_end(&mut stream);
        stream
    };
    let found: Vec<Vec<u8>> = (0..bytes.len()).filter(begins).map(unpacked).collect();
    assert!(found.iter().any(|stream| !stream.is_empty()));
    found
}

/// The words of an answer that have a marker and are not in what was asked.
pub fn hidden_words(asked: &str, answer: &[u8], markers: &[&str]) -> Vec<String> {
    let asked = asked.to_lowercase();
    let mut found = Vec::new();
    for bytes in all(answer) {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        for marker in markers {
            for (at, _) in text.match_indices(marker) {
                let before = text[..at].rfind(|letter: char| !is_of_word(letter));
                let from = before.map_or(0, |at| at + text[at..].chars().next().unwrap().len_utf8());
                let to = text[at..].find(|letter: char| !is_of_word(letter)).map_or(text.len(), |length| at + length);
                let word = &text[from..to];
                if !asked.contains(word) && found.iter().all(|known| known != word) {
                    found.push(word.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn a_marker_is_found_in_every_form_of_an_answer() {
    use arrow::array::{RecordBatch, StringArray};
    use std::sync::Arc;

    let batch = |text: &str| {
        let array = Arc::new(StringArray::from(vec![text; 3]));
        RecordBatch::try_from_iter([("column", array as arrow::array::ArrayRef)]).unwrap()
    };
    let mut file = Vec::new();
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_compression(parquet::basic::Compression::ZSTD(Default::default()))
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let rows = batch("a zebra-1 among words that can be packed, packed, packed");
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    assert_eq!(hidden_words("", &file, &["zebra", "okapi"]), ["zebra-1"]);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, b"(okapi-7) Tj").unwrap();
    let document = [b"%PDF-1.7 << >> stream\n".as_slice(), &packed.finish().unwrap(), b"\nendstream"].concat();
    assert_eq!(hidden_words("", &document, &["okapi"]), ["okapi-7"]);
    assert_eq!(hidden_words("/cases/zebra-1", b"no case `zebra-1`, but \xffZEBRA-2!", &["zebra"]), ["zebra-2"]);
}
