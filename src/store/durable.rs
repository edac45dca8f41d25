//! A local disk as an object store that writes durably.
//!
//! The library's own file system shows a file to readers and flushes nothing. This one passes reading on to it, and
//! writes every file whole ([`disk::write_whole`]): a commit, a checkpoint and the hint that points to it are on the disk
//! before a reader can see them.

use std::fmt::{Display, Formatter};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::store::disk;
use crate::store::disk::WriteMode;

const NAME: &str = "local disk";

/// A local disk, from its root on.
#[derive(Clone, Debug, Default)]
pub struct DurableStore {
    disk: Arc<LocalFileSystem>,
}

impl Display for DurableStore {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(NAME)
    }
}

/// Runs work that blocks its thread beside the asynchronous work.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::JoinError { source })?
}

fn write_whole(path: &std::path::Path, mode: WriteMode, parts: &[PutPayload]) -> Result<PutResult> {
    let written = disk::write_whole(path, mode, |file| {
        parts.iter().flat_map(PutPayload::iter).try_for_each(|bytes| file.write_all(bytes))
    });
    match written {
        Ok(()) => Ok(PutResult { e_tag: None, version: None }),
        Err(error) => Err(failed(path, error)),
    }
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    let path = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        std::io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        // The disk's own error with the path: this is what the user sees.
        _ => Error::Generic {
            store: NAME,
            source: Box::new(crate::error::Error::File { path: path.into(), source: error }),
        },
    }
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mode = match opts.mode {
            PutMode::Create => WriteMode::Create,
            PutMode::Overwrite => WriteMode::Replace,
            PutMode::Update(_) => return Err(not_implemented("updating a file under a condition")),
        };
        let path = self.disk.path_to_filesystem(location)?;
        blocking(move || write_whole(&path, mode, &[payload])).await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload { path: self.disk.path_to_filesystem(location)?, parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.disk.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let disk = self.disk.clone();
        locations
            .map(move |location| {
                let location = location?;
                let path = disk.path_to_filesystem(&location)?;
                disk::remove(&path).map_err(|error| failed(&path, error))?;
                Ok(location)
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.disk.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.disk.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.disk.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Create => PutMode::Create,
            CopyMode::Overwrite => PutMode::Overwrite,
        };
        let content = self.get(from).await?.bytes().await?;
        self.put_opts(to, content.into(), mode.into()).await.map(|_| ())
    }

    /// Replaces a file that has the new name. Both names must be in one folder.
    async fn rename_opts(&self, from: &Path, to: &Path, _: RenameOptions) -> Result<()> {
        let (from, to) = (self.disk.path_to_filesystem(from)?, self.disk.path_to_filesystem(to)?);
        blocking(move || disk::rename(&from, &to).map_err(|error| failed(&from, error))).await
    }
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

/// A file that arrives in parts. The table library writes only checkpoints in parts, which are small.
#[derive(Debug)]
struct Upload {
    path: PathBuf,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.push(data);
        Box::pin(futures::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (path, parts) = (self.path.clone(), std::mem::take(&mut self.parts));
        blocking(move || write_whole(&path, WriteMode::Replace, &parts)).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
