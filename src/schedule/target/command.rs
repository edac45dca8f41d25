//! A program as a target.

use std::time::Duration;

use serde::Deserialize;

use super::written;
use crate::schedule::template::{self, Template};

/// How long a program may run.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A program that is started without a shell, in the folder of the project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandTarget {
    /// The program and its arguments.
    #[serde(deserialize_with = "template::of_arguments")]
    pub run: Vec<Template>,
    #[serde(default = "timeout", deserialize_with = "written::duration")]
    pub timeout: Duration,
}

fn timeout() -> Duration {
    TIMEOUT
}
