//! Delivery to a folder: each file whole or not at all, and left where it is there already.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::contents::{self, Content};
use super::receipt::{Failure, Receipt};
use crate::schedule::parcel::Parcel;
use crate::schedule::target::folder::FolderTarget;
use crate::schedule::template::Values;
use crate::store::disk::{bytes_of, write_whole_once};
use crate::store::hash::sha256;
use crate::store::project;

/// How long one file may take: a disk of another machine may not answer.
const FILE_TIMEOUT: Duration = Duration::from_secs(120);

/// Writes the files of a parcel.
///
/// # Errors
/// When a path cannot be made, or the disk refuses.
pub async fn deliver(target: &FolderTarget, parcel: &Parcel, project: &Path) -> Result<Receipt, Failure> {
    let values = Values::of(parcel);
    let (mut written, mut folder) = (Vec::new(), None);
    let mut count = 0;
    for output in contents::files(parcel) {
        let path = target.path.fill_path(&values.with_file(&output.name), str::to_owned).map_err(Failure::for_good)?;
        let path = project.join(path);
        let content = contents::read(output).await?;
        folder = path.parent().map(Path::to_owned);
        let name = path.display().to_string();
        let key = parcel.key.clone();
        let file = timeout(FILE_TIMEOUT, spawn_blocking(move || write(&path, &key, &content)));
        let file = file.await.map_err(|_| {
            // The thread may still write it; it is whole then, and the next attempt finds it.
            let reason = format!("writing `{name}` took more than {} s; check the disk", FILE_TIMEOUT.as_secs());
            Failure::unknown(reason)
        })?;
        let is_new =
            file.unwrap_or_else(|error| Err(Failure::for_now(format!("writing `{name}` stopped: {error}"))))?;
        count += 1;
        written.extend(is_new.then_some(name));
    }
    Ok(receipt(count, &written, folder))
}

/// Writes a file unless it is there; whether it did.
fn write(path: &Path, key: &str, content: &Content) -> Result<bool, Failure> {
    if bytes_of(path) == content.output.bytes
        && project::read_bytes(path).is_ok_and(|found| sha256(&found) == content.output.sha256)
    {
        return Ok(false);
    }
    write_whole_once(path, key, |file| file.write_all(&content.bytes)).map(|()| true).map_err(|error| {
        let cause = super::receipt::root_cause(&error);
        Failure::for_now(format!("`{}` cannot be written: {cause}; {}", path.display(), advice(error.kind())))
    })
}

fn advice(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match kind {
        StorageFull | QuotaExceeded | FileTooLarge => "free some space",
        PermissionDenied | ReadOnlyFilesystem => "let the user of this process write there",
        _ => "check `path`",
    }
}

fn receipt(count: usize, written: &[String], folder: Option<PathBuf>) -> Receipt {
    let folder = folder.map_or_else(String::new, |folder| format!(" in `{}`", folder.display()));
    let text = match (count, written.len()) {
        (0, _) => "there were no files".to_owned(),
        (_, 0) => format!("all {count} files were there{folder}"),
        (_, new) if new < count => format!("wrote {new} of {count} files{folder}; the others were there"),
        (_, 1) => format!("wrote `{}`", written.concat()),
        (_, new) => format!("wrote {new} files{folder}"),
    };
    Receipt { text, was_there: count > 0 && written.is_empty() }
}
