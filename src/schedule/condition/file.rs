//! A condition as it is written.

use serde::Deserialize;

use crate::schedule::content::Words;

/// The keys of `[schedule.when]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionFile {
    pub metric: Option<String>,
    pub range: Option<String>,
    #[serde(rename = "where")]
    pub filters: Option<Words>,
    pub hours: Option<String>,
    pub show: Option<String>,
    pub below: Option<toml::Value>,
    pub above: Option<toml::Value>,
    pub at_most: Option<toml::Value>,
    pub at_least: Option<toml::Value>,
    pub changed: Option<bool>,
    pub each_run: Option<bool>,
    pub no_events_for: Option<String>,
    /// `true`, or the rules of the findings.
    pub findings: Option<toml::Value>,
}

impl ConditionFile {
    fn written(&self) -> impl Iterator<Item = &'static str> {
        let keys = [
            ("metric", self.metric.is_some()),
            ("range", self.range.is_some()),
            ("where", self.filters.is_some()),
            ("hours", self.hours.is_some()),
            ("show", self.show.is_some()),
            ("below", self.below.is_some()),
            ("above", self.above.is_some()),
            ("at_most", self.at_most.is_some()),
            ("at_least", self.at_least.is_some()),
            ("changed", self.changed.is_some()),
            ("each_run", self.each_run.is_some()),
            ("no_events_for", self.no_events_for.is_some()),
            ("findings", self.findings.is_some()),
        ];
        keys.into_iter().filter(|(_, is_written)| *is_written).map(|(key, _)| key)
    }

    /// The key that decides what is looked at.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn kind(&self) -> Result<&'static str, String> {
        let kinds = ["below", "above", "at_most", "at_least", "changed", "no_events_for", "findings"];
        let kinds: Vec<&'static str> = self.written().filter(|key| kinds.contains(key)).collect();
        match kinds.as_slice() {
            [kind] => Ok(kind),
            [] => Err(
                "there is no condition: expected `below`, `above`, `at_most`, `at_least` or `changed` of a metric, \
                       `no_events_for` or `findings`"
                    .to_owned(),
            ),
            [first, second, ..] => Err(format!("`{first}` and `{second}` are two conditions, and a schedule has one")),
        }
    }

    /// Checks that there are no keys but the kind and these.
    ///
    /// # Errors
    /// When there is another, which would do nothing.
    pub fn check_keys(&self, kind: &str, known: &[&str]) -> Result<(), String> {
        match self.written().find(|key| *key != kind && !known.contains(key)) {
            Some(key) => Err(format!("the key `{key}` does nothing beside `{kind}`: leave it out")),
            None => Ok(()),
        }
    }
}
