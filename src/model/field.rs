//! Custom fields of cases: what they are, and which values they allow (1.4, 2.7).

use jiff::civil::Date;

use super::event::{FieldKind, FieldVisibility};
use super::update::{set_flag, set_text};
use crate::json::{Json, Number};

/// The most digits that a number of a field may have (2.7).
const DIGITS_MAX: usize = 9;

/// One version of a custom field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    pub name: Option<String>,
    pub kind: Option<FieldKind>,
    /// The values that a `single` or `multi` field may have; none: any text.
    pub values: Option<Vec<String>>,
    pub visibility: Option<FieldVisibility>,
    pub mandatory: bool,
    pub enabled: bool,
    pub position: Option<i64>,
}

impl Field {
    /// Changes the members that a `field.updated` states.
    pub(super) fn update(&mut self, data: &Json<'_>) {
        let text = |name| data.get(name).and_then(Json::as_text);
        set_text(&mut self.name, data, "name");
        self.kind = text("kind").and_then(FieldKind::parse).or(self.kind);
        self.visibility = text("visibility").and_then(FieldVisibility::parse).or(self.visibility);
        if let Some(values) = data.get("values").and_then(Json::as_list) {
            self.values = Some(values.iter().filter_map(Json::as_text).map(str::to_owned).collect());
        }
        set_flag(&mut self.mandatory, data, "mandatory");
        set_flag(&mut self.enabled, data, "enabled");
        self.position = data.get("position").and_then(Json::as_whole).or(self.position);
    }

    /// Whether the field may have that value; null, which clears it, always.
    #[must_use]
    pub fn allows(&self, value: &Json<'_>) -> bool {
        match (self.kind, value) {
            (None, _) | (_, Json::Null) => true,
            (Some(FieldKind::Single), value) => self.offers(value),
            (Some(FieldKind::Multi), Json::List(items)) => items.iter().all(|item| self.offers(item)),
            (Some(FieldKind::Text), Json::Text(_)) => true,
            (Some(FieldKind::Number), Json::Number(Number::Whole(number))) => {
                number.unsigned_abs() < 10_u128.pow(DIGITS_MAX as u32)
            }
            (Some(FieldKind::Number), Json::Text(text)) => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
            }
            (Some(FieldKind::Date), Json::Text(text)) => is_date(text),
            _ => false,
        }
    }

    fn offers(&self, value: &Json<'_>) -> bool {
        let Some(text) = value.as_text() else { return false };
        self.values.as_ref().is_none_or(|values| values.iter().any(|offered| offered == text))
    }
}

/// `2026-03-02` and nothing else.
fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    shaped && text.parse::<Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_allows_its_values() {
        let field = |data: &str| {
            let mut field = Field::default();
            field.update(&Json::parse(data).unwrap());
            field
        };
        let single = r#"{"kind":"single","values":["gold","silver"]}"#;
        let multi = r#"{"kind":"multi","values":["gold","silver"]}"#;
        let cases = [
            (single, vec![r#""gold""#, "null"], vec![r#""bronze""#, r#""""#, r#"["gold"]"#, "1"]),
            (r#"{"kind":"single"}"#, vec![r#""bronze""#], vec!["1"]),
            (multi, vec!["[]", r#"["gold","silver"]"#], vec![r#"["gold","bronze"]"#, r#""gold""#, "[1]"]),
            (r#"{"kind":"text"}"#, vec![r#""""#, r#""any""#], vec!["1", "[]", "true"]),
            (
                r#"{"kind":"number"}"#,
                vec!["0", "-5", "5.0", "999999999", r#""012345678""#, r#""-5""#],
                vec!["1000000000", "5.5", r#""""#, r#""-""#, r#""+5""#, r#""0123456789""#, r#""5x""#],
            ),
            (
                r#"{"kind":"date"}"#,
                vec![r#""2026-02-28""#],
                vec![r#""2026-02-29""#, r#""2026-2-28""#, r#""20260228""#, r#""2026-02-28T10:00""#, "20260228"],
            ),
            ("{}", vec!["1", "[]", "true", r#""any""#], vec![]),
        ];
        for (data, allowed, refused) in cases {
            for value in allowed {
                assert!(field(data).allows(&Json::parse(value).unwrap()), "{data} {value}");
            }
            for value in refused {
                assert!(!field(data).allows(&Json::parse(value).unwrap()), "{data} {value}");
            }
        }
    }

    #[test]
    fn an_update_changes_the_members_present() {
        let mut field = Field::default();
        field.update(&Json::parse(r#"{"name":"Tier","kind":"single","enabled":true,"position":2}"#).unwrap());
        field.update(&Json::parse(r#"{"kind":null,"mandatory":true}"#).unwrap());
        let shown = (field.name.as_deref(), field.kind, field.enabled, field.mandatory, field.position);
        assert_eq!(shown, (Some("Tier"), Some(FieldKind::Single), true, true, Some(2)));
    }
}
