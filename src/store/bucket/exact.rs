//! Conditional writes whose outcome is known.
//!
//! A request that writes under a condition may be applied though its answer is an error, is lost, or is that of a repetition,
//! which finds the object there. So after every failure the object itself is read: the writer whose content it has, has won. The content
//! of a commit is never that of another writer's, because it names files of its own.

use std::fmt::{Display, Formatter};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use futures::stream::BoxStream;

/// How often a write is tried that is known not to have been applied.
const ATTEMPTS: usize = 3;

/// A bucket in which a conditional write succeeds if and only if it was applied, unless the bucket cannot be reached.
#[derive(Debug)]
pub struct ExactStore {
    objects: Arc<dyn ObjectStore>,
}

impl ExactStore {
    /// Writes to those objects.
    #[must_use]
    pub fn new(objects: Arc<dyn ObjectStore>) -> ExactStore {
        ExactStore { objects }
    }

    /// What became of a write that has failed with that error.
    async fn outcome(&self, location: &Path, content: &PutPayload, mode: &PutMode, error: Error) -> Answer {
        let found = match self.objects.get(location).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) if *mode == PutMode::Create => return Answer::NotApplied(error),
            Err(_) => return Answer::Ended(Err(not_known(error))),
        };
        let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
        let Ok(present) = found.bytes().await else {
            return Answer::Ended(Err(not_known(error)));
        };
        if present.as_ref() == content_of(content) {
            return Answer::Ended(Ok(PutResult { e_tag, version }));
        }
        match mode {
            PutMode::Update(expected) if expected.e_tag == e_tag && expected.version == version => {
                Answer::NotApplied(error)
            }
            PutMode::Update(_) => Answer::Ended(Err(lost(location, error, true))),
            _ => Answer::Ended(Err(lost(location, error, false))),
        }
    }
}

/// What became of a write that has failed.
enum Answer {
    /// It was applied after all, it has lost, or it cannot be found out.
    Ended(Result<PutResult>),
    /// It was not applied, but may still be.
    NotApplied(Error),
}

fn content_of(payload: &PutPayload) -> Vec<u8> {
    payload.iter().flat_map(|part| part.iter().copied()).collect()
}

/// The error of a write of which it cannot be found out whether it was applied: one that states that it has lost, it may have
/// lost to itself.
fn not_known(error: Error) -> Error {
    match error {
        Error::AlreadyExists { .. } | Error::Precondition { .. } => {
            Error::Generic { store: "bucket", source: "it is not known whether the write was applied".into() }
        }
        error => error,
    }
}

/// The error of a write that lost to another one.
fn lost(location: &Path, error: Error, is_update: bool) -> Error {
    let (path, source) = (location.to_string(), Box::new(error));
    if is_update { Error::Precondition { path, source } } else { Error::AlreadyExists { path, source } }
}

impl Display for ExactStore {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(&self.objects, out)
    }
}

#[async_trait]
impl ObjectStore for ExactStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mut attempt = 1;
        loop {
            let error = match self.objects.put_opts(location, payload.clone(), options.clone()).await {
                Err(error) if options.mode != PutMode::Overwrite => error,
                written => return written,
            };
            match self.outcome(location, &payload, &options.mode, error).await {
                Answer::Ended(result) => return result,
                Answer::NotApplied(error) if attempt == ATTEMPTS => return Err(error),
                Answer::NotApplied(_) => attempt += 1,
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.objects.rename_opts(from, to, options).await
    }
}
