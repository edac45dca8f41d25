//! The scheduler of a cluster: it takes plans, cuts them into stages, and gives their tasks to executors.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_core::utils::default_session_builder;
use ballista_scheduler::cluster::{BallistaCluster, ClusterStateEvent};
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::Result as EngineResult;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use tokio::net::TcpListener;
use tonic::service::RoutesBuilder;
use tonic::transport::server::TcpIncoming;

use crate::cluster::address::ClusterAddress;
use crate::cluster::connector::{Connector, MESSAGE_BYTES_MAX};
use crate::cluster::executors::Executors;
use crate::error::{Error, Result};
use crate::node::codec::{LogicalCodec, PhysicalCodec};
use crate::node::gate::{Ready, guarded};
use crate::node::planner::Planner;
use crate::node::service::{Server, Service};

/// What reports as an error that it cannot show figures of a plan beside the plan.
pub const OF_FIGURES: &str = "ballista_scheduler::display";

/// Seconds without a word of an executor after which its tasks are given to others. It asks for tasks at least every five.
const EXECUTOR_TIMEOUT: u64 = 15;

/// How often the scheduler looks whether executors have ended, in seconds.
const EXECUTORS_LOOKED_AT: u64 = 2;

/// Seconds for which work waits when no executor is left.
const NO_EXECUTORS_GRACE: u64 = 30;

/// For how long a question waits for a first executor, and how often it looks.
const WAIT_FOR_EXECUTOR: Duration = Duration::from_secs(20);
const LOOK_FOR_EXECUTOR: Duration = Duration::from_millis(200);

/// Into how many parts the rows of a stage are divided at the least; otherwise one for each core of the executors.
const CORES_LEAST: usize = 2;

/// Seconds for which the rows of a question stay with the executors.
const ROWS_KEPT: u64 = 600;

/// Serves until `end` ends. `address` is under which others reach the listener.
///
/// # Errors
/// When the listener or a certificate cannot be used.
pub async fn serve(
    listener: TcpListener,
    address: &ClusterAddress,
    connector: Connector,
    end: impl Future<Output = ()>,
) -> Result<()> {
    let cores = Arc::new(AtomicUsize::new(CORES_LEAST));
    let config = SchedulerConfig {
        external_host: address.host.clone(),
        bind_port: address.port,
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: EXECUTOR_TIMEOUT,
        expire_dead_executor_interval_seconds: EXECUTORS_LOOKED_AT,
        no_executors_grace_period_seconds: NO_EXECUTORS_GRACE,
        // What is carried out again in part can count rows twice: the process that asked sends the whole plan again.
        task_max_failures: 1,
        stage_max_failures: 1,
        finished_job_data_clean_up_interval_seconds: ROWS_KEPT,
        finished_job_state_clean_up_interval_seconds: ROWS_KEPT,
        grpc_server_max_decoding_message_size: message_bytes_max(),
        grpc_server_max_encoding_message_size: message_bytes_max(),
        grpc_client_max_message_size: message_bytes_max(),
        override_config_producer: Some(Arc::new({
            let connector = connector.clone();
            move || connector.config(SessionConfig::new_with_ballista())
        })),
        override_session_builder: Some(Arc::new({
            let cores = Arc::clone(&cores);
            move |config| session(config, cores.load(Ordering::Relaxed))
        })),
        override_logical_codec: Some(Arc::new(LogicalCodec::default())),
        override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
        override_create_grpc_client_endpoint: Some(connector.customize()),
        use_tls: connector.is_encrypted(),
        ..SchedulerConfig::default()
    };
    let failed = |cause: &dyn std::fmt::Display| Error::refused(format!("the scheduler of the cluster: {cause}"));
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(|error| failed(&error))?;
    let scheduler: Server = create_scheduler(cluster, Arc::new(config)).await.map_err(|error| failed(&error))?;
    let ended = Arc::new(AtomicU64::new(0));
    let mut changes = scheduler.state.executor_manager.cluster_state_events().await.map_err(|error| failed(&error))?;
    let counted = Arc::clone(&ended);
    let counting = SpawnedTask::spawn(async move {
        while let Some(change) = changes.next().await {
            if matches!(change, ClusterStateEvent::RemovedExecutor { .. }) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut services = RoutesBuilder::default();
    services.add_service(
        SchedulerGrpcServer::new(Service::new(scheduler.clone()))
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
            .max_decoding_message_size(MESSAGE_BYTES_MAX),
    );
    let services = guarded(services.routes(), &connector, Some(has_executors(scheduler, cores, ended)));
    let served = connector.server()?.add_routes(services);
    let served = served.serve_with_incoming_shutdown(TcpIncoming::from(listener), end);
    let served = served.await.map_err(|error| failed(&error));
    drop(counting);
    served
}

/// [`MESSAGE_BYTES_MAX`] as the settings have it.
pub(super) fn message_bytes_max() -> u32 {
    u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX)
}

/// Waits for executors, and puts how many cores they have into `cores`.
fn has_executors(scheduler: Server, cores: Arc<AtomicUsize>, ended: Arc<AtomicU64>) -> Ready {
    Arc::new(move || {
        let (scheduler, cores, ended) = (scheduler.clone(), Arc::clone(&cores), Arc::clone(&ended));
        Box::pin(async move {
            let wait = async {
                while !scheduler.is_ready() {
                    tokio::time::sleep(LOOK_FOR_EXECUTOR).await;
                }
            };
            let waited = tokio::time::timeout(WAIT_FOR_EXECUTOR, wait).await;
            waited.map_err(|_| {
                let seconds = WAIT_FOR_EXECUTOR.as_secs();
                format!("no executor has come within {seconds} seconds; `casebook cluster executor` starts one")
            })?;
            let executors = scheduler.state.executor_manager.get_executors_state().await;
            let executors = executors.map_err(|error| error.to_string())?;
            let known = executors.iter().map(|(executor, ..)| executor.specification.vcores as usize).sum::<usize>();
            cores.store(known.max(CORES_LEAST), Ordering::Relaxed);
            let present = executors.into_iter().map(|(executor, ..)| executor.id).collect();
            let (of_scheduler, ended) = (scheduler.scheduler_id.clone(), ended.load(Ordering::Relaxed));
            Ok(Executors { of_scheduler, ended, present })
        })
    })
}

/// A session for the plans of a process that asks.
fn session(config: SessionConfig, cores: usize) -> EngineResult<SessionState> {
    let state = default_session_builder(config.with_target_partitions(cores))?;
    Ok(SessionStateBuilder::new_from_existing(state).with_query_planner(Arc::new(Planner)).build())
}
