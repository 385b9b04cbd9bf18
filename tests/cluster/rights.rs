//! A right that ends at one core ends at the edges of the others.

use std::time::{Duration, Instant};

use roomcast_identity::Scope;
use roomcast_proto::v1::revoke_request::Revoked;
use roomcast_proto::v1::watch_access_response::Frame;
use roomcast_proto::v1::{RevokeRequest, WatchAccessRequest, WatchAccessResponse};
use tonic::Streaming;

use crate::support::{Caller, Cluster, within};

/// What the contract promises.
const PROMISED: Duration = Duration::from_secs(5);
/// How long an edge relies on a heartbeat.
const RELIED_ON: Duration = Duration::from_secs(4);

async fn watch(cluster: &Cluster, core: usize) -> Streaming<WatchAccessResponse> {
    let mut edge = Caller::service(&[Scope::Edge]).access(cluster.cores[core].channel());
    edge.watch_access(WatchAccessRequest::default()).await.unwrap().into_inner()
}

/// Revokes at the first core; the second one's edge hears it in time.
async fn revoke(cluster: &Cluster, heard: &mut Streaming<WatchAccessResponse>, subject: &str) {
    let mut warden = Caller::service(&[Scope::Admin]).access(cluster.cores[0].channel());
    let request = RevokeRequest {
        revoked: Some(Revoked::Subject(subject.to_owned())),
        tenant: "default".to_owned(),
        ..RevokeRequest::default()
    };
    warden.revoke(request).await.unwrap();
    within(PROMISED, "the other core's edge hears of it", async || {
        match heard.message().await.unwrap().expect("a stream that goes on").frame {
            Some(Frame::Changed(changed)) => (changed.subject == subject).then_some(()),
            _ => None,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_at_one_core_is_heard_by_the_others_edges_in_time_with_redis_and_without() {
    let mut cluster = Cluster::start(2).await;
    let mut heard = watch(&cluster, 1).await;
    revoke(&cluster, &mut heard, "alice").await;
    // Whatever is noticed of its death: at once, not yet, not at all.
    cluster.redis.server.pause();
    revoke(&cluster, &mut heard, "bob").await;
    cluster.all_say("down, polling").await;
    revoke(&cluster, &mut heard, "carol").await;
    cluster.redis.server.kill();
    revoke(&cluster, &mut heard, "dave").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_cannot_ask_the_database_does_not_vouch_for_rights() {
    let cluster = Cluster::start(1).await;
    let mut heard = watch(&cluster, 0).await;
    let is_heartbeat = |frame| matches!(frame, Some(Frame::Heartbeat(_)));
    while !is_heartbeat(heard.message().await.unwrap().expect("a frame").frame) {}
    cluster.database.pause();
    let began = Instant::now();
    let mut last = began;
    // A stream that says nothing for so long has fallen silent.
    while let Ok(frame) = tokio::time::timeout(RELIED_ON, heard.message()).await {
        frame.unwrap().expect("a stream that goes on");
        last = Instant::now();
    }
    let vouched = last.duration_since(began);
    assert!(vouched + RELIED_ON <= PROMISED, "it vouched {vouched:?} after the last answer");
    cluster.database.go_on();
    within(PROMISED * 6, "it speaks again", async || {
        let frame = heard.message().await.ok()??.frame;
        is_heartbeat(frame).then_some(())
    })
    .await;
}
