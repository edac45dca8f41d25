//! Deliveries, one attempt at a time, against small servers on this machine: what arrives, and what each way to fail means.

use std::path::{Path, PathBuf};

use casebook::model::time::Instant;
use casebook::schedule::deliver::{Certainty, Deliverer, Failure, Receipt, deliver};
use casebook::schedule::parcel::{Output, Parcel, Role, RunName, RunSummary, SummaryFigure};
use casebook::schedule::secret::Environment;
use casebook::schedule::target::Target;
use casebook::schedule::target::email::MailSettings;
use casebook::store::hash::sha256;

mod check;
mod command;
mod email;
mod folder;
mod object;
pub mod server;
mod webhook;

/// No reason, receipt or value shown for debugging may hold it.
const SECRET: &str = "correct-horse-battery";

/// An instant at which mail and requests are sent.
fn now() -> Instant {
    Instant::parse("2026-11-23T07:00:05Z").unwrap()
}

/// A project with what a run has rendered in it.
struct Project {
    folder: tempfile::TempDir,
    parcel: Parcel,
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let picture: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let html = "<html><body><h1>Péče</h1><img src=\"cid:chart.png\"></body></html>";
        let outputs = [
            ("mail.html", "text/html", Role::MailHtml, html.as_bytes()),
            ("mail.txt", "text/plain", Role::MailText, "Péče\n====\n".as_bytes()),
            ("chart.png", "image/png", Role::Picture, &picture),
            ("overview.pdf", "application/pdf", Role::File, b"%PDF-1.7\n\x00\xff\r\n.\r\n\n"),
            ("řeky.csv", "text/csv", Role::File, "a,b\n1,ř\n".as_bytes()),
        ];
        let outputs = outputs.map(|(name, media_type, role, bytes)| kept(folder.path(), name, media_type, role, bytes));
        let figure = SummaryFigure {
            label: "first response <p50>".to_owned(),
            text: "2h 5m".to_owned(),
            value: 7_500_000.into(),
            unit: "ms".to_owned(),
        };
        let summary = RunSummary {
            reasons: Vec::new(),
            title: "Péče & support".to_owned(),
            range: "16–22 November 2026".to_owned(),
            figures: vec![figure],
            notes: vec!["3 cases have no customer.".to_owned()],
        };
        let scheduled_at = Instant::parse("2026-11-23T07:00:00Z").unwrap();
        let parcel = Parcel {
            run: RunName { schedule: "weekly".to_owned(), scheduled_at },
            summary,
            outputs: outputs.into(),
            key: "weekly-1a2b3c".to_owned(),
            is_repeat: false,
            zone: jiff::tz::TimeZone::get("Europe/Prague").unwrap(),
        };
        Project { folder, parcel }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn repeat(&self) -> Parcel {
        Parcel { is_repeat: true, ..self.parcel.clone() }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join("kept").join(name)).unwrap()
    }

    fn deliverer(&self, server: Option<MailSettings>) -> Deliverer {
        let folder = self.path().to_owned();
        let variable = |name: &str| match name {
            "SECRET" => Some(SECRET.to_owned()),
            "HOOK" => Some(format!("http://127.0.0.1:1/{SECRET}")),
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            _ => None,
        };
        Deliverer::new(Environment::new(&folder, variable), server)
    }

    async fn deliver(&self, target: &str) -> Result<Receipt, Failure> {
        checked(deliver(&parsed(target), None, &self.parcel, now(), &self.deliverer(None)).await)
    }
}

fn kept(folder: &Path, name: &str, media_type: &str, role: Role, bytes: &[u8]) -> Output {
    let path: PathBuf = folder.join("kept").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let (name, media_type) = (name.to_owned(), media_type.to_owned());
    Output { name, media_type, role, bytes: bytes.len() as u64, sha256: sha256(bytes), path }
}

fn parsed(target: &str) -> Target {
    let target: Target = toml::from_str(target).unwrap();
    assert!(!format!("{target:?}").contains(SECRET));
    target
}

/// What every attempt keeps: its words hold no secret, and are one line.
fn checked(attempt: Result<Receipt, Failure>) -> Result<Receipt, Failure> {
    let shown = format!("{attempt:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let words = attempt.as_ref().map_or_else(|failure| &failure.reason, |receipt| &receipt.text);
    assert!(!words.contains('\n') && !words.ends_with('.') && !words.starts_with(char::is_uppercase), "{words}");
    attempt
}

/// What a failure is, in one word.
fn class(attempt: &Result<Receipt, Failure>) -> &'static str {
    match attempt {
        Ok(_) => "delivered",
        Err(Failure { certainty: Certainty::Unknown, .. }) => "unknown",
        Err(Failure { is_final: true, .. }) => "final",
        Err(_) => "later",
    }
}
