//! Keeps a worker's stream open and moves messages between it and the work.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use roomcast_proto::registry::Code;
use roomcast_proto::v1::work_request::Request;
use roomcast_proto::v1::work_response::Response;
use roomcast_proto::v1::{
    Assignment, Beat, Job, Lease, Release, Report, ReportRefused, WorkRequest, WorkResponse,
    WorkerDrain, WorkerHello, report,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::held::{Held, Kept, Taken};
use super::order::{Order, Waiting};
use super::work::Work;
use crate::backoff::Backoff;
use crate::client::Client;

/// Messages between us and the connection; HTTP/2 has its own window behind them.
const REQUESTS_MAX: usize = 16;
/// The core welcomes at once, or is not well.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest first wait before coming back; doubled up to [`RECONNECT_MAX`], well within a lease of 15 s.
const RECONNECT_FIRST: Duration = Duration::from_millis(100);
/// See [`RECONNECT_FIRST`].
const RECONNECT_MAX: Duration = Duration::from_secs(2);
/// When the core is full or its disk is.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// For a core that names no interval.
const BEAT_INTERVAL: Duration = Duration::from_secs(5);

/// A core that has heard a drain ends the stream once nothing is on its way to us.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a conversation is over.
enum Over {
    /// All is done.
    Done,
    /// Come back.
    Broken,
    /// Do not come back.
    Refused(Status),
}

#[derive(Debug)]
pub(super) struct Driver {
    client: Client,
    hello: WorkerHello,
    /// For the work to order by; weak, so that the orders end with the worker.
    orders_of_work: mpsc::WeakSender<Order>,
    orders: mpsc::Receiver<Order>,
    assigned: mpsc::Sender<Work>,
    /// Told when somebody drops the last of a work.
    let_go: Arc<Notify>,
    held: HashMap<Key, Held>,
    is_draining: bool,
    due: Due,
}

/// A job and its fence.
type Key = (String, u64);

/// What waits for room on the connection.
#[derive(Debug, Default)]
struct Due {
    beat: bool,
    drain: bool,
    /// Leases with reports to send, each once: a job that says much waits for its turn like the others.
    reports: VecDeque<Key>,
}

impl Driver {
    pub(super) fn new(
        client: Client,
        hello: WorkerHello,
        orders_of_work: mpsc::WeakSender<Order>,
        orders: mpsc::Receiver<Order>,
        assigned: mpsc::Sender<Work>,
    ) -> Self {
        Self {
            client,
            hello,
            orders_of_work,
            orders,
            assigned,
            let_go: Arc::default(),
            held: HashMap::new(),
            is_draining: false,
            due: Due::default(),
        }
    }

    pub(super) async fn run(mut self) -> Result<(), Status> {
        let mut backoff = Backoff::new(RECONNECT_FIRST, RECONNECT_MAX);
        loop {
            let (over, was_welcome) = self.connect().await;
            match over {
                Over::Done => return Ok(()),
                Over::Refused(status) => {
                    for (_, held) in self.held.drain() {
                        held.lose();
                    }
                    return Err(status);
                }
                Over::Broken => {}
            }
            if was_welcome {
                backoff.reset();
            }
            self.pause(backoff.wait()).await;
            if self.is_done() {
                return Ok(());
            }
        }
    }

    /// One connection, from hello to its end. Answers too whether the core welcomed us.
    async fn connect(&mut self) -> (Over, bool) {
        let (requests, outbound) = mpsc::channel(REQUESTS_MAX);
        let held = self.held.values().map(|held| held.lease.clone()).collect();
        let hello = Request::Hello(WorkerHello { held, ..self.hello.clone() });
        // There is room: the channel is new.
        let _ = requests.try_send(message(hello));
        let opening = async {
            let mut inbound =
                self.client.jobs().work(ReceiverStream::new(outbound)).await?.into_inner();
            let first = inbound.message().await?.and_then(|first| first.response);
            Ok::<_, Status>((inbound, first))
        };
        let (inbound, first) = match timeout(WELCOME_TIMEOUT, opening).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(status)) => return (over(status, self.client.may_renew()), false),
            Err(_) => return (Over::Broken, false),
        };
        let Some(Response::Welcome(welcome)) = first else { return (Over::Broken, false) };
        let beat = welcome.beat_interval.and_then(|beat| Duration::try_from(beat).ok());
        self.due = Due { drain: self.is_draining, ..Due::default() };
        for (key, held) in &mut self.held {
            held.rewind();
            self.due.reports.push_back(key.clone());
        }
        (self.converse(&requests, inbound, beat.unwrap_or(BEAT_INTERVAL)).await, true)
    }

    async fn converse(
        &mut self,
        requests: &mpsc::Sender<WorkRequest>,
        mut inbound: Streaming<WorkResponse>,
        beat: Duration,
    ) -> Over {
        let mut beats = interval_at(Instant::now() + beat, beat);
        let let_go = self.let_go.clone();
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut farewell_until = None;
        loop {
            // A job may be on its way to us until the core has heard the drain.
            farewell_until = self
                .is_done()
                .then(|| farewell_until.unwrap_or_else(|| Instant::now() + FAREWELL_TIMEOUT));
            let retry_at = self.held.values().filter_map(|held| held.retry_at).min();
            tokio::select! {
                received = inbound.message() => match received {
                    Ok(Some(WorkResponse { response: Some(Response::Draining(_)) })) | Ok(None) => {
                        return Over::Broken;
                    }
                    Ok(Some(response)) => self.hear(response),
                    Err(status) => return over(status, self.client.may_renew()),
                },
                Some(order) = self.orders.recv() => self.take(order),
                () = let_go.notified() => self.forget_left(),
                room = requests.reserve(), if self.has_mail() => match room {
                    Ok(room) => if let Some(request) = self.next_mail() {
                        room.send(message(request));
                    },
                    Err(_) => return Over::Broken,
                },
                _ = beats.tick() => self.due.beat = true,
                () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                    self.retry(Instant::now());
                }
                () = sleep_until(farewell_until.unwrap_or_else(Instant::now)),
                    if farewell_until.is_some() => return Over::Done,
            }
        }
    }

    /// Waits before the next connection, while reports go on into their rings.
    async fn pause(&mut self, wait: Duration) {
        let until = Instant::now() + wait;
        let let_go = self.let_go.clone();
        while !self.is_done() {
            tokio::select! {
                () = sleep_until(until) => return,
                Some(order) = self.orders.recv() => self.take(order),
                () = let_go.notified() => self.forget_left(),
            }
        }
    }

    /// Drained, and every job has its end on record.
    fn is_done(&self) -> bool {
        self.is_draining && self.held.is_empty()
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Drain => {
                self.is_draining = true;
                self.due.drain = true;
            }
            Order::Report { lease, report, places, waiting } => {
                // A lease that is lost meanwhile has told its work.
                self.change((lease.job_id, lease.fence), |held| {
                    held.ring.push(*report, Kept { places, waiting });
                });
            }
            Order::Refused { lease, fault } => {
                self.change((lease.job_id, lease.fence), |held| held.remember(fault));
            }
        }
    }

    /// Changes what is held. It gets its place among those that have something to send, if it had none.
    fn change<T>(&mut self, key: Key, change: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let held = self.held.get_mut(&key)?;
        let could_send = held.may_send();
        let changed = change(held);
        if !could_send && held.may_send() {
            self.due.reports.push_back(key);
        }
        Some(changed)
    }

    /// Renews no lease that nobody works on: it would never end.
    fn forget_left(&mut self) {
        // What was said before the work was dropped.
        while let Ok(order) = self.orders.try_recv() {
            self.take(order);
        }
        self.held.retain(|_, held| !held.is_left());
    }

    fn has_mail(&self) -> bool {
        self.due.beat || self.due.drain || !self.due.reports.is_empty()
    }

    fn next_mail(&mut self) -> Option<Request> {
        if std::mem::take(&mut self.due.drain) {
            return Some(Request::Drain(WorkerDrain {}));
        }
        if std::mem::take(&mut self.due.beat) {
            let held = self.held.values().map(|held| held.lease.clone()).collect();
            return Some(Request::Beat(Beat { held }));
        }
        let key = self.due.reports.pop_front()?;
        // It may have been lost, or told to wait, since it got its place.
        let held = self.held.get_mut(&key).filter(|held| held.may_send())?;
        let report = held.ring.next_unsent().map(Request::Report);
        if held.may_send() {
            self.due.reports.push_back(key);
        }
        report
    }

    /// Sends again what the core asked to wait with until now.
    fn retry(&mut self, now: Instant) {
        for (key, held) in &mut self.held {
            if held.retry_at.is_some_and(|at| at <= now) {
                held.rewind();
                self.due.reports.push_back(key.clone());
            }
        }
    }

    fn hear(&mut self, response: WorkResponse) {
        match response.response {
            Some(Response::Assignment(assignment)) => self.assign(assignment),
            Some(Response::Ack(ack)) => {
                let key = (ack.job_id, ack.fence);
                let is_over = |held: &mut Held| held.settle(ack.number) || held.is_left();
                if self.change(key.clone(), is_over) == Some(true) {
                    self.held.remove(&key);
                }
            }
            Some(Response::Cancel(notice)) => {
                if let Some(held) = self.held.get(&(notice.job_id.clone(), notice.fence)) {
                    held.cancel(&notice);
                }
            }
            Some(Response::Lost(lost)) => {
                if let Some(held) = self.held.remove(&(lost.job_id, lost.fence)) {
                    held.lose();
                }
            }
            Some(Response::Refused(refused)) => self.be_refused(refused),
            // Draining ends the conversation; a second welcome says nothing new.
            Some(Response::Welcome(_) | Response::Draining(_)) | None => {}
        }
    }

    fn be_refused(&mut self, refused: ReportRefused) {
        let fault = refused.error.unwrap_or_default();
        let key = (refused.job_id, refused.fence);
        let wait = refused.retry_after.and_then(|wait| Duration::try_from(wait).ok());
        let is_left = self.change(key.clone(), |held| {
            if held.refuse(refused.number, fault) {
                held.retry_at = Some(Instant::now() + wait.unwrap_or(RETRY_AFTER));
            }
            held.is_left()
        });
        if is_left == Some(true) {
            self.held.remove(&key);
        }
    }

    fn assign(&mut self, assignment: Assignment) {
        let Some(job) = assignment.job else { return };
        let lease = Lease { job_id: job.job_id.clone(), fence: assignment.fence };
        let key = (lease.job_id.clone(), lease.fence);
        if self.held.contains_key(&key) {
            return;
        }
        let mut held = Held::new(lease);
        if self.is_draining || !self.hand_over(job, &mut held) {
            let release = Release { reason: "the worker takes no more jobs".to_owned() };
            let report = Report { end: Some(report::End::Released(release)), ..Report::default() };
            let (settled, _) = oneshot::channel();
            held.ring.push(report, Kept { places: 0, waiting: Waiting::End(settled) });
            self.due.reports.push_back(key.clone());
        }
        self.held.insert(key, held);
    }

    /// Answers whether somebody takes it.
    fn hand_over(&self, job: Job, held: &mut Held) -> bool {
        let taken = Taken::new(job, self.let_go.clone());
        held.taken = Arc::downgrade(&taken);
        let work = Work::new(taken, held, self.orders_of_work.clone());
        self.assigned.try_send(work).is_ok()
    }
}

fn message(request: Request) -> WorkRequest {
    WorkRequest { request: Some(request) }
}

/// Coming back helps against anything but a refusal of who we are or what we say. Whoever is asked for
/// each token may have another than one that is over.
fn over(status: Status, may_renew: bool) -> Over {
    let code = Code::of(&status);
    if code == Code::TokenExpired && may_renew {
        return Over::Broken;
    }
    #[allow(clippy::wildcard_enum_match_arm, reason = "anything else may pass")]
    match code.entry().grpc {
        tonic::Code::InvalidArgument
        | tonic::Code::Unauthenticated
        | tonic::Code::PermissionDenied
        | tonic::Code::Unimplemented => Over::Refused(status),
        _ => Over::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_over_is_the_end_unless_there_may_be_another() {
        let expired = || Code::TokenExpired.status("it was valid until noon");
        assert!(matches!(over(expired(), true), Over::Broken));
        assert!(matches!(over(expired(), false), Over::Refused(_)));
        let revoked = Code::TokenRevoked.status("it was taken back");
        assert!(matches!(over(revoked, true), Over::Refused(_)));
    }
}
