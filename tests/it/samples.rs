//! The mappings that come with the program, each on a sample of its help desk: every figure is stated in `tests/samples`.

use serde::Deserialize;
use serde_json::Value;

use crate::project::{Project, Ran, of_repository};

/// What a sample must give.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(flatten)]
    only: Option<Import>,
    #[serde(default)]
    imports: Vec<Import>,
    figures: Vec<Figures>,
}

/// One import: the mapping by its name, the inputs in `data/samples`.
#[derive(Deserialize)]
struct Import {
    mapping: String,
    inputs: Vec<String>,
    rows: u64,
    quarantined: u64,
    /// Every reason for which something is left out, as `rule: reason`.
    left_out: Vec<String>,
}

/// The answer to a query, as CSV.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    what: String,
    sql: String,
    expected: String,
}

/// The files of a folder with an ending, by name.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(of_repository(folder)).unwrap().map(|entry| entry.unwrap().path());
    let of_ending = entries.filter(|path| path.extension().is_some_and(|found| found == ending));
    let mut names: Vec<String> = of_ending.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn import(project: &Project, import: &Import) -> Vec<String> {
    let run = || {
        let inputs = import.inputs.iter().map(|input| of_repository(&format!("data/samples/{input}")));
        let mut command = project.command(&["import", "--summary", "json", "--mapping", &import.mapping]);
        Ran::of(command.args(inputs).output().unwrap())
    };
    let summary = run().summary(i32::from(import.quarantined > 0));
    let mut faults = Vec::new();
    let mut compare = |what: &str, found: Value, expected: Value| {
        if found != expected {
            faults.push(format!("{}: {what}: found {found}, expected {expected}", import.mapping));
        }
    };
    compare("rows", summary["rows"].clone(), import.rows.into());
    compare("quarantined", summary["quarantined"].clone(), import.quarantined.into());
    let text = |left: &Value| format!("{}: {}", left["event"].as_str().unwrap(), left["reason"].as_str().unwrap());
    let left_out: Vec<String> = summary["left_out"]["events"].as_array().unwrap().iter().map(text).collect();
    compare("left out", left_out.into(), import.left_out.clone().into());
    let again: Value = serde_json::from_str(&run().stdout).unwrap();
    compare("added by a second import", again["added"].clone(), 0.into());
    faults
}

fn check(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(of_repository(&format!("tests/samples/{name}.toml"))).unwrap();
    let sample: Sample = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let project = Project::new();
    // Tables that mappings look cells up in.
    for table in names("data/mappings", "csv") {
        let content = std::fs::read(of_repository(&format!("data/mappings/{table}.csv"))).unwrap();
        project.write(&format!("mappings/{table}.csv"), content);
    }
    let mut faults: Vec<String> =
        sample.only.iter().chain(&sample.imports).flat_map(|one| import(&project, one)).collect();
    for figures in &sample.figures {
        let ran = project.run(&["sql", "--format", "csv", &figures.sql]);
        if ran.stdout.trim() != figures.expected.trim() {
            let Figures { what, expected, .. } = figures;
            faults.push(format!("{name}: {what}: found\n{}{}\nexpected\n{expected}", ran.stdout, ran.stderr));
        }
    }
    let checked = project.run(&["check"]);
    if checked.code != 0 {
        faults.push(format!("{name}: check: {}{}", checked.stdout, checked.stderr));
    }
    faults
}

#[test]
fn every_sample_gives_the_figures_that_are_stated() {
    let faults: Vec<String> = names("tests/samples", "toml").iter().flat_map(|name| check(name)).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_mapping_that_comes_with_the_program_has_a_sample() {
    let samples: String = names("tests/samples", "toml")
        .iter()
        .map(|name| std::fs::read_to_string(of_repository(&format!("tests/samples/{name}.toml"))).unwrap())
        .collect();
    // The two of public data sets are tested on the data, that of event logs in XES beside its reader.
    let elsewhere = ["support-tweets", "volvo-incidents", "xes"];
    let without = names("data/mappings", "toml").into_iter().filter(|name| !elsewhere.contains(&name.as_str()));
    let without: Vec<String> = without.filter(|name| !samples.contains(&format!("mapping = \"{name}\""))).collect();
    assert!(without.is_empty(), "{without:?}");
}
