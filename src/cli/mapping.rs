//! `mapping`: a first mapping for an export, and what a mapping reads.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::import::{built_in, built_in_for, find_mapping};
use super::init::write_new;
use crate::error::Result;
use crate::import::draft::{self, Draft};
use crate::input::source::Source;

/// Arguments of `mapping`.
#[derive(Debug, Args)]
pub struct MappingArguments {
    #[command(subcommand)]
    operation: MappingOperation,
}

/// What can be done for a mapping.
#[derive(Debug, Subcommand)]
enum MappingOperation {
    /// Look at an export and write a commented first mapping: its columns and values, formats of times, and rules that they
    /// suggest
    New {
        /// A table, a workbook, Parquet or JSON, uncompressed or compressed with gzip or zstd
        export: PathBuf,
        /// The name of the program that the export comes from [default: that of the file]
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Write to a new file [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a mapping that comes with the program, to be changed
    Show {
        /// Its name
        name: String,
        /// Write to a new file [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check a mapping, and show the columns that it reads and its rules
    Check {
        /// A mapping file, or a name as `import --mapping` takes it
        mapping: String,
    },
}

/// Does it.
pub fn mapping(context: &CommandContext, arguments: &MappingArguments) -> Result<Completion> {
    match &arguments.operation {
        MappingOperation::New { export, source, output } => new(context, export, source.as_deref(), output.as_deref()),
        MappingOperation::Show { name, output } => {
            write(context, built_in(name)?, output.as_deref()).map(|_| Completion::Done)
        }
        MappingOperation::Check { mapping } => check(context, mapping),
    }
}

fn new(context: &CommandContext, export: &Path, source: Option<&str>, output: Option<&Path>) -> Result<Completion> {
    let name = source.map_or_else(|| name_of(export), str::to_owned);
    let Draft { text, columns } = draft::draft(&Source::File(export.to_owned()), &name)?;
    for known in built_in_for(&columns) {
        context.printer.talk(format!(
            "hint: the built-in mapping `{known}` reads such columns: `casebook import --dry-run --mapping {known} {}`",
            export.display()
        ));
    }
    if let Some(output) = write(context, &text, output)? {
        let (mapping, export) = (output.display(), export.display());
        context.printer.talk(format!("hint: read it, then `casebook import --dry-run --mapping {mapping} {export}`"));
    }
    Ok(Completion::Done)
}

/// Writes the text of a mapping to a new file, which is returned, or to standard output.
fn write<'o>(context: &CommandContext, text: &str, output: Option<&'o Path>) -> Result<Option<&'o Path>> {
    match output {
        None => context.printer.bytes(text.as_bytes())?,
        Some(output) => {
            write_new(output, text, "choose another name, or change the file")?;
            let object = json!({"file": output.display().to_string()});
            context.printer.summary(format!("wrote {}", output.display()), &object)?;
        }
    }
    Ok(output)
}

/// The name of a file up to its first dot.
fn name_of(export: &Path) -> String {
    let name = export.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').find(|part| !part.is_empty()).unwrap_or("export").to_owned()
}

fn check(context: &CommandContext, typed: &str) -> Result<Completion> {
    let mapping = find_mapping(&context.settings.project.value, typed)?;
    let rules: Vec<String> = mapping
        .rules()
        .map(|(name, kind)| if name == kind { format!("  {kind}") } else { format!("  {kind}, named {name}") })
        .collect();
    let columns: Vec<String> = mapping.columns_read().map(|name| format!("  {name}")).collect();
    if context.printer.json_summary {
        let rules: Vec<_> = mapping.rules().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let columns: Vec<String> = mapping.columns_read().collect();
        context.printer.data(json!({"source": mapping.source(), "columns": columns, "rules": rules}))?;
    } else {
        let source = mapping.source();
        context.printer.data(format!(
            "source {source}\ncolumns:\n{}\nevents:\n{}",
            columns.join("\n"),
            rules.join("\n")
        ))?;
    }
    context.printer.talk("nothing is wrong with the mapping");
    Ok(Completion::Done)
}
