//! Rows that have been read, with memory of their own, and the events that they become on other threads.

use std::ops::Range;

use super::event::{CaseState, EventWriter, Output};
use super::row::{Belongs, Row};
use super::tally::Tally;
use crate::error::Result;

/// Rows of one batch at most; fewer when they are long.
const BATCH_ROWS: usize = 512;
const BATCH_TEXT_BYTES: usize = 1 << 20;

/// Rows, and what the reading of inputs makes beside them, in order.
#[derive(Default)]
pub(super) struct Batch {
    texts: String,
    cells: Vec<Range<usize>>,
    steps: Vec<Step>,
}

enum Step {
    /// A row without its cells, where these are, and its case.
    Row(Row<'static>, Range<usize>, String),
    Output(Output),
}

impl Batch {
    pub(super) fn row(&mut self, row: &Row<'_>, belongs: &Belongs<'_>) {
        let first = self.cells.len();
        for cell in &row.cells {
            let start = self.texts.len();
            self.texts.push_str(cell);
            self.cells.push(start..self.texts.len());
        }
        let owned = Row { cells: Vec::new(), ..*row };
        self.steps.push(Step::Row(owned, first..self.cells.len(), belongs.id.to_string()));
    }

    pub(super) fn output(&mut self, output: Output) {
        self.steps.push(Step::Output(output));
    }

    pub(super) fn is_full(&self) -> bool {
        self.steps.len() >= BATCH_ROWS || self.texts.len() >= BATCH_TEXT_BYTES
    }

    /// What the rows become, each on its own, and their figures.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn written(self, writer: &EventWriter<'_>) -> Result<(Vec<Output>, Tally)> {
        let (mut outputs, mut tally) = (Vec::with_capacity(4 * self.steps.len()), Tally::default());
        for step in self.steps {
            match step {
                Step::Output(output) => outputs.push(output),
                Step::Row(row, cells, case) => {
                    let ranges = self.cells.get(cells).unwrap_or_default();
                    let text = |range: &Range<usize>| self.texts.get(range.clone()).unwrap_or_default();
                    let row = Row { cells: ranges.iter().map(text).collect(), ..row };
                    let mut emit = |output| {
                        outputs.push(output);
                        Ok(())
                    };
                    writer.row(&case, &row, &[], &mut CaseState::default(), &mut tally, &mut emit)?;
                }
            }
        }
        Ok((outputs, tally))
    }
}
