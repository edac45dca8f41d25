//! From what was typed to the files that are read: files, folders, patterns and standard input, in an order that does not
//! depend on the disk.
//!
//! What was typed keeps its order. A folder gives the files below it whose endings are those of events, by name; a pattern
//! gives what a shell would give.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::input::format::{InputFormat, endings_text};
use crate::input::source::Source;

/// The inputs that typed names mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub sources: Vec<Source>,
    /// Files of folders that are not read because of their endings.
    pub skipped: Vec<PathBuf>,
}

/// Finds everything that was typed: paths, folders, patterns such as `feeds/*.ndjson.gz`, and `-`.
///
/// # Errors
/// When something typed does not exist, holds no file of events, or is a pattern that matches nothing.
pub fn find(typed: &[String]) -> Result<Found> {
    find_of(typed, |path| Ok(InputFormat::of_file(path)?.is_some()), &endings_text())
}

/// Finds everything that was typed; of a folder, the files that `is_read` knows by their names, which the hint `endings` describes.
///
/// # Errors
/// As [`find`].
pub fn find_of(typed: &[String], is_read: fn(&Path) -> Result<bool>, endings: &str) -> Result<Found> {
    let mut found = Finding { found: Found::default(), is_read, endings };
    for typed in typed {
        match Source::parse(typed) {
            Source::Stdin => found.found.sources.push(Source::Stdin),
            Source::File(path) => found.add_typed(typed, path)?,
        }
    }
    Ok(found.found)
}

/// What is found, and by which names.
struct Finding<'e> {
    found: Found,
    is_read: fn(&Path) -> Result<bool>,
    endings: &'e str,
}

impl Finding<'_> {
    fn add_typed(&mut self, typed: &str, path: PathBuf) -> Result<()> {
        match std::fs::metadata(&path) {
            Ok(_) => self.add(path),
            // A file of exactly this name counts first: names may contain brackets.
            Err(_) if typed.contains(['*', '?', '[']) => {
                matches(typed)?.into_iter().try_for_each(|path| self.add(path))
            }
            Err(error) => Err(Error::file(&path)(error)),
        }
    }

    fn add(&mut self, path: PathBuf) -> Result<()> {
        if !path.is_dir() {
            self.found.sources.push(Source::File(path));
            return Ok(());
        }
        let known = self.found.sources.len();
        self.walk(&path)?;
        if self.found.sources.len() > known {
            return Ok(());
        }
        let place = path.display().to_string();
        Err(Error::invalid(place, "found no file of events in this folder").with_hint(self.endings))
    }

    /// The files below a folder, by name. Hidden files are left out, and so are links to folders, which may form circles.
    fn walk(&mut self, folder: &Path) -> Result<()> {
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = entries.map_err(Error::file(folder))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries.iter().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")) {
            let path = entry.path();
            match entry.file_type().map_err(Error::file(&path))?.is_dir() {
                true => self.walk(&path)?,
                false if path.is_dir() => {}
                false if (self.is_read)(&path)? => self.found.sources.push(Source::File(path)),
                false => self.found.skipped.push(path),
            }
        }
        Ok(())
    }
}

/// What a shell would make of a pattern, by name.
fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let options =
        glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let paths = glob::glob_with(pattern, options).map_err(|error| {
        Error::invalid(pattern, format!("not a pattern of file names: {}", error.msg.to_lowercase()))
            .with_hint("`*` stands for any characters, `?` for one, `[ab]` for one of these, `**` for any folders")
    })?;
    let unreadable = |error: glob::GlobError| Error::file(error.path())(error.into());
    let mut paths = paths.map(|path| path.map_err(unreadable)).collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    if paths.is_empty() {
        let error = Error::invalid(pattern, "no file matches this pattern");
        return Err(error.with_hint("a relative pattern starts at the current folder, as a relative path does"));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found of a folder with these files, relative to it.
    fn found(files: &[&str], typed: &str) -> Result<(Vec<String>, usize)> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = find(&[format!("{}/{typed}", folder.path().display())])?;
        let below = |source: &Source| match source {
            Source::File(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
            Source::Stdin => source.name(),
        };
        Ok((found.sources.iter().map(below).collect(), found.skipped.len()))
    }

    #[test]
    fn a_folder_gives_its_files_of_events_by_name_and_counts_the_others() {
        let files =
            ["b.ndjson", "a/2.csv.gz", "a/10.json.zst", "c.tsv.gz.bak", ".hidden.ndjson", "notes.md", "a-b.parquet"];
        let (sources, skipped) = found(&files, "").unwrap();
        assert_eq!(sources, ["a/10.json.zst", "a/2.csv.gz", "a-b.parquet", "b.ndjson"]);
        assert_eq!(skipped, 2);
    }

    #[test]
    fn a_pattern_gives_what_a_shell_gives_and_a_file_of_that_name_comes_first() {
        let files = ["b.ndjson", "a.ndjson", "c/d.ndjson", ".e.ndjson", "x[1].ndjson", "x1.ndjson"];
        assert_eq!(found(&files, "[ab].ndjson").unwrap().0, ["a.ndjson", "b.ndjson"]);
        assert_eq!(found(&files, "x[1].ndjson").unwrap().0, ["x[1].ndjson"]);
        assert_eq!(found(&files, "*/*").unwrap().0, ["c/d.ndjson"]);
        assert_eq!(found(&files, "**/?.ndjson").unwrap().0, ["a.ndjson", "b.ndjson", "c/d.ndjson"]);
    }

    #[test]
    fn a_compressed_parquet_file_is_refused_before_anything_is_read() {
        let error = found(&["a.parquet.gz"], "").unwrap_err().to_string();
        assert!(error.ends_with("a.parquet.gz: a compressed Parquet file cannot be read"), "{error}");
    }

    #[test]
    fn nothing_found_is_an_error_with_the_next_step() {
        for typed in ["*.csv", "", "[", "none.ndjson"] {
            let error = found(&["notes.md"], typed).unwrap_err();
            assert!(error.hint().is_some(), "{typed}: {error}");
        }
    }
}
