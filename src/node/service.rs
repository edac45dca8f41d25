//! What the scheduler answers to the other processes: what Ballista answers, with two changes.
//!
//! Figures of operators are taken out of the reports of executors. Ballista adds them up by the position of an operator in its
//! task, and where two tasks of a stage differ it forgets the whole report, and with it the rows of the task.
//!
//! A report can be lost, together with its connection. Its executor then has nothing to do while the scheduler waits for it.
//! Such a question is ended, and the process that asked sends it again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ballista_core::JobId;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpc;
use ballista_core::serde::protobuf::{
    CancelJobParams, CancelJobResult, CleanJobDataParams, CleanJobDataResult, CreateUpdateSessionParams,
    CreateUpdateSessionResult, ExecuteQueryParams, ExecuteQueryResult, ExecutorStoppedParams, ExecutorStoppedResult,
    GetJobMetricsParams, GetJobMetricsResult, GetJobStatusParams, GetJobStatusResult, HeartBeatParams, HeartBeatResult,
    OperatorMetricsSet, PollWorkParams, PollWorkResult, RegisterExecutorParams, RegisterExecutorResult,
    RemoveSessionParams, RemoveSessionResult, TaskStatus, UpdateTaskStatusParams, UpdateTaskStatusResult,
};
use ballista_core::serde::scheduler::ExecutorSpecification;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tonic::{Request, Response, Status};

/// The scheduler as Ballista has it.
pub type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// How often in a row an executor asks for work with nothing to do and nothing to report, before tasks that it should have are
/// lost. It then asks every 50 ms.
const IDLE: usize = 100;

/// The service of a scheduler.
pub struct Service {
    scheduler: Server,
    /// By the id of an executor.
    idle: Mutex<HashMap<String, Idle>>,
}

/// An executor with nothing to do.
#[derive(Default)]
struct Idle {
    /// How often in a row it has asked for work.
    asked: usize,
    /// The jobs that had no task to give and waited for none when this was last looked at. A job that has just come is so for a
    /// moment.
    stopped: HashSet<JobId>,
}

impl Service {
    /// The service of that scheduler.
    #[must_use]
    pub fn new(scheduler: Server) -> Service {
        Service { scheduler, idle: Mutex::default() }
    }

    /// Whether it is time to look for what the scheduler still expects of the executor.
    fn is_time_to_look(&self, executor: &str, is_idle: bool) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_idle {
            idle.remove(executor);
            return false;
        }
        let idle = idle.entry(executor.to_owned()).or_default();
        idle.asked += 1;
        idle.asked.is_multiple_of(IDLE)
    }

    /// Ends the jobs that wait for an executor that has nothing to do, or for nothing at all.
    async fn end_lost(&self, executor: &str) -> Result<(), Status> {
        let (mut lost, mut stopped) = (Vec::new(), HashSet::new());
        for (job_id, job) in self.scheduler.state.task_manager.get_running_job_cache().iter() {
            let job = job.execution_graph.read().await;
            let running = job.running_tasks();
            if running.iter().any(|task| task.executor_id == executor) {
                lost.push(job_id.clone());
            } else if running.is_empty() && job.available_tasks() == 0 {
                stopped.insert(job_id.clone());
            }
        }
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(executor) {
            lost.extend(stopped.intersection(&idle.stopped).cloned());
            idle.stopped = stopped;
        }
        for job_id in lost {
            log::warn!(target: "ballista_scheduler", "a report of job {job_id} is lost; the job is ended");
            self.cancel_job(Request::new(CancelJobParams { job_id: job_id.to_string() })).await?;
        }
        Ok(())
    }
}

/// What an executor polls with.
struct Poll {
    executor: String,
    /// Whether all its cores are free, and no task has ended since it last asked.
    has_nothing: bool,
}

impl Poll {
    fn of(params: &PollWorkParams) -> Option<Poll> {
        let metadata = params.metadata.as_ref()?;
        let specification: ExecutorSpecification = metadata.specification.clone().map(Into::into)?;
        let has_nothing = params.task_status.is_empty() && params.num_free_vcores >= specification.vcores;
        Some(Poll { executor: metadata.id.clone(), has_nothing })
    }
}

fn without_figures(reports: &mut [TaskStatus]) {
    for report in reports {
        // One set without figures: Ballista reports a warning where there is none.
        report.metrics = vec![OperatorMetricsSet::default()];
    }
}

#[async_trait]
impl SchedulerGrpc for Service {
    async fn poll_work(&self, mut request: Request<PollWorkParams>) -> Result<Response<PollWorkResult>, Status> {
        without_figures(&mut request.get_mut().task_status);
        let poll = Poll::of(request.get_ref());
        let work = self.scheduler.poll_work(request).await?;
        if let Some(Poll { executor, has_nothing }) = poll
            && self.is_time_to_look(&executor, has_nothing && work.get_ref().tasks.is_empty())
        {
            self.end_lost(&executor).await?;
        }
        Ok(work)
    }

    async fn update_task_status(
        &self,
        mut request: Request<UpdateTaskStatusParams>,
    ) -> Result<Response<UpdateTaskStatusResult>, Status> {
        without_figures(&mut request.get_mut().task_status);
        self.scheduler.update_task_status(request).await
    }

    async fn register_executor(
        &self,
        request: Request<RegisterExecutorParams>,
    ) -> Result<Response<RegisterExecutorResult>, Status> {
        self.scheduler.register_executor(request).await
    }

    async fn heart_beat_from_executor(
        &self,
        request: Request<HeartBeatParams>,
    ) -> Result<Response<HeartBeatResult>, Status> {
        self.scheduler.heart_beat_from_executor(request).await
    }

    async fn create_update_session(
        &self,
        request: Request<CreateUpdateSessionParams>,
    ) -> Result<Response<CreateUpdateSessionResult>, Status> {
        self.scheduler.create_update_session(request).await
    }

    async fn remove_session(
        &self,
        request: Request<RemoveSessionParams>,
    ) -> Result<Response<RemoveSessionResult>, Status> {
        self.scheduler.remove_session(request).await
    }

    type ExecuteQueryPushStream = <Server as SchedulerGrpc>::ExecuteQueryPushStream;

    async fn execute_query_push(
        &self,
        request: Request<ExecuteQueryParams>,
    ) -> Result<Response<Self::ExecuteQueryPushStream>, Status> {
        self.scheduler.execute_query_push(request).await
    }

    async fn execute_query(
        &self,
        request: Request<ExecuteQueryParams>,
    ) -> Result<Response<ExecuteQueryResult>, Status> {
        self.scheduler.execute_query(request).await
    }

    async fn get_job_status(
        &self,
        request: Request<GetJobStatusParams>,
    ) -> Result<Response<GetJobStatusResult>, Status> {
        self.scheduler.get_job_status(request).await
    }

    async fn get_job_metrics(
        &self,
        request: Request<GetJobMetricsParams>,
    ) -> Result<Response<GetJobMetricsResult>, Status> {
        self.scheduler.get_job_metrics(request).await
    }

    async fn executor_stopped(
        &self,
        request: Request<ExecutorStoppedParams>,
    ) -> Result<Response<ExecutorStoppedResult>, Status> {
        self.scheduler.executor_stopped(request).await
    }

    async fn cancel_job(&self, request: Request<CancelJobParams>) -> Result<Response<CancelJobResult>, Status> {
        SchedulerGrpc::cancel_job(&self.scheduler, request).await
    }

    async fn clean_job_data(
        &self,
        request: Request<CleanJobDataParams>,
    ) -> Result<Response<CleanJobDataResult>, Status> {
        self.scheduler.clean_job_data(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_all_tasks_have_the_same_figures() {
        let of =
            |operators| TaskStatus { metrics: vec![OperatorMetricsSet::default(); operators], ..TaskStatus::default() };
        let mut reports = [of(6), of(7), of(0)];
        without_figures(&mut reports);
        assert!(reports.iter().all(|report| report.metrics == [OperatorMetricsSet::default()]));
    }
}
