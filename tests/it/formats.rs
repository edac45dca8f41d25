//! The formats of reports: the same numbers in each of them, and where they are written.

use std::collections::BTreeMap;
use std::fs::File;

use arrow::json::ArrayWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::project::Project;

/// A desk with cases of a month, their names such that formats have to escape them.
fn desk() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "300", "--seed", "3"]);
    let renamed = made.stdout.replace("\"ana\"", "\"an_a|*<b>\"");
    project.write("events.ndjson", renamed);
    project.ingest(&["events.ndjson"], 0);
    project
}

/// A table as a reader of a format sees it: headings, then rows of cells.
type Cells = Vec<Vec<String>>;

/// The tables under the titles of their widgets.
type Tables = BTreeMap<String, Cells>;

fn unescaped(html: &str) -> String {
    let mut text = html.to_owned();
    for (entity, letter) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, letter);
    }
    text
}

/// The text between two marks, and what follows.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<(&'t str, &'t str)> {
    text.split_once(from)?.1.split_once(to)
}

/// The widgets of an HTML page; what follows the last one is none of it.
fn cards(page: &str) -> impl Iterator<Item = &str> {
    page.split("<article").skip(1).filter_map(|card| card.split("</article>").next())
}

fn html_tables(page: &str) -> Tables {
    let mut tables = Tables::new();
    for card in cards(page) {
        let title = unescaped(between(card, "class=\"title\">", "<").unwrap().0);
        let Some((table, _)) = between(card, "<table", "</table>") else { continue };
        let row = |row: &str| -> Vec<String> {
            let cells = row.split("</t").filter_map(|cell| cell.rsplit_once('>'));
            let cells: Vec<String> = cells.map(|(_, text)| unescaped(text)).collect();
            cells[..cells.len() - 1].to_vec()
        };
        let rows = table.split("<tr>").skip(1).map(|text| row(text.split("</tr>").next().unwrap()));
        tables.insert(title, rows.collect());
    }
    tables
}

/// What the cells of an HTML table are sorted by, row by row, under the title of its widget; nothing for texts.
fn html_values(page: &str) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let cell =
        |cell: &str| between(cell.split('>').next().unwrap(), "data-value=\"", "\"").map(|(value, _)| value.to_owned());
    let row = |row: &str| row.split("<td").skip(1).map(cell).collect();
    let card = |card: &str| {
        let title = unescaped(between(card, "class=\"title\">", "<").unwrap().0);
        let (body, _) = between(card, "<tbody>", "</tbody>")?;
        Some((title, body.split("<tr>").skip(1).map(row).collect()))
    };
    cards(page).filter_map(card).collect()
}

/// A line of a Markdown table as its cells.
fn markdown_cells(line: &str) -> Vec<String> {
    let inner = line.strip_prefix("| ").unwrap().strip_suffix(" |").unwrap();
    let (mut cells, mut cell, mut letters) = (Vec::new(), String::new(), inner.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => cell.extend(letters.next()),
            '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            letter => cell.push(letter),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

fn markdown_tables(page: &str) -> Tables {
    let mut tables = Tables::new();
    for card in page.split("\n## ").flat_map(|part| part.split("\n### ")).skip(1) {
        let title = card.lines().next().unwrap().replace('\\', "");
        let lines: Vec<&str> = card.lines().filter(|line| line.starts_with('|')).collect();
        if !lines.is_empty() {
            let rows = lines.iter().enumerate().filter(|(number, _)| *number != 1);
            tables.insert(title, rows.map(|(_, line)| markdown_cells(line)).collect());
        }
    }
    tables
}

/// Every cell of the terminal's lines, as the words between two spaces or more.
fn terminal_cells(page: &str) -> Vec<Vec<String>> {
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    page.lines().map(cells).collect()
}

/// The smallest and the largest number that a text can stand for, in milliseconds, parts of one or things.
fn bounds(text: &str) -> (f64, f64) {
    let plain = text.replace(',', "").replace('−', "-").replace('+', "").replace(" points", " %");
    if let Some(percent) = plain.strip_suffix(" %") {
        let percent: f64 = percent.parse().unwrap();
        return ((percent - 0.051) / 100.0, (percent + 0.051) / 100.0);
    }
    if let Ok(number) = plain.parse::<f64>() {
        let rounded = if plain.contains('.') { 0.051 } else { 0.0 };
        return (number - rounded, number + rounded);
    }
    let unit_ms = |unit: &str| match unit {
        "d" => 86_400_000.0,
        "h" => 3_600_000.0,
        "m" => 60_000.0,
        "s" => 1000.0,
        "ms" => 1.0,
        _ => panic!("`{text}` is no number"),
    };
    let mut total = 0.0;
    for part in plain.split(' ') {
        let digits = part.trim_end_matches(char::is_alphabetic);
        total += digits.parse::<f64>().unwrap() * unit_ms(&part[digits.len()..]);
    }
    // What is below a second, and of an hour or more below a minute, is cut off.
    let cut = if plain.contains(['h', 'd']) {
        60_000.0
    } else if total >= 1000.0 {
        1000.0
    } else {
        0.51
    };
    (total - 0.51, total + cut)
}

/// Whether the numbers of a JSON row are those that the cells of a page stand for.
fn assert_same_numbers(widget: &Value, cells: &Cells) {
    let names: Vec<&str> =
        widget["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    let rows = widget["rows"].as_array().unwrap();
    assert_eq!(rows.len() + 1, cells.len(), "{widget:#}");
    for (row, cells) in rows.iter().zip(&cells[1..]) {
        for (name, cell) in names.iter().zip(&cells[1..]) {
            match row[name].as_f64() {
                None => assert_eq!(cell, "–", "{name}: {row}"),
                Some(number) => {
                    // A load has its capacity behind it: `3/5`.
                    let (least, most) = bounds(cell.split('/').next().unwrap());
                    assert!(least <= number && number <= most, "{name}: {number} is shown as {cell}");
                }
            }
        }
    }
}

/// Whether an HTML table is sorted by the numbers of the JSON rows.
fn assert_sorted_by_numbers(widget: &Value, values: &[Vec<Option<String>>]) {
    let names = widget["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap());
    for (row, values) in widget["rows"].as_array().unwrap().iter().zip(values) {
        for (name, value) in names.clone().zip(values) {
            let is_number = match (&row[name], value) {
                (Value::Null, Some(value)) => value.is_empty(),
                (Value::String(_), None) => true,
                (number, Some(value)) => is_close(value.parse().unwrap(), number.as_f64().unwrap()),
                (_, None) => false,
            };
            assert!(is_number, "{name}: {row} {value:?}");
        }
    }
}

/// The widgets of a page in JSON.
fn widgets(page: &Value) -> impl Iterator<Item = &Value> {
    let rows = page["tabs"].as_array().unwrap().iter().flat_map(|tab| tab["rows"].as_array().unwrap());
    rows.flat_map(|row| row["widgets"].as_array().unwrap())
}

/// A CSV file as rows of cells by name.
fn csv_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

/// A Parquet file as JSON, whose dates and instants are texts.
fn parquet_rows(path: &std::path::Path) -> Value {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    let bytes = writer.into_inner();
    if bytes.is_empty() { Value::Array(Vec::new()) } else { serde_json::from_slice(&bytes).unwrap() }
}

/// Whether a cell of CSV is a value of JSON. The reader of JSON rounds the last digit.
fn is_same(csv: &str, value: &Value) -> bool {
    match value {
        Value::Null => csv.is_empty(),
        Value::String(text) => csv.trim_start_matches('\'') == text,
        other => csv.parse::<f64>().is_ok_and(|number| is_close(number, other.as_f64().unwrap())),
    }
}

fn is_close(number: f64, other: f64) -> bool {
    (number - other).abs() <= 1e-12 * number.abs()
}

#[test]
fn every_figure_of_every_board_is_the_same_in_every_format() {
    let project = desk();
    let boards = project.run(&["report"]).stdout;
    let counts = boards.lines().map(|board| (board, figures_are_the_same(&project, board)));
    let counts: Vec<(&str, usize)> = counts.collect();
    assert_eq!(counts.len(), 6, "{counts:?}");
    assert!(counts.iter().all(|(_, count)| *count > 100), "{counts:?}");
}

/// Renders a board in every format whose numbers are text, compares them, and gives how many there were. `.ci/documents`
/// compares those of workbooks and documents.
fn figures_are_the_same(project: &Project, board: &str) -> usize {
    let formats = "html,markdown,terminal,csv,json,parquet";
    let ran = project.run(&["report", board, "--range", "2026-05", "--format", formats, "-o", "pages"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = |name: &str| std::fs::read_to_string(project.path("pages").join(name)).unwrap();
    let page: Value = serde_json::from_str(&read(&format!("{board}.json"))).unwrap();
    let (html, markdown) =
        (html_tables(&read(&format!("{board}.html"))), markdown_tables(&read(&format!("{board}.md"))));
    let values = html_values(&read(&format!("{board}.html")));
    let terminal = terminal_cells(&read(&format!("{board}.txt")));
    let mut count = 0;
    for widget in widgets(&page) {
        let title = widget["title"].as_str().unwrap();
        let stem = title.to_lowercase().replace([',', '&'], "").replace(' ', "-");
        let rows = widget["rows"].as_array().unwrap();
        for (row, csv) in rows.iter().zip(csv_rows(&read(&format!("{board}.{stem}.csv")))) {
            for (name, value) in row.as_object().unwrap() {
                assert!(is_same(&csv[name], value), "{title}: {name} {value} {}", csv[name]);
                count += 1;
            }
        }
        let parquet = parquet_rows(&project.path("pages").join(format!("{board}.{stem}.parquet")));
        assert_eq!(parquet.as_array().unwrap().len(), rows.len(), "{title}");
        for (row, parquet) in rows.iter().zip(parquet.as_array().unwrap()) {
            for (name, value) in row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
                assert!(
                    value == &parquet[name]
                        || value.as_f64().zip(parquet[name].as_f64()).is_some_and(|(a, b)| is_close(a, b)),
                    "{title}: {name} {value} {}",
                    parquet[name]
                );
            }
        }
        if rows.is_empty() {
            assert!(widget["empty"].is_string() && !html.contains_key(title), "{title}");
            continue;
        }
        let cells = &html[title];
        assert_same_numbers(widget, cells);
        assert_sorted_by_numbers(widget, &values[title]);
        if widget["figures"].is_null() {
            assert_eq!(&markdown[title], cells, "{title}");
            for row in cells {
                let row: Vec<&String> = row.iter().filter(|cell| !cell.is_empty()).collect();
                let shown = terminal
                    .iter()
                    .any(|line| line.iter().zip(&row).filter(|(cell, other)| cell == *other).count() == row.len());
                assert!(shown, "{title}: {row:?} is not in the terminal's text");
            }
        }
        for figure in widget["figures"].as_array().into_iter().flatten() {
            let (label, text) = (figure["figure"].as_str().unwrap(), figure["text"].as_str().unwrap());
            let of_label = |cells: &&Vec<String>| cells[0] == label;
            assert_eq!(cells.iter().find(of_label).unwrap()[1], text);
            assert_eq!(markdown[title].iter().find(of_label).unwrap()[1], text);
            assert!(
                terminal.iter().any(|line| line.len() > 1 && line[0] == label && line[1] == text),
                "{label} {text}"
            );
        }
    }
    count
}

#[test]
fn a_terminal_shows_the_page_at_once_and_a_dash_is_standard_output() {
    let project = desk();
    let report = |more: &[&str]| project.run(&[&["report", "overview", "--range", "2026-05"], more].concat());
    let shown = report(&["--format", "terminal"]);
    assert!(shown.stdout.starts_with("Overview\n════════\n"), "{}", shown.stdout);
    assert!(!project.path("overview.txt").exists());
    let markdown = report(&["--format", "markdown", "-o", "-"]);
    assert!(markdown.stdout.starts_with("# Overview\n"), "{}", markdown.stdout);
    let rows = report(&["--format", "csv", "-o", "-", "--widget", "Agents"]);
    assert!(rows.stdout.starts_with("agent,assigned_cases,resolved_cases,"), "{}", rows.stdout);
    let many = report(&["--format", "csv", "-o", "-"]);
    assert_eq!(many.code, 2);
    assert!(many.stderr.contains("standard output is one file"), "{}", many.stderr);
    assert!(many.stderr.contains("`-o DIR`"), "{}", many.stderr);
}
