//! What is shown of a text, by what it holds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::fields::Fields;
use super::pseudonym::{Person, Pseudonyms};
use super::texts::Known;
use crate::json::Json;
use crate::model::content::Holds;
use crate::model::event::EventType;
use crate::wire::members;

/// What is known of people and fields, and how both are shown.
#[derive(Debug)]
pub struct Shown {
    pub pseudonyms: Pseudonyms,
    pub fields: Arc<Fields>,
    /// The names of groups, which may be listed among users.
    pub groups: Arc<BTreeSet<String>>,
    /// By what texts may name people; nothing where texts are withheld.
    pub known: Option<Arc<Known>>,
}

impl Shown {
    pub fn user(&self, id: &str) -> String {
        self.pseudonyms.of(Person::Agent, id)
    }

    pub fn customer(&self, id: &str) -> String {
        self.pseudonyms.of(Person::Customer, id)
    }

    pub fn user_or_group(&self, id: &str) -> String {
        if self.groups.contains(id) { id.to_owned() } else { self.user(id) }
    }

    /// What a person wrote; nothing where texts are withheld.
    pub fn words(&self, text: &str) -> Option<String> {
        self.known.as_ref().map(|known| known.rewritten(text))
    }

    /// A value of a custom field. Where texts are withheld, equal values stay equal.
    pub fn value(&self, field: &str, value: &str) -> String {
        self.fields.shown(field, value, &|text| self.free_value(text))
    }

    fn free_value(&self, text: &str) -> String {
        self.words(text).unwrap_or_else(|| self.pseudonyms.of(Person::Value, text))
    }

    fn json_value<'j>(&self, field: &str, value: &Json<'_>) -> Json<'j> {
        self.fields.shown_json(field, value, &|text| self.free_value(text))
    }

    /// What an event is about.
    pub fn subject(&self, kind: &str, subject: &str) -> String {
        match kind.split('.').next() {
            Some("user") => self.user(subject),
            Some("customer") => self.customer(subject),
            _ => subject.to_owned(),
        }
    }

    /// The detail of a finding. What stands between backticks is a person, unless the word before it names another thing.
    pub fn detail(&self, detail: &str) -> String {
        let parts: Vec<&str> = detail.split('`').collect();
        // An id with a backtick cannot be distinguished from the rest.
        if parts.len().is_multiple_of(2) {
            return "withheld".to_owned();
        }
        let mut shown = String::with_capacity(detail.len());
        let mut thing = "";
        for (position, part) in parts.iter().enumerate() {
            if position.is_multiple_of(2) {
                shown.push_str(part);
                thing = part.split_whitespace().next_back().filter(|word| *word != ",").unwrap_or(thing);
                continue;
            }
            let is_thing = EventType::parse(part).is_some()
                || matches!(thing, "profile" | "calendar" | "group" | "role" | "of" | "priority");
            let named = match thing {
                "customer" => self.customer(part),
                _ if is_thing => (*part).to_owned(),
                _ => self.user(part),
            };
            shown.push_str(&format!("`{named}`"));
        }
        shown
    }

    /// What is known of a customer: that there is a name, and no other member.
    pub fn known_of_customer(&self, customer: &str, data: &str) -> Option<String> {
        let data = Json::parse(data).ok()?;
        let name = data.get("name").map(|_| (Cow::Borrowed("name"), text(self.customer(customer))));
        Some(Json::Object(name.into_iter().collect()).to_text())
    }

    /// The data of an event, member by member; of members that its type does not have, nothing.
    pub fn data(&self, kind: &str, subject: &str, data: &str) -> Option<String> {
        let kind = EventType::parse(kind)?;
        match kind {
            // They name no person, and are stated as a whole.
            EventType::CalendarUpdated | EventType::PolicyUpdated => return Some(data.to_owned()),
            _ => {}
        }
        let data = Json::parse(data).ok()?;
        let about = About { subject, data: &data };
        let mut shown = Vec::new();
        for (name, value) in data.members() {
            let Some(member) = members::of(kind).find(|member| member.name == name) else { continue };
            let holds = member.holds.unwrap_or(Holds::Thing);
            if let Some(value) = self.member(holds, value, &about) {
                shown.push((name.clone(), value));
            }
        }
        Some(Json::Object(shown).to_text())
    }

    fn member<'j>(&self, holds: Holds, value: &Json<'j>, about: &About<'_>) -> Option<Json<'j>> {
        Some(match holds {
            Holds::Thing => value.clone(),
            _ if *value == Json::Null => Json::Null,
            Holds::User => each(value, &|id| self.user(id))?,
            Holds::UsersOrGroups => each(value, &|id| self.user_or_group(id))?,
            Holds::Customer => each(value, &|id| self.customer(id))?,
            Holds::NameOfUser => text(self.user(about.subject)),
            Holds::NameOfCustomer => {
                let customer = about.data.get("customer").and_then(Json::as_text);
                text(self.customer(customer.unwrap_or(about.subject)))
            }
            Holds::Words => text(self.words(value.as_text()?)?),
            Holds::FieldValue => {
                let field = about.data.get("field").and_then(Json::as_text).unwrap_or_default();
                self.json_value(field, value)
            }
            Holds::FieldValues => {
                let values = value.members().iter();
                Json::Object(values.map(|(field, value)| (field.clone(), self.json_value(field, value))).collect())
            }
            Holds::Detail | Holds::Subject | Holds::Data | Holds::KnownOfCustomer | Holds::Raw => return None,
        })
    }
}

/// The event whose data are shown.
struct About<'a> {
    subject: &'a str,
    data: &'a Json<'a>,
}

fn text<'j>(text: String) -> Json<'j> {
    Json::Text(text.into())
}

/// A text, or each text of a list; nothing of anything else.
fn each<'j>(value: &Json<'_>, shown: &impl Fn(&str) -> String) -> Option<Json<'j>> {
    match value {
        Json::Text(id) => Some(text(shown(id))),
        Json::List(items) => {
            Some(Json::List(items.iter().filter_map(Json::as_text).map(|id| text(shown(id))).collect()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(known: Option<Known>) -> Shown {
        let groups = Arc::new(BTreeSet::from(["vip".to_owned()]));
        let pseudonyms = Pseudonyms::of_key(&[9; 32]);
        Shown { pseudonyms, fields: Arc::new(Fields::default()), groups, known: known.map(Arc::new) }
    }

    #[test]
    fn data_of_events_are_shown_member_by_member() {
        let shown = shown(None);
        let (ana, zoe) = (shown.user("ana"), shown.customer("zoe"));
        let value = shown.pseudonyms.of(Person::Value, "Zoe's");
        let cases = [
            (
                "user.updated",
                r#"{"name":"Ana L.","email":"a@x.io","team":"east","odd":"Ana","capacity":3}"#,
                format!(r#"{{"name":"{ana}","email":"{ana}","team":"east","capacity":3}}"#),
            ),
            (
                "case.created",
                r#"{"customer":"zoe","customer_name":"Zoe","text":"I am Zoe","by":"ana","fields":{"whose":"Zoe's","n":3}}"#,
                format!(
                    r#"{{"customer":"{zoe}","customer_name":"{zoe}","by":"{ana}","fields":{{"whose":"{value}","n":3}}}}"#
                ),
            ),
            (
                "profile.updated",
                r#"{"name":"Shop","visible_to":["ana","vip"]}"#,
                format!(r#"{{"name":"Shop","visible_to":["{ana}","vip"]}}"#),
            ),
            (
                "message.noted",
                r#"{"message":"m","mentions":["ana"],"text":"@ana"}"#,
                format!(r#"{{"message":"m","mentions":["{ana}"]}}"#),
            ),
            ("case.field_changed", r#"{"field":"whose","value":null}"#, r#"{"field":"whose","value":null}"#.to_owned()),
            ("view.updated", r#"{"name":"Ana's"}"#, "{}".to_owned()),
            ("policy.updated", r#"{"name":"P"}"#, r#"{"name":"P"}"#.to_owned()),
        ];
        for (kind, data, expected) in cases {
            assert_eq!(shown.data(kind, "ana", data).unwrap(), expected, "{kind}");
        }
        assert_eq!(
            shown.data("customer.updated", "zoe", r#"{"name":"Zoe","phone":"1"}"#).unwrap(),
            format!(r#"{{"name":"{zoe}"}}"#)
        );
        assert_eq!(
            shown.known_of_customer("zoe", r#"{"name":"Zoe","city":"X"}"#).unwrap(),
            format!(r#"{{"name":"{zoe}"}}"#)
        );
        assert_eq!(shown.known_of_customer("zoe", r#"{"city":"X"}"#).unwrap(), "{}");
    }

    #[test]
    fn texts_are_shown_where_they_are_asked_for() {
        let mut known = Known::default();
        let pseudonyms = Pseudonyms::of_key(&[9; 32]);
        known.add(&pseudonyms, Person::Agent, "ana", (super::super::texts::Naming::Id, "ana"));
        let shown = shown(Some(known));
        let ana = shown.user("ana");
        let data = shown.data("message.noted", "C", r#"{"message":"m","text":"@ana, refund"}"#).unwrap();
        assert_eq!(data, format!(r#"{{"message":"m","text":"{ana}, refund"}}"#));
        assert_eq!(shown.value("note", "of ana"), format!("of {ana}"));
    }

    #[test]
    fn the_details_of_findings_keep_things_and_replace_people() {
        let shown = shown(None);
        let (ana, zoe, c) = (shown.user("ana"), shown.user("zoe"), shown.customer("c"));
        let cases = [
            ("the profile `fb` is not visible to `ana`", format!("the profile `fb` is not visible to `{ana}`")),
            ("no `user.updated` has named `ana`, `zoe`", format!("no `user.updated` has named `{ana}`, `{zoe}`")),
            (
                "another case of customer `c` with profile `p` is not closed",
                format!("another case of customer `{c}` with profile `p` is not closed"),
            ),
            (
                "the kind or the values of `tier`, `size` do not allow this",
                "the kind or the values of `tier`, `size` do not allow this".to_owned(),
            ),
            (
                "the log does not know the user `zoe`, the calendar `office`",
                format!("the log does not know the user `{zoe}`, the calendar `office`"),
            ),
            ("`a`b` had 1", "withheld".to_owned()),
        ];
        for (detail, expected) in cases {
            assert_eq!(shown.detail(detail), expected);
        }
    }
}
