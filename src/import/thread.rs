//! From replies to conversations: every row finds the root of its chain of parents.
//!
//! Pointer jumping. Each row points up, to its parent; a row whose parent is not in the input is a root. In each round a row that does
//! not know its root yet takes over what the row it points at knows: the root, or a pointer twice as far up. After n rounds every
//! chain of up to 2^n rows is done, and each round finishes some row as long as one with a root is left. So when a round finishes
//! none, the rows left run in a circle, or hang on one; they have no root and stay without a case.
//!
//! Every round is one join that spills, written to a file; no table of ids is held in memory.

use super::engine::Engine;
use super::error::ImportError;

/// One row per id: where it points. The lesser parent counts when two rows of one id disagree.
const IDS: &str = "SELECT id, min(parent) AS parent FROM rows GROUP BY id";

/// `up` is the id it points at, `root` the root once it is known; exactly one of them is there.
const START: &str = "
    SELECT child.id,
           above.id AS up,
           CASE WHEN above.id IS NULL THEN child.id END AS root
      FROM ids child LEFT JOIN ids above ON child.parent = above.id";

const ROUND: &str = "
    SELECT low.id, high.up, high.root
      FROM links low JOIN links high ON low.up = high.id
     WHERE low.up IS NOT NULL
    UNION ALL
    SELECT id, up, root FROM links WHERE up IS NULL";

/// Reads the table `rows` and registers `links`, with the root of every id that has one.
pub(super) async fn find_roots(engine: &Engine<'_>) -> Result<(), ImportError> {
    let (ids, _) = engine.materialise(IDS, "ids.parquet", "parent").await?;
    engine.register("ids", &ids).await?;
    let (mut links, mut waiting) = engine.materialise(START, "links.parquet", "root").await?;
    for round in 1_u32.. {
        engine.register("links", &links).await?;
        if waiting == 0 {
            break;
        }
        let (next, still_waiting) = engine.materialise(ROUND, &format!("links-{round}.parquet"), "root").await?;
        if still_waiting == waiting {
            break;
        }
        std::fs::remove_file(&links).map_err(ImportError::file("remove", &links))?;
        (links, waiting) = (next, still_waiting);
    }
    Ok(())
}
