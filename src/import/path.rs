//! Paths into JSON: `via.channel`, `parts[0].body`, `custom_fields[id=360001].value`, `tags[]`.

use std::borrow::Cow;

use serde_json::Value as Json;

/// A place in a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The path as it was written: an object may have a member of exactly this name.
    written: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A member of an object.
    Member(String),
    /// An element of an array, from 0; below 0 counted from the end.
    Index(i64),
    /// The first element of an array whose member has this text.
    Where { member: String, text: String },
    /// All elements of an array.
    All,
}

impl Step {
    fn member(&self) -> Option<&str> {
        if let Step::Member(name) = self { Some(name) } else { None }
    }
}

impl Path {
    /// Reads a path; `.` alone is the value itself.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn parse(written: &str) -> Result<Path, String> {
        let mut steps = Vec::new();
        let mut rest = if written == "." { "" } else { written };
        while !rest.is_empty() {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            rest = match after.strip_prefix('[') {
                Some(inner) => {
                    let (choice, after) = inner.split_once(']').ok_or("found `[` without `]`")?;
                    steps.push(choice_of(choice)?);
                    after.strip_prefix('.').unwrap_or(after)
                }
                None if name.is_empty() => return Err("found two dots, or a dot at the beginning".to_owned()),
                None => after.strip_prefix('.').unwrap_or(after),
            };
        }
        Ok(Path { written: written.to_owned(), steps })
    }

    /// Whether it goes through a member of this name.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.steps.iter().any(|step| step.member() == Some(name))
    }

    /// The value at this place; absent where there is none, null where it is null. `[]` gives an array.
    pub(super) fn find<'v>(&self, value: &'v Json) -> Option<Cow<'v, Json>> {
        if let Some(member) = value.get(&self.written) {
            return Some(Cow::Borrowed(member));
        }
        find(&self.steps, value)
    }
}

fn choice_of(choice: &str) -> Result<Step, String> {
    match choice.split_once('=') {
        Some((member, text)) => Ok(Step::Where { member: member.to_owned(), text: text.to_owned() }),
        None if choice.is_empty() => Ok(Step::All),
        None => choice.parse().map(Step::Index).map_err(|_| {
            format!("found `[{choice}]`, expected the number of an element, `member=text` or nothing in brackets")
        }),
    }
}

fn find<'v>(steps: &[Step], value: &'v Json) -> Option<Cow<'v, Json>> {
    let Some((step, rest)) = steps.split_first() else { return Some(Cow::Borrowed(value)) };
    match step {
        Step::Member(name) => find(rest, value.get(name)?),
        Step::Index(index) => {
            let elements = value.as_array()?;
            let from_end = || elements.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
            let at = usize::try_from(*index).ok().or_else(from_end)?;
            find(rest, elements.get(at)?)
        }
        Step::Where { member, text: wanted } => {
            let fits = |element: &&Json| element.get(member).is_some_and(|found| text(found) == wanted.as_str());
            find(rest, value.as_array()?.iter().find(fits)?)
        }
        Step::All => {
            let found = value.as_array()?.iter().filter_map(|element| find(rest, element).map(Cow::into_owned));
            Some(Cow::Owned(Json::Array(found.collect())))
        }
    }
}

/// A JSON value as the text of a cell: texts as they are, nothing for null, else JSON.
pub(super) fn text(value: &Json) -> Cow<'_, str> {
    match value {
        Json::Null => Cow::Borrowed(""),
        Json::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// An array of the values whose text is not empty; null where there is none.
pub(super) fn not_empty(mut values: Vec<Json>) -> Json {
    values.retain(|value| !text(value).is_empty());
    if values.is_empty() { Json::Null } else { Json::Array(values) }
}

/// The elements of a text that is a JSON array.
pub(super) fn elements(text: &str) -> Option<Vec<Json>> {
    if text.starts_with('[') { serde_json::from_str(text).ok() } else { None }
}

/// A path through arrays whose elements are wanted: `tickets[].audits[].events[]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrays(Vec<Path>);

impl Arrays {
    /// Reads a path in which each `[]` is an array whose elements are gone through; it ends with one.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn parse(written: &str) -> Result<Arrays, String> {
        let Some(inner) = written.strip_suffix("[]") else {
            return Err(format!(
                "found `{written}`, expected a path to the elements of an array, such as `{written}[]`"
            ));
        };
        let part = |part: &str| Path::parse(if part.is_empty() { "." } else { part });
        inner.split("[].").map(part).collect::<Result<_, _>>().map(Arrays)
    }

    /// Whether it goes through a member of this name.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.0.iter().any(|path| path.has_member(name))
    }

    /// How many arrays the path goes through.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The path to the first array, as it was written.
    pub(super) fn first(&self) -> &str {
        self.0.first().map_or("", |path| &path.written)
    }

    /// Whether the value has the first array.
    pub(super) fn has_first(&self, value: &Json) -> bool {
        self.0.first().and_then(|path| path.find(value)).is_some_and(|found| found.is_array())
    }

    /// The path through the first `depth` arrays, and that through the others.
    pub(super) fn split_at(&self, depth: usize) -> (Arrays, Arrays) {
        let depth = depth.min(self.0.len());
        let (outer, inner) = self.0.split_at_checked(depth).unwrap_or_default();
        (Arrays(outer.to_vec()), Arrays(inner.to_vec()))
    }

    /// The names of the members that lead to the first array, where nothing but members does.
    pub(super) fn members_to_first(&self) -> Option<Vec<&str>> {
        let first = self.0.first()?;
        let name = |step: &'_ Step| matches!(step, Step::Member(_));
        first.steps.iter().all(name).then(|| first.steps.iter().filter_map(Step::member).collect())
    }

    /// Gives every element below `value`, in order, as the chain from `value` to it, outermost first.
    pub(super) fn each<'v>(&self, value: &'v Json, take: &mut dyn FnMut(&[&'v Json])) {
        descend(&self.0, &mut vec![value], take);
    }
}

fn descend<'v>(arrays: &[Path], chain: &mut Vec<&'v Json>, take: &mut dyn FnMut(&[&'v Json])) {
    let Some((path, rest)) = arrays.split_first() else { return take(chain) };
    let Some(value) = chain.last() else { return };
    if let Some(Cow::Borrowed(Json::Array(elements))) = path.find(value) {
        for element in elements {
            chain.push(element);
            descend(rest, chain, take);
            chain.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_names_members_elements_and_elements_with_a_member() {
        let value = json!({
            "via": {"channel": "web"}, "a.b": 1, "n": 1.50, "none": null, "ok": true,
            "parts": [{"body": "x"}, {"body": "y"}],
            "custom_fields": [{"id": 7, "value": "red"}, {"id": "8", "value": ["a", "b"]}]
        });
        let cases = [
            ("via.channel", "web"),
            ("a.b", "1"),
            ("n", "1.5"),
            ("none", ""),
            ("missing.one", ""),
            ("ok", "true"),
            ("parts[0].body", "x"),
            ("parts[-1].body", "y"),
            ("parts[2].body", ""),
            ("custom_fields[id=7].value", "red"),
            ("custom_fields[id=8].value", r#"["a","b"]"#),
            ("parts[].body", r#"["x","y"]"#),
            ("via", r#"{"channel":"web"}"#),
        ];
        for (path, expected) in cases {
            let found = Path::parse(path).unwrap().find(&value).map(|found| text(&found).into_owned());
            assert_eq!(found.unwrap_or_default(), expected, "{path}");
        }
        for path in ["a[", "a[x]", "a..b", ".a"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn elements_come_in_order_with_what_is_around_them() {
        let value = json!({"audits": [{"id": 1, "events": [10, 11]}, {"id": 2}, {"id": 3, "events": [12]}]});
        let mut found = Vec::new();
        Arrays::parse("audits[].events[]").unwrap().each(&value, &mut |chain| {
            found.push((chain.len(), chain[1]["id"].clone(), chain[2].clone()));
        });
        assert_eq!(found, [(3, json!(1), json!(10)), (3, json!(1), json!(11)), (3, json!(3), json!(12))]);
        assert!(Arrays::parse("audits").unwrap_err().contains("`audits[]`"));
    }
}
