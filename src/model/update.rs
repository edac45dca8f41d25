//! Updates: the members that an event states replace those before, and all others stay (1.4).

use std::collections::BTreeSet;

use crate::json::Json;

pub(super) fn set_text(slot: &mut Option<String>, data: &Json<'_>, name: &str) {
    // Of the texts of a user and a profile, null clears only `team` (and `calendar`, below).
    match data.get_or_null(name) {
        Some(Json::Text(text)) => *slot = Some(text.to_string()),
        Some(Json::Null) if name == "team" => *slot = None,
        _ => {}
    }
}

pub(super) fn set_nullable_text(slot: &mut Option<String>, data: &Json<'_>, name: &str) {
    match data.get_or_null(name) {
        Some(Json::Text(text)) => *slot = Some(text.to_string()),
        Some(Json::Null) => *slot = None,
        _ => {}
    }
}

pub(super) fn set_flag(slot: &mut bool, data: &Json<'_>, name: &str) {
    if let Some(flag) = data.get(name).and_then(Json::as_flag) {
        *slot = flag;
    }
}

pub(super) fn set_texts(slot: &mut BTreeSet<String>, data: &Json<'_>, name: &str) {
    if let Some(items) = data.get(name).and_then(Json::as_list) {
        *slot = items.iter().filter_map(Json::as_text).map(str::to_owned).collect();
    }
}
