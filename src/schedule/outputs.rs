//! What runs have rendered, kept in the store until it is no longer wanted.

use std::collections::BTreeSet;

use super::parcel::{Output, Rendered};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::disk::{self, WriteMode};
use crate::store::hash::sha256;
use crate::store::objects::Store;
use crate::store::run_log;

/// The folder of outputs, in that of schedules.
const FOLDER: &str = "outputs";

/// Keeps what was rendered for an instant under a key, and gives the files. Runs of one instant that send the same share them.
///
/// # Errors
/// When the disk refuses.
pub async fn keep(store: &Store, instant: Instant, key: &str, rendered: &Rendered) -> Result<Vec<Output>> {
    let folder = format!("{FOLDER}/{}/{key}", folder_name(instant));
    let kept = store.folder(run_log::FOLDER).folder(&folder);
    let mut outputs = Vec::new();
    for file in &rendered.files {
        kept.write(&file.name, file.bytes.clone(), WriteMode::Replace).await?;
        outputs.push(Output {
            name: file.name.clone(),
            media_type: file.media_type.to_owned(),
            role: file.role,
            bytes: file.bytes.len() as u64,
            sha256: sha256(&file.bytes),
            path: format!("{folder}/{}", file.name).into(),
        });
    }
    Ok(outputs)
}

/// The same files, with paths that do not depend on the store.
#[must_use]
pub fn located(store: &Store, outputs: Vec<Output>) -> Vec<Output> {
    let folder = store.folder(run_log::FOLDER);
    outputs.into_iter().map(|output| Output { path: folder.path().join(&output.path), ..output }).collect()
}

/// Removes what was rendered for instants of which no run keeps anything, and gives their number.
///
/// # Errors
/// When the disk refuses.
pub fn remove_others(store: &Store, kept: &BTreeSet<Instant>) -> Result<usize> {
    let folder = store.own_folder(run_log::FOLDER).join(FOLDER);
    let names: BTreeSet<String> = kept.iter().map(|instant| folder_name(*instant)).collect();
    let others: Vec<String> = disk::folder_names(&folder).into_iter().filter(|name| !names.contains(name)).collect();
    for name in &others {
        let path = folder.join(name);
        disk::remove_folder(&path).map_err(Error::file(&path))?;
    }
    Ok(others.len())
}

/// `20261123T070000.000Z`: a name for every file system.
fn folder_name(instant: Instant) -> String {
    instant.to_string().replace(['-', ':'], "")
}

/// A key that stands for a text: 32 hexadecimal digits.
#[must_use]
pub fn key(text: &str) -> String {
    let mut digits = sha256(text.as_bytes());
    digits.truncate(32);
    digits
}
