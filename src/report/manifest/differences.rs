//! What two manifests of the same question do not have in common: which files differ, and why they may.

use super::{HashedFile, Manifest, Output};
use crate::store::hash::sha256;

/// What became of a file since its report was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnDisk {
    AsWritten,
    Missing,
    Altered,
}

/// Something from which a report was made and that is not the same now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause(pub String);

/// A file that is not what the manifest states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub file: String,
    /// What differs.
    pub what: String,
}

impl Output {
    /// What became of the file whose bytes these are; none where there is no file.
    #[must_use]
    pub fn on_disk(&self, bytes: Option<&[u8]>) -> OnDisk {
        match bytes {
            None => OnDisk::Missing,
            Some(bytes) if sha256(bytes) == self.sha256 => OnDisk::AsWritten,
            Some(_) => OnDisk::Altered,
        }
    }
}

impl Manifest {
    /// The files that came out otherwise when the report was made again.
    #[must_use]
    pub fn other_outputs(&self, again: &Manifest) -> Vec<Difference> {
        let mut differences = Vec::new();
        for output in &self.outputs {
            let what = match again.outputs.iter().find(|other| other.file == output.file) {
                None => "is not among the files of the report that was made again".to_owned(),
                Some(other) if other.sha256 == output.sha256 => continue,
                Some(other) if other.bytes == output.bytes => "has other bytes when made again".to_owned(),
                Some(other) => format!("has {} bytes when made again, had {}", other.bytes, output.bytes),
            };
            differences.push(Difference { file: output.file.clone(), what });
        }
        let known = |other: &&Output| self.outputs.iter().all(|output| output.file != other.file);
        let more = again.outputs.iter().filter(known);
        let more = more.map(|other| Difference { file: other.file.clone(), what: "was not part of the report".into() });
        differences.extend(more);
        differences
    }

    /// What the report that was made again has been made from, where that is something else.
    #[must_use]
    pub fn causes(&self, again: &Manifest) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut differs = |name: &str, then: &str, now: &str| {
            if then != now {
                causes.push(Cause(format!("the {name} is {now}, was {then}")));
            }
        };
        differs("version of the program", &self.program, &again.program);
        differs("time zone data", &self.time_zone_data, &again.time_zone_data);
        let (then, now) = (&self.log, &again.log);
        if then != now {
            let what = match (then.last_batch != now.last_batch, then.events != now.events) {
                (true, _) => {
                    format!("ends with batch {}, and the report was made from {}", now.last_batch, then.last_batch)
                }
                (false, true) => {
                    format!("has {} events up to batch {}, had {}", now.events, then.last_batch, then.events)
                }
                (false, false) => format!("has other events up to batch {}", then.last_batch),
            };
            causes.push(Cause(format!("the log {what}")));
        }
        if self.dashboard != again.dashboard {
            causes.push(Cause(format!("the dashboard `{}` has changed", self.dashboard.name)));
        }
        causes.extend(other_files(&self.metrics, &again.metrics).into_iter().map(Cause));
        if self.policies != again.policies || self.calendars != again.calendars {
            causes.push(Cause("policies or calendars that were in force are others".to_owned()));
        }
        if self.pseudonyms != again.pseudonyms {
            causes.push(Cause("the store has another key of pseudonyms".to_owned()));
        }
        causes
    }
}

fn other_files(then: &[HashedFile], now: &[HashedFile]) -> Vec<String> {
    let mut texts = Vec::new();
    for metric in then {
        match now.iter().find(|other| other.name == metric.name) {
            None => texts.push(format!("the metric `{}` is not used any more", metric.name)),
            Some(other) if other != metric => texts.push(format!("the metric `{}` has changed", metric.name)),
            Some(_) => {}
        }
    }
    let is_new = |metric: &&HashedFile| then.iter().all(|other| other.name != metric.name);
    texts.extend(now.iter().filter(is_new).map(|metric| format!("the metric `{}` is new", metric.name)));
    texts
}
