//! Settings: flag, then environment, then `casebook.toml`, then default; and where each value came from.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::cluster::address::ClusterAddress;
use crate::cluster::client::Cluster;
use crate::cluster::connector::Certificates;
use crate::error::{Error, Result};
use crate::log::compact;
use crate::metric::range::parse_zone;
use crate::model::Refusal;
use crate::model::time::Instant;
use crate::node;
use crate::store::address::{BucketAddress, StoreAddress};
use crate::store::engine::Resources;
use crate::toml_file;

/// What was typed about settings; everything may be absent.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub project: Option<PathBuf>,
    pub time_zone: Option<String>,
    pub memory: Option<String>,
    pub threads: Option<usize>,
    pub cluster: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

impl Origin {
    /// The name that `config` prints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::File => "casebook.toml",
            Origin::Default => "default",
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

/// Everything that commands need to know about the project, resolved once.
#[derive(Clone, Debug)]
pub struct Settings {
    pub project: Setting<PathBuf>,
    pub store: Setting<StoreAddress>,
    /// The folder of the copies of stores in buckets.
    pub copies: Setting<PathBuf>,
    /// How many bytes of copies of one store may stay.
    pub copies_bytes: Setting<u64>,
    pub time_zone: Setting<String>,
    pub memory_bytes: Setting<usize>,
    pub threads: Setting<usize>,
    /// Events that a file of the log should have when files are merged.
    pub file_events: Setting<u64>,
    /// The scheduler of the cluster to which work is sent; none where everything is done here.
    pub cluster: Setting<Option<ClusterAddress>>,
    /// The files with what this process shows to others of a cluster, in the order of [`CLUSTER_FILES`].
    pub cluster_files: [Setting<Option<PathBuf>>; CLUSTER_FILES.len()],
}

/// The settings that name the certificate of the authority of a cluster, that of this process, and its private key.
pub const CLUSTER_FILES: [&str; 3] = ["cluster_ca", "cluster_cert", "cluster_key"];

/// `casebook.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    time_zone: Option<String>,
    store: Option<String>,
    copies: Option<String>,
    copies_size: Option<String>,
    memory: Option<String>,
    threads: Option<usize>,
    file_events: Option<u64>,
    cluster: Option<String>,
    cluster_ca: Option<PathBuf>,
    cluster_cert: Option<PathBuf>,
    cluster_key: Option<PathBuf>,
}

/// The folder of a store where no setting names one.
const STORE_DEFAULT: &str = "store";

const MEMORY_DEFAULT: &str = "2GiB";

/// How URLs of buckets begin; one that is written wrongly is no folder.
const BUCKETS: [&str; 6] = ["s3:", "s3a:", "gs:", "az:", "abfs:", "abfss:"];

/// The least memory.
const MEMORY_LEAST: usize = 128 << 20;

const COPIES_SIZE_DEFAULT: &str = "10GiB";

/// How many events may be wanted in a file: fewer would be a file for every few messages, more than a file can count.
pub const FILE_EVENTS: RangeInclusive<u64> = 1_000..=1_000_000_000;

impl Settings {
    /// Resolves what was typed against the environment and the project's file.
    ///
    /// # Errors
    /// When a value is malformed; the error names where it came from.
    pub fn resolve(typed: &Typed) -> Result<Settings> {
        let project = pick(typed.project.clone(), "CASEBOOK_PROJECT", None, PathBuf::from("."), PathBuf::from);
        let file = read_project_file(&project.value)?;
        let store =
            pick(None, "CASEBOOK_STORE", file.store.map(PathBuf::from), PathBuf::from(STORE_DEFAULT), PathBuf::from);
        let copies = file.copies.map(|copies| project.value.join(copies));
        let copies = pick(None, "CASEBOOK_COPIES", copies, folder_of_copies(&project.value), PathBuf::from);
        let size = pick(None, "CASEBOOK_COPIES_SIZE", file.copies_size, COPIES_SIZE_DEFAULT.to_owned(), |text| text);
        let copies_bytes = Setting { value: parse_bytes("copies_size", "size", 0, &size)? as u64, origin: size.origin };
        let time_zone =
            pick(typed.time_zone.clone(), "CASEBOOK_TIME_ZONE", file.time_zone, "UTC".to_owned(), |text| text);
        let memory = pick(typed.memory.clone(), "CASEBOOK_MEMORY", file.memory, MEMORY_DEFAULT.to_owned(), |text| text);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = pick(
            typed.threads.map(|threads| threads.to_string()),
            "CASEBOOK_THREADS",
            file.threads.map(|threads| threads.to_string()),
            cores.to_string(),
            |text| text,
        );
        let file_events = pick(
            None,
            "CASEBOOK_FILE_EVENTS",
            file.file_events.map(|events| events.to_string()),
            compact::FILE_EVENTS.to_string(),
            |text| text,
        );
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let cluster = pick(typed.cluster.clone().map(some), "CASEBOOK_CLUSTER", file.cluster.map(Some), None, some);
        let at = format!("cluster ({})", cluster.origin.name());
        let address = cluster.value.map(|text| ClusterAddress::parse(&at, &text)).transpose()?;
        let of_file = |path: PathBuf| Some(project.value.join(path));
        let named = [file.cluster_ca, file.cluster_cert, file.cluster_key].map(|path| path.map(of_file));
        let variables = ["CASEBOOK_CLUSTER_CA", "CASEBOOK_CLUSTER_CERT", "CASEBOOK_CLUSTER_KEY"];
        let mut variables = variables.into_iter();
        let cluster_files = named.map(|named| {
            pick(None, variables.next().unwrap_or_default(), named, None, |text| some(text).map(PathBuf::from))
        });
        let settings = Settings {
            cluster: Setting { value: address, origin: cluster.origin },
            cluster_files,
            store: Setting { value: locate(&project.value, &store, &copies, &copies_bytes)?, origin: store.origin },
            copies,
            copies_bytes,
            memory_bytes: Setting {
                value: parse_bytes("memory", "amount of memory", MEMORY_LEAST, &memory)?,
                origin: memory.origin,
            },
            threads: Setting { value: parse_number("threads", "threads", 1..=1024, &threads)?, origin: threads.origin },
            file_events: Setting {
                value: parse_number("file_events", "events", FILE_EVENTS, &file_events)?,
                origin: file_events.origin,
            },
            time_zone,
            project,
        };
        settings.zone()?;
        Ok(settings)
    }

    /// The zone in which reports count their days.
    ///
    /// # Errors
    /// When there is no zone of that name.
    pub fn zone(&self) -> Result<TimeZone> {
        parse_zone(&self.time_zone.value)
    }

    /// What was typed after a flag: an instant, or the beginning of a day in the project's zone.
    ///
    /// # Errors
    /// When it is neither.
    pub fn instant(&self, flag: &str, typed: &str) -> Result<Instant> {
        let invalid = |message: String| {
            Error::invalid(flag, message).with_hint("write a day such as 2026-04-01, or 2026-04-01T08:00:00+02:00")
        };
        let refused = |refusal: Refusal| invalid(refusal.to_string());
        // What is longer than a day has a time too.
        let day = if typed.len() <= "2026-04-01".len() { typed.parse::<Date>().ok() } else { None };
        let Some(day) = day else { return Instant::parse(typed).map_err(refused) };
        let begins = day.to_zoned(self.zone()?).map_err(|_| invalid(format!("`{typed}` is out of range")))?;
        Instant::parse(&begins.timestamp().to_string()).map_err(refused)
    }

    /// What this process shows to others of a cluster; nothing where no certificate is named.
    ///
    /// # Errors
    /// When only some of the three files are named, or one cannot be read.
    pub fn certificates(&self) -> Result<Option<Certificates>> {
        let files = self.cluster_files.each_ref().map(|file| file.value.as_deref());
        let [Some(authority), Some(certificate), Some(key)] = files else {
            let missing: Vec<&str> = CLUSTER_FILES
                .into_iter()
                .zip(files)
                .filter_map(|(name, file)| file.is_none().then_some(name))
                .collect();
            return match missing.len() {
                3 => Ok(None),
                _ => Err(Error::refused(format!("the settings lack {}", missing.join(" and "))).with_hint(
                    "a process of a cluster needs all three: its authority's certificate, its own, and its key",
                )),
            };
        };
        let read = |path: &Path| std::fs::read(path).map_err(Error::file(path));
        Ok(Some(Certificates { authority: read(authority)?, certificate: read(certificate)?, key: read(key)? }))
    }

    /// The cluster to which work is sent.
    ///
    /// # Errors
    /// When it is not on this machine and there are no certificates, or the store is not in a folder that it can see.
    pub fn cluster(&self) -> Result<Option<Cluster>> {
        let Some(address) = self.cluster.value.clone() else { return Ok(None) };
        if matches!(self.store.value, StoreAddress::Bucket(_)) {
            return Err(Error::refused(
                "a cluster reads a store in a folder that all of its machines see, not in a bucket",
            )
            .with_hint("leave out `--cluster`, or the setting `cluster`"));
        }
        let certificates = self.certificates()?;
        check_encrypted(&address, certificates.as_ref())?;
        Ok(Some(node::cluster(address, certificates)))
    }

    /// What the engine may use.
    #[must_use]
    pub fn resources(&self) -> Resources {
        Resources { memory_bytes: self.memory_bytes.value, threads: self.threads.value }
    }
}

/// Fails where work would go to another machine without encryption.
///
/// # Errors
/// Then.
pub fn check_encrypted(address: &ClusterAddress, certificates: Option<&Certificates>) -> Result<()> {
    if certificates.is_some() || address.is_loopback() {
        return Ok(());
    }
    Err(Error::refused(format!("{address} is not on this machine alone, and no certificates are named"))
        .with_hint("name `cluster_ca`, `cluster_cert` and `cluster_key` in casebook.toml or the environment"))
}

fn pick<T>(typed: Option<T>, variable: &str, file: Option<T>, default: T, read: impl Fn(String) -> T) -> Setting<T> {
    let environment = std::env::var(variable).ok().filter(|text| !text.is_empty());
    match (typed, environment, file) {
        (Some(value), _, _) => Setting { value, origin: Origin::Flag },
        (None, Some(text), _) => Setting { value: read(text), origin: Origin::Environment },
        (None, None, Some(value)) => Setting { value, origin: Origin::File },
        (None, None, None) => Setting { value: default, origin: Origin::Default },
    }
}

fn read_project_file(project: &Path) -> Result<ProjectFile> {
    let path = project.join("casebook.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => toml_file::check_depth(&text)
            .and_then(|()| toml::from_str(&text))
            .map_err(|error| toml_error(&path, &text, &error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ProjectFile::default()),
        Err(error) => Err(Error::file(&path)(error)),
    }
}

/// What is wrong with the project's file; where no key is near, the way to a file with all of them.
fn toml_error(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let error = toml_file::error(path, text, error);
    if error.hint().is_some() {
        return error;
    }
    error.with_hint("`casebook init` in an empty folder writes a file with every setting explained")
}

/// The folder of the copies of stores in buckets where no setting names one: that of the user for what can be made again.
fn folder_of_copies(project: &Path) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    caches.map_or_else(|| project.join("copies"), |caches| caches.join("casebook"))
}

fn locate(
    project: &Path,
    store: &Setting<PathBuf>,
    copies: &Setting<PathBuf>,
    copies_bytes: &Setting<u64>,
) -> Result<StoreAddress> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::file(path));
    let text = store.value.display().to_string();
    let is_url = text.contains("://") || BUCKETS.iter().any(|scheme| text.starts_with(scheme));
    if is_url {
        let own = absolute(&project.join(STORE_DEFAULT))?;
        let address = BucketAddress::parse(&text, &absolute(&copies.value)?, copies_bytes.value, own)?;
        return Ok(StoreAddress::Bucket(address));
    }
    // What the environment and the default name is relative to the project; so is what its file names.
    Ok(StoreAddress::Folder(absolute(&project.join(&store.value))?))
}

fn parse_bytes(name: &str, what: &str, least: usize, setting: &Setting<String>) -> Result<usize> {
    let text = setting.value.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "" | "B" => 1,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => 0,
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(scale)).filter(|_| scale > 0);
    bytes.filter(|bytes| *bytes >= least).ok_or_else(|| {
        let place = format!("{name} ({})", setting.origin.name());
        let article = if what.starts_with('a') { "an" } else { "a" };
        let least = if least > 0 { format!("at least `{}MiB`, ", least >> 20) } else { String::new() };
        Error::invalid(place, format!("`{text}` is not {article} {what}")).with_hint(format!("{least}such as `2GiB`"))
    })
}

/// The whole number that a setting is written as: so many `of_what`, within the bounds.
fn parse_number<N>(name: &str, of_what: &str, bounds: RangeInclusive<N>, setting: &Setting<String>) -> Result<N>
where
    N: FromStr + PartialOrd + Display,
{
    setting.value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
        let place = format!("{name} ({})", setting.origin.name());
        let (least, most) = (bounds.start(), bounds.end());
        Error::invalid(place, format!("`{}` is not a number of {of_what} from {least} to {most}", setting.value))
    })
}
