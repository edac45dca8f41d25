//! What a text refers to exists: sections of the specification, decisions, files, tests and links.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::{files_below, read, root, shown};

/// Words before a number such as 2.7 that make it the number of a section.
const CITING: &[&str] = &["see", "of", "in", "by", "what", "that", "section", "sections", "and"];

/// Words after a number such as 2.7 that make it a measured figure.
const UNITS: &[&str] =
    &["s", "ms", "h", "h,", "min", "KiB", "MiB", "GiB", "TiB", "bytes", "thousand", "million", "times", "%", "×"];

/// A `<letter>.<digit>` pattern would be too wide for Markdown, which also holds figures, so a number counts as a citation
/// only by what stands around it.
#[test]
fn every_section_that_is_cited_exists() {
    let sections = sections();
    let mut complaints = String::new();
    for (path, number, line) in lines_of_prose() {
        for section in sections_cited(&line).into_iter().filter(|section| !sections.contains(section)) {
            let _ =
                writeln!(complaints, "{}:{number}: docs/specification has no section {section}: {line}", shown(&path));
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn a_message_names_the_document_that_a_user_can_open() {
    let mut complaints = String::new();
    for path in files_below(&root().join("src"), "rs") {
        for (number, line) in (1..).zip(read(&path).lines()) {
            let section =
                line.split("\"see ").skip(1).any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
            if section {
                let _ = writeln!(
                    complaints,
                    "{}:{number}: name the file as well, such as `docs/specification/5-metrics.md`: {line}",
                    shown(&path)
                );
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Links of the form `[text](target)`: a relative target is a file, and what follows `#` is one of its headings.
#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut complaints = String::new();
    for path in documents() {
        let folder = path.parent().unwrap();
        for (number, line) in prose_of_markdown(&read(&path)) {
            for target in links(&line).filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = if file.is_empty() { path.clone() } else { folder.join(file) };
                let leads = file.exists() && (heading.is_empty() || anchors(&read(&file)).contains(heading));
                if !leads {
                    let _ = writeln!(complaints, "{}:{number}: the link `{target}` leads nowhere", shown(&path));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn documents_name_files_and_tests_that_exist() {
    let mut complaints = String::new();
    for path in documents().into_iter().filter(|path| !path.ends_with("CHANGELOG.md")) {
        for (number, line) in prose_of_markdown(&read(&path)) {
            let quoted: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            for name in quoted.iter().filter(|quoted| is_path(quoted) && !root().join(quoted).exists()) {
                let _ = writeln!(complaints, "{}:{number}: there is no `{name}`", shown(&path));
            }
            // In a table the name of a test follows its file.
            for pair in
                quoted.windows(2).filter(|pair| line.starts_with('|') && is_path(pair[0]) && pair[1].contains('_'))
            {
                let file = fs::read_to_string(root().join(pair[0])).unwrap_or_default();
                if pair[0].ends_with(".rs") && !file.contains(&format!("fn {}(", pair[1])) {
                    let _ = writeln!(
                        complaints,
                        "{}:{number}: there is no test `{}` in `{}`",
                        shown(&path),
                        pair[1],
                        pair[0]
                    );
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn the_walk_of_the_architecture_stays_short() {
    let lines = read(&root().join("ARCHITECTURE.md")).lines().count();
    assert!(lines < 200, "ARCHITECTURE.md has {lines} lines; shorten it to less than 200");
}

/// The tests above would pass on anything if they found no citation.
#[test]
fn citations_are_recognised_by_what_stands_around_them() {
    let cited = |line: &str| sections_cited(line).join(" ");
    assert_eq!(cited("which case gets it (3.2), and when (`sla.edit`, 3.5)"), "3.2 3.5");
    assert_eq!(cited("see 5.1; the sum of 2.6 MiB in 1.2 s and (4.7 million rows)"), "5.1");
    assert_eq!(cited("/// 2.8, 5: what 3.3 to 3.6 define (2.1 and 2.2)"), "2.8 3.3 3.6 2.1 2.2");
    assert_eq!(cited("| 0.2, 160 | 11.6 to 12.5, 1,060 | version 1.2.3 of `2.0` by 10.10"), "10.10");
}

/// A quoted text that names a file or folder of this repository, without gaps to fill.
fn is_path(quoted: &str) -> bool {
    let folders = ["src/", "tests/", "queries/", "dashboards/", "data/", "benches/", "docs/", "findings/", ".ci/"];
    folders.iter().any(|folder| quoted.starts_with(folder)) && !quoted.contains(['*', ' ', '{', '<', '…'])
}

/// The numbers of all sections: `## 2.7 Findings` is 2.7.
fn sections() -> BTreeSet<String> {
    let files = files_below(&root().join("docs/specification"), "md");
    let texts = files.iter().map(|path| read(path)).collect::<Vec<_>>();
    let headings = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("## "));
    let numbers = headings.filter_map(|heading| heading.split(' ').next());
    numbers.filter(|number| number.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned).collect()
}

/// The sections that a line cites.
fn sections_cited(line: &str) -> Vec<String> {
    let mut cited = Vec::new();
    let mut end_of_last = 0;
    for (at, number) in numbers(line) {
        let (before, after) = (&line[..at], &line[at + number.len()..]);
        let next = after.trim_start().split(' ').next().unwrap_or_default();
        let ends = |sign: char| after.starts_with(sign);
        let word = before.strip_suffix(' ').and_then(|before| before.rsplit([' ', '(']).next()).unwrap_or_default();
        let opens = before.ends_with('(') && !after.starts_with(|letter: char| letter.is_alphanumeric());
        let closes = before.ends_with(", ") && ends(')');
        let begins = matches!(before.trim(), "///" | "//" | "//!" | "--" | "#");
        let goes_on = end_of_last > 0 && matches!(&line[end_of_last..at], ", " | " and " | " to " | " or ");
        let quoted = before.matches('`').count() % 2 == 1;
        if !quoted
            && !UNITS.contains(&next)
            && (opens || closes || begins || goes_on || CITING.contains(&word.to_lowercase().as_str()))
        {
            cited.push(number.to_owned());
            end_of_last = at + number.len();
        }
    }
    cited
}

/// Every `N.M` of a line that is not part of something longer, with its position.
fn numbers(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
    let starts = line.char_indices().filter(move |(at, letter)| {
        letter.is_ascii_digit() && !line[..*at].ends_with(|before: char| is_part(before) || before.is_alphanumeric())
    });
    starts.filter_map(move |(at, _)| {
        let end = line[at..].find(|letter| !is_part(letter)).map_or(line.len(), |length| at + length);
        let number = line[at..end].trim_end_matches('.');
        let (chapter, section) = number.split_once('.')?;
        let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let goes_on =
            line[at + number.len()..].starts_with(|next: char| next.is_alphanumeric() || "_-%×".contains(next));
        let is_section = digits(chapter) && digits(section) && chapter != "0" && !goes_on;
        (is_section && !line[..at].ends_with(['-', '±', '_', '/'])).then_some((at, number))
    })
}

/// Comments of sources, tests, queries and settings, and the documents, line by line.
pub(super) fn lines_of_prose() -> Vec<(PathBuf, usize, String)> {
    let mut lines = Vec::new();
    for (folder, extension, comment) in [
        ("src", "rs", "//"),
        ("tests/it", "rs", "//"),
        ("benches", "rs", "//"),
        ("queries", "sql", "--"),
        ("data", "toml", "#"),
        ("dashboards", "toml", "#"),
        ("src", "toml", "#"),
    ] {
        for path in files_below(&root().join(folder), extension) {
            for (number, line) in (1..).zip(read(&path).lines()) {
                let begins = if line.trim_start().starts_with(comment) {
                    Some(0)
                } else {
                    line.find(&format!(" {comment} ")).or_else(|| line.find("docs/specification/"))
                };
                if let Some(begins) = begins {
                    lines.push((path.clone(), number, line[begins..].to_owned()));
                }
            }
        }
    }
    for path in documents() {
        lines.extend(prose_of_markdown(&read(&path)).into_iter().map(|(number, line)| (path.clone(), number, line)));
    }
    lines
}

/// All Markdown files of the repository.
fn documents() -> Vec<PathBuf> {
    let at_root = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name));
    let folders = ["docs", "findings", "tests", "src", "data"];
    let below = folders.iter().flat_map(|folder| files_below(&root().join(folder), "md"));
    at_root.into_iter().chain(below).collect()
}

/// The lines of a document outside blocks of code, with their numbers.
fn prose_of_markdown(text: &str) -> Vec<(usize, String)> {
    let mut in_code = false;
    let mut prose = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            prose.push((number, line.to_owned()));
        }
    }
    prose
}

/// The targets of a line's links.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What may follow `#` in a link to a document: its headings as GitHub writes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose_of_markdown(text).into_iter().filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().chars();
        let kept = kept.filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
    };
    headings.map(|(_, line)| anchor(&line)).collect()
}

/// Only for `documents`, which is why a missing folder is an error there.
#[test]
fn the_documents_are_found() {
    let found = documents();
    let has = |name: &str| found.contains(&root().join(name));
    assert!(has("docs/specification/README.md") && has("README.md") && found.iter().all(|path| Path::exists(path)));
}
