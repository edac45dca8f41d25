//! An executor of a cluster: it asks the scheduler for tasks, carries them out, and keeps their rows for those who fetch them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::extension::SessionConfigExt;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use datafusion::prelude::SessionConfig;
use tonic::service::RoutesBuilder;

use crate::cluster::address::ClusterAddress;
use crate::cluster::connector::{Connector, MESSAGE_BYTES_MAX};
use crate::error::{Error, Result};
use crate::node::codec::{LogicalCodec, PhysicalCodec};
use crate::node::gate::guarded;
use crate::node::scheduler::message_bytes_max;
use crate::store::engine::Resources;

/// What an executor works with.
#[derive(Clone, Debug)]
pub struct ExecutorSetup {
    pub scheduler: ClusterAddress,
    /// Where others fetch rows.
    pub listen: SocketAddr,
    /// Under which address they reach it.
    pub address: ClusterAddress,
    pub connector: Connector,
    /// The memory of all tasks together, and how many there may be at once.
    pub resources: Resources,
    /// A folder for rows that others fetch, and for what does not fit into memory.
    pub work: PathBuf,
}

/// How often the folder is searched for rows that are not fetched any more, and how old they are then, in seconds.
const LOOKED_AT: u64 = 600;
const KEPT: u64 = 6 * 3600;

/// Works until the process is asked to end.
///
/// # Errors
/// When the scheduler cannot be reached, or the listener or a certificate cannot be used.
pub async fn run(setup: ExecutorSetup) -> Result<()> {
    let ExecutorSetup { scheduler, listen, address, connector, resources, work } = setup;
    let tasks = resources.threads.max(1);
    // The operators of the engine have one half of the memory, replays the other.
    let of_task = Resources { memory_bytes: resources.memory_bytes / 2 / tasks, threads: 1 };
    let config = ExecutorProcessConfig {
        bind_host: ClusterAddress { host: listen.ip().to_string(), port: listen.port() }.url_host(),
        external_host: Some(address.url_host()),
        port: listen.port(),
        scheduler_host: scheduler.url_host(),
        scheduler_port: scheduler.port,
        vcores: tasks,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(work.display().to_string()),
        memory_pool_size: Some(resources.memory_bytes as u64 / 2),
        job_data_ttl_seconds: KEPT,
        job_data_clean_up_interval_seconds: LOOKED_AT,
        grpc_max_decoding_message_size: message_bytes_max(),
        grpc_max_encoding_message_size: message_bytes_max(),
        override_config_producer: Some(Arc::new({
            let connector = connector.clone();
            move || connector.config(SessionConfig::new_with_ballista().with_extension(Arc::new(of_task)))
        })),
        override_logical_codec: Some(Arc::new(LogicalCodec::default())),
        override_physical_codec: Some(Arc::new(PhysicalCodec::default())),
        override_create_grpc_client_endpoint: Some(connector.customize()),
        override_arrow_flight_service: Some(Arc::new(move |work, address, mut end, _| {
            let connector = connector.clone();
            tokio::spawn(async move {
                let mut services = RoutesBuilder::default();
                services.add_service(
                    FlightServiceServer::new(BallistaFlightService::new(work))
                        .max_encoding_message_size(MESSAGE_BYTES_MAX)
                        .max_decoding_message_size(MESSAGE_BYTES_MAX),
                );
                let unusable = |error: Error| BallistaError::Configuration(error.to_string());
                let services = guarded(services.routes(), &connector, None);
                let served = connector.server().map_err(unusable)?.add_routes(services);
                served.serve_with_shutdown(address, end.recv()).await.map_err(BallistaError::TonicError)
            })
        })),
        ..ExecutorProcessConfig::default()
    };
    let ended = start_executor_process(Arc::new(config)).await;
    ended.map_err(|error| Error::refused(format!("the executor of the cluster: {error}")))
}
