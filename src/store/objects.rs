//! Folders of the store: small files listed, read, written whole and removed, through `object_store`; and data files, which
//! are local files, or copies of what is in a bucket.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use datafusion::object_store::path::Path as Location;
use datafusion::object_store::{Error as ObjectError, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use futures::TryStreamExt;
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::store::address::StoreAddress;
use crate::store::bucket::{self, Bucket, copies};
use crate::store::cores::blocking;
use crate::store::disk;
use crate::store::disk::WriteMode;
use crate::store::durable::DurableStore;

/// A folder whose files survive a power cut. A store is such a folder, and so is each folder in it.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// The path of the folder in `objects`.
    location: Location,
    /// The path of the folder on the local disk; of a folder in a bucket, that of its copies.
    folder: PathBuf,
    /// Where the store is in a bucket.
    bucket: Option<Arc<Bucket>>,
}

/// A version of a file that was seen; nothing where there was no file, and on a local disk, whose writers have locks.
#[derive(Clone, Debug, Default)]
pub struct Seen(Option<SeenVersion>);

#[derive(Clone, Debug)]
enum SeenVersion {
    NoFile,
    Version(UpdateVersion),
}

/// A file, as a listing describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Relative to the folder that was listed.
    pub name: String,
    pub bytes: u64,
    pub written_at: Instant,
}

impl StoredFile {
    /// The same file, named relative to the folder that holds the folder of that name.
    #[must_use]
    pub fn below(self, folder: &str) -> StoredFile {
        StoredFile { name: format!("{folder}/{}", self.name), ..self }
    }
}

/// What a folder holds, without what its folders hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// By name.
    pub files: Vec<StoredFile>,
    /// The names of the folders, sorted.
    pub folders: Vec<String>,
}

impl Store {
    /// The store in that folder, which need not exist yet.
    ///
    /// # Errors
    /// When the path cannot be the path of a store.
    pub fn open(folder: &Path) -> Result<Store> {
        let folder = without_parents(&std::path::absolute(folder).map_err(Error::file(folder))?);
        let invalid = |error: datafusion::object_store::path::Error| {
            Error::invalid(folder.display().to_string(), error.to_string())
        };
        let location = Location::from_absolute_path(&folder).map_err(invalid)?;
        // The table library would read `%20` as a space.
        let is_code = |three: &[u8]| matches!(three, [b'%', high, low] if [high, low].iter().all(|digit| digit.is_ascii_hexdigit()));
        if folder.as_os_str().as_encoded_bytes().windows(3).any(is_code) {
            let message = "the path of a store must not contain `%` before two hexadecimal digits";
            return Err(Error::invalid(folder.display().to_string(), message).with_hint("use another folder"));
        }
        Ok(Store { objects: Arc::new(DurableStore::default()), location, folder, bucket: None })
    }

    /// The store at that address, which need not exist yet. Nothing is requested from a bucket.
    ///
    /// # Errors
    /// When there cannot be a store at the address.
    pub fn at(address: &StoreAddress) -> Result<Store> {
        let address = match address {
            StoreAddress::Folder(folder) => return Store::open(folder),
            StoreAddress::Bucket(address) => address,
        };
        Bucket::connect(address).map(Store::in_bucket)
    }

    /// The store in a bucket.
    #[must_use]
    pub fn in_bucket(bucket: Bucket) -> Store {
        let (objects, location, folder) = (bucket.objects(), bucket.prefix().clone(), bucket.folder().to_owned());
        Store { objects, location, folder, bucket: Some(Arc::new(bucket)) }
    }

    /// Whether the store is in a bucket, which other machines may write to.
    #[must_use]
    pub fn is_in_bucket(&self) -> bool {
        self.bucket.is_some()
    }

    /// How messages name the folder.
    #[must_use]
    pub fn place(&self) -> String {
        self.place_of(&self.folder)
    }

    /// How messages name a file of the store by its path on the local disk.
    #[must_use]
    pub fn place_of(&self, path: &Path) -> String {
        self.bucket.as_ref().map_or_else(|| path.display().to_string(), |bucket| bucket.place_of(path))
    }

    /// A folder in this one, or in a folder of it.
    #[must_use]
    pub fn folder(&self, name: &str) -> Store {
        let (location, folder) = (self.location_of(name), self.folder.join(name));
        Store { objects: Arc::clone(&self.objects), location, folder, bucket: self.bucket.clone() }
    }

    /// The path of this folder on the local disk; of a folder in a bucket, that of its copies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The path of a folder of what belongs to this machine alone and cannot be made again. On a local disk it is in the store.
    #[must_use]
    pub fn own_folder(&self, name: &str) -> PathBuf {
        self.bucket.as_ref().map_or(self.folder.as_path(), |bucket| bucket.own()).join(name)
    }

    /// The path of this folder in [`Store::objects`].
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The path of a file of this folder on the local disk. Data files are written and read there directly, by many
    /// threads at once. Of a store in a bucket, [`Store::fetch`] makes sure that they are there.
    #[must_use]
    pub fn local_path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The objects that this folder is a part of.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.objects)
    }

    /// Creates the folder and the folders above it that are missing.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create_folder(&self) -> Result<()> {
        disk::create_folders(&self.folder).map_err(Error::file(&self.folder))
    }

    /// Makes durable which files the folder has: those created, renamed and removed until now. In a bucket they are already.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&self) -> Result<()> {
        if self.bucket.is_some() {
            return Ok(());
        }
        disk::flush_folder(&self.folder).map_err(Error::file(&self.folder))
    }

    /// Makes sure that data files are on the local disk, which are copies where the store is in a bucket. Copies that a
    /// question uses stay for an hour from then on, whatever the limit of copies is.
    ///
    /// # Errors
    /// When a file is not there, or the bucket or the disk cannot be used.
    pub async fn fetch(&self, paths: &[PathBuf]) -> Result<()> {
        match &self.bucket {
            Some(bucket) => {
                // A question that ends early does not end the download that others wait for.
                let (bucket, paths) = (Arc::clone(bucket), paths.to_vec());
                tokio::spawn(async move { bucket.fetch(&paths).await }).await?
            }
            None => Ok(()),
        }
    }

    /// Downloads a data file from the bucket into a temporary file, whether there is a copy or not; nothing where it is not in
    /// the bucket, or the store is on a local disk.
    ///
    /// # Errors
    /// When the bucket or the disk cannot be used.
    pub async fn download(&self, path: &Path) -> Result<Option<NamedTempFile>> {
        match &self.bucket {
            Some(bucket) => bucket.download(path).await,
            None => Ok(None),
        }
    }

    /// Replaces a copy, where there is one, by a download of the same file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn renew_copy(&self, download: NamedTempFile, path: &Path) -> Result<()> {
        let path = path.to_owned();
        blocking(move || copies::renew(download, &path).map_err(Error::file(&path))).await
    }

    /// Makes sure that data files of this folder, which are finished, are durable where other machines find them, too.
    ///
    /// # Errors
    /// When the bucket or the disk cannot be used.
    pub async fn publish(&self, names: impl IntoIterator<Item = &str>) -> Result<()> {
        match &self.bucket {
            Some(bucket) => bucket.publish(names.into_iter().map(|name| self.local_path(name)).collect()).await,
            None => Ok(()),
        }
    }

    /// The names of the data files of this folder that writers of this machine have written and no commit may name yet: in
    /// a bucket those that were not uploaded, else all of them.
    #[must_use]
    pub fn written_files(&self) -> Vec<String> {
        if self.bucket.is_some() { copies::unpublished(&self.folder) } else { disk::file_names(&self.folder) }
    }

    /// Removes a data file that no commit names, on the local disk only.
    pub fn discard(&self, name: &str) {
        // What cannot be removed now, `vacuum` removes later.
        let _ = disk::remove(&self.local_path(name));
    }

    /// Whether there is a file of that name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has(&self, name: &str) -> Result<bool> {
        match self.objects.head(&self.location_of(name)).await {
            Ok(_) => Ok(true),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// The content of a file; nothing where there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let content = match self.objects.get(&self.location_of(name)).await {
            Ok(file) => file.bytes().await,
            Err(error) => Err(error),
        };
        match content {
            Ok(content) => Ok(Some(content.into())),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Writes a file. Readers see it whole or not at all, and when this returns, it is durable.
    ///
    /// # Errors
    /// When there is such a file and the mode is [`WriteMode::Create`], or when the disk refuses.
    pub async fn write(&self, name: &str, content: Vec<u8>, mode: WriteMode) -> Result<()> {
        let mode = match mode {
            WriteMode::Create => PutMode::Create,
            WriteMode::Replace => PutMode::Overwrite,
        };
        let written = self.objects.put_opts(&self.location_of(name), content.into(), mode.into()).await;
        written.map(|_| ()).map_err(|error| self.failed(name, error))
    }

    /// The present version of a file, for [`Store::replace`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn see(&self, name: &str) -> Result<Seen> {
        if self.bucket.is_none() {
            return Ok(Seen::default());
        }
        match self.objects.head(&self.location_of(name)).await {
            Ok(ObjectMeta { e_tag, version, .. }) => {
                Ok(Seen(Some(SeenVersion::Version(UpdateVersion { e_tag, version }))))
            }
            Err(ObjectError::NotFound { .. }) => Ok(Seen(Some(SeenVersion::NoFile))),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Replaces a file, unless another machine has replaced it since that version was seen.
    ///
    /// # Errors
    /// [`Error::Overtaken`] when another machine has; or when the disk refuses.
    pub async fn replace(&self, name: &str, content: Vec<u8>, seen: &Seen) -> Result<()> {
        let mode = match &seen.0 {
            None => PutMode::Overwrite,
            Some(SeenVersion::NoFile) => PutMode::Create,
            Some(SeenVersion::Version(version)) => PutMode::Update(version.clone()),
        };
        match self.objects.put_opts(&self.location_of(name), content.into(), mode.into()).await {
            Ok(_) => Ok(()),
            Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => {
                Err(Error::Overtaken { place: self.place_of(&self.local_path(name)) })
            }
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    pub async fn rename(&self, from: &str, to: &str) -> Result<()> {
        let renamed = self.objects.rename(&self.location_of(from), &self.location_of(to)).await;
        renamed.map_err(|error| self.failed(from, error))
    }

    /// Removes a file. The removal is durable after [`Store::flush`].
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    pub async fn remove(&self, name: &str) -> Result<()> {
        if self.bucket.is_some() {
            copies::forget(&self.local_path(name))?;
        }
        match self.objects.delete(&self.location_of(name)).await {
            // Another machine may have removed it.
            Err(ObjectError::NotFound { .. }) if self.bucket.is_some() => Ok(()),
            removed => removed.map_err(|error| self.failed(name, error)),
        }
    }

    /// The files and folders in this folder; none where it does not exist. Files that are still being written are left
    /// out.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list(&self) -> Result<Listing> {
        let listed = self.objects.list_with_delimiter(Some(&self.location)).await;
        let listed = listed.map_err(|error| self.failed("", error))?;
        let mut files: Vec<StoredFile> = listed.objects.iter().filter_map(|file| self.stored(file)).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut folders: Vec<String> =
            listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned)).collect();
        folders.sort();
        Ok(Listing { files, folders })
    }

    /// The files in this folder, and in the folders in it, whose names are greater than that name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list_after(&self, name: &str) -> Result<Vec<StoredFile>> {
        let listed = self.objects.list_with_offset(Some(&self.location), &self.location_of(name));
        let listed: Vec<ObjectMeta> = listed.try_collect().await.map_err(|error| self.failed("", error))?;
        let mut files: Vec<StoredFile> = listed.iter().filter_map(|file| self.stored(file)).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn stored(&self, file: &ObjectMeta) -> Option<StoredFile> {
        let parts: Vec<String> =
            file.location.prefix_match(&self.location)?.map(|part| part.as_ref().to_owned()).collect();
        let written_at = Instant(file.last_modified.timestamp_millis());
        Some(StoredFile { name: parts.join("/"), bytes: file.size, written_at })
    }

    fn location_of(&self, name: &str) -> Location {
        let parts = name.split('/').filter(|part| !part.is_empty());
        parts.fold(self.location.clone(), |location, part| location.join(part))
    }

    /// The error of the disk behind an error of the library.
    fn failed(&self, name: &str, error: ObjectError) -> Error {
        if self.bucket.is_some() {
            return bucket::file_error(self.place_of(&self.local_path(name)).into(), &error);
        }
        let path = if name.is_empty() { self.folder.clone() } else { self.local_path(name) };
        let causes = std::iter::successors(Some(&error as &(dyn std::error::Error + 'static)), |error| error.source());
        let of_disk = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).last();
        let source = match of_disk {
            Some(source) => {
                source.raw_os_error().map_or_else(|| source.kind().into(), std::io::Error::from_raw_os_error)
            }
            None => std::io::Error::other(error),
        };
        Error::File { path, source }
    }
}

/// The path without `..`, which object stores do not know. Symbolic links before a `..` are followed, as the system does.
fn without_parents(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            resolved = std::fs::canonicalize(&resolved).unwrap_or(resolved);
            resolved.pop();
        } else {
            resolved.push(component);
        }
    }
    resolved
}
