//! Secrets: passwords and keys that are read where they are used, and shown nowhere.
//!
//! A file of schedules names where a secret is ([`SecretSource`]), never the secret. It is read for each attempt, so that a
//! new one is used without a restart.

use std::fmt::{Debug, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};
use crate::spelling::did_you_mean;
use crate::store::project;

/// A secret that was read. It has no `Display`, no `Clone` and no `Serialize`.
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

/// A text in which no secret is readable, whatever a server or a library has put into it.
#[must_use]
pub fn without_secrets<'s>(text: &str, secrets: impl IntoIterator<Item = &'s Secret>) -> String {
    let hide = |text: String, secret: &Secret| match secret.reveal() {
        "" => text,
        found => text.replace(found, "…"),
    };
    secrets.into_iter().fold(text.to_owned(), hide)
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable of the process.
    Env(String),
    /// A file; a newline at its end is not part of the secret.
    File(PathBuf),
    /// A credential of systemd: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// The members that name a source.
const SOURCES: &[&str] = &["env", "file", "credential"];

/// The variable in which systemd names the folder of credentials.
const CREDENTIALS_FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// What a process is given from outside: its variables, and the folder to which relative paths refer.
#[derive(Clone)]
pub struct Environment {
    project: PathBuf,
    variable: Arc<Variables>,
}

/// Gives a variable by its name.
type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// An environment of which `variable` gives each variable by its name.
    pub fn new(project: &Path, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Environment {
        Environment { project: project.to_owned(), variable: Arc::new(variable) }
    }

    /// The folder to which relative paths refer.
    #[must_use]
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The bytes of a file, whose path may be relative to the project.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let path = self.project.join(path);
        project::read_bytes(&path).map_err(|error| {
            let message = Error::file(&path)(error).to_string();
            Error::refused(message)
                .with_hint("check the path, which may be relative to the project, and who may read it")
        })
    }

    /// A variable; none where it is empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}

impl Debug for Environment {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Environment").field("project", &self.project).finish_non_exhaustive()
    }
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// When there is no such variable, file or credential, when it is empty, or cannot be read.
    pub fn read(&self, environment: &Environment) -> Result<Secret> {
        let text = match self {
            SecretSource::Env(name) => environment.variable(name).ok_or_else(|| {
                Error::refused(format!("{} is not set", self.place()))
                    .with_hint("set it for the process that delivers, or name a file or a credential")
            })?,
            SecretSource::File(path) => file_text(path, environment)?,
            SecretSource::Credential(name) => {
                let folder = environment.variable(CREDENTIALS_FOLDER).ok_or_else(|| {
                    Error::refused(format!("{} needs `{CREDENTIALS_FOLDER}`, which is not set", self.place()))
                        .with_hint("systemd sets it for a service with `LoadCredential=`")
                })?;
                file_text(&Path::new(&folder).join(name), environment)?
            }
        };
        match text.is_empty() {
            false => Ok(Secret(text)),
            true => Err(Error::refused(format!("{} is empty", self.place()))),
        }
    }

    /// How messages name the source.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            SecretSource::Env(name) => format!("the environment variable `{name}`"),
            SecretSource::File(path) => format!("the file `{}`", path.display()),
            SecretSource::Credential(name) => format!("the credential `{name}`"),
        }
    }

    fn parse(source: &str, value: String) -> std::result::Result<SecretSource, String> {
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        match source {
            "env" if is_name(&value) && !value.is_empty() => Ok(SecretSource::Env(value)),
            "env" => Err("`env` takes the name of an environment variable".to_owned()),
            "file" if !value.is_empty() => Ok(SecretSource::File(value.into())),
            "file" => Err("`file` takes the path of a file".to_owned()),
            "credential" if is_name(&value) && !matches!(value.as_str(), "" | "." | "..") => {
                Ok(SecretSource::Credential(value))
            }
            "credential" => Err("`credential` takes the name of a credential, without a folder".to_owned()),
            other => {
                let nearest = did_you_mean(other, SOURCES.iter().copied());
                let nearest = nearest.map_or_else(String::new, |nearest| format!("; {nearest}"));
                Err(format!("unknown source of a secret `{other}`; expected `env`, `file` or `credential`{nearest}"))
            }
        }
    }
}

fn file_text(path: &Path, environment: &Environment) -> Result<String> {
    let text = String::from_utf8(environment.read_file(path)?);
    let text = text.map_err(|_| Error::refused(format!("{} is not UTF-8", path.display())))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(text.to_owned())
}

/// The message where a secret is written instead of its source. It does not repeat what was written.
const EXPECTED: &str = "a secret is not written into this file; name where it is: { env = \"NAME\" }, { file = \"/path\" } or \
     { credential = \"name\" }";

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

/// Reads a table with one member; texts and numbers are refused without repeating them.
struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("{ env = \"NAME\" }, { file = \"/path\" } or { credential = \"name\" }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> std::result::Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<SecretSource, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<SecretSource, A::Error> {
        let Some(source) = map.next_key::<String>()? else { return Err(A::Error::custom(EXPECTED)) };
        let value: String = map.next_value().map_err(|_| A::Error::custom(EXPECTED))?;
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("a secret has one source: `env`, `file` or `credential`"));
        }
        SecretSource::parse(&source, value).map_err(A::Error::custom)
    }
}

/// A text that may be a secret, such as the address of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextOrSecret {
    Text(String),
    Secret(SecretSource),
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TextOrSecret;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a text or the source of a secret")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<TextOrSecret, E> {
                Ok(TextOrSecret::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<TextOrSecret, A::Error> {
                SourceVisitor.visit_map(map).map(TextOrSecret::Secret)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl TextOrSecret {
    /// The text. One that is written plainly is as unreadable in messages as a secret: it may hold a password all the same.
    ///
    /// # Errors
    /// When it is a secret that cannot be read.
    pub fn read(&self, environment: &Environment) -> Result<Secret> {
        match self {
            TextOrSecret::Text(text) => Ok(Secret(text.clone())),
            TextOrSecret::Secret(source) => source.read(environment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Written {
        password: SecretSource,
    }

    fn parsed(text: &str) -> std::result::Result<SecretSource, String> {
        let written = toml::from_str::<Written>(&format!("password = {text}"));
        written.map(|written| written.password).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_repeating_it() {
        for text in
            ["\"hunter2\"", "4711", "47.11", "{ env = 4711 }", "{ env = \"hunter 2\" }", "[\"hunter2\"]", "true"]
        {
            let error = parsed(text).unwrap_err();
            assert!(!error.contains("hunter") && !error.contains("4711"), "{error}");
            assert!(error.contains("env"), "{error}");
        }
        let error = parsed("{ credentials = \"smtp\" }").unwrap_err();
        assert!(error.ends_with("did you mean `credential`?"), "{error}");
        assert!(parsed("{ credential = \"../smtp\" }").is_err());
        assert!(parsed("{ env = \"A\", file = \"b\" }").is_err());
        assert_eq!(parsed("{ env = \"A\" }"), Ok(SecretSource::Env("A".to_owned())));
    }

    #[test]
    fn each_source_gives_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("smtp"), "hunter2\r\n").unwrap();
        let credentials = folder.path().display().to_string();
        let variable = move |name: &str| match name {
            "SMTP" => Some("hunter2".to_owned()),
            "EMPTY" => Some(String::new()),
            CREDENTIALS_FOLDER => Some(credentials.clone()),
            _ => None,
        };
        let environment = Environment::new(folder.path(), variable);
        for text in ["{ env = \"SMTP\" }", "{ file = \"smtp\" }", "{ credential = \"smtp\" }"] {
            let secret = parsed(text).unwrap().read(&environment).unwrap();
            assert_eq!(secret.reveal(), "hunter2", "{text}");
            assert_eq!(format!("{secret:?}"), "Secret");
            assert_eq!(without_secrets("535 hunter2 is wrong", [&secret]), "535 … is wrong");
        }
        let error = SecretSource::Env("EMPTY".to_owned()).read(&environment).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable `EMPTY` is not set");
        assert!(error.hint().is_some());
        assert!(!format!("{environment:?}").contains("hunter"));
        let none = Environment::new(folder.path(), |_| None);
        let error = SecretSource::Credential("smtp".to_owned()).read(&none).unwrap_err();
        assert!(error.to_string().contains("CREDENTIALS_DIRECTORY"), "{error}");
    }
}
