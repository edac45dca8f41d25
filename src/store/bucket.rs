//! A store in a bucket: immutable data files are written and read as copies on the local disk, everything else goes to the
//! bucket at once.
//!
//! A writer writes data files into the folder of the copies and uploads them ([`Bucket::publish`]) before a commit names them.
//! A reader downloads the files that it is about to read ([`Bucket::fetch`]) and reads the copies. The names of data files are
//! never used twice, so a copy is right for ever. Copies that were not used for the longest time are removed when there are
//! too many ([`copies`]).
//!
//! Writers of one machine wait for each other by locks in the folder of the copies. Writers of several machines do not: a
//! commit is a request that fails where there is a commit of its number (`exact`), and the writer tries again.

pub mod copies;
mod exact;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use datafusion::object_store::path::Path as Location;
use datafusion::object_store::{
    BackoffConfig, Error as ObjectError, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::{Host, Url};

use self::exact::ExactStore;
use crate::error::{Error, Result};
use crate::store::address::{BucketAddress, Service};
use crate::store::cores::blocking;

/// Bytes that one request carries, so that each ends in a short time, and is repeated alone.
const PART_BYTES: u64 = 8 << 20;

/// Files that are downloaded or uploaded at the same time.
const FILES_AT_ONCE: usize = 4;

/// How long one request may take: on a slow link, on which all of them share it.
const REQUEST_TIMEOUT: &str = "60 seconds";

/// How long a connection may take.
const CONNECT_TIMEOUT: &str = "5 seconds";

/// Repetitions of a request that a server could not answer.
const RETRIES_MAX: usize = 4;

/// How long a request is repeated.
const RETRY_TIMEOUT: Duration = Duration::from_secs(150);

/// A place in a bucket, and the folder of its copies.
#[derive(Debug)]
pub struct Bucket {
    url: String,
    objects: Arc<dyn ObjectStore>,
    prefix: Location,
    folder: PathBuf,
    copies_bytes: u64,
    own: PathBuf,
    /// Held while files are downloaded, so that questions that need the same file download it once.
    fetching: tokio::sync::Mutex<()>,
}

impl Bucket {
    /// Prepares to use a bucket. Nothing is requested yet.
    ///
    /// # Errors
    /// When the environment states what cannot be, such as a URL of the server that is none.
    pub fn connect(address: &BucketAddress) -> Result<Bucket> {
        let objects = connect(address).map_err(|error| {
            Error::invalid(&address.url, error_text(&error)).with_hint("check the environment variables of the storage")
        })?;
        Ok(Bucket::of(objects, address))
    }

    /// The place at that address in a bucket of those objects.
    #[must_use]
    pub fn of(objects: Arc<dyn ObjectStore>, address: &BucketAddress) -> Bucket {
        let BucketAddress { url, prefix, copies, copies_bytes, own, .. } = address.clone();
        let objects = Arc::new(ExactStore::new(objects));
        Bucket { url, objects, prefix, folder: copies, copies_bytes, own, fetching: tokio::sync::Mutex::default() }
    }

    /// The objects of the bucket.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// The path of the store within the bucket.
    #[must_use]
    pub fn prefix(&self) -> &Location {
        &self.prefix
    }

    /// The folder of the copies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of what belongs to this machine alone.
    #[must_use]
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// How messages name what has that path on the local disk.
    #[must_use]
    pub fn place_of(&self, path: &Path) -> String {
        match self.location_of(path) {
            Some(_) if path == self.folder => self.url.clone(),
            Some(location) => {
                let name = location.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or(location.as_ref());
                format!("{}/{}", self.url, name.trim_start_matches('/'))
            }
            None => path.display().to_string(),
        }
    }

    /// The path within the bucket of what has that path on the local disk.
    fn location_of(&self, path: &Path) -> Option<Location> {
        let within = path.strip_prefix(&self.folder).ok()?;
        within.iter().try_fold(self.prefix.clone(), |location, part| Some(location.join(part.to_str()?)))
    }

    /// Makes sure that copies of those files are on the local disk, and notes that they are used.
    ///
    /// # Errors
    /// When a file is not in the bucket, or the bucket or the disk cannot be used.
    pub async fn fetch(&self, paths: &[PathBuf]) -> Result<()> {
        if self.missing(paths).await?.is_empty() {
            return Ok(());
        }
        let _alone = self.fetching.lock().await;
        loop {
            // Others may have removed a copy meanwhile, or its folder.
            let missing = self.missing(paths).await?;
            if missing.is_empty() {
                return Ok(());
            }
            let fetched = self.fetch_all(missing).await;
            self.keep_within().await?;
            fetched?;
        }
    }

    /// Downloads a file into a temporary one, beside any copy; nothing where it is not in the bucket.
    ///
    /// # Errors
    /// When the bucket or the disk cannot be used.
    pub async fn download(&self, path: &Path) -> Result<Option<NamedTempFile>> {
        match self.begin_copy(path).await {
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            begun => begun.map(Some),
        }
    }

    /// Removes copies where there are more than the limit allows.
    async fn keep_within(&self) -> Result<()> {
        let (folder, bytes) = (self.folder.clone(), self.copies_bytes);
        blocking(move || copies::keep_within(&folder, bytes)).await
    }

    /// Uploads those files of the folder that are not in the bucket yet. When this returns, they are durable there.
    ///
    /// # Errors
    /// When the bucket or the disk cannot be used.
    pub async fn publish(&self, paths: Vec<PathBuf>) -> Result<()> {
        let published = stream::iter(paths).map(async |path| {
            match copies::is_published(&path).map_err(Error::file(&path))? {
                Some(true) => return Ok(()),
                Some(false) => {}
                // Its copy has been removed, or the file was never uploaded.
                None => return self.is_there(&path).await,
            }
            self.upload(&path).await?;
            copies::mark_published(&path).map_err(Error::file(&path))
        });
        let published: Result<()> = published.buffer_unordered(FILES_AT_ONCE).try_collect().await;
        published?;
        self.keep_within().await
    }

    /// Fails where a file is not in the bucket.
    async fn is_there(&self, path: &Path) -> Result<()> {
        let location = self.location_of(path).ok_or_else(|| self.not_here(path))?;
        self.objects.head(&location).await.map(drop).map_err(|error| self.failed(path, error))
    }

    async fn missing(&self, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let (folder, paths) = (self.folder.clone(), paths.to_vec());
        blocking(move || copies::use_those(&folder, paths)).await
    }

    async fn fetch_all(&self, paths: Vec<PathBuf>) -> Result<()> {
        let fetched = stream::iter(paths).map(async |path| self.fetch_one(&path).await);
        fetched.buffer_unordered(FILES_AT_ONCE).try_collect().await
    }

    /// Downloads a file. Its name appears when it is whole and on the disk.
    async fn fetch_one(&self, path: &Path) -> Result<()> {
        let begun = self.begin_copy(path).await?;
        let path = path.to_owned();
        blocking(move || copies::end(begun, &path).map_err(Error::file(&path))).await
    }

    /// Downloads a file in parts into a temporary one.
    async fn begin_copy(&self, path: &Path) -> Result<NamedTempFile> {
        let failed = |error| self.failed(path, error);
        let location = self.location_of(path).ok_or_else(|| self.not_here(path))?;
        let begun = copies::begin(&self.folder).map_err(Error::file(&self.folder))?;
        let mut file = tokio::fs::File::from_std(begun.reopen().map_err(Error::file(path))?);
        let (mut from, mut end) = (0, PART_BYTES);
        while from < end {
            let range = GetRange::Bounded(from..from + PART_BYTES);
            let options = GetOptions { range: Some(range), ..GetOptions::default() };
            let part = self.objects.get_opts(&location, options).await.map_err(failed)?;
            end = part.meta.size;
            let bytes = part.bytes().await.map_err(failed)?;
            if bytes.is_empty() {
                let cut = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the download ended early");
                return Err(Error::file(Path::new(&self.place_of(path)))(cut));
            }
            from += bytes.len() as u64;
            file.write_all(&bytes).await.map_err(Error::file(path))?;
        }
        file.flush().await.map_err(Error::file(path))?;
        Ok(begun)
    }

    async fn upload(&self, path: &Path) -> Result<()> {
        let location = self.location_of(path).ok_or_else(|| self.not_here(path))?;
        let (of_bucket, of_disk) = (|error| self.failed(path, error), |error| Error::file(path)(error));
        let mut file = tokio::fs::File::open(path).await.map_err(of_disk)?;
        let bytes = file.metadata().await.map_err(of_disk)?.len();
        if bytes <= PART_BYTES {
            let mut content = Vec::new();
            file.read_to_end(&mut content).await.map_err(of_disk)?;
            return self.objects.put(&location, content.into()).await.map(drop).map_err(of_bucket);
        }
        let part_bytes = usize::try_from(PART_BYTES).unwrap_or(usize::MAX);
        let begun = self.objects.put_multipart(&location).await.map_err(of_bucket)?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, part_bytes);
        let mut part = vec![0; 1 << 20];
        let written = loop {
            let read = match file.read(&mut part).await {
                Ok(0) => break Ok(()),
                Ok(read) => read,
                Err(error) => break Err(of_disk(error)),
            };
            if let Err(error) = upload.wait_for_capacity(2).await {
                break Err(of_bucket(error));
            }
            upload.write(part.get(..read).unwrap_or_default());
        };
        match written {
            Ok(()) => upload.finish().await.map(drop).map_err(of_bucket),
            Err(error) => {
                // What is not ended costs space until the bucket removes it.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    fn not_here(&self, path: &Path) -> Error {
        Error::Worker(format!("{} is not in the folder of the copies of {}", path.display(), self.url))
    }

    /// The error of a request about a file.
    fn failed(&self, path: &Path, error: ObjectError) -> Error {
        file_error(PathBuf::from(self.place_of(path)), &error)
    }
}

/// The error of a request, as one about a file.
#[must_use]
pub fn file_error(path: PathBuf, error: &ObjectError) -> Error {
    use std::io::ErrorKind;
    let kind = match error {
        ObjectError::NotFound { .. } => ErrorKind::NotFound,
        ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. } => ErrorKind::AlreadyExists,
        ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. } => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    let source = match kind {
        ErrorKind::NotFound | ErrorKind::AlreadyExists => kind.into(),
        kind => std::io::Error::new(kind, error_text(error)),
    };
    Error::File { path, source }
}

/// What caused an error of a request; of an answer in XML only its code.
fn error_text(error: &ObjectError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    with_code_only(&causes.last().map(ToString::to_string).unwrap_or_default())
}

/// A message of a storage; of an answer in XML only its code.
#[must_use]
pub fn with_code_only(text: &str) -> String {
    let (before, xml) = text.split_once('<').unwrap_or((text, ""));
    let before = before.trim_end_matches([' ', ':']);
    match xml.split_once("<Code>").and_then(|(_, from)| from.split_once("</Code>")) {
        Some((code, _)) => format!("{before} ({code})"),
        None => before.to_owned(),
    }
}

/// The client of a bucket, with what the environment states about it.
fn connect(address: &BucketAddress) -> std::result::Result<Arc<dyn ObjectStore>, ObjectError> {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT };
    macro_rules! build {
        ($builder:ty) => {{
            let mut builder = <$builder>::from_env().with_url(&address.url).with_retry(retry);
            for (name, value) in [("timeout", REQUEST_TIMEOUT), ("connect_timeout", CONNECT_TIMEOUT)] {
                let key = name.parse()?;
                if builder.get_config_value(&key).is_none() {
                    builder = builder.with_config(key, value);
                }
            }
            let key = "endpoint".parse();
            if key.is_ok_and(|key| builder.get_config_value(&key).is_some_and(|server| is_local_http(&server))) {
                builder = builder.with_config("allow_http".parse()?, "true");
            }
            Ok(Arc::new(builder.build()?))
        }};
    }
    match address.service {
        Service::S3 => build!(AmazonS3Builder),
        Service::GoogleCloudStorage => build!(GoogleCloudStorageBuilder),
        Service::AzureBlobStorage => build!(MicrosoftAzureBuilder),
    }
}

/// Whether a server is on this machine, so that requests to it need no encryption.
#[must_use]
pub fn is_local_http(server: &str) -> bool {
    let Ok(server) = Url::parse(server) else { return false };
    let is_local = match server.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_local && server.scheme() == "http"
}
