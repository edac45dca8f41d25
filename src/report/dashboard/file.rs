//! A dashboard's file as TOML has it, before anything is checked.

use serde::Deserialize;
use toml::Spanned;

use super::plan::{Better, Hours};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardFile {
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub range: Spanned<String>,
    pub time_zone: Option<Spanned<String>>,
    #[serde(default)]
    pub hours: Hours,
    #[serde(default)]
    pub filters: Vec<Spanned<String>>,
    #[serde(default)]
    pub row: Vec<RowFile>,
    #[serde(default)]
    pub tab: Vec<TabFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TabFile {
    pub title: Spanned<String>,
    #[serde(default)]
    pub row: Vec<RowFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFile {
    pub title: Option<String>,
    #[serde(default)]
    pub widget: Vec<WidgetFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WidgetFile {
    pub title: Spanned<String>,
    pub metric: Option<Spanned<String>>,
    #[serde(default)]
    pub metrics: Vec<MetricFile>,
    pub chart: Spanned<String>,
    /// One name, or a list of names.
    pub by: Option<Spanned<toml::Value>>,
    pub grain: Option<Spanned<String>>,
    #[serde(default)]
    pub filters: Vec<Spanned<String>>,
    #[serde(default)]
    pub show: Vec<Spanned<String>>,
    pub compare: Option<Spanned<String>>,
    pub target: Option<Spanned<String>>,
    pub better: Option<Better>,
    pub width: Option<Spanned<u32>>,
    pub top: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricFile {
    pub metric: Spanned<String>,
    pub of: Option<Spanned<String>>,
    #[serde(default)]
    pub filters: Vec<Spanned<String>>,
    pub title: Option<String>,
    #[serde(default)]
    pub show: Vec<Spanned<String>>,
    pub better: Option<Better>,
}
