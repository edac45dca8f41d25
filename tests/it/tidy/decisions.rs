//! The decisions: each has a number of its own, a status and a line in the index, and each citation leads to one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::references::lines_of_prose;
use super::{files_below, read, root, shown};

/// One entry: `### 46. Title`, and the line that begins with `Status: `.
struct Decision {
    path: PathBuf,
    title: String,
    status: String,
    text: String,
}

#[test]
fn every_decision_that_is_cited_exists() {
    let decisions = decisions();
    let mut complaints = String::new();
    for (path, number, line) in lines_of_prose() {
        for cited in decisions_cited(&line).into_iter().filter(|cited| !decisions.contains_key(cited)) {
            let _ = writeln!(complaints, "{}:{number}: there is no decision {cited}: {line}", shown(&path));
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn every_decision_has_a_status_and_its_line_in_the_index() {
    let decisions = decisions();
    let index = read(&root().join("docs/decisions/README.md"));
    let mut complaints = String::new();
    for (number, decision) in &decisions {
        let file = decision.path.strip_prefix(root().join("docs")).unwrap().display().to_string();
        let file = file.strip_prefix("decisions/").map_or_else(|| format!("../{file}"), str::to_owned);
        let words = plain(&decision.status);
        let status = words.split([';', '.']).next().unwrap();
        let line = index.lines().find(|line| line.starts_with(&format!("| {number} | ")));
        let listed = line.is_some_and(|line| {
            line.contains(&format!("[{}]({file}#", decision.title)) && line.contains(&format!(" | {status} | "))
        });
        if !listed {
            let _ = writeln!(
                complaints,
                "docs/decisions/README.md: decision {number} must be listed as `[{}]({file}#…) | {status}`",
                decision.title
            );
        }
        let successor = status.strip_prefix("partly ").unwrap_or(status).strip_prefix("superseded by ");
        match successor.map(|successor| successor.parse()) {
            None if status == "in force" => {}
            Some(Ok(successor)) if decisions.get(&successor).is_some_and(|other| supersedes(other, *number)) => {}
            _ => {
                let _ = writeln!(
                    complaints,
                    "{}: decision {number} has the status `{status}`; it is in force, or (partly) superseded by \
                     another one whose status ends with `Supersedes {number}.`",
                    shown(&decision.path)
                );
            }
        }
    }
    for number in index.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()) {
        if !decisions.contains_key(&number) {
            let _ = writeln!(complaints, "docs/decisions/README.md lists decision {number}, which does not exist");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn every_decision_gives_options_choice_and_reason() {
    let mut complaints = String::new();
    for (number, decision) in decisions() {
        for part in ["- *Options", "- *Choice:*", "- *Reason:*"] {
            if !decision.text.contains(part) {
                let _ = writeln!(complaints, "{}: decision {number} lacks `{part}`", shown(&decision.path));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

fn supersedes(decision: &Decision, number: u32) -> bool {
    let words = plain(&decision.status);
    words.contains(&format!("upersedes {number}.")) || words.contains(&format!("upersedes a part of {number}."))
}

/// All entries by their numbers. Two entries of one number, and a number left out, end the test.
fn decisions() -> BTreeMap<u32, Decision> {
    let mut decisions = BTreeMap::new();
    for path in files_below(&root().join("docs"), "md").iter().filter(|path| holds_decisions(path)) {
        for entry in read(path).split("\n### ").skip(1) {
            let (heading, text) = entry.split_once('\n').unwrap();
            let (number, title) = heading.split_once(". ").unwrap_or((heading, ""));
            let Ok(number) = number.parse() else { continue };
            let status = text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or_default();
            let (status, text) = (status.to_owned(), text.to_owned());
            let decision = Decision { path: path.clone(), title: title.to_owned(), status, text };
            let other = decisions.insert(number, decision);
            assert!(other.is_none(), "{}: decision {number} is there twice", shown(path));
        }
    }
    let highest = decisions.keys().next_back().copied().unwrap_or_default();
    assert_eq!(decisions.len() as u64, u64::from(highest), "the numbers of decisions have no gaps");
    decisions
}

fn holds_decisions(path: &Path) -> bool {
    ["docs/decisions", "docs/design"].iter().any(|folder| path.starts_with(root().join(folder)))
}

/// The numbers after "decision" or "decisions": `decisions 60 and 46`, `decision [136](…)`.
fn decisions_cited(line: &str) -> Vec<u32> {
    let line = plain(line).to_lowercase();
    let mut cited = Vec::new();
    for (at, _) in line.match_indices("decision") {
        let rest = line[at + "decision".len()..].trim_start_matches('s');
        let Some(rest) = rest.strip_prefix(' ') else { continue };
        for part in rest.split(", ").flat_map(|part| part.split(" and ")) {
            let digits = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
            let Ok(number) = part[..digits].parse() else { break };
            cited.push(number);
            if digits < part.len() {
                break;
            }
        }
    }
    cited
}

/// A text with its links replaced by what they show: `[136](clocks.md#136)` becomes `136`.
fn plain(text: &str) -> String {
    let mut parts = text.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| match part.split_once("](") {
        Some((shown, rest)) => plain + shown + rest.split_once(')').map_or("", |(_, after)| after),
        None => plain + "[" + part,
    })
}

#[test]
fn citations_of_decisions_are_recognised() {
    assert_eq!(decisions_cited("(3.1, decision 45)."), [45]);
    assert_eq!(decisions_cited("Decisions 60, 46 and [136](clocks.md#136); decision makers, 7"), [60, 46, 136]);
}
