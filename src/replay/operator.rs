//! Replay as an operator of the query engine: each partition of its input has all events of its cases, and becomes files of
//! fact tables. So executors of a cluster replay, each a part of the cases, into the store that all of them see.
//!
//! An executor that ends leaves files behind that nothing names, and another one writes them again. The process that asked
//! names the files that the rows of the operator state.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
};
use datafusion::prelude::{DataFrame, col, ident};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::facts::manifest::FactFile;
use crate::facts::tables::{CASE_TABLES, DESK_EVENTS};
use crate::model::desk::Desk;
use crate::replay::exchange::partitions::{PartitionWriter, Partitions};
use crate::replay::exchange::{CasePartition, add_events};
use crate::replay::input;
use crate::replay::kernel::{CaseNumbers, Kernel};
use crate::replay::output::{Output, TableWriters, WrittenFile};
use crate::replay::parts::{CaseParts, PART};
use crate::replay::select::plain_rows;
use crate::store::cores::blocking;
use crate::store::engine::Resources;
use crate::store::objects::Store;
use crate::store::parquet::read_file;

/// With what the events of cases are replayed, in any process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Serialize, Deserialize)]
pub struct ReplayTask {
    /// The folder of the fact tables, which every process sees under this path.
    pub home: PathBuf,
    /// The files of the events that the desk is made of.
    pub desk_events: Vec<PathBuf>,
    /// How many parts the cases are in; the case numbers of each are its own number and every so manyth after it.
    pub parts: u64,
}

/// The operator in a logical plan. Its input has the columns of events that replay reads, and the part of each one's case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplayNode {
    task: ReplayTask,
    input: LogicalPlan,
    schema: DFSchemaRef,
}

/// What the rows of the operator state in the place of a table where they state how many events a partition had.
const EVENTS: &str = "events";

/// The rows that the operator gives: one for each file that it has written, and one for the events of each partition.
fn written_schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let number = |name| Field::new(name, DataType::UInt64, false);
    let fields = vec![text("table"), text("name"), number("bytes"), number("rows"), number("hash")];
    Arc::new(Schema::new(fields))
}

impl ReplayNode {
    /// The operator over those events.
    ///
    /// # Errors
    /// When the names of its columns are not names, which would be a defect.
    pub fn new(task: ReplayTask, input: LogicalPlan) -> EngineResult<ReplayNode> {
        let schema = Arc::new(DFSchema::try_from(written_schema())?);
        Ok(ReplayNode { task, input, schema })
    }

    /// With what it replays.
    #[must_use]
    pub fn task(&self) -> &ReplayTask {
        &self.task
    }
}

impl PartialOrd for ReplayNode {
    fn partial_cmp(&self, other: &ReplayNode) -> Option<std::cmp::Ordering> {
        (&self.task, &self.input).partial_cmp(&(&other.task, &other.input))
    }
}

impl UserDefinedLogicalNodeCore for ReplayNode {
    fn name(&self) -> &'static str {
        "Replay"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Replay: parts={}", self.task.parts)
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> EngineResult<ReplayNode> {
        let missing = || DataFusionError::Internal("a replay has one input".to_owned());
        let input = inputs.into_iter().next().ok_or_else(missing)?;
        Ok(ReplayNode { task: self.task.clone(), input, schema: Arc::clone(&self.schema) })
    }

    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

/// The operator: replays the cases of each of its partitions and writes their fact files.
#[derive(Debug)]
pub struct ReplayExec {
    task: ReplayTask,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ReplayExec {
    /// The operator over those events.
    #[must_use]
    pub fn new(task: ReplayTask, input: Arc<dyn ExecutionPlan>) -> ReplayExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(written_schema()),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        ReplayExec { task, input, properties: Arc::new(properties) }
    }

    /// With what it replays.
    #[must_use]
    pub fn task(&self) -> &ReplayTask {
        &self.task
    }
}

impl DisplayAs for ReplayExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ReplayExec: parts={}", self.task.parts)
    }
}

impl ExecutionPlan for ReplayExec {
    fn name(&self) -> &'static str {
        "ReplayExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// All events of a case are in one partition, because all of a part are.
    fn required_input_distribution(&self) -> Vec<Distribution> {
        match Column::new_with_schema(PART, &self.input.schema()) {
            Ok(part) => vec![Distribution::KeyPartitioned(vec![Arc::new(part)])],
            Err(_) => vec![Distribution::SinglePartition],
        }
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let missing = || DataFusionError::Internal("a replay has one input".to_owned());
        let input = children.into_iter().next().ok_or_else(missing)?;
        Ok(Arc::new(ReplayExec::new(self.task.clone(), input)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        // A process that replays states what one task may use.
        let resources = context.session_config().get_extension::<Resources>();
        let resources = resources.ok_or_else(|| DataFusionError::Plan("this process does not replay".to_owned()))?;
        let events = self.input.execute(partition, context)?;
        let written = replay(self.task.clone(), events, *resources);
        let written = stream::once(written).map(|rows| rows.map_err(|error| DataFusionError::External(error.into())));
        Ok(Box::pin(RecordBatchStreamAdapter::new(written_schema(), written)))
    }
}

/// Replays all cases of those events, and gives the files that were written.
async fn replay(task: ReplayTask, mut events: SendableRecordBatchStream, resources: Resources) -> Result<RecordBatch> {
    let parts = usize::try_from(task.parts).map_err(|_| Error::refused("there are too many parts of cases"))?;
    let partitions = Partitions::new(parts, resources.memory_bytes / 2, 1);
    let mut writer = PartitionWriter::new(&partitions);
    let mut count = 0;
    while let Some(batch) = events.next().await {
        let batch = with_views(&batch?)?;
        let part_of = batch.column_by_name(PART).and_then(|part| part.as_primitive_opt::<UInt64Type>()).cloned();
        let part_of = part_of.ok_or_else(|| Error::refused("the events of a replay have no parts"))?;
        count += batch.num_rows() as u64;
        add_events(&batch, &mut writer, |row, _| usize::try_from(part_of.value(row)).unwrap_or(parts))?;
    }
    writer.finish()?;
    let home = Store::open(&task.home)?;
    let output = Output::Files(home);
    CASE_TABLES.iter().try_for_each(|table| output.prepare(table))?;
    let tables = blocking(move || {
        let desk = desk(&task.desk_events)?;
        let mut tables = TableWriters::new(output);
        for part in 0..parts {
            let partition = CasePartition::take(&partitions, part)?;
            let numbers = CaseNumbers::every(task.parts, part as u64);
            let mut kernel = Kernel::new(&desk, &numbers);
            let mut take = |table: &_, rows: &_| tables.write(table, rows);
            kernel.replay(|case| partition.each_case(case), &mut take)?;
            kernel.finish(&mut take)?;
        }
        Ok(tables)
    })
    .await?;
    let read = FactFile { rows: count, ..FactFile::default() };
    let mut files = vec![WrittenFile { table: EVENTS.to_owned(), file: read }];
    for part in tables.finish() {
        files.extend(part.await??.into_file());
    }
    let texts = |text: fn(&WrittenFile) -> &str| -> ArrayRef {
        Arc::new(files.iter().map(|file| Some(text(file))).collect::<StringArray>())
    };
    let numbers =
        |number: fn(&WrittenFile) -> u64| -> ArrayRef { Arc::new(files.iter().map(number).collect::<UInt64Array>()) };
    let columns = vec![
        texts(|written| &written.table),
        texts(|written| &written.file.name),
        numbers(|written| written.file.bytes),
        numbers(|written| written.file.rows),
        numbers(|written| written.file.hash),
    ];
    Ok(RecordBatch::try_new(written_schema(), columns)?)
}

/// The desk of the events in those files.
fn desk(files: &[PathBuf]) -> Result<Desk> {
    let names: Vec<&str> = DESK_EVENTS.columns.iter().map(|(name, _)| *name).collect();
    let mut events = Vec::new();
    for file in files {
        for batch in read_file(file, &names)? {
            events.push(plain_rows(&batch?)?);
        }
    }
    input::desk(&events)
}

/// The same rows with texts as views, as the log has them: an exchange may have changed them.
fn with_views(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    };
    let fields: Vec<_> = schema.fields().iter().map(view).collect();
    let columns = batch.columns().iter().zip(&fields).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<arrow::error::Result<_>>()?;
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Replays the cases of those events of the log by the operator, in the session of the frame.
///
/// # Errors
/// When the events cannot be read, or a process that replays fails.
pub async fn replay_cases(
    events: DataFrame,
    home: &Store,
    desk_events: Vec<PathBuf>,
    resources: Resources,
) -> Result<Vec<WrittenFile>> {
    let parts = CaseParts::of(events.clone(), resources).await?;
    let task = ReplayTask { home: home.path().to_owned(), desk_events, parts: parts.count() };
    let columns = input::CASE_COLUMNS.iter().map(|name| ident(*name));
    let columns = columns.chain([parts.function().call(vec![col("case_id")]).alias(PART)]);
    let events = events.filter(col("case_id").is_not_null())?.select(columns.collect::<Vec<_>>())?;
    let (state, events) = events.into_parts();
    let node = Arc::new(ReplayNode::new(task, events)?);
    let plan = LogicalPlan::Extension(Extension { node });
    let rows: Vec<RecordBatch> = DataFrame::new(state, plan).execute_stream().await?.try_collect().await?;
    let mut files = Vec::new();
    for batch in &rows {
        let texts = |at: usize| batch.column(at).as_string_opt::<i32>();
        let numbers = |at: usize| batch.column(at).as_primitive_opt::<UInt64Type>();
        let columns = (texts(0).zip(texts(1)), numbers(2).zip(numbers(3)).zip(numbers(4)));
        let (Some((tables, names)), Some(((bytes, counts), hashes))) = columns else {
            return Err(Error::refused("a replay gave other rows"));
        };
        files.extend((0..batch.num_rows()).map(|row| WrittenFile {
            table: tables.value(row).to_owned(),
            file: FactFile {
                name: names.value(row).to_owned(),
                bytes: bytes.value(row),
                rows: counts.value(row),
                hash: hashes.value(row),
            },
        }));
    }
    // Nothing is named that is not of all events, each once, whatever has become of them on their way.
    let (read, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|written| written.table == EVENTS);
    let read: u64 = read.iter().map(|written| written.file.rows).sum();
    if read != parts.events() {
        let message = format!("the cluster replayed {read} events about cases, and the log has {}", parts.events());
        return Err(
            Error::refused(message).with_hint("its machines must see the same store; the facts are as they were")
        );
    }
    // Files come in the order in which tasks end.
    files.sort_by(|left, right| (&left.table, &left.file.name).cmp(&(&right.table, &right.file.name)));
    Ok(files)
}
