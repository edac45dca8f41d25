//! The bytes of what a run has rendered, read from where they are kept.

use tokio::task::spawn_blocking;

use super::receipt::Failure;
use crate::schedule::parcel::{Output, Parcel, Role};
use crate::store::hash::sha256;
use crate::store::project;

/// A rendered file with its bytes.
#[derive(Debug)]
pub struct Content {
    pub output: Output,
    pub bytes: Vec<u8>,
}

/// The files of a parcel that are for the recipient.
pub fn files(parcel: &Parcel) -> Vec<&Output> {
    parcel.outputs.iter().filter(|output| output.role == Role::File).collect()
}

/// What a mail shows of a parcel: its texts and pictures.
pub fn shown(parcel: &Parcel) -> Vec<&Output> {
    parcel.outputs.iter().filter(|output| output.role != Role::File).collect()
}

/// Reads one file.
///
/// # Errors
/// When it cannot be read, or is not as it was rendered.
pub async fn read(output: &Output) -> Result<Content, Failure> {
    let output = output.clone();
    let read = spawn_blocking(move || {
        let kept = format!("the kept file `{}`", output.path.display());
        let bytes = project::read_bytes(&output.path)
            .map_err(|error| Failure::for_now(format!("{kept} cannot be read: {error}; render the run again")))?;
        match sha256(&bytes) == output.sha256 {
            true => Ok(Content { output, bytes }),
            false => Err(Failure::for_good(format!("{kept} is not as it was rendered; render the run again"))),
        }
    });
    read.await.unwrap_or_else(|error| Err(Failure::for_now(format!("reading a kept file stopped: {error}"))))
}

/// Reads several files.
///
/// # Errors
/// As for one.
pub async fn read_all(outputs: Vec<&Output>) -> Result<Vec<Content>, Failure> {
    let mut contents = Vec::new();
    for output in outputs {
        contents.push(read(output).await?);
    }
    Ok(contents)
}
