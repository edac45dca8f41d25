//! Conditions on the log: no event for some time, findings that appeared.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use datafusion::common::ScalarValue;

use super::file::ConditionFile;
use super::outcome::{ConditionState, Evaluation, begins};
use crate::error::{Error, Result};
use crate::metric::question::instant_value;
use crate::model::finding::Rule;
use crate::model::time::{Instant, duration_text, parse_duration_ms};
use crate::query::database::Database;
use crate::schedule::content::at;
use crate::spelling::did_you_mean;

/// The log has had no event for that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    limit_ms: i64,
    each_run: bool,
}

impl Silence {
    /// The condition in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("the log has had no event for {}", duration_text(self.limit_ms))
    }

    /// Reads `no_events_for`.
    ///
    /// # Errors
    /// When it is no duration, or a key does nothing.
    pub fn of(file: ConditionFile) -> std::result::Result<Silence, String> {
        file.check_keys("no_events_for", &["each_run"])?;
        let text = file.no_events_for.unwrap_or_default();
        let limit_ms = parse_duration_ms(&text).map_err(|refusal| format!("no_events_for: {refusal}"))?;
        Ok(Silence { limit_ms, each_run: file.each_run.unwrap_or_default() })
    }

    /// Compares the newest event that is not after an instant with that.
    pub async fn evaluate(
        &self,
        database: &Database,
        scheduled_at: Instant,
        before: Option<&ConditionState>,
    ) -> Result<Evaluation> {
        let newest = match database.pointer().last_event_at_ms.map(Instant) {
            // A run that was late finds events of after its instant.
            Some(last) if last > scheduled_at => newest_until(database, scheduled_at).await?,
            last => last,
        };
        let limit = duration_text(self.limit_ms);
        let (held, text) = match newest.map(|newest| scheduled_at.since_ms(newest)) {
            None => (true, format!("the log had no event, for {limit} or longer")),
            Some(age) if age > self.limit_ms => {
                (true, format!("the newest event was {} old, more than {limit}", duration_text(age)))
            }
            Some(age) => (false, format!("the newest event was {} old, not more than {limit}", duration_text(age))),
        };
        let state = ConditionState { figure: None, held, last_batch: 0 };
        Ok(Evaluation { holds: begins(held, self.each_run, before), state, text })
    }
}

async fn newest_until(database: &Database, until: Instant) -> Result<Option<Instant>> {
    let frame = database.session().sql("SELECT max(time) AS newest FROM events WHERE time <= $until").await?;
    let batches = frame.with_param_values(vec![("until", instant_value(until))])?.collect().await?;
    let newest = |batch: &arrow::array::RecordBatch| {
        let times = batch.column(0).as_primitive_opt::<TimestampMillisecondType>()?;
        times.iter().next().flatten()
    };
    Ok(batches.iter().find_map(newest).map(Instant))
}

/// Findings of events that the log got since the run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Those of these rules; of every rule where there are none.
    rules: Vec<String>,
}

impl Findings {
    /// Reads `findings`.
    ///
    /// # Errors
    /// When it is neither `true` nor a list of texts, or a key does nothing.
    pub fn of(file: ConditionFile) -> std::result::Result<Findings, String> {
        file.check_keys("findings", &[])?;
        let rules = match file.findings {
            Some(toml::Value::Boolean(true)) => Some(Vec::new()),
            Some(toml::Value::Array(rules)) if !rules.is_empty() => {
                rules.iter().map(|rule| rule.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        rules.map(|rules| Findings { rules }).ok_or("`findings` is true, or a list of rules".to_owned())
    }

    /// The rules that there are not.
    pub fn check(&self, place: &str) -> Vec<Error> {
        let names = || Rule::ALL.iter().map(|rule| rule.name());
        let unknown = self.rules.iter().filter(|rule| names().all(|name| name != *rule));
        let error = |rule: &String| {
            let hint = did_you_mean(rule, names())
                .unwrap_or_else(|| format!("the rules are {}", names().collect::<Vec<_>>().join(", ")));
            Error::invalid(at(place, "findings"), format!("there is no rule `{rule}`")).with_hint(hint)
        };
        unknown.map(error).collect()
    }

    /// Counts the findings of the batches after that of the run before.
    pub async fn evaluate(&self, database: &Database, before: Option<&ConditionState>) -> Result<Evaluation> {
        let state = |held| ConditionState { figure: None, held, last_batch: 0 };
        let Some(before) = before else {
            let text = "there is no run before since which findings could have appeared".to_owned();
            return Ok(Evaluation { holds: false, state: state(false), text });
        };
        let sql = "SELECT rule, count(*) AS found FROM findings JOIN events USING (source, id) \
                   WHERE batch > $batch AND severity <> 'hidden' GROUP BY rule ORDER BY found DESC, rule";
        let batch = ScalarValue::Int64(Some(before.last_batch));
        let frame = database.session().sql(sql).await?.with_param_values(vec![("batch", batch)])?;
        let mut found: Vec<(String, i64)> = Vec::new();
        for batch in frame.collect().await? {
            let (rules, counts) = (cast(batch.column(0), &DataType::Utf8)?, cast(batch.column(1), &DataType::Int64)?);
            let rules = rules.as_string::<i32>().iter().flatten().map(str::to_owned);
            found.extend(rules.zip(counts.as_primitive::<Int64Type>().values().iter().copied()));
        }
        found.retain(|(rule, _)| self.rules.is_empty() || self.rules.contains(rule));
        let parts: Vec<String> = found.iter().map(|(rule, count)| format!("{count} of `{rule}`")).collect();
        let text = match parts.as_slice() {
            [] => "no finding appeared since the run before".to_owned(),
            parts => format!("findings appeared since the run before: {}", parts.join(", ")),
        };
        Ok(Evaluation { holds: !found.is_empty(), state: state(!found.is_empty()), text })
    }
}
