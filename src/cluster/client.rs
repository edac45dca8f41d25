//! Asking a cluster: sending a plan to its scheduler, and fetching the rows.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use ballista_core::execution_plans::DistributedQueryExec;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{CancelJobParams, GetJobMetricsParams, GetJobStatusParams};
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::protobuf::LogicalPlanNode;
use futures::StreamExt;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::cluster::address::ClusterAddress;
use crate::cluster::connector::{Connector, PROCESS, cause_of};
use crate::cluster::executors::{EXECUTORS, Executors};
use crate::error::{Error, Result};

/// How often a plan is carried out whose rows are lost on their way, because an executor that holds them ends.
const ATTEMPTS: usize = 5;

/// How often a process that waits looks whether the executors are still there.
const LOOKED_AT: Duration = Duration::from_secs(3);

/// A result of the engine.
type EngineResult<T> = datafusion::error::Result<T>;

/// A cluster to which work can be sent.
#[derive(Clone, Debug)]
pub struct Cluster {
    address: ClusterAddress,
    connector: Connector,
    /// How plans are written for other processes.
    codec: Arc<dyn LogicalExtensionCodec>,
    /// All questions of this process are one session of the scheduler.
    session_id: String,
}

impl Cluster {
    /// The cluster whose scheduler is at that address. Nothing is connected yet.
    #[must_use]
    pub fn new(address: ClusterAddress, connector: Connector, codec: Arc<dyn LogicalExtensionCodec>) -> Cluster {
        Cluster { address, connector, codec, session_id: Uuid::new_v4().to_string() }
    }

    /// The cluster to which a session sends work.
    #[must_use]
    pub fn of(session: &SessionContext) -> Option<Arc<Cluster>> {
        session.state_ref().read().config().get_extension::<Cluster>()
    }

    /// Where its scheduler is.
    #[must_use]
    pub fn address(&self) -> &ClusterAddress {
        &self.address
    }

    /// How plans are written for its processes.
    #[must_use]
    pub fn codec(&self) -> &dyn LogicalExtensionCodec {
        self.codec.as_ref()
    }

    /// Fails where the scheduler does not answer, refuses this process, or has no executor.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn check(&self) -> Result<Executors> {
        let mut scheduler = self.scheduler().await?;
        // No job has this name: how the scheduler receives the request is what counts.
        let answer = scheduler.get_job_status(GetJobStatusParams { job_id: String::new() }).await;
        let headers = self.accepted(answer)?;
        let executors = headers.get(EXECUTORS).and_then(|stated| stated.to_str().ok()).and_then(Executors::of_text);
        executors.ok_or_else(|| self.unreachable("it does not state its executors"))
    }

    /// Fails where the scheduler does not answer, or refuses this process.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn check_to_join(&self) -> Result<()> {
        let mut scheduler = self.scheduler().await?;
        self.accepted(scheduler.get_job_metrics(GetJobMetricsParams { job_id: String::new() }).await).map(drop)
    }

    fn unreachable(&self, cause: &str) -> Error {
        Error::refused(format!("the scheduler of the cluster at {} does not answer: {cause}", self.address)).with_hint(
            "`casebook cluster scheduler` starts one; all processes need certificates of one authority, or none",
        )
    }

    async fn scheduler(&self) -> Result<SchedulerGrpcClient<Channel>> {
        let endpoint = Endpoint::from_shared(self.url()).map_err(|error| self.unreachable(&error.to_string()))?;
        let endpoint =
            self.connector.endpoint(&endpoint).map_err(|error| self.unreachable(&cause_of(error.as_ref())))?;
        let channel = endpoint.connect().await.map_err(|error| self.unreachable(&cause_of(&error)))?;
        Ok(SchedulerGrpcClient::new(channel))
    }

    /// The headers of an answer, which may say that there is no such job.
    fn accepted<T>(&self, answer: std::result::Result<Response<T>, Status>) -> Result<MetadataMap> {
        let status = match answer {
            Ok(response) => return Ok(response.metadata().clone()),
            Err(status) => status,
        };
        if status.code() == Code::FailedPrecondition {
            return Err(Error::refused(format!("the cluster at {}: {}", self.address, status.message())));
        }
        // A certificate is refused only after the connection is there.
        match status.metadata().contains_key(PROCESS) {
            true => Ok(status.metadata().clone()),
            false => Err(self.unreachable(&cause_of(&status))),
        }
    }

    fn url(&self) -> String {
        let scheme = if self.connector.is_encrypted() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The settings of a question to the cluster.
    fn config(&self) -> SessionConfig {
        // The planner that replans while stages run never ends some joins with a stage that gave no rows.
        let config = SessionConfig::new_with_ballista().with_ballista_adaptive_query_planner(false);
        // Each task would take the collected side of a join for its own, and report rows of it that match nothing.
        let mut config =
            config.with_ballista_broadcast_join_threshold_bytes(0).with_ballista_broadcast_join_threshold_rows(0);
        let options = &mut config.options_mut().optimizer;
        options.hash_join_single_partition_threshold = 0;
        options.hash_join_single_partition_threshold_rows = 0;
        // A join of sorted sides cannot compare instants.
        options.prefer_hash_join = true;
        // A task reads the files that it was given, and leaves those of other tasks.
        config.options_mut().execution.enable_file_stream_work_stealing = false;
        self.connector.config(config)
    }

    /// The rows of a plan that the cluster carries out, with the columns of `schema`. Their bytes are counted in `memory`.
    ///
    /// # Errors
    /// When the cluster cannot be reached, the plan fails there, or there is not enough memory here.
    pub async fn rows(
        &self,
        plan: &LogicalPlan,
        schema: &SchemaRef,
        memory: &MemoryReservation,
    ) -> EngineResult<Vec<RecordBatch>> {
        let config = self.config();
        let mut before = self.executors().await?;
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let job = Job { cluster: self, sent: self.sent(plan, &config), is_done: false };
            // An answer that is made while an executor ends is of no use.
            let rows = tokio::select! {
                rows = job.rows(&config, schema, memory) => Some(rows),
                gone = self.until_gone(&before) => gone.map(|()| None)?,
            };
            match rows {
                Some(Ok(rows)) => {
                    let after = self.executors().await?;
                    if before.stayed_until(&after) {
                        return Ok(rows);
                    }
                    before = after;
                }
                // Whatever the error is, it may come of an executor that has ended.
                error => {
                    let after = self.executors().await?;
                    lost = match error.and_then(EngineResult::err) {
                        Some(error) if !is_lost(&error) && before.stayed_until(&after) => {
                            return Err(of_the_task(error));
                        }
                        error => error.or(lost),
                    };
                    before = after;
                }
            }
            memory.free();
        }
        let cause = lost.map(|error| format!(": {error}")).unwrap_or_default();
        let message = format!(
            "the cluster gave no answer in {ATTEMPTS} attempts, in which executors ended or reports of them were lost{cause}"
        );
        Err(DataFusionError::Execution(message))
    }

    async fn executors(&self) -> EngineResult<Executors> {
        self.check().await.map_err(|error| DataFusionError::External(error.into()))
    }

    /// Ends when an executor is not there any more, or the scheduler has begun again.
    async fn until_gone(&self, before: &Executors) -> EngineResult<()> {
        loop {
            tokio::time::sleep(LOOKED_AT).await;
            if !before.stayed_until(&self.executors().await?) {
                return Ok(());
            }
        }
    }

    /// The operator of the engine that sends a plan.
    fn sent(&self, plan: &LogicalPlan, config: &SessionConfig) -> DistributedQueryExec<LogicalPlanNode> {
        let (codec, session_id) = (Arc::clone(&self.codec), self.session_id.clone());
        DistributedQueryExec::with_extension(self.url(), config.ballista_config(), plan.clone(), codec, session_id)
    }
}

/// A plan that is being carried out. Where nothing waits for it any more, it is cancelled.
struct Job<'c> {
    cluster: &'c Cluster,
    sent: DistributedQueryExec<LogicalPlanNode>,
    is_done: bool,
}

impl Job<'_> {
    async fn rows(
        mut self,
        config: &SessionConfig,
        schema: &SchemaRef,
        memory: &MemoryReservation,
    ) -> EngineResult<Vec<RecordBatch>> {
        let context = TaskContext::default().with_session_config(config.clone());
        let mut rows = self.sent.execute(0, Arc::new(context))?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().await {
            let batch = with_schema(&batch?, schema)?;
            memory.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        self.is_done = true;
        Ok(batches)
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        let Some(job_id) = self.sent.job_id().filter(|_| !self.is_done) else { return };
        let cluster = self.cluster.clone();
        tokio::spawn(async move {
            // Where the scheduler does not answer, it does not carry the plan out, either.
            if let Ok(mut scheduler) = cluster.scheduler().await {
                let _ = scheduler.cancel_job(CancelJobParams { job_id: job_id.into() }).await;
            }
        });
    }
}

/// The same rows with the types and names that were asked for: the scheduler may have another type for a text.
fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> EngineResult<RecordBatch> {
    if batch.num_columns() != schema.fields().len() {
        return Err(DataFusionError::Execution("the cluster gave other columns".to_owned()));
    }
    // A value of another type is an error, not null.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
        true => Ok(Arc::clone(column)),
        false => cast_with_options(column, field.data_type(), &options),
    });
    let columns = columns.collect::<arrow::error::Result<Vec<ArrayRef>>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// How the message of a plan that failed in the cluster begins; any other failure is of the way to it or back.
const JOB: &str = "Job ";

/// What a failure of a plan contains where the plan itself is the cause: it has an operator that the scheduler cannot cut into
/// stages, or its values are refused by a function. Such a plan is carried out here, where it succeeds, or fails in the words
/// that it always has.
const OF_THE_PLAN: [&str; 10] = [
    UNREADABLE,
    "Unsupported plan node",
    "This feature is not implemented",
    "Error during planning",
    "Internal error",
    "NotImplemented(",
    "Plan(",
    "Execution(",
    "ArrowError(",
    "Internal(",
];

/// What a failure contains that lies in an executor, although the engine reports it as one of the plan.
const OF_THE_MACHINE: [&str; 2] = ["No space left on device", "panicked"];

/// Whether a plan failed in the cluster for a reason that lies in itself.
pub(super) fn is_of_the_plan(error: &DataFusionError) -> bool {
    let DataFusionError::Execution(message) = error else { return false };
    let contains = |cause: &&str| message.contains(*cause);
    message.starts_with(FAILED) && OF_THE_PLAN.iter().any(contains) && !OF_THE_MACHINE.iter().any(contains)
}

/// How the message of a plan begins that failed in the cluster.
const FAILED: &str = "the cluster failed at a part of the question: ";

/// What the message of a scheduler contains that cannot read a plan.
const UNREADABLE: &str = "Could not parse plan";

/// What the message of a plan contains that failed because rows of one of its stages could not be fetched.
const LOST_ROWS: &str = "has failed 1 times";

/// What the message of a plan contains that the scheduler has ended because a report of an executor was lost.
const LOST_REPORT: &str = "Cancelled";

/// Whether rows were lost on their way between the processes of the cluster, or to this one.
fn is_lost(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Execution(message) if message.starts_with(JOB) => {
            message.contains(LOST_ROWS) || message.ends_with(LOST_REPORT)
        }
        DataFusionError::Execution(message) => !message.contains(UNREADABLE),
        DataFusionError::ResourcesExhausted(_) => false,
        _ => true,
    }
}

/// What a plan that failed in the cluster is reported as.
fn of_the_task(error: DataFusionError) -> DataFusionError {
    match &error {
        DataFusionError::Execution(message) if message.starts_with(JOB) || message.contains(UNREADABLE) => {
            DataFusionError::Execution(format!("{FAILED}{message}"))
        }
        _ => error,
    }
}
