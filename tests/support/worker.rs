//! A worker over the unary calls: it can stand still, vanish, and speak again when it should be dead.

use std::time::Duration;

use roomcast_proto::v1::{
    Assignment, Completion, LeaseJobsRequest, OutputChunk, Payload, ProgressUpdate, Report,
    ReportJobRequest, ReportJobResponse, report,
};
use tonic::Status;

use super::grpc::Jobs;

/// One ask for work waits this long in the core.
const LONG_POLL: i64 = 5;
/// Longest wait for a job or an answer: a lease must run out and the core may be away.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries while the core is away.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

#[derive(Debug, Clone)]
pub(crate) struct Worker {
    jobs: Jobs,
    name: String,
}

impl Worker {
    pub(crate) fn new(name: &str, jobs: Jobs) -> Worker {
        Worker { jobs, name: name.to_owned() }
    }

    /// Waits for a job of this kind.
    pub(crate) async fn lease(&self, kind: &str) -> Assignment {
        let asks = async {
            loop {
                if let Some(assignment) = self.try_lease(kind).await.unwrap() {
                    return assignment;
                }
            }
        };
        let leased = tokio::time::timeout(PATIENCE, asks).await;
        leased.unwrap_or_else(|_| panic!("{} gets no job of kind {kind}", self.name))
    }

    /// Asks once.
    pub(crate) async fn try_lease(&self, kind: &str) -> Result<Option<Assignment>, Status> {
        let request = LeaseJobsRequest {
            worker_id: self.name.clone(),
            kinds: vec![kind.to_owned()],
            max_jobs: 1,
            wait: Some(prost_types::Duration { seconds: LONG_POLL, nanos: 0 }),
            tenant: String::new(),
        };
        Ok(self.jobs.clone().lease_jobs(request).await?.into_inner().assignments.pop())
    }

    pub(crate) async fn report(&self, report: Report) -> Result<ReportJobResponse, Status> {
        let request = ReportJobRequest { report: Some(report) };
        Ok(self.jobs.clone().report_job(request).await?.into_inner())
    }

    /// Reports until the core has it, through any outage. Nothing else than an outage is forgiven.
    pub(crate) async fn report_through(&self, report: Report) {
        let tries = async {
            while let Err(status) = self.report(report.clone()).await {
                assert!(is_outage(&status), "{status:?}");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        };
        tokio::time::timeout(PATIENCE, tries).await.expect("the core takes the report in time");
    }
}

/// Whether a call may have failed because the core was away.
pub(crate) fn is_outage(status: &Status) -> bool {
    matches!(
        status.code(),
        tonic::Code::Unavailable
            | tonic::Code::Cancelled
            | tonic::Code::Unknown
            | tonic::Code::Internal
            | tonic::Code::DeadlineExceeded
    )
}

/// A report of an assignment, with nothing in it.
pub(crate) fn report(assignment: &Assignment, number: u64) -> Report {
    let job_id = assignment.job.as_ref().expect("a job").job_id.clone();
    Report { job_id, fence: assignment.fence, number, ..Report::default() }
}

pub(crate) fn progress(assignment: &Assignment, number: u64, percent: f64) -> Report {
    let update = ProgressUpdate { percent: Some(percent), ..ProgressUpdate::default() };
    Report { progress: Some(update), ..report(assignment, number) }
}

pub(crate) fn output(assignment: &Assignment, number: u64, offset: u64, data: &str) -> Report {
    let data = data.as_bytes().to_vec().into();
    let chunk = OutputChunk { channel: "stdout".to_owned(), offset, data };
    Report { output: vec![chunk], ..report(assignment, number) }
}

pub(crate) fn completed(assignment: &Assignment, number: u64) -> Report {
    let result = Payload { content_type: String::new(), data: b"{\"done\":true}".to_vec().into() };
    let end = report::End::Completed(Completion { result: Some(result) });
    Report { end: Some(end), ..report(assignment, number) }
}
