//! Where the table format's own files go: a local disk that writes durably.
//!
//! The library's file system makes a file visible and flushes nothing. This one delegates what reads, and puts every
//! file in place whole ([`disk::place`]): a commit, a checkpoint and the hint that points to it are on disk before anyone
//! can see them.

use std::fmt::{Display, Formatter};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::store::disk;
use crate::store::disk::Placing;

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

/// Runs what blocks beside the asynchronous rest.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::JoinError { source })?
}

fn place(path: &std::path::Path, placing: Placing, parts: &[PutPayload]) -> Result<PutResult> {
    let placed = disk::place(path, placing, |file| {
        parts.iter().flat_map(PutPayload::iter).try_for_each(|bytes| file.write_all(bytes))
    });
    match placed {
        Ok(()) => Ok(PutResult { e_tag: None, version: None }),
        Err(error) => Err(failed(path, error)),
    }
}

fn failed(path: &std::path::Path, error: std::io::Error) -> Error {
    let path = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        std::io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        // In the words of the disk, with the path: this is what reaches the user.
        _ => Error::Generic {
            store: NAME,
            source: Box::new(crate::error::Error::File { path: path.into(), source: error }),
        },
    }
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let placing = match opts.mode {
            PutMode::Create => Placing::New,
            PutMode::Overwrite => Placing::Replace,
            PutMode::Update(_) => return Err(not_done("updating a file that is there")),
        };
        let path = self.disk.path_to_filesystem(location)?;
        blocking(move || place(&path, placing, &[payload])).await
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
}

fn not_done(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

/// A file that arrives in parts. The table's library writes only checkpoints so, which are small.
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
        blocking(move || place(&path, Placing::Replace, &parts)).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
