//! Reports: dashboards, widgets, pages (6.1, 6.2).
//!
//! A [`dashboard`] names metrics; [`build`] asks them and makes a plain [`page`] of the answers, whose [`value`]s keep
//! their units; a [`mod@format`] turns that page into bytes. A [`chart`] is laid out as a sketch, a [`picture`] is a sketch of
//! cards, and only [`draw`] knows how to paint one.

pub mod behind;
pub mod build;
pub mod cases;
pub mod chart;
pub mod dashboard;
pub mod draw;
pub mod format;
mod frame;
pub mod made;
pub mod manifest;
pub mod moved;
pub mod page;
pub mod palette;
pub mod picture;
pub mod question;
pub mod rows;
mod scale;
pub mod table;
pub mod text;
pub mod value;

use std::path::Path;

use crate::error::{Error, Result};
use crate::metric::catalogue::Catalogue;
use crate::spelling::did_you_mean;
use crate::store::project as project_files;
use dashboard::Dashboard;

/// Name and text of each of these files of `dashboards`.
macro_rules! built_in {
    ($($name:literal,)+) => {
        &[$(($name, include_str!(concat!("../dashboards/", $name, ".toml"))),)+]
    };
}

/// The dashboards that come with the program (6.1), the one that a supervisor opens first at the beginning.
const BUILT_IN: &[(&str, &str)] =
    built_in!["overview", "case-management", "service-level", "agents", "messages", "supervisor-weekly",];

/// The dashboard of that name: of the project's `dashboards/`, else a built-in one.
///
/// # Errors
/// When there is none, or its file is faulty.
pub fn find_dashboard(project: &Path, name: &str, catalogue: &Catalogue) -> Result<Dashboard> {
    let kinds = build::chart_kinds();
    // A name from outside must not lead to another folder.
    if !name.contains(['/', '\\', '\0']) {
        let own = project.join("dashboards").join(format!("{name}.toml"));
        match project_files::read_text(&own) {
            Ok(text) => return Dashboard::parse(&own, &text, catalogue, &kinds),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file(&own)(error)),
        }
    }
    match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
        Some((_, text)) => Dashboard::parse(Path::new(&format!("dashboards/{name}.toml")), text, catalogue, &kinds),
        None => {
            let names = dashboard_names(project);
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let error = Error::refused(format!("there is no dashboard `{name}`"));
            Err(error.with_hint(hint.unwrap_or_else(|| format!("there are: {}", names.join(", ")))))
        }
    }
}

/// The names of every dashboard of a project, built-in ones included.
#[must_use]
pub fn dashboard_names(project: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let own = project_files::files_with_extension(&project.join("dashboards"), "toml").unwrap_or_default();
    names.extend(own.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())));
    names.sort();
    names.dedup();
    names
}
