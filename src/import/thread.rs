//! From replies to conversations: for every row the root of its chain of parents is found.
//!
//! The method is pointer jumping. Each id points up, to its parent; an id whose parent is not in the input is a root. In each round an
//! id whose root is not known yet takes over what is known of the id that it points at: the root, or a pointer twice as far up. After n
//! rounds every chain of up to 2^n rows is finished, and each round finishes at least one id while there is one that has a root. So if
//! a round finishes none, the ids that are left form a circle, or lead into one; they have no root, and their rows stay without a case.
//!
//! No table of ids is held in memory, and only one sort runs at a time: the ids that ask are sorted by the id that they ask, the answers
//! are in a file sorted by id, and the two are read side by side. (DataFusion's sort-merge join keeps both its sorts in the pool at once
//! and fails where little memory is left.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{BooleanBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;

use super::links::{Link, Links, LinksWriter};
use super::spool::{SpoolFile, cannot_sort, texts};
use super::workspace::Engine;
use crate::error::{Error, Result};
use crate::store::scratch;

/// The lesser parent comes first, and counts, when two rows of one id disagree.
const IDS: &str = "SELECT id, parent FROM rows ORDER BY id, parent NULLS LAST";
const ASKING: &str = "SELECT id, up FROM links WHERE up IS NOT NULL ORDER BY up";
const JOINED: &str =
    "SELECT id, up, root FROM links WHERE up IS NULL UNION ALL SELECT id, up, root FROM answered ORDER BY id";
const ROWS: &str = "SELECT * FROM rows ORDER BY id";

/// Replaces the table `rows` by one with two more columns: `case_id`, the root (null in a circle), and `reply`, whether the row is not
/// the root itself.
pub(super) async fn gather(engine: &Engine<'_>) -> Result<()> {
    let links = roots(engine).await?;
    let mut links = Links::open(&links)?;
    let mut sorted = engine.stream(ROWS).await?;
    let schema = Arc::new(with_case(&sorted.schema()));
    let mut file: SpoolFile = engine.create("gathered.parquet", schema.clone())?;
    while let Some(batch) = sorted.try_next().await.map_err(cannot_sort)? {
        let (mut case, mut reply) = (StringBuilder::new(), BooleanBuilder::new());
        for id in texts(&batch, "id")?.iter().flatten() {
            let root = links.find(id)?.and_then(|link| link.root);
            reply.append_value(root.as_deref().is_some_and(|root| root != id));
            case.append_option(root);
        }
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(case.finish()));
        columns.push(Arc::new(reply.finish()));
        file.write(&RecordBatch::try_new(schema.clone(), columns).map_err(cannot_sort)?)?;
    }
    engine.register("rows", &file.close()?).await
}

fn with_case(rows: &Schema) -> Schema {
    let mut fields: Vec<_> = rows.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(Field::new("case_id", DataType::Utf8, true));
    fields.push(Field::new("reply", DataType::Boolean, false));
    Schema::new(fields)
}

/// A file of every id and its root, sorted by id.
async fn roots(engine: &Engine<'_>) -> Result<PathBuf> {
    let (ids, _) = ids(engine).await?;
    let (mut links, mut waiting) = round(engine, &ids, 0, grounded).await?;
    for number in 1.. {
        if waiting == 0 {
            break;
        }
        let (next, still_waiting) = round(engine, &links, number, jumped).await?;
        scratch::remove_file(&links).map_err(Error::file(&links))?;
        links = next;
        if still_waiting == waiting {
            break;
        }
        waiting = still_waiting;
    }
    Ok(links)
}

/// One link per id, upwards to the parent; an id without a parent is its own root.
async fn ids(engine: &Engine<'_>) -> Result<(PathBuf, u64)> {
    let mut links = LinksWriter::create(engine, "ids.parquet")?;
    let mut sorted = engine.stream(IDS).await?;
    let mut last: Option<String> = None;
    while let Some(batch) = sorted.try_next().await.map_err(cannot_sort)? {
        for (id, parent) in texts(&batch, "id")?.iter().zip(texts(&batch, "parent")?) {
            let Some(id) = id.filter(|id| last.as_deref() != Some(id)) else { continue };
            last = Some(id.to_owned());
            links.push(id, parent, if parent.is_none() { Some(id) } else { None })?;
        }
    }
    links.close()
}

/// The first round: an id that points at nothing in the input is a root.
fn grounded(id: &str, up: &str, above: Option<Link>) -> Link {
    match above {
        Some(_) => Link { up: Some(up.to_owned()), root: None },
        None => Link { up: None, root: Some(id.to_owned()) },
    }
}

/// Every other round: an id takes over what is known of the one that it points at.
fn jumped(_id: &str, _up: &str, above: Option<Link>) -> Link {
    above.unwrap_or_default()
}

/// Looks up for every id that still points up what is known of the one that it points at. Gives the new links, sorted by id, and how
/// many still point up.
async fn round(
    engine: &Engine<'_>,
    links: &Path,
    number: u32,
    answer: fn(&str, &str, Option<Link>) -> Link,
) -> Result<(PathBuf, u64)> {
    engine.register("links", links).await?;
    let mut above = Links::open(links)?;
    let mut answered = LinksWriter::create(engine, "answered.parquet")?;
    let mut asking = engine.stream(ASKING).await?;
    while let Some(batch) = asking.try_next().await.map_err(cannot_sort)? {
        for (id, up) in texts(&batch, "id")?.iter().zip(texts(&batch, "up")?) {
            let (Some(id), Some(up)) = (id, up) else { continue };
            let link = answer(id, up, above.find(up)?);
            answered.push(id, link.up.as_deref(), link.root.as_deref())?;
        }
    }
    drop(asking);
    let (answered, waiting) = answered.close()?;
    engine.register("answered", &answered).await?;
    Ok((engine.materialise(JOINED, &format!("links-{number}.parquet")).await?, waiting))
}
