//! Messages and test runs, as a client meets them.

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::{agent, v1};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use crate::core::{Core, refused, request, serve, service};
use crate::session::{User, someone};

fn message(session_id: &str, prompt: &str) -> v1::SendMessageRequest {
    let (session_id, prompt) = (session_id.to_owned(), prompt.to_owned());
    v1::SendMessageRequest { session_id, prompt, ..v1::SendMessageRequest::default() }
}

async fn ask(
    core: &Core,
    user: &User<'_>,
    wanted: v1::SendMessageRequest,
) -> Result<v1::Job, Status> {
    let asked = core.jobs().send_message(user.ask(wanted)).await?;
    Ok(asked.into_inner().job.expect("a job"))
}

async fn test(
    core: &Core,
    user: &User<'_>,
    project_id: &str,
    command: &str,
) -> Result<v1::Job, Status> {
    let (project_id, command) = (project_id.to_owned(), command.to_owned());
    let wanted = v1::StartTestRunRequest { project_id, command, ..Default::default() };
    let started = core.jobs().start_test_run(user.ask(wanted)).await?;
    Ok(started.into_inner().job.expect("a job"))
}

fn by_worker<T>(message: T) -> Request<T> {
    request(message, Some(&service(&[Scope::Worker])), None)
}

#[tokio::test]
async fn a_message_becomes_a_job_of_its_sessions_project() {
    let core = serve(|_, _| {}).await;
    let ana = someone(&core, "ana", "acme");
    let project_id = ana.project().await;
    let session_id = ana.session(&project_id).await;
    let job = ask(&core, &ana, message(&session_id, "a \"feature\"")).await.expect("asked");
    assert_eq!((&*job.kind, &*job.owner, &*job.tenant), (agent::VIBECODE, "ana", "acme"));
    assert_eq!((&job.project_id, &job.session_id), (&project_id, &session_id));
    let start = job.timeouts.expect("said").schedule_to_start.expect("said");
    assert_eq!(start.seconds, 60, "somebody waits");
    assert_eq!(job.trace_id.len(), 32, "what follows can be found by it");
    let wanted = v1::LeaseJobsRequest {
        worker_id: "w".into(),
        kinds: vec![agent::VIBECODE.into()],
        wait: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        ..Default::default()
    };
    let leased = core.jobs().lease_jobs(by_worker(wanted)).await.expect("leased").into_inner();
    let input = leased.assignments[0].job.as_ref().expect("a job").input.clone();
    assert_eq!(input.expect("an input").data, r#"{"prompt":"a \"feature\""}"#.as_bytes());
}

#[tokio::test]
async fn a_test_run_becomes_a_job_of_its_project() {
    let core = serve(|_, _| {}).await;
    let ana = someone(&core, "ana", "acme");
    let project_id = ana.project().await;
    let job = test(&core, &ana, &project_id, "unit").await.expect("started");
    assert_eq!((&*job.kind, &job.project_id), (agent::TEST_RUN, &project_id));
    let get = v1::GetJobRequest { job_id: job.job_id };
    let found = core.jobs().get_job(ana.ask(get)).await.expect("hers").into_inner();
    let input = found.job.expect("a job").input.expect("an input");
    assert_eq!(input.data, r#"{"command":"unit"}"#.as_bytes());
    let shell = test(&core, &ana, &project_id, "rm -rf /").await;
    assert_eq!(refused(shell), Code::InvalidArgument, "a name, and no line for a shell");
}

#[tokio::test]
async fn only_editors_ask_and_only_what_is_open() {
    let core = serve(|_, _| {}).await;
    let (ana, bob) = (someone(&core, "ana", "acme"), someone(&core, "bob", "acme"));
    let project_id = ana.project().await;
    let session_id = ana.session(&project_id).await;
    let asked = async |user| refused(ask(&core, user, message(&session_id, "x")).await);
    let tested = async |user| refused(test(&core, user, &project_id, "").await);
    assert_eq!(asked(&bob).await, Code::SessionNotFound);
    assert_eq!(tested(&bob).await, Code::ProjectNotFound);
    ana.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("set");
    assert_eq!(asked(&bob).await, Code::PermissionDenied);
    assert_eq!(tested(&bob).await, Code::PermissionDenied);
    let nothing = ask(&core, &ana, message(&session_id, " \n")).await;
    assert_eq!(refused(nothing), Code::InvalidArgument);
    let too_long = "x".repeat((256 << 10) + 1);
    let too_long = ask(&core, &ana, message(&session_id, &too_long)).await;
    assert_eq!(refused(too_long), Code::InvalidArgument);
    let close = v1::CloseSessionRequest { session_id: session_id.clone() };
    ana.sessions().close_session(ana.ask(close)).await.expect("closed");
    assert_eq!(asked(&ana).await, Code::SessionClosed);
}

#[tokio::test]
async fn the_same_key_asks_once() {
    let core = serve(|_, _| {}).await;
    let ana = someone(&core, "ana", "acme");
    let session_id = ana.session(&ana.project().await).await;
    let keyed = |prompt| v1::SendMessageRequest {
        idempotency_key: "k".into(),
        ..message(&session_id, prompt)
    };
    let first = ask(&core, &ana, keyed("x")).await.expect("asked");
    let again = ask(&core, &ana, keyed("x")).await.expect("answered again");
    assert_eq!((&first.job_id, &first.trace_id), (&again.job_id, &again.trace_id));
    let other = ask(&core, &ana, keyed("y")).await;
    assert_eq!(refused(other), Code::IdempotencyMismatch);
}

#[tokio::test]
async fn a_job_of_a_session_belongs_to_the_sessions_project() {
    let core = serve(|_, _| {}).await;
    let ana = someone(&core, "ana", "acme");
    let (project_id, other) = (ana.project().await, ana.project().await);
    let session_id = ana.session(&project_id).await;
    let wanted = |project_id: &str| {
        let (kind, session_id) = ("x".to_owned(), session_id.clone());
        let project_id = project_id.to_owned();
        ana.ask(v1::CreateJobRequest { kind, session_id, project_id, ..Default::default() })
    };
    let made = core.jobs().create_job(wanted("")).await.expect("made").into_inner();
    assert_eq!(made.job.expect("a job").project_id, project_id);
    assert_eq!(refused(core.jobs().create_job(wanted(&other)).await), Code::InvalidArgument);
}

#[tokio::test]
async fn a_job_of_a_service_has_a_project_that_its_tenant_has() {
    let core = serve(|_, _| {}).await;
    let project_id = someone(&core, "ana", "acme").project().await;
    let token = service(&[Scope::Service]);
    let create = async |project_id: &str, tenant: &str| {
        let (project_id, tenant) = (project_id.into(), tenant.into());
        let wanted =
            v1::CreateJobRequest { project_id, tenant, kind: "x".into(), ..Default::default() };
        core.jobs().create_job(request(wanted, Some(&token), None)).await
    };
    assert!(create(&project_id, "acme").await.is_ok());
    let elsewhere = create(&project_id, "other").await;
    assert_eq!(refused(elsewhere), Code::ProjectNotFound);
    let nowhere = create("no-such-project", "acme").await.expect_err("refused");
    assert!(nowhere.message().contains("no-such-project"), "{nowhere}");
    assert_eq!(Code::of(&nowhere), Code::ProjectNotFound);
}

#[tokio::test]
async fn what_a_worker_says_is_checked_as_what_is_published() {
    let core = serve(|_, _| {}).await;
    let ana = someone(&core, "ana", "acme");
    let project_id = ana.project().await;
    let job = test(&core, &ana, &project_id, "").await.expect("started");
    let lease = v1::LeaseJobsRequest {
        worker_id: "w".into(),
        kinds: vec![agent::TEST_RUN.into()],
        wait: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        ..Default::default()
    };
    let leased = core.jobs().lease_jobs(by_worker(lease)).await.expect("leased").into_inner();
    let fence = leased.assignments[0].fence;
    let says = async |number: u64, kind: &str, data: &str, count: usize| {
        let payload = Some(v1::Payload { data: data.to_owned().into(), ..Default::default() });
        let event = v1::NewEvent { r#type: kind.into(), payload };
        let events = vec![event; count];
        let job_id = job.job_id.clone();
        let report = Some(v1::Report { job_id, fence, number, events, ..Default::default() });
        core.jobs().report_job(by_worker(v1::ReportJobRequest { report })).await
    };
    for (kind, data, count) in [
        ("token_usage", "{}", 1),
        ("job.completed", "{}", 1),
        ("disconnect", "{}", 1),
        ("two words", "{}", 1),
        (agent::TEST_RESULT, "[]", 1),
        (agent::TEST_RESULT, r#"{"job_id": "another"}"#, 1),
        (agent::TEST_RESULT, r#"{"trace_id": "another"}"#, 1),
        (agent::TEST_RESULT, "{}", 257),
    ] {
        assert_eq!(
            refused(says(1, kind, data, count).await),
            Code::InvalidArgument,
            "{kind} {data}"
        );
    }
    let large = format!(r#"{{"a": "{}"}}"#, "x".repeat(1 << 19));
    assert_eq!(refused(says(1, "large", &large, 2).await), Code::PayloadTooLarge);
    // More than may be at once, unless the commits alone take as long as the events are paid for with.
    let mut refused_with = None;
    for number in 1..=40 {
        if let Err(status) = says(number, agent::TEST_RESULT, "{}", 256).await {
            refused_with = Some(status);
            break;
        }
    }
    let status = refused_with.expect("too much at once");
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    assert!(wait.is_some_and(|wait| !wait.is_zero()), "it is told when to go on");
    assert_eq!(Code::of(&status), Code::RateLimited);
}
