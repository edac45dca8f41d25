//! Object storage as a target.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::written;
use crate::schedule::secret::SecretSource;
use crate::schedule::template::{self, Template};

/// How long the files of a run may take altogether.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Objects in a bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectTarget {
    /// `s3://bucket/path`, and what else `object_store` reads.
    #[serde(deserialize_with = "template::of_files")]
    pub url: Template,
    /// Options of `object_store` that are not secret.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Options of `object_store` that are.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
    #[serde(default = "timeout", deserialize_with = "written::duration")]
    pub timeout: Duration,
}

fn timeout() -> Duration {
    TIMEOUT
}
