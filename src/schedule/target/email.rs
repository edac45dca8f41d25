//! Addresses as a target, and the mail server that takes mail for them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::written;
use crate::schedule::secret::SecretSource;
use crate::schedule::template::{self, Template};

/// How mail is sent, for all targets of the kind `email`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// A host.
    pub server: String,
    port: Option<u16>,
    #[serde(default)]
    pub security: Security,
    /// Allows mail without encryption to a server that is not on this machine.
    #[serde(default)]
    pub insecure: bool,
    pub user: Option<String>,
    pub password: Option<SecretSource>,
    pub from: MailAddress,
    /// Certificates that are trusted beside those of the system. Relative to the project.
    pub ca: Option<PathBuf>,
    /// The only domains (`@example.com`) and addresses that get mail.
    pub recipients: Option<Vec<String>>,
    /// The largest sum of attachments, in bytes.
    #[serde(default = "attachments", deserialize_with = "written::bytes")]
    pub attachments: u64,
    /// How long one mail may take.
    #[serde(default = "timeout", deserialize_with = "written::duration")]
    pub timeout: Duration,
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// After a request in plain text, which must be granted.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    None,
}

fn attachments() -> u64 {
    20_000_000
}

fn timeout() -> Duration {
    Duration::from_secs(120)
}

impl MailSettings {
    /// The port, which depends on the encryption where none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        })
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.server.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether an address may get mail.
    #[must_use]
    pub fn allows(&self, address: &Address) -> bool {
        let Some(allowed) = &self.recipients else { return true };
        allowed.iter().any(|allowed| match allowed.strip_prefix('@') {
            Some(domain) => address.domain().eq_ignore_ascii_case(domain),
            None => allowed.eq_ignore_ascii_case(address.as_ref()),
        })
    }

    /// What is wrong with the settings, which needs no connection to find out.
    ///
    /// # Errors
    /// A message and the next step.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        let server = &self.server;
        if server.is_empty() || server.contains(|letter: char| letter.is_whitespace() || matches!(letter, '/' | '@')) {
            return Err((format!("`server` is `{server}`, which is not a host"), "write the port as `port`"));
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(("`user` and `password` belong together".to_owned(), "write both or none"));
        }
        if self.security == Security::None && !self.is_local() {
            if self.password.is_some() {
                let message = format!("a password is not sent to `{server}` without encryption");
                return Err((message, "write `security = \"starttls\"` or `security = \"tls\"`"));
            }
            if !self.insecure {
                let message = format!("mail is not sent to `{server}` without encryption");
                return Err((
                    message,
                    "write `security = \"starttls\"`, or `insecure = true` if everybody may read it",
                ));
            }
        }
        match self.recipients.iter().flatten().find(|allowed| !allowed.contains('@') || allowed.contains(' ')) {
            Some(wrong) => Err((
                format!("`recipients` has `{wrong}`, which is neither an address nor a domain"),
                "write `name@example.com` or `@example.com`",
            )),
            None => Ok(()),
        }
    }
}

/// An address with the name of its owner, such as `Eva Novak <eva@example.com>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress(pub Mailbox);

impl MailAddress {
    /// Reads an address, with or without a name. The name may hold any letters.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<MailAddress, String> {
        let wrong = || format!("`{text}` is not an address such as `Eva Novak <eva@example.com>`");
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(text) => text.rsplit_once('<').ok_or_else(wrong)?,
            None => ("", text.trim()),
        };
        let name = name.trim().trim_matches('"').trim();
        if name.chars().any(char::is_control) {
            return Err(wrong());
        }
        let address: Address = address.parse().map_err(|_| wrong())?;
        Ok(MailAddress(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address)))
    }

    /// The address alone.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.email.as_ref()
    }
}

impl<'de> Deserialize<'de> for MailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MailAddress::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Mail to addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTarget {
    pub to: Addressees,
    #[serde(default, deserialize_with = "template::of_subject")]
    pub subject: Option<Template>,
    /// The endings of the files that are attached; all files where none are named.
    pub attach: Option<Vec<String>>,
}

/// To whom a target's mail is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressees {
    Listed(Vec<MailAddress>),
    /// `recipients`: each run names its own.
    OfTheRun,
}

impl<'de> Deserialize<'de> for Addressees {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            List(Vec<String>),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Word(word)) if word == "recipients" => Ok(Addressees::OfTheRun),
            Ok(Written::Word(address)) => {
                Ok(Addressees::Listed(vec![MailAddress::parse(&address).map_err(D::Error::custom)?]))
            }
            Ok(Written::List(list)) if !list.is_empty() => {
                let list: Result<Vec<MailAddress>, String> = list.iter().map(|text| MailAddress::parse(text)).collect();
                list.map(Addressees::Listed).map_err(D::Error::custom)
            }
            _ => Err(D::Error::custom("`to` is a list of addresses, or \"recipients\" for those of the run")),
        }
    }
}

impl EmailTarget {
    /// The addresses that are written, each once.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        for address in self.listed().iter().map(MailAddress::address) {
            if !addresses.iter().any(|known| known.eq_ignore_ascii_case(address)) {
                addresses.push(address.to_owned());
            }
        }
        addresses
    }

    /// The addresses that are written, with names.
    #[must_use]
    pub fn listed(&self) -> &[MailAddress] {
        match &self.to {
            Addressees::Listed(list) => list,
            Addressees::OfTheRun => &[],
        }
    }

    /// Whether each run names its recipients.
    #[must_use]
    pub fn takes_recipients(&self) -> bool {
        self.to == Addressees::OfTheRun
    }

    /// Whether a file of that name is attached; manifests are for programs, and only where they are asked for.
    #[must_use]
    pub fn attaches(&self, name: &str) -> bool {
        let Some(endings) = &self.attach else { return !name.ends_with(".manifest.json") };
        endings.iter().any(|ending| {
            let ending = ending.trim_start_matches('.');
            name.len() > ending.len() && name.strip_suffix(ending).is_some_and(|before| before.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<EmailTarget, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    fn server(text: &str) -> MailSettings {
        toml::from_str(&format!("from = \"care@example.com\"\n{text}")).unwrap()
    }

    #[test]
    fn addresses_have_names_of_any_letters() {
        let parsed = MailAddress::parse("\"Nováková, Eva\" <eva@example.com>").unwrap();
        assert_eq!((parsed.0.name.as_deref(), parsed.address()), (Some("Nováková, Eva"), "eva@example.com"));
        assert_eq!(MailAddress::parse(" eva@example.com ").unwrap().address(), "eva@example.com");
        for wrong in
            ["", "eva", "eva@", "Eva <eva@example.com", "Eva eva@example.com>", "E\r\nBcc: x <eva@example.com>"]
        {
            assert!(MailAddress::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_address_is_one_recipient() {
        let target = target("to = [\"Eva <eva@example.com>\", \"EVA@example.com\", \"jan@example.com\"]").unwrap();
        assert_eq!(target.recipients(), ["eva@example.com", "jan@example.com"]);
        assert!(target.attaches("a.csv") && !target.attaches("a.manifest.json") && !target.takes_recipients());
    }

    #[test]
    fn a_run_may_name_its_recipients() {
        assert!(target("to = \"recipients\"").unwrap().takes_recipients());
        let error = target("to = \"recipient\"").unwrap_err();
        assert!(error.contains("is not an address"), "{error}");
        assert!(target("to = []").is_err());
        assert!(target("to = \"a@example.com\"\nsubject = \"{file}\"").is_err());
    }

    #[test]
    fn files_are_attached_by_their_endings() {
        let target = target("to = \"a@example.com\"\nattach = [\"pdf\", \".letter.pdf\", \"xlsx\"]").unwrap();
        assert!(target.attaches("a.pdf") && target.attaches("a.xlsx"));
        assert!(!target.attaches("a.csv") && !target.attaches("pdf") && !target.attaches("apdf"));
    }

    #[test]
    fn nothing_is_sent_readably_to_another_machine() {
        assert!(server("server = \"mail.example.com\"").check().is_ok());
        assert!(server("server = \"mail.example.com\"\nsecurity = \"none\"").check().is_err());
        assert!(server("server = \"mail.example.com\"\nsecurity = \"none\"\ninsecure = true").check().is_ok());
        let password = "user = \"u\"\npassword = { env = \"P\" }";
        let readable = format!("server = \"mail.example.com\"\nsecurity = \"none\"\ninsecure = true\n{password}");
        assert!(server(&readable).check().is_err());
        assert!(server(&format!("server = \"127.0.0.1\"\nsecurity = \"none\"\n{password}")).check().is_ok());
        assert!(server("server = \"mail.example.com:25\"\nuser = \"u\"").check().is_err());
    }

    #[test]
    fn ports_depend_on_the_encryption() {
        let port = |text: &str| server(&format!("server = \"m\"\n{text}")).port();
        assert_eq!((port(""), port("security = \"tls\""), port("security = \"none\"")), (587, 465, 25));
        assert_eq!(port("port = 2525"), 2525);
    }

    #[test]
    fn only_some_recipients_may_be_allowed() {
        let server = server("server = \"m\"\nrecipients = [\"@Example.com\", \"jan@home.example\"]");
        let allows = |text: &str| server.allows(&MailAddress::parse(text).unwrap().0.email);
        assert!(allows("eva@example.com") && allows("Jan@home.example"));
        assert!(!allows("eva@example.com.evil.example") && !allows("eva@home.example"));
    }
}
