//! The core's own door: a credential opens what its scopes name, and nothing else.

use roomcast_identity::Scope;
use roomcast_proto::v1::{
    CreateJobRequest, GetJobRequest, LeaseJobsRequest, ListEventsRequest, SubscribeRequest,
};

use crate::support::recorder::publish_request;
use crate::support::{
    Caller, Core, Port, Process, Rest, admin, admin_of, code, eventually, finish, roomcast, user,
};

fn lease() -> LeaseJobsRequest {
    let (worker_id, kinds) = ("w".to_owned(), vec!["none".to_owned()]);
    LeaseJobsRequest { worker_id, kinds, ..LeaseJobsRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scope_opens_its_own_door_only() {
    let core = Core::start().await;
    for (scope, may_publish, may_work, may_subscribe) in [
        (Scope::Edge, false, false, true),
        (Scope::Worker, false, true, false),
        (Scope::Service, true, false, false),
        (Scope::Admin, true, true, true),
    ] {
        let caller = Caller::service(&[scope]);
        let mut jobs = caller.clone().jobs(core.channel());
        let mut broadcast = caller.broadcast(core.channel());
        let published = broadcast.publish(publish_request("room:open", "{}", "")).await.map(|_| ());
        let leased = jobs.lease_jobs(lease()).await.map(|_| ());
        let nothing = futures::stream::empty::<SubscribeRequest>();
        let subscribed = broadcast.subscribe(nothing).await.map(|_| ());
        for (what, may, outcome) in [
            ("publish", may_publish, published),
            ("work", may_work, leased),
            ("subscribe", may_subscribe, subscribed),
        ] {
            let refused =
                outcome.err().filter(|status| status.code() == tonic::Code::PermissionDenied);
            assert_eq!(refused.is_none(), may, "{scope:?} may {what}: {refused:?}");
            assert!(refused.is_none_or(|status| code(&status) == "permission_denied"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_one_tenant_does_not_exist_for_an_admin_of_another() {
    let core = Core::start().await;
    let mut here = Caller::user(&admin("root")).jobs(core.channel());
    let request = CreateJobRequest { kind: "here".to_owned(), ..CreateJobRequest::default() };
    let job = here.create_job(request).await.unwrap().into_inner().job.unwrap();
    let request = GetJobRequest { job_id: job.job_id };
    here.get_job(request.clone()).await.unwrap();
    let there = Caller::user(&admin_of("elsewhere", "root"));
    let hidden = there.clone().jobs(core.channel()).get_job(request).await.unwrap_err();
    assert_eq!(code(&hidden), "job_not_found");

    core.broadcast().publish(publish_request("room:open", "{}", "")).await.unwrap();
    let request =
        ListEventsRequest { topic: "room:open".to_owned(), ..ListEventsRequest::default() };
    let mine = Caller::user(&user("ana")).broadcast(core.channel());
    let seen = mine.clone().list_events(request.clone()).await.unwrap().into_inner();
    assert_eq!(seen.events.len(), 1);
    let other = there.broadcast(core.channel()).list_events(request).await.unwrap().into_inner();
    assert_eq!(other.events, [], "the same name, another topic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_not_let_in_says_so_to_whoever_asks_whether_it_is_ready() {
    let (core, port) = (Core::start().await, Port::reserve());
    let address = port.address().to_string();
    let mut command = roomcast(&["edge", "--listen", &address, "--core", &core.url()]);
    for secret in ["ROOMCAST_SERVICE_SECRET", "ROOMCAST_JWT_SECRET"] {
        command.env(secret, "a secret that the core has never heard of");
    }
    let _edge = Process::spawn("edge", &mut command);
    let rest = Rest::new(&port.url(), None);
    let told = eventually("the edge says that it is not let in", async || {
        let answer = rest.try_get("/readyz").await?;
        answer.text.contains("refuses this edge's credential").then_some(answer)
    })
    .await;
    assert_eq!((told.status, told.problem()), (503, "core_unavailable"));
    let told = rest.get("/readyz?verbose").await.ok(503);
    let refusal = &told["refusal"];
    assert_eq!(refusal["part"], "credential", "{told}");
    assert!(
        refusal["cause"].as_str().unwrap().contains("refuses this edge's credential"),
        "{told}"
    );
    assert!(refusal["mend"].as_str().unwrap().contains("ROOMCAST_SERVICE_SECRET"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_not_let_in_ends_as_any_other_command_with_the_mend() {
    let core = Core::start().await;
    let ended = finish(&mut roomcast(&["agent", "--core", &core.url()])).await;
    assert_eq!(ended.code, Some(4), "{}", ended.err);
    assert!(ended.err.contains("[service_credential_required]: give --service-token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_settings_cannot_work_ends_as_one_whose_settings_cannot_be_read() {
    for (arguments, says) in [
        (&["core"][..], "has no key"),
        (&["core", "--dev", "--jwks-url", "nowhere"], "JWKS URL"),
        (&["edge", "--core-cert", "a.pem", "--core-key", "b.pem"], "a.pem cannot be read"),
        (&["edge", "--core", "nowhere"], "nowhere"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = roomcast(arguments);
        command.args(["--listen", "127.0.0.1:0"]).env("ROOMCAST_DATA_DIR", folder.path());
        let ended = finish(&mut command).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
}
