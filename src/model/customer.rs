//! Customers: what updates state of them, member by member (1.4 `customer.updated`).

use std::borrow::Cow;

use super::time::Instant;
use super::versions::Versions;
use crate::json::Json;

/// One customer while their events are replayed, which must come in log order.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    versions: Versions<Known>,
}

/// A version of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub name: Option<String>,
    /// All members, the name among them, as JSON text.
    pub data: String,
}

impl Customer {
    /// Takes the next `customer.updated`.
    pub fn update(&mut self, time: Instant, data: &Json<'_>) {
        let before = self.versions.last().map_or("{}", |known| &known.data);
        // It was written from a JSON value, so it can be parsed.
        let before = Json::parse(before).unwrap_or_else(|_| Json::Object(Vec::new()));
        let merged = merge(before, data);
        let name = merged.get("name").and_then(Json::as_text).map(str::to_owned);
        let known = Known { name, data: merged.to_text() };
        self.versions.set(time, known);
    }

    /// The versions so far.
    #[must_use]
    pub fn versions(&self) -> &Versions<Known> {
        &self.versions
    }
}

/// The members of `update` over those of `before`, nested objects member by member; null is the same as absent.
fn merge<'a>(before: Json<'a>, update: &Json<'a>) -> Json<'a> {
    let Json::Object(given) = update else { return update.clone() };
    let mut members: Vec<(Cow<'a, str>, Json<'a>)> = match before {
        Json::Object(members) => members,
        _ => Vec::new(),
    };
    for (name, value) in given.iter().filter(|(_, value)| !matches!(value, Json::Null)) {
        let known = members.iter_mut().find(|(known, _)| known == name);
        match known {
            Some((_, known)) => *known = merge(std::mem::replace(known, Json::Null), value),
            None => members.push((name.clone(), merge(Json::Null, value))),
        }
    }
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_changes_the_members_present() {
        let mut customer = Customer::default();
        let updates = [
            (1, r#"{"name":"Zoe","address":{"city":"Prague","zip":null},"tags":["a","b"]}"#),
            (2, r#"{"address":{"street":"Long"},"name":null}"#),
            (3, r#"{"name":"Zoe"}"#),
            (4, r#"{"tags":["c"],"address":"none"}"#),
        ];
        for (time, data) in updates {
            customer.update(Instant(time), &Json::parse(data).unwrap());
        }
        let shown: Vec<_> = customer.versions().iter().map(|v| (v.since.0, v.value.data.as_str())).collect();
        let expected = [
            (1, r#"{"name":"Zoe","address":{"city":"Prague"},"tags":["a","b"]}"#),
            (2, r#"{"name":"Zoe","address":{"city":"Prague","street":"Long"},"tags":["a","b"]}"#),
            (4, r#"{"name":"Zoe","address":"none","tags":["c"]}"#),
        ];
        assert_eq!(shown, expected);
        assert!(customer.versions().iter().all(|version| version.value.name.as_deref() == Some("Zoe")));
    }
}
