//! `JobService`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, job_service_server::JobService};
use sha2::{Digest as _, Sha256};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::thing::Lease;
use super::vigil::Vigil;
use super::wire::{check, job as wire_job, page, report as wire_report};
use super::work::{self, Work, roster::Roster};
use super::{audit, membership, watch, wire};
use crate::auth::{Admitted, Caller, Door};
use crate::domain::audit::{self as audit_log, Act};
use crate::domain::job::{self, Spec};
use crate::domain::limits;
use crate::domain::topic::Topic;
use crate::error::status;
use crate::log::{Log, now};
use crate::store::commit::{Action, Command, Idempotency};
use crate::store::{JobPage, JobQuery, OutputQuery, Piece};
use tokio_util::sync::CancellationToken;

const PAGES: page::Sizes = page::Sizes { default: 50, max: 200 };
const OUTPUT_BYTES_DEFAULT: usize = 256 << 10;
const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Longest wait of a lease request.
const LEASE_WAIT_MAX: Duration = Duration::from_secs(30);
/// Jobs of one lease request.
const LEASES_MAX: u32 = 64;
/// Leases of one beat.
const HELD_MAX: usize = 1024;

/// Jobs, for those who create, watch and do them.
#[derive(Debug, Clone)]
pub struct Jobs {
    log: Log,
    door: Arc<Door>,
    roster: Roster,
    drain: CancellationToken,
}

impl Jobs {
    /// The service over a log. Streams end when `drain` is cancelled.
    #[must_use]
    pub fn new(log: Log, door: Arc<Door>, roster: Roster, drain: CancellationToken) -> Jobs {
        Jobs { log, door, roster, drain }
    }

    /// What a worker's calls need.
    fn work(&self, lease: Lease) -> Work {
        let (log, roster, drain) = (self.log.clone(), self.roster.clone(), self.drain.clone());
        Work { log, roster, drain, tenant: lease.tenant() }
    }

    fn vigil(&self, caller: Caller, topic: Option<Topic>) -> Vigil {
        let (log, door) = (self.log.clone(), Arc::clone(&self.door));
        Vigil { log, door, caller, topic }
    }

    /// Creates a job in the caller's name. What the same key means is `operation`'s own.
    async fn create(
        &self,
        (caller, tenant): (&Caller, String),
        operation: &str,
        request: v1::CreateJobRequest,
    ) -> Result<v1::CreateJobResponse, Status> {
        let key = &request.idempotency_key;
        let idempotency = idempotency(caller, &tenant, operation, key, &request)?;
        let id = uuid::Uuid::now_v7().simple().to_string();
        let (spec, input) = wire_job::spec(request, (caller, tenant), id, now())?;
        let spec = membership::placed(&self.log, caller, spec).await?;
        let job = (spec, input);
        let created =
            work::dispatch::create((&self.log, &self.roster), job, idempotency, None).await;
        let (stored, is_replay) = created.map_err(status)?;
        let job = Some(wire_job::job(&stored));
        Ok(v1::CreateJobResponse { job, created: !is_replay })
    }
}

/// A caller whose call belongs to a trace: what follows from a message is found by its trace id.
fn traced(mut caller: Caller) -> Caller {
    caller.trace.get_or_insert_with(|| uuid::Uuid::new_v4().into_bytes());
    caller
}

/// What makes a repetition of a request harmless: its key, whose it is, and its content.
pub(super) fn idempotency(
    caller: &Caller,
    tenant: &str,
    operation: &str,
    key: &str,
    content: &impl prost::Message,
) -> Result<Option<Idempotency>, Status> {
    if key.is_empty() {
        return Ok(None);
    }
    let field = "idempotency_key";
    let key = check::key(field, key.to_owned(), limits::IDEMPOTENCY_KEY_BYTES_MAX)?;
    // A tenant and a name may be any texts, and a user and a service may have one name: of the three
    // together each has its own. Operations hold no sign but letters and lines.
    let kind = if caller.user().is_some() { "@user" } else { "" };
    let tenant = tenant.replace('%', "%25").replace('/', "%2F");
    let scope = format!("{operation}{kind}/{tenant}/{}", caller.name());
    let content = Sha256::digest(content.encode_to_vec()).into();
    Ok(Some(Idempotency { scope, key, content, expires_at: now() + limits::IDEMPOTENCY_WINDOW }))
}

type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchJobResponse, Status>> + Send>>;
type WorkStream = Pin<Box<dyn Stream<Item = Result<v1::WorkResponse, Status>> + Send>>;

#[tonic::async_trait]
impl JobService for Jobs {
    type WatchJobStream = WatchStream;
    type WorkStream = WorkStream;

    async fn create_job(
        &self,
        request: Request<v1::CreateJobRequest>,
    ) -> Result<Response<v1::CreateJobResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let answer = self.create((&caller, tenant), "create_job", request).await?;
        Ok(Response::new(answer))
    }

    async fn send_message(
        &self,
        request: Request<v1::SendMessageRequest>,
    ) -> Result<Response<v1::SendMessageResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let caller = traced(caller);
        let request = wire::agent::message(request)?;
        if self.door.is_dev() {
            membership::improvise(&self.log, &caller, &request.session_id).await?;
        }
        let v1::CreateJobResponse { job, .. } =
            self.create((&caller, tenant), "send_message", request).await?;
        Ok(Response::new(v1::SendMessageResponse { job }))
    }

    async fn start_test_run(
        &self,
        request: Request<v1::StartTestRunRequest>,
    ) -> Result<Response<v1::StartTestRunResponse>, Status> {
        let Admitted { caller, request, thing: project, .. } =
            self.door.admit(&self.log, request).await?;
        let caller = traced(caller);
        let request = wire::agent::test_run(request)?;
        let v1::CreateJobResponse { job, .. } =
            self.create((&caller, project.tenant), "start_test_run", request).await?;
        Ok(Response::new(v1::StartTestRunResponse { job }))
    }

    async fn get_job(
        &self,
        request: Request<v1::GetJobRequest>,
    ) -> Result<Response<v1::GetJobResponse>, Status> {
        let Admitted { thing: stored, .. } = self.door.admit(&self.log, request).await?;
        let spec = &stored.record.job.spec;
        let input = self.log.store().job_input(&spec.id).await.map_err(status)?;
        let mut job = wire_job::job(&stored);
        job.input = input.as_ref().map(wire::value::payload);
        let workers = self.roster.serving(&spec.kind, &spec.tenant);
        let limit = self.roster.limit(&spec.kind).map(wire_job::limit);
        Ok(Response::new(v1::GetJobResponse { job: Some(job), workers, limit }))
    }

    async fn list_jobs(
        &self,
        request: Request<v1::ListJobsRequest>,
    ) -> Result<Response<v1::ListJobsResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let conditions =
            v1::ListJobsRequest { page_token: String::new(), page_size: 0, ..request.clone() }
                .encode_to_vec();
        let size = page::size(request.page_size, PAGES)?;
        let of_project = match request.project_id.as_str() {
            "" => false,
            id => membership::role(&self.log, &caller, &tenant, id).await?.is_some(),
        };
        let mut query = query((&caller, tenant), request, of_project, &conditions)?;
        query.limit = size;
        let JobPage { jobs, has_more } = self.log.store().jobs(query).await.map_err(status)?;
        let last = jobs.last().filter(|_| has_more);
        let next_page_token = last
            .map(|stored| page::token(&stored.record.job.spec.id, &conditions))
            .unwrap_or_default();
        let jobs = jobs.iter().map(wire_job::job).collect();
        Ok(Response::new(v1::ListJobsResponse { jobs, next_page_token }))
    }

    async fn cancel_job(
        &self,
        request: Request<v1::CancelJobRequest>,
    ) -> Result<Response<v1::CancelJobResponse>, Status> {
        let Admitted { caller, request, thing: stored, .. } =
            self.door.admit(&self.log, request).await?;
        let reason = check::text("reason", request.reason, limits::MESSAGE_BYTES_MAX)?;
        let grace = check::span("grace", request.grace, limits::CANCEL_GRACE_MAX)?;
        let told = told(&caller, &stored.record.job, Act::CancelJob);
        let job_id = stored.record.job.spec.id.clone();
        let command = job::Command::Cancel {
            reason,
            by: caller.name().to_owned(),
            grace: grace.unwrap_or(limits::CANCEL_GRACE),
        };
        let action = Action::Job { job_id, command };
        let command = Command { action, idempotency: None, trace: caller.trace };
        let committed =
            audit::commit(&self.log, told, command, |command| self.log.commit_job(command));
        let (stored, _) = committed.await.map_err(status)?;
        Ok(Response::new(v1::CancelJobResponse { job: Some(wire_job::job(&stored)) }))
    }

    async fn retry_job(
        &self,
        request: Request<v1::RetryJobRequest>,
    ) -> Result<Response<v1::RetryJobResponse>, Status> {
        let Admitted { caller, request, thing: stored, .. } =
            self.door.admit(&self.log, request).await?;
        let old = &stored.record.job;
        if !old.state.is_final() {
            return Err(Code::JobNotEnded.status("the job has not ended; cancel it or wait"));
        }
        let key = &request.idempotency_key;
        let idempotency = idempotency(&caller, &old.spec.tenant, "retry_job", key, &request)?;
        let now = now();
        let spec = Spec {
            id: uuid::Uuid::now_v7().simple().to_string(),
            run_at: now,
            retry_of: Some(old.spec.id.clone()),
            // A worker that a job was pinned to is gone with its job.
            pinned_worker: None,
            trace: caller.trace,
            created_at: now,
            ..Spec::clone(&old.spec)
        };
        // A new job takes the right to create one there, which its owner may have lost.
        let spec = membership::placed(&self.log, &caller, spec).await?;
        let input = self.log.store().job_input(&old.spec.id).await.map_err(status)?;
        let told = told(&caller, old, Act::RetryJob);
        let log = (&self.log, &self.roster);
        let created = work::dispatch::create(log, (spec, input), idempotency, told.clone()).await;
        if let Some(refused) = told.and_then(|entry| audit::refusal(entry, &created)) {
            audit::tell_refused(&self.log, &refused, caller.trace).await;
        }
        let (stored, _) = created.map_err(status)?;
        Ok(Response::new(v1::RetryJobResponse { job: Some(wire_job::job(&stored)) }))
    }

    async fn read_job_output(
        &self,
        request: Request<v1::ReadJobOutputRequest>,
    ) -> Result<Response<v1::ReadJobOutputResponse>, Status> {
        let Admitted { request, thing: stored, .. } = self.door.admit(&self.log, request).await?;
        let job = &stored.record.job;
        let channel = if request.channel.is_empty() { "stdout".into() } else { request.channel };
        let attempt = if request.attempt == 0 { job.attempt } else { request.attempt };
        let max = match request.max_bytes as usize {
            0 => OUTPUT_BYTES_DEFAULT,
            max => max.min(OUTPUT_BYTES_MAX),
        };
        let is_last = attempt == job.attempt;
        let known = job.output.get(&channel).copied().filter(|_| is_last);
        let query =
            OutputQuery { job_id: job.spec.id.clone(), attempt, channel, from: request.from, max };
        let piece = self.log.store().job_output(query).await.map_err(status)?;
        let Piece { start, data } = piece.within(known);
        let next = start + data.len() as u64;
        let size = known.unwrap_or(next).max(next);
        Ok(Response::new(v1::ReadJobOutputResponse { data, next, size, attempt, start }))
    }

    async fn watch_job(
        &self,
        request: Request<v1::WatchJobRequest>,
    ) -> Result<Response<WatchStream>, Status> {
        let Admitted { caller, request, thing: stored, .. } =
            self.door.admit(&self.log, request).await?;
        let spec = &stored.record.job.spec;
        let topic = wire::publish::topic(&spec.tenant, &format!("job:{}", spec.id))?;
        let start = wire::frame::start(&request.since, &topic)?;
        let types = check::types(request.types)?;
        let frames = watch::follow(&self.log, topic.clone(), start, types, &self.drain).await?;
        let vigil = self.vigil(caller, Some(topic));
        Ok(Response::new(Box::pin(frames.map_frames(watch::job_response, vigil))))
    }

    async fn work(
        &self,
        request: Request<Streaming<v1::WorkRequest>>,
    ) -> Result<Response<WorkStream>, Status> {
        let Admitted { caller, request, thing, .. } = self.door.admit(&self.log, request).await?;
        let responses = work::stream::open(self.work(thing), self.vigil(caller, None), request);
        Ok(Response::new(Box::pin(responses)))
    }

    async fn lease_jobs(
        &self,
        request: Request<v1::LeaseJobsRequest>,
    ) -> Result<Response<v1::LeaseJobsResponse>, Status> {
        let Admitted { caller, request, thing, .. } = self.door.admit(&self.log, request).await?;
        let work = self.work(thing);
        let wait = check::span("wait", request.wait, LEASE_WAIT_MAX)?.unwrap_or_default();
        let slots = request.max_jobs.clamp(1, LEASES_MAX);
        let tenant = work.tenant.clone();
        let worker = work::worker(request.worker_id, request.kinds, slots, tenant)?;
        tokio::select! {
            assignments = work::unary::lease(&work, worker, wait) => {
                Ok(Response::new(v1::LeaseJobsResponse { assignments }))
            }
            loss = self.vigil(caller, None).lost() => Err(loss.into()),
        }
    }

    async fn renew_leases(
        &self,
        request: Request<v1::RenewLeasesRequest>,
    ) -> Result<Response<v1::RenewLeasesResponse>, Status> {
        let Admitted { request, thing, .. } = self.door.admit(&self.log, request).await?;
        let held = request.held;
        if held.len() > HELD_MAX {
            return Err(check::invalid("held", "has at most 1024 leases"));
        }
        let renewed = work::unary::renew(&self.work(thing), held).await?;
        let (cancels, lost) = (renewed.cancels, renewed.lost);
        Ok(Response::new(v1::RenewLeasesResponse { cancels, lost }))
    }

    async fn report_job(
        &self,
        request: Request<v1::ReportJobRequest>,
    ) -> Result<Response<v1::ReportJobResponse>, Status> {
        let Admitted { request, thing, .. } = self.door.admit(&self.log, request).await?;
        let report = request.report.ok_or_else(|| check::invalid("report", "is required"))?;
        let (job_id, report) = wire_report::report(report)?;
        let work = self.work(thing);
        work.reaches(&job_id).await.map_err(status)?;
        let (ack, cancel) = work::unary::report(&work, job_id, report).await?;
        Ok(Response::new(v1::ReportJobResponse { ack: Some(ack), cancel }))
    }
}

/// What an act on somebody else's job is told as.
fn told(caller: &Caller, job: &job::Job, act: Act) -> Option<audit_log::Entry> {
    let is_own = caller.name() == job.spec.owner;
    let target = || format!("job:{}", job.spec.id);
    (!is_own).then(|| audit::entry(caller, &job.spec.tenant, act, target()))
}

fn query(
    (caller, tenant): (&Caller, String),
    request: v1::ListJobsRequest,
    of_project: bool,
    conditions: &[u8],
) -> Result<JobQuery, Status> {
    let given = |text: String| (!text.is_empty()).then_some(text);
    // A project's jobs are its members' to see.
    let owner = if caller.sees_all_jobs() || of_project {
        given(request.owner)
    } else {
        let is_other = !request.owner.is_empty() && request.owner != caller.name();
        if is_other {
            return Err(Code::PermissionDenied.status("owner: only your own jobs are visible"));
        }
        Some(caller.name().to_owned())
    };
    Ok(JobQuery {
        tenant,
        owner,
        project: given(request.project_id),
        kind: given(request.kind),
        states: request.states.into_iter().map(wire_job::state_in).collect::<Result<_, _>>()?,
        labels: wire_job::labels(request.labels)?.into_iter().collect(),
        after: page::place(&request.page_token, conditions)?,
        limit: 0,
    })
}
