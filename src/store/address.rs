//! Where a store is: in a folder of the local disk, or in a bucket of an object storage.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

use datafusion::object_store::path::Path as Location;
use object_store::ObjectStoreScheme;
use url::Url;

use crate::error::{Error, Result};
use crate::store::hash::sha256;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// A folder of the local disk.
    Folder(PathBuf),
    Bucket(BucketAddress),
}

/// A place in a bucket, and where this machine keeps copies of what it reads from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAddress {
    /// Such as `s3://bucket/prefix`, without `/` at its end.
    pub url: String,
    pub service: Service,
    /// The path within the bucket.
    pub prefix: Location,
    /// The folder of the copies of this store.
    pub copies: PathBuf,
    /// How many bytes of copies may stay.
    pub copies_bytes: u64,
    /// The folder of what belongs to this machine alone and cannot be made again: the run log of its schedules.
    pub own: PathBuf,
}

/// The kinds of object storage in which a store can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3, and servers that speak its protocol.
    S3,
    GoogleCloudStorage,
    AzureBlobStorage,
}

impl BucketAddress {
    /// Reads the URL of a store. `copies` is the folder of the copies of all stores.
    ///
    /// # Errors
    /// When it is not the URL of a place in a bucket, or has a name or a password.
    pub fn parse(url: &str, copies: &Path, copies_bytes: u64, own: PathBuf) -> Result<BucketAddress> {
        let refused = |message: String| {
            Error::refused(message).with_hint("write a folder, or a place in a bucket such as `s3://bucket/prefix`")
        };
        let not_a_place = |cause: &dyn Display| refused(format!("`{url}` is not a place for a store: {cause}"));
        let parsed = Url::parse(url).map_err(|error| not_a_place(&error))?;
        // The container of Azure's own form of a URL.
        let is_container = parsed.scheme().starts_with("abfs") && parsed.password().is_none();
        if (!parsed.username().is_empty() && !is_container) || parsed.password().is_some() {
            let message = "the URL of a store must not hold a name or a password";
            return Err(Error::refused(message).with_hint("credentials come from the environment"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(not_a_place(&"a path in a bucket has no `?` and no `#`"));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed).map_err(|error| not_a_place(&error))?;
        let service = match scheme {
            ObjectStoreScheme::AmazonS3 => Service::S3,
            ObjectStoreScheme::GoogleCloudStorage => Service::GoogleCloudStorage,
            ObjectStoreScheme::MicrosoftAzure => Service::AzureBlobStorage,
            _ => return Err(not_a_place(&format!("`{}` is no kind of bucket", parsed.scheme()))),
        };
        let url = url.trim_end_matches('/').to_owned();
        let name = parsed.host_str().unwrap_or_default();
        let hash = sha256(url.as_bytes());
        let copies = copies.join(format!("{name}-{}", hash.get(..16).unwrap_or(&hash)));
        Ok(BucketAddress { url, service, prefix, copies, copies_bytes, own })
    }
}

impl Display for StoreAddress {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            StoreAddress::Folder(folder) => Display::fmt(&folder.display(), out),
            StoreAddress::Bucket(bucket) => out.write_str(&bucket.url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<BucketAddress> {
        BucketAddress::parse(url, Path::new("/copies"), 1, PathBuf::from("/own"))
    }

    #[test]
    fn a_url_names_a_bucket_and_a_place_in_it() {
        let address = parse("s3://desk/care/store/").unwrap();
        assert_eq!((address.url.as_str(), address.prefix.as_ref()), ("s3://desk/care/store", "care/store"));
        assert!(address.copies.starts_with("/copies"));
        assert_ne!(address.copies, parse("s3://desk/care/other").unwrap().copies);
        assert_eq!(parse("gs://desk").unwrap().service, Service::GoogleCloudStorage);
        assert_eq!(parse("az://container/a").unwrap().service, Service::AzureBlobStorage);
    }

    #[test]
    fn what_is_no_place_in_a_bucket_is_refused() {
        for url in [
            "file:///tmp/store",
            "memory:///",
            "http://example.com/store",
            "s3:/x",
            "ftp://host/x",
            "s3://b/p#1",
            "s3://b/p?x",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.contains("is not a place for a store"), "{url}: {error}");
        }
        let error = parse("s3://key:word@bucket/x").unwrap_err().to_string();
        assert_eq!(error, "the URL of a store must not hold a name or a password");
    }
}
