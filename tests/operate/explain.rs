//! Why a user sees a topic: what is told agrees with what a join comes to, whoever asks for whatever.

use std::io::Write as _;
use std::time::SystemTime;

use roomcast_identity::{Scope, User};
use roomcast_proto::v1::{
    AccessFinding, CreateJobRequest, CreateProjectRequest, CreateSessionRequest,
    DisableUserRequest, ExplainAccessRequest, ExplainAccessResponse, JoinRequest, Member,
    PutUserRequest, RevokeRequest, Role, SetMemberRequest, revoke_request,
};

use crate::support::{Caller, Core, admin, admin_of, code, token_of, user};

const SETTINGS: &str = r#"
[core.rooms.open]

[core.rooms.ward]
read = ["role:nurse", "user:bob"]

[core.rooms.sealed]
read = []
"#;

const USERS: [&str; 6] = ["ana", "bob", "eve", "lost", "gone", "uma"];
const ROLES: [&[&str]; 5] = [&[], &["nurse"], &["viewer"], &["auditor"], &["admin"]];

/// What is there, of each kind: ana's job, in ana's project with a session, of which bob is a member.
async fn topics(core: &Core) -> Vec<String> {
    let ana = Caller::user(&user("ana"));
    let mut sessions = ana.clone().sessions(core.channel());
    let project = CreateProjectRequest { name: "p".into(), ..CreateProjectRequest::default() };
    let project = sessions.create_project(project).await.unwrap().into_inner().project.unwrap();
    let project_id = project.project_id;
    let member = Some(Member { user_id: "bob".into(), role: Role::Viewer.into() });
    let request = SetMemberRequest { project_id: project_id.clone(), member };
    sessions.set_member(request).await.unwrap();
    let request =
        CreateSessionRequest { project_id: project_id.clone(), ..CreateSessionRequest::default() };
    let session = sessions.create_session(request).await.unwrap().into_inner().session.unwrap();
    let mut jobs = ana.jobs(core.channel());
    let mut made = Vec::new();
    for project_id in [String::new(), project_id.clone()] {
        let request =
            CreateJobRequest { kind: "k".into(), project_id, ..CreateJobRequest::default() };
        made.push(jobs.create_job(request).await.unwrap().into_inner().job.unwrap().job_id);
    }
    let rooms = ["open", "ward", "sealed", "undeclared", "dashboard", "agents", "admin"];
    let mut topics: Vec<_> = rooms.iter().map(|room| format!("room:{room}")).collect();
    topics.extend(made.iter().map(|job| format!("job:{job}")));
    topics.push(format!("session:{}", session.session_id));
    topics.push(format!("project:{project_id}"));
    let others = ["job:none", "session:none", "project:none", "user:ana", "user:bob", "audit:log"];
    topics.extend(others.map(str::to_owned));
    topics
}

/// Eve is disabled, a token of lost's is revoked, and so are all of gone's.
async fn shut_out(core: &Core) {
    let root = Caller::user(&admin("root"));
    let (mut users, mut access) = (root.clone().users(core.channel()), root.access(core.channel()));
    let eve = || "eve".to_owned();
    let request = PutUserRequest { user_id: eve(), ..PutUserRequest::default() };
    users.put_user(request).await.unwrap();
    let request = DisableUserRequest { user_id: eve(), tenant: String::new() };
    users.disable_user(request).await.unwrap();
    let token = revoke_request::Revoked::TokenId("token-of-lost".into());
    for revoked in [token, revoke_request::Revoked::Subject("gone".into())] {
        let request = RevokeRequest { revoked: Some(revoked), ..RevokeRequest::default() };
        access.revoke(request).await.unwrap();
    }
}

async fn joins(core: &Core, user: &User, topic: &str) -> Result<(), &'static str> {
    let mut broadcast = Caller::user(&token_of(user)).broadcast(core.channel());
    let request = JoinRequest { topic: topic.to_owned(), ..JoinRequest::default() };
    broadcast.join(request).await.map(drop).map_err(|status| code(&status))
}

fn asked(user: &User, topic: &str, issued: SystemTime) -> ExplainAccessRequest {
    ExplainAccessRequest {
        user_id: user.id.clone(),
        roles: user.roles.clone(),
        topic: topic.to_owned(),
        token_id: user.token_id.clone().unwrap_or_default(),
        issue_time: Some(issued.into()),
        tenant: String::new(),
    }
}

#[track_caller]
fn agrees(joined: Result<(), &str>, told: &ExplainAccessResponse, case: &str) {
    let code = joined.err().unwrap_or_default();
    assert_eq!((told.allowed, told.code.as_str()), (joined.is_ok(), code), "{case}: {told:?}");
    let (last, before) = told.steps.split_last().expect("a rule was looked at");
    let decided = if joined.is_ok() { AccessFinding::Allows } else { AccessFinding::Denies };
    assert_eq!(last.finding(), decided, "{case}: the last rule decides: {told:?}");
    for step in before {
        assert_eq!(step.finding(), AccessFinding::Passes, "{case}: {told:?}");
        assert!(!step.detail.is_empty(), "{case}: {step:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_explanation_agrees_with_the_join_for_every_user_and_topic() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SETTINGS.as_bytes()).unwrap();
    let core = Core::start_from_file(file.path()).await;
    let topics = topics(&core).await;
    let issued = SystemTime::now();
    shut_out(&core).await;
    let mut operator = Caller::user(&admin("root")).access(core.channel());
    let (mut allowed, mut denied) = (0, 0);
    for name in USERS {
        for roles in ROLES {
            let roles = roles.iter().map(|role| (*role).to_owned()).collect();
            let token_id = (name == "lost").then(|| "token-of-lost".to_owned());
            // Gone's tokens were issued before all of them were revoked.
            let user = User { id: name.into(), roles, token_id, ..User::dev() };
            for topic in &topics {
                let case = format!("{name} {:?} {topic}", user.roles);
                let issued = if name == "gone" { issued } else { SystemTime::now() };
                let told = operator.explain_access(asked(&user, topic, issued)).await;
                let told = told.unwrap_or_else(|status| panic!("{case}: {status}")).into_inner();
                if name == "gone" {
                    // A token minted now would be valid: only what is told of an older one is looked at.
                    assert_eq!(
                        (told.allowed, told.code.as_str()),
                        (false, "token_revoked"),
                        "{case}"
                    );
                    continue;
                }
                let joined = joins(&core, &user, topic).await;
                agrees(joined, &told, &case);
                if joined.is_ok() { allowed += 1 } else { denied += 1 }
            }
        }
    }
    assert!(allowed > 100 && denied > 100, "{allowed} allowed, {denied} denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_operators_ask_and_only_about_their_tenant() {
    let core = Core::start().await;
    let eve = User { id: "eve".into(), roles: vec!["admin".into()], ..User::dev() };
    let request = || asked(&eve, "room:open", SystemTime::now());
    let mut ana = Caller::user(&user("ana")).access(core.channel());
    let refused = ana.explain_access(request()).await.unwrap_err();
    assert_eq!(code(&refused), "permission_denied");
    let mut edge = Caller::service(&[Scope::Edge]).access(core.channel());
    assert_eq!(code(&edge.explain_access(request()).await.unwrap_err()), "permission_denied");
    let mut there = Caller::user(&admin_of("elsewhere", "root")).access(core.channel());
    let request = ExplainAccessRequest { tenant: "default".into(), ..request() };
    let told = there.explain_access(request).await.unwrap().into_inner();
    assert_eq!(told.topic.unwrap().head_offset, 0, "of the asker's own tenant");
}
