//! Every example of `docs/mappings.md`, and every key that a mapping may have.

use super::*;

const GUIDE: &str = include_str!("../../../docs/mappings.md");

/// A block of code of the guide: what follows the fence, and its text.
struct Block {
    kind: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let parts: Vec<&str> = GUIDE.split("\n```").collect();
    let block = |part: &&str| {
        let (kind, text) = part.split_once('\n')?;
        (!kind.is_empty()).then(|| Block { kind: kind.to_owned(), text: format!("{text}\n") })
    };
    parts.iter().skip(1).step_by(2).filter_map(block).collect()
}

/// The mapping of an example: what it shows, and the rest from the base.
fn completed(shown: &str, base: &str) -> String {
    let mut mapping: toml::Table = toml::from_str(shown).unwrap();
    for (key, value) in toml::from_str::<toml::Table>(base).unwrap() {
        mapping.entry(key).or_insert(value);
    }
    toml::to_string(&mapping).unwrap()
}

/// `2026-03-02T09:00:00Z case.created 1 {"customer":"petra"}`, as the guide shows an event.
fn line(event: &Json) -> (String, String, String, Json) {
    let text = |member: &str| event[member].as_str().unwrap().to_owned();
    (text("time").replace(".000Z", "Z"), text("type"), text("subject"), event["data"].clone())
}

fn expected(line: &str) -> (String, String, String, Json) {
    let mut parts = line.splitn(4, ' ').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    (next(), next(), next(), serde_json::from_str(&next()).unwrap())
}

#[test]
fn every_example_of_the_guide_gives_the_events_it_shows() {
    let (mut base, mut mapping, mut beside, mut input) = (String::new(), String::new(), None, None);
    let mut examples = 0;
    for Block { kind, text } in blocks() {
        match kind.as_str() {
            "toml base" => base = text,
            "toml" => (mapping, beside) = (completed(&text, &base), None),
            "csv people.csv" => beside = Some(text),
            "csv" | "json" => input = Some((format!("input.{kind}"), text)),
            "events" => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join("people.csv"), beside.take().unwrap_or_default()).unwrap();
                let path = folder.path().join("map.toml");
                std::fs::write(&path, &mapping).unwrap();
                let (name, content) = input.take().unwrap();
                let made = made_by(&Mapping::read(&path).unwrap(), &[(&name, content.as_bytes())]);
                let found: Vec<_> = made.events.iter().skip(1).map(line).collect();
                let expected: Vec<_> = text.lines().map(expected).collect();
                assert_eq!(found, expected, "{mapping}{:?}", made.outcome);
                examples += 1;
            }
            _ => {}
        }
    }
    assert_eq!(examples, GUIDE.matches("\n```events\n").count());
    assert!(examples > 10, "{examples}");
}

#[test]
fn the_guide_names_every_key() {
    let missing: Vec<&str> = known_keys().filter(|key| !GUIDE.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
