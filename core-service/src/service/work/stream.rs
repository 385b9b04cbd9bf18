//! Work as a stream: assignments, cancellations and acknowledgements out; reports and beats in.

use std::time::Duration;

use futures::stream::{FuturesOrdered, FuturesUnordered};
use futures::{StreamExt as _, future::BoxFuture};
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, work_request::Request, work_response::Response};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tonic_types::StatusExt as _;

use super::place::Place;
use super::roster::Notice;
use super::unary::Renewed;
use super::{Work, cancel_notice, unary};
use crate::domain::limits;
use crate::error::status;
use crate::service::vigil::Vigil;
use crate::service::wire;
use crate::service::wire::check::invalid;
use crate::service::wire::report as wire_report;

/// Messages on their way to one worker.
const RESPONSES_MAX: usize = 64;
/// Reports of one worker that are being committed. Beyond it the worker's stream is not read.
const REPORTS_MAX: usize = 256;
/// Leases of one beat, or of one hello.
const HELD_MAX: usize = 1024;
/// How long a stream may take to say hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a worker's stream.
pub(in crate::service) fn open(
    work: Work,
    vigil: Vigil,
    inbound: Streaming<v1::WorkRequest>,
) -> impl Stream<Item = Result<v1::WorkResponse, Status>> + Send {
    let (sender, receiver) = mpsc::channel(RESPONSES_MAX);
    tokio::spawn(async move {
        let outcome = tokio::select! {
            outcome = serve(work, inbound, &sender) => outcome,
            loss = vigil.lost() => Err(loss.into()),
        };
        if let Err(status) = outcome {
            // Nobody is left to tell when the receiver is gone.
            let _ = sender.send(Err(status)).await;
        }
    });
    ReceiverStream::new(receiver)
}

async fn serve(
    work: Work,
    mut inbound: Streaming<v1::WorkRequest>,
    sender: &Sender,
) -> Result<(), Status> {
    match tokio::time::timeout(HELLO_TIMEOUT, hello(&mut inbound)).await {
        Ok(hello) => attend(work, hello?, inbound, sender).await,
        Err(_) => Err(Code::DeadlineExceeded.status("no hello came")),
    }
}

async fn hello(inbound: &mut Streaming<v1::WorkRequest>) -> Result<v1::WorkerHello, Status> {
    match inbound.message().await?.and_then(|message| message.request) {
        Some(Request::Hello(hello)) => Ok(hello),
        Some(_) | None => Err(invalid("request", "the first message must be hello")),
    }
}

type Sender = mpsc::Sender<Result<v1::WorkResponse, Status>>;

/// Serves one worker until its stream ends, or one of the two has drained.
async fn attend(
    work: Work,
    hello: v1::WorkerHello,
    inbound: Streaming<v1::WorkRequest>,
    sender: &Sender,
) -> Result<(), Status> {
    let v1::WorkerHello { worker_id, kinds, slots, held, tenant } = hello;
    let tenant = work.tenant.clone().or(Some(tenant).filter(|tenant| !tenant.is_empty()));
    let worker = super::worker(worker_id, kinds, slots, tenant)?;
    tell(
        sender,
        Response::Welcome(v1::Welcome {
            lease: Some(wire::duration(limits::LEASE)),
            beat_interval: Some(wire::duration(limits::BEAT_INTERVAL)),
        }),
    )
    .await?;
    let renewed = renew(&work, held).await?;
    let place = Place::take(&work, worker);
    for (lease, since) in &renewed.kept {
        work.roster.hold(place.seat(), &lease.job_id, lease.fence, *since);
    }
    for response in responses(renewed) {
        tell(sender, response).await?;
    }
    converse(&work, place, inbound, sender).await
}

async fn converse(
    work: &Work,
    mut place: Place,
    mut inbound: Streaming<v1::WorkRequest>,
    sender: &Sender,
) -> Result<(), Status> {
    // Ordered: a report enters the store's queue when it is first polled, so one worker's reports are
    // decided in the order in which they came.
    let mut reports: FuturesOrdered<BoxFuture<'_, Response>> = FuturesOrdered::new();
    let mut beats: FuturesUnordered<BoxFuture<'_, Result<Renewed, Status>>> =
        FuturesUnordered::new();
    let (seat, mut is_draining) = (place.seat(), false);
    // What is leased to the seat from here on is taken back: its worker never hears of it.
    while !(is_draining && reports.is_empty() && work.roster.is_idle(seat)) {
        tokio::select! {
            biased;
            () = sender.closed() => return Ok(()),
            () = work.drain.cancelled() => {
                return tell(sender, Response::Draining(v1::WorkDraining {})).await;
            }
            Some(response) = reports.next(), if !reports.is_empty() => {
                tell(sender, response).await?;
            }
            Some(renewed) = beats.next(), if !beats.is_empty() => {
                for response in responses(renewed?) {
                    tell(sender, response).await?;
                }
            }
            Some(notice) = place.notice() => {
                if let Some(response) = response(work, notice).await {
                    tell(sender, response).await?;
                }
            }
            message = inbound.message(), if reports.len() < REPORTS_MAX && beats.is_empty() => {
                let Some(message) = message? else { return Ok(()) };
                work.roster.heard(seat);
                match message.request {
                    Some(Request::Report(report)) => {
                        // Before it takes its place in the order of the reports.
                        let reached = work.reaches(&report.job_id).await.map_err(status);
                        reports.push_back(Box::pin(commit(work, reached, report)));
                    }
                    Some(Request::Beat(beat)) => beats.push(Box::pin(renew(work, beat.held))),
                    Some(Request::Drain(_)) => {
                        work.roster.retire(seat);
                        is_draining = true;
                    }
                    Some(Request::Hello(_)) => {
                        return Err(invalid("request", "hello comes once, first"));
                    }
                    // In the words of a later version, which does without an answer.
                    None => {}
                }
            }
        }
    }
    Ok(())
}

async fn tell(sender: &Sender, response: Response) -> Result<(), Status> {
    let response = v1::WorkResponse { response: Some(response) };
    sender.send(Ok(response)).await.map_err(|_| Status::cancelled("the worker is gone"))
}

/// Commits a report about a job that the worker reaches, and says what came of it.
async fn commit(work: &Work, reached: Result<(), Status>, report: v1::Report) -> Response {
    let (id, fence, number) = (report.job_id.clone(), report.fence, report.number);
    let outcome = match reached.and_then(|()| wire_report::report(report)) {
        Ok((job_id, report)) => unary::report(work, job_id, report).await,
        Err(status) => Err(status),
    };
    match outcome {
        Ok((ack, _)) => Response::Ack(ack),
        Err(status) => refused(id, fence, number, &status),
    }
}

fn refused(job_id: String, fence: u64, number: u64, status: &Status) -> Response {
    let code = Code::of(status);
    if matches!(code, Code::Fenced | Code::JobEnded | Code::JobNotFound) {
        return Response::Lost(v1::LeaseLost { job_id, fence });
    }
    let error = v1::Fault {
        code: code.as_str().into(),
        message: status.message().into(),
        retryable: code.entry().retryable,
    };
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let retry_after = retry_after.map(wire::duration);
    Response::Refused(v1::ReportRefused { job_id, fence, number, error: Some(error), retry_after })
}

async fn renew(work: &Work, held: Vec<v1::Lease>) -> Result<Renewed, Status> {
    if held.len() > HELD_MAX {
        return Err(invalid("held", "has at most 1024 leases"));
    }
    unary::renew(work, held).await
}

fn responses(renewed: Renewed) -> impl Iterator<Item = Response> {
    let cancels = renewed.cancels.into_iter().map(Response::Cancel);
    cancels.chain(renewed.lost.into_iter().map(Response::Lost))
}

async fn response(work: &Work, notice: Notice) -> Option<Response> {
    match notice {
        Notice::Assigned(assignment) => Some(Response::Assignment(*assignment)),
        Notice::Lost { job_id, fence } => Some(Response::Lost(v1::LeaseLost { job_id, fence })),
        Notice::CancelRequested { job_id } => {
            let stored = work.log.store().job(&job_id).await.ok().flatten()?;
            cancel_notice(&stored).map(Response::Cancel)
        }
    }
}
