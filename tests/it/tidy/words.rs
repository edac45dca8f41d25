//! One literal word for one idea: the words that the glossary replaces are not used.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use super::{files_below, read, root, shown, sources};

/// Files and folders that are checked.
const CHECKED: &[&str] = &[
    "docs",
    "queries",
    "benches",
    "findings",
    "data",
    "dashboards",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "src",
    "tests/it",
    ".ci/faults",
    ".ci/pages",
];

/// Words and phrases that are not used. The glossary lists each with what to write instead.
const OLD_WORDS: &[&str] = &[
    "heap",
    "heaps",
    "hand",
    "hands",
    "handful",
    "handfuls",
    "ears",
    "wish",
    "wishes",
    "litter",
    "rubbish",
    "stranger",
    "strangers",
    "in the way",
    "told",
    "tells",
    "says",
    "said",
    "sheet",
    "sheets",
    "workshop",
    "lettering",
    "house",
    "room",
    "rooms",
    "door",
    "doors",
    "makes up",
    "made up",
    "nobody",
    "somebody",
    "whoever",
    "comes to",
    "held against",
    "stands in",
    "anew",
    "blunt",
    "lean",
    "knock",
    "knocks",
    "swallow",
    "swallows",
    "ripe",
    "stretch",
    "stretches",
];

/// Where an old word is meant literally: a file or folder, the text that holds the word, and why.
const LITERAL: &[(&str, &str, &str)] = &[
    ("docs/glossary.md", "", "it lists the old words"),
    ("tests/it/tidy/words.rs", "", "it lists the old words"),
    ("", "by hand", "what a person does, not a program"),
    ("", "hand-over", "a bot hands a case over to a person"),
    ("", "BinaryHeap", "a type of the standard library"),
    ("docs/specification/6-reports.md", "sheet", "a sheet of a spreadsheet"),
    ("src/input/signature.rs", "sheet", "a sheet of a spreadsheet"),
    ("src/input/signature.rs", "SHEET", "a sheet of a spreadsheet"),
    ("src/import/reader/workbook.rs", "sheet", "a sheet of a spreadsheet"),
    ("src/import/reader/workbook.rs", "Sheet", "a sheet of a spreadsheet"),
    ("src/report/format/xlsx.rs", "sheet", "a sheet of a spreadsheet"),
    ("src/export/workbook.rs", "sheet", "a sheet of a spreadsheet"),
    ("tests/it/cases.rs", "sheet", "a sheet of a spreadsheet"),
    ("tests/it/sql.rs", "sheet", "a sheet of a spreadsheet"),
    ("src/report/format/xlsx.rs", "Sheet", "a sheet of a spreadsheet"),
    ("src/report/format/xlsx.rs", "SHEET", "a sheet of a spreadsheet"),
    ("src/report/format.rs", "sheet", "a sheet of a spreadsheet"),
    ("docs/reports.md", "sheet", "a sheet of a spreadsheet"),
    ("src/export.rs", "sheet", "in the media type of a workbook"),
    (".ci/documents", "sheet", "a sheet of a spreadsheet"),
    ("src/report/table.rs", "nobody", "the label of a page for cases without an agent"),
    ("tests/it/report.rs", "nobody", "the label of a page for cases without an agent"),
    ("tests/it/case.rs", "nobody", "the id of a case in tests/golden"),
    ("src/error.rs", "make room", "free space on a disk"),
    ("src/generate/", "says", "what a person writes in a message"),
    ("src/generate/", "workshop", "a team of the generated company"),
    ("src/generate/", "Workshop", "a team of the generated company"),
    ("src/generate/text.rs", "house", "in the text of a message"),
    ("src/generate/text.rs", "Somebody", "in the text of a message"),
];

#[test]
fn old_words_are_not_used() {
    let mut complaints = String::new();
    for path in checked_files() {
        let name = shown(&path);
        let literal: Vec<&str> =
            LITERAL.iter().filter(|(place, _, _)| name.starts_with(place)).map(|(_, text, _)| *text).collect();
        if literal.contains(&"") {
            continue;
        }
        for (number, line) in (1..).zip(read(&path).lines()) {
            let rest = literal.iter().fold(line.to_owned(), |line, text| line.replace(text, " "));
            for word in old_words(&rest) {
                let _ = writeln!(complaints, "{name}:{number}: `{word}` is an old word; see docs/glossary.md: {line}");
            }
        }
        for word in old_words(&name) {
            let _ = writeln!(complaints, "{name}: the name of the file holds the old word `{word}`");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Types that have one meaning in the whole crate, and the file that declares each.
const NAMES: &[(&str, &str)] = &[
    ("Desk", "model/desk.rs"),
    ("Settings", "cli/settings.rs"),
    ("Outcome", "model/case/milestones.rs"),
    ("Moment", "query/moment.rs"),
];

#[test]
fn names_with_one_meaning_are_declared_once() {
    let mut complaints = String::new();
    for source in sources() {
        for (name, file) in NAMES.iter().filter(|(_, file)| *file != source.name) {
            let declares = |line: &str| {
                ["struct", "enum", "type", "trait"].iter().any(|kind| {
                    line.split_once(&format!("{kind} {name}"))
                        .is_some_and(|(_, rest)| !rest.starts_with(char::is_alphanumeric))
                })
            };
            for line in source.all.lines_with(declares) {
                let _ = writeln!(complaints, "src/{}:{line}: `{name}` is only for src/{file}", source.name);
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn the_glossary_lists_every_old_word() {
    let glossary = read(&root().join("docs/glossary.md"));
    let (_, list) = glossary.split_once("## Words that are not used").unwrap();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let listed: BTreeSet<String> =
        rows.flat_map(|row| row.split(", ")).map(|word| word.split(" (").next().unwrap().trim().to_owned()).collect();
    let singular =
        |word: &str| [word.to_owned(), word.trim_end_matches('s').to_owned(), word.trim_end_matches("es").to_owned()];
    let missing: Vec<&&str> =
        OLD_WORDS.iter().filter(|word| !singular(word).iter().any(|form| listed.contains(form))).collect();
    assert!(missing.is_empty(), "docs/glossary.md does not list {missing:?}");
}

#[test]
fn words_of_identifiers_and_sentences_are_recognised() {
    assert_eq!(
        old_words("let the_heap = SheetOfRooms::new(); // It was made-up anew."),
        ["anew", "heap", "made up", "rooms", "sheet"]
    );
    assert_eq!(old_words("a cheaper roommate, spreadsheets, indoors"), [""; 0]);
}

/// The old words in a line: in sentences, and as parts of `snake_case` and `CamelCase` names.
fn old_words(line: &str) -> Vec<&'static str> {
    let mut spaced = String::from(" ");
    let mut before = ' ';
    for letter in line.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        let kept = if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' };
        if kept != ' ' || !spaced.ends_with(' ') {
            spaced.push(kept);
        }
        before = letter;
    }
    spaced.push(' ');
    let mut found: Vec<&str> = OLD_WORDS.iter().copied().filter(|word| spaced.contains(&format!(" {word} "))).collect();
    found.sort_unstable();
    found
}

fn checked_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in CHECKED {
        let path = root().join(name);
        if path.is_dir() {
            for extension in ["rs", "sql", "md", "toml", "css", "js", "sh"] {
                files.extend(files_below(&path, extension));
            }
            // The benchmarks in Python have no ending.
            let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|path| path.is_file() && path.extension().is_none()));
        } else {
            files.push(path);
        }
    }
    files
}
