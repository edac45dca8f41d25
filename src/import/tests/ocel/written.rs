//! A log of JSON written in the other formats of OCEL 2.0.

use super::*;

fn texts<'l>(value: &'l Json, name: &str) -> &'l [Json] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn escaped(value: &Json) -> String {
    text(value).replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// ` name="value"`, nothing where there is no value.
fn attribute(name: &str, value: &Json) -> String {
    if value.is_null() { String::new() } else { format!(" {name}=\"{}\"", escaped(value)) }
}

/// A log in XML.
pub(super) fn in_xml(log: &Json) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<log>{}\n</log>\n", xml_parts(log).concat())
}

/// The parts of a log in XML.
pub(super) fn xml_parts(log: &Json) -> [String; 4] {
    let types = |part: &str, element: &str, member: &str| {
        let types: String = texts(log, member).iter().map(|kind| xml_type(element, kind)).collect();
        format!("\n<{part}>{types}</{part}>")
    };
    let items = |part: &str, element: &str| {
        let items: String = texts(log, part).iter().map(|item| xml_item(element, item)).collect();
        format!("\n<{part}>{items}</{part}>")
    };
    [
        types("object-types", "object-type", "objectTypes"),
        types("event-types", "event-type", "eventTypes"),
        items("objects", "object"),
        items("events", "event"),
    ]
}

fn xml_type(element: &str, kind: &Json) -> String {
    let declared = |declared: &Json| {
        format!("<attribute{}{}/>", attribute("name", &declared["name"]), attribute("type", &declared["type"]))
    };
    let declared: String = texts(kind, "attributes").iter().map(declared).collect();
    format!("\n<{element}{}><attributes>{declared}</attributes></{element}>", attribute("name", &kind["name"]))
}

fn xml_item(element: &str, item: &Json) -> String {
    let names: String = ["id", "type", "time"].map(|name| attribute(name, &item[name])).concat();
    let value = |value: &Json| {
        let names: String = ["name", "time"].map(|name| attribute(name, &value[name])).concat();
        format!("<attribute{names}>{}</attribute>", escaped(&value["value"]))
    };
    let related = |related: &Json| {
        let (id, qualifier) =
            (attribute("object-id", &related["objectId"]), attribute("qualifier", &related["qualifier"]));
        format!("<relationship{id}{qualifier}/>")
    };
    let values: String = texts(item, "attributes").iter().map(value).collect();
    let related: String = texts(item, "relationships").iter().map(related).collect();
    format!("\n<{element}{names}>\n<attributes>{values}</attributes>\n<objects>{related}</objects>\n</{element}>")
}

/// A log in SQLite, with the names of types without blanks and no index.
pub(super) fn in_sqlite(log: &Json) -> Vec<u8> {
    database(log, |_| {})
}

/// The same, changed.
pub(super) fn database(log: &Json, change: impl FnOnce(&Connection)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sqlite");
    let database = Connection::open(&path).unwrap();
    let tables = "CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);
        CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);
        CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
        CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
        CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);";
    database.execute_batch(tables).unwrap();
    for (of, types, items) in [("event", "eventTypes", "events"), ("object", "objectTypes", "objects")] {
        for kind in texts(log, types) {
            add_type(&database, of, kind);
        }
        for item in texts(log, items) {
            add_item(&database, of, item);
        }
    }
    change(&database);
    drop(database);
    std::fs::read(path).unwrap()
}

fn table_of(of: &str, kind: &Json) -> String {
    format!("\"{of}_{}\"", text(kind).replace(' ', ""))
}

fn add_type(database: &Connection, of: &str, kind: &Json) {
    let names = [text(&kind["name"]), text(&kind["name"]).replace(' ', "")];
    database.execute(&format!("INSERT INTO {of}_map_type VALUES (?1, ?2)"), names).unwrap();
    let column = |declared: &Json| {
        let value_type = match declared["type"].as_str().unwrap() {
            "integer" => "INTEGER",
            "float" => "REAL",
            "boolean" => "BOOLEAN",
            "time" => "TIMESTAMP",
            _ => "TEXT",
        };
        format!(", \"{}\" {value_type}", text(&declared["name"]))
    };
    let columns: String = texts(kind, "attributes").iter().map(column).collect();
    let changed = if of == "object" { ", ocel_changed_field TEXT" } else { "" };
    let table = table_of(of, &kind["name"]);
    database
        .execute_batch(&format!("CREATE TABLE {table} (ocel_id TEXT, ocel_time TIMESTAMP{changed}{columns})"))
        .unwrap();
}

fn sql_value(value: &Json) -> rusqlite::types::Value {
    match value {
        Json::Null => rusqlite::types::Value::Null,
        Json::Bool(flag) => i64::from(*flag).into(),
        Json::Number(number) if number.is_i64() => number.as_i64().unwrap().into(),
        Json::Number(number) => number.as_f64().unwrap().into(),
        other => text(other).into(),
    }
}

fn add_item(database: &Connection, of: &str, item: &Json) {
    let (id, kind) = (text(&item["id"]), &item["type"]);
    database.execute(&format!("INSERT INTO {of} VALUES (?1, ?2)"), [&id, &text(kind)]).unwrap();
    let table = table_of(of, kind);
    let insert = |columns: &[&str], values: Vec<rusqlite::types::Value>| {
        let names: String = columns.iter().map(|name| format!(", \"{name}\"")).collect();
        let places: String = (2..).take(columns.len()).map(|number| format!(", ?{number}")).collect();
        let values = std::iter::once(id.clone().into()).chain(values);
        let sql = format!("INSERT INTO {table} (ocel_id{names}) VALUES (?1{places})");
        database.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
    };
    let of_event = texts(item, "attributes").iter().filter(|_| of == "event");
    let (names, values): (Vec<&str>, Vec<_>) =
        of_event.map(|value| (value["name"].as_str().unwrap(), sql_value(&value["value"]))).unzip();
    if of == "event" {
        let (names, values) =
            ([&["ocel_time"], names.as_slice()].concat(), [vec![sql_value(&item["time"])], values].concat());
        insert(&names, values);
    } else {
        insert(&["ocel_time"], vec![json_text("1970-01-01 00:00:00")]);
        for value in texts(item, "attributes") {
            let name = value["name"].as_str().unwrap();
            let changed = vec![sql_value(&value["time"]), json_text(name), sql_value(&value["value"])];
            insert(&["ocel_time", "ocel_changed_field", name], changed);
        }
    }
    let (relations, column) = if of == "event" { ("event_object", "event") } else { ("object_object", "source") };
    for related in texts(item, "relationships") {
        let values = [&id, &text(&related["objectId"]), &text(&related["qualifier"])];
        let sql = format!("INSERT INTO {relations} VALUES (?1, ?2, ?3)");
        database.execute(&sql, values).unwrap_or_else(|error| panic!("{column}: {error}"));
    }
}

fn json_text(text: &str) -> rusqlite::types::Value {
    text.to_owned().into()
}
