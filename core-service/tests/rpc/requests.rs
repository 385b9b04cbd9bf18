//! What requests promise: a key makes a repetition harmless, a token continues a list.

use std::collections::{BTreeMap, BTreeSet};

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;

use crate::core::{Core, refused, report, request, serve, service, user};

fn labels() -> BTreeMap<String, String> {
    ["team", "suite", "shard", "branch"].map(|key| (key.to_owned(), "x".to_owned())).into()
}

async fn create(core: &Core, key: &str, kind: &str) -> Result<(String, bool), tonic::Status> {
    let token = service(&[Scope::Service]);
    let wanted =
        v1::CreateJobRequest { labels: labels(), idempotency_key: key.into(), ..report(kind) };
    let response = core.jobs().create_job(request(wanted, Some(&token), None)).await?.into_inner();
    Ok((response.job.expect("a job").job_id, response.created))
}

#[tokio::test]
async fn racing_creates_with_one_key_make_one_job() {
    let core = serve(|_, _| {}).await;
    let racers = (0..16).map(|_| create(&core, "k1", "x"));
    let outcomes = futures::future::join_all(racers).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("taken")).collect();
    let jobs: BTreeSet<_> = outcomes.iter().map(|(job_id, _)| job_id).collect();
    assert_eq!(jobs.len(), 1);
    assert_eq!(outcomes.iter().filter(|(_, created)| *created).count(), 1);
    assert_eq!(refused(create(&core, "k1", "y").await), Code::IdempotencyMismatch);
    assert!(create(&core, "k2", "y").await.expect("taken").1);
}

#[tokio::test]
async fn a_key_is_one_users_whatever_tenants_and_users_are_called() {
    let core = serve(|_, _| {}).await;
    let edge = service(&[Scope::Edge]);
    let make = async |id: &str, tenant: &str| {
        let (name, idempotency_key) = ("p".to_owned(), "k".to_owned());
        let wanted = v1::CreateProjectRequest { name, idempotency_key, ..Default::default() };
        let token = user(id, tenant);
        let made = core.sessions().create_project(request(wanted, Some(&edge), Some(&token))).await;
        made.expect("made").into_inner().project.expect("a project").project_id
    };
    assert_ne!(make("b/c", "a").await, make("c", "a/b").await);
    assert_ne!(make("c", "a%2Fb").await, make("c", "a/b").await);
    assert_eq!(make("c", "a/b").await, make("c", "a/b").await);
}

#[tokio::test]
async fn a_user_and_a_service_of_one_name_have_keys_of_their_own() {
    let core = serve(|_, _| {}).await;
    let (edge, namesake) = (service(&[Scope::Edge]), user("tester", "default"));
    let by_user = async || {
        let wanted =
            v1::CreateJobRequest { labels: labels(), idempotency_key: "k".into(), ..report("x") };
        let asked = request(wanted, Some(&edge), Some(&namesake));
        let made = core.jobs().create_job(asked).await.expect("made").into_inner();
        (made.job.expect("a job").job_id, made.created)
    };
    let (of_service, _) = create(&core, "k", "x").await.expect("made");
    let (of_user, is_new) = by_user().await;
    assert!(is_new && of_user != of_service);
    assert_eq!(create(&core, "k", "x").await.expect("made"), (of_service, false));
    assert_eq!(by_user().await, (of_user, false));
}

#[tokio::test]
async fn a_filter_has_a_limit_wherever_it_is_given() {
    let core = serve(|_, _| {}).await;
    let token = service(&[Scope::Service]);
    let (job_id, _) = create(&core, "", "x").await.expect("created");
    let types = vec!["job.progress".to_owned(); 33];
    let list = v1::ListEventsRequest {
        topic: format!("job:{job_id}"),
        types: types.clone(),
        ..Default::default()
    };
    let listed = core.broadcast().list_events(request(list, Some(&token), None)).await;
    assert_eq!(refused(listed), Code::InvalidArgument);
    let watch = v1::WatchJobRequest { job_id, types, ..Default::default() };
    let watched = core.jobs().watch_job(request(watch, Some(&token), None)).await;
    assert_eq!(refused(watched.map(drop)), Code::InvalidArgument);
}

#[tokio::test]
async fn a_list_goes_on_from_its_token_and_from_no_other() {
    let core = serve(|_, _| {}).await;
    let token = service(&[Scope::Service]);
    let mut created = BTreeSet::new();
    for number in 0..7 {
        created.insert(create(&core, &number.to_string(), "x").await.expect("taken").0);
    }
    let mut wanted =
        v1::ListJobsRequest { labels: labels(), page_size: 3, ..v1::ListJobsRequest::default() };
    let mut listed = Vec::new();
    loop {
        let answer = core.jobs().list_jobs(request(wanted.clone(), Some(&token), None)).await;
        let page = answer.expect("a page").into_inner();
        listed.extend(page.jobs.into_iter().map(|job| job.job_id));
        if page.next_page_token.is_empty() {
            break;
        }
        wanted.page_token = page.next_page_token;
    }
    assert_eq!(listed.len(), 7, "each once");
    assert!(listed.is_sorted_by(|one, next| one > next), "newest first");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), created);
    let other = v1::ListJobsRequest { kind: "x".into(), ..wanted };
    let answer = core.jobs().list_jobs(request(other, Some(&token), None)).await;
    assert_eq!(refused(answer), Code::InvalidArgument);
}

#[tokio::test]
async fn what_a_store_cannot_keep_is_refused_before_it_comes_there() {
    let core = serve(|_, _| {}).await;
    let token = service(&[Scope::Service]);
    let (nul, x) = ("a\0b".to_owned(), "x".to_owned());
    for wanted in [
        v1::CreateJobRequest { labels: [(x.clone(), nul.clone())].into(), ..report("x") },
        v1::CreateJobRequest { labels: [(nul.clone(), x)].into(), ..report("x") },
        v1::CreateJobRequest { owner: nul.clone(), ..report("x") },
        v1::CreateJobRequest { idempotency_key: nul, ..report("x") },
        v1::CreateJobRequest { priority: i32::MIN, ..report("x") },
    ] {
        let answer = core.jobs().create_job(request(wanted.clone(), Some(&token), None)).await;
        assert_eq!(refused(answer), Code::InvalidArgument, "{wanted:?}");
    }
}
