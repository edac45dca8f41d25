//! Delivery to object storage: each file is an object with its hash, and left where it is there already.

use std::time::Duration;

use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, Error as StoreError, GetOptions, ObjectStore, ObjectStoreExt,
    ObjectStoreScheme, PutOptions, RetryConfig,
};
use tokio::time::timeout;
use url::Url;

use super::contents::{self, Content};
use super::receipt::{Failure, Receipt, root_cause};
use crate::schedule::encoding::in_url;
use crate::schedule::parcel::Parcel;
use crate::schedule::secret::{Environment, Secret, without_secrets};
use crate::schedule::target::object::ObjectTarget;
use crate::schedule::template::Values;
use crate::store::bucket::{is_local_http, with_code_only};
use crate::store::hash::sha256;

/// Repetitions within an attempt, for what servers ask to repeat at once. Longer waits are between attempts.
const RETRIES_MAX: usize = 2;

/// How long an attempt repeats a request.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// A place for objects.
struct Bucket {
    store: Box<dyn ObjectStore>,
    /// The name of the metadata that holds a hash.
    hash_name: &'static str,
    has_metadata: bool,
    /// How messages name it.
    place: String,
}

/// Puts the files of a parcel.
///
/// # Errors
/// When a name cannot be made, or the storage refuses.
pub async fn deliver(target: &ObjectTarget, parcel: &Parcel, environment: &Environment) -> Result<Receipt, Failure> {
    let secrets = secrets(target, environment)?;
    let put = timeout(target.timeout, put_all(target, parcel, &secrets));
    let put = put.await.unwrap_or_else(|_| {
        let reason =
            format!("`{}` took more than {} s; check the storage", place(target, parcel), target.timeout.as_secs());
        Err(Failure::unknown(reason))
    });
    put.map_err(|failure| Failure { reason: hidden(&failure.reason, &secrets), ..failure })
}

fn secrets(target: &ObjectTarget, environment: &Environment) -> Result<Vec<(String, Secret)>, Failure> {
    let read = |(name, source): (&String, &crate::schedule::secret::SecretSource)| {
        source.read(environment).map(|secret| (name.clone(), secret)).map_err(|error| Failure::of(&error))
    };
    target.secrets.iter().map(read).collect()
}

fn hidden(text: &str, secrets: &[(String, Secret)]) -> String {
    without_secrets(text, secrets.iter().map(|(_, secret)| secret))
}

/// Where the files of a run are put, without the part that differs from file to file.
fn place(target: &ObjectTarget, parcel: &Parcel) -> String {
    let url = target.url.fill(&Values::of(parcel), in_url);
    url.rsplit_once('/').map_or(url.clone(), |(folder, _)| folder.to_owned())
}

async fn put_all(target: &ObjectTarget, parcel: &Parcel, secrets: &[(String, Secret)]) -> Result<Receipt, Failure> {
    let values = Values::of(parcel);
    let (mut bucket, mut count, mut new) = (None, 0, 0);
    for output in contents::files(parcel) {
        let url = target.url.fill_path(&values.with_file(&output.name), in_url).map_err(Failure::for_good)?;
        let (url, scheme, path) = parse(&url).map_err(Failure::for_good)?;
        let bucket = match &mut bucket {
            Some(bucket) => bucket,
            none => none.insert(open(target, secrets, &url, &scheme, place(target, parcel))?),
        };
        count += 1;
        if !bucket.has(&path, output.bytes, &output.sha256).await? {
            bucket.put(&path, contents::read(output).await?).await?;
            new += 1;
        }
    }
    let place = place(target, parcel);
    let text = match (count, new) {
        (0, _) => "there were no files".to_owned(),
        (_, 0) => format!("all {count} objects were at `{place}`"),
        (_, new) if new < count => format!("put {new} of {count} objects at `{place}`; the others were there"),
        _ => format!("put {count} objects at `{place}`"),
    };
    Ok(Receipt { text, was_there: count > 0 && new == 0 })
}

/// The parts of a URL of an object.
fn parse(url: &str) -> Result<(Url, ObjectStoreScheme, Path), String> {
    let wrong =
        |cause: String| format!("`{url}` is not the URL of an object: {cause}; write such as `s3://bucket/{{file}}`");
    let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if parsed.password().is_some() {
        return Err("the URL of an object holds a password; write it into `secrets`".to_owned());
    }
    let (scheme, path) = ObjectStoreScheme::parse(&parsed).map_err(|error| wrong(root_cause(&error)))?;
    match scheme {
        ObjectStoreScheme::AmazonS3 | ObjectStoreScheme::GoogleCloudStorage | ObjectStoreScheme::MicrosoftAzure => {}
        ObjectStoreScheme::Local => {}
        _ => return Err(wrong(format!("`{}` is not supported", parsed.scheme()))),
    }
    Ok((parsed, scheme, path))
}

fn open(
    target: &ObjectTarget,
    secrets: &[(String, Secret)],
    url: &Url,
    scheme: &ObjectStoreScheme,
    place: String,
) -> Result<Bucket, Failure> {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    let retry = RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT };
    let plain = target.options.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    let secret = secrets.iter().map(|(name, secret)| (name.to_lowercase(), secret.reveal().to_owned()));
    let options: Vec<(String, String)> = local_http(target).into_iter().chain(plain).chain(secret).collect();
    let unknown =
        |name: &str| Failure::for_good(format!("`{place}` has no option `{name}`; see the options of object_store"));
    macro_rules! build {
        ($builder:ty) => {{
            let mut builder = <$builder>::new().with_url(url.as_str()).with_retry(retry);
            for (name, value) in options {
                builder = builder.with_config(name.parse().map_err(|_| unknown(&name))?, value);
            }
            builder.build().map(|store| Box::new(store) as Box<dyn ObjectStore>)
        }};
    }
    let store = match scheme {
        ObjectStoreScheme::AmazonS3 => build!(AmazonS3Builder),
        ObjectStoreScheme::GoogleCloudStorage => build!(GoogleCloudStorageBuilder),
        ObjectStoreScheme::MicrosoftAzure => build!(MicrosoftAzureBuilder),
        _ => Ok(Box::new(LocalFileSystem::new()) as Box<dyn ObjectStore>),
    };
    let store = store.map_err(|error| {
        Failure::for_good(format!("`{place}` cannot be opened: {}; check `options` and `secrets`", root_cause(&error)))
    })?;
    let is_azure = *scheme == ObjectStoreScheme::MicrosoftAzure;
    // Azure allows no `-` in these names.
    let hash_name = if is_azure { "casebook_sha256" } else { "casebook-sha256" };
    Ok(Bucket { store, hash_name, has_metadata: *scheme != ObjectStoreScheme::Local, place })
}

/// Allows requests without encryption to a server on this machine, whose URL is written so.
fn local_http(target: &ObjectTarget) -> Option<(String, String)> {
    let endpoint = ["endpoint", "endpoint_url", "aws_endpoint", "aws_endpoint_url"];
    let mut written = endpoint.iter().filter_map(|name| target.options.get(*name));
    let endpoint = written.find(|endpoint| Url::parse(endpoint).is_ok())?;
    is_local_http(endpoint).then(|| ("allow_http".to_owned(), "true".to_owned()))
}

impl Bucket {
    /// Whether an object is there with that content.
    async fn has(&self, path: &Path, bytes: u64, hash: &str) -> Result<bool, Failure> {
        let head = GetOptions { head: true, ..GetOptions::default() };
        let found = match self.store.get_opts(path, head).await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(self.failure("asked for", path, &error, Failure::for_now)),
        };
        if found.meta.size != bytes {
            return Ok(false);
        }
        if let Some(found) = found.attributes.get(&Attribute::Metadata(self.hash_name.into())) {
            return Ok(found.as_ref() == hash);
        }
        // Without metadata, the content has the answer.
        let failed = |error: StoreError| self.failure("read", path, &error, Failure::for_now);
        let mut stream = self.store.get(path).await.map_err(failed)?.into_stream();
        let mut content = Vec::new();
        while let Some(part) = stream.try_next().await.map_err(failed)? {
            content.extend_from_slice(&part);
        }
        Ok(sha256(&content) == hash)
    }

    async fn put(&self, path: &Path, content: Content) -> Result<(), Failure> {
        let mut attributes = Attributes::new();
        if self.has_metadata {
            attributes.insert(Attribute::ContentType, content.output.media_type.into());
            attributes.insert(Attribute::Metadata(self.hash_name.into()), content.output.sha256.into());
        }
        let put = self.store.put_opts(path, content.bytes.into(), PutOptions::from(attributes)).await;
        put.map(drop).map_err(|error| self.failure("put", path, &error, Failure::unknown))
    }

    /// The failure of a request; `otherwise` where the storage has not refused it.
    fn failure(&self, what: &str, path: &Path, error: &StoreError, otherwise: fn(String) -> Failure) -> Failure {
        let object = path.filename().unwrap_or_default();
        let reason = |cause: &str| format!("`{object}` cannot be {what} at `{}`: {cause}", self.place);
        match error {
            StoreError::NotFound { .. } => {
                Failure::for_good(reason("there is no such bucket; check `url` and `options`"))
            }
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                let advice = "check `secrets` and the rights of that key";
                Failure::for_good(reason(&format!("the storage does not permit it: {}; {advice}", cause(error))))
            }
            StoreError::InvalidPath { .. } | StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
                Failure::for_good(reason(&cause(error)))
            }
            _ => otherwise(reason(&format!("{}; check `url` and `options`", cause(error)))),
        }
    }
}

/// What caused an error; of an answer in XML only its code.
fn cause(error: &StoreError) -> String {
    with_code_only(&root_cause(error))
}

/// Looks at the URL, the options and the secrets.
///
/// # Errors
/// When one of them is wrong or missing.
pub fn check(target: &ObjectTarget, url: &str, environment: &Environment) -> Result<(), Failure> {
    let secrets = secrets(target, environment)?;
    let (url, scheme, _) = parse(url).map_err(Failure::for_good)?;
    let opened = open(target, &secrets, &url, &scheme, url.to_string());
    opened.map(drop).map_err(|failure| Failure { reason: hidden(&failure.reason, &secrets), ..failure })
}

/// Lists at most one object. Nothing is changed.
///
/// # Errors
/// When the storage does not answer, or does not permit it.
pub async fn connect(target: &ObjectTarget, url: &str, environment: &Environment) -> Result<(), Failure> {
    let secrets = secrets(target, environment)?;
    let listed = async {
        let (url, scheme, path) = parse(url).map_err(Failure::for_good)?;
        let bucket = open(target, &secrets, &url, &scheme, url.to_string())?;
        let folder = path.parts().next().map(|first| Path::from_iter([first]));
        let listed = bucket.store.list(folder.as_ref()).try_next().await;
        listed.map(drop).map_err(|error| bucket.failure("listed", &path, &error, Failure::for_now))
    };
    let timed_out = |_| Err(Failure::for_now(format!("`{url}` did not answer in time; check `url` and `options`")));
    let listed: Result<(), Failure> = timeout(target.timeout, listed).await.unwrap_or_else(timed_out);
    listed.map_err(|failure| Failure { reason: hidden(&failure.reason, &secrets), ..failure })
}
