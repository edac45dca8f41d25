//! A folder as a target.

use serde::Deserialize;

use crate::schedule::template::{self, Template};

/// Files in folders of a local disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderTarget {
    /// Relative to the project.
    #[serde(deserialize_with = "template::of_files")]
    pub path: Template,
}
