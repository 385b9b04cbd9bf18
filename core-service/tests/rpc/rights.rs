//! Who may call what: every call of the contract, by every kind of caller, on things of the tenant `acme`.

mod credential;
mod raw;
mod request;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::{StreamExt as _, stream};
use roomcast_core::config::rooms;
use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::user_service_client::UserServiceClient;

use self::credential::Credentials;
use self::request::Filler;
use self::world::{OTHER, TENANT, World};
use crate::core::{Core, request, serve, service};

/// A call, what of its request is said otherwise than a [`Filler`] says it, and what comes of it: a group
/// for services, of the scopes edge, worker, service and admin; for a stranger, a viewer, an editor and the
/// owner; for an auditor and an administrator; for the administrator of another tenant and the owner's
/// namesake there.
type Line = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[rustfmt::skip]
const LINES: &[Line] = &[
    ("CreateJob", &[], "DS++ SD++ D+ SS"),
    ("CreateJob", &[("project_id", ""), ("session_id", "")], "D... .... .. .."),
    ("CreateJob", &[("session_id", "")], "D+++ PD++ D+ PP"),
    ("GetJob", &[], "J+++ J+++ ++ JJ"),
    ("ListJobs", &[], "D... .... .. .."),
    ("ListJobs", &[("kind", "job"), ("project_id", "")], "D+++ ...+ ++ .."),
    ("ListJobs", &[("kind", "job")], "D+++ .+++ ++ .."),
    ("CancelJob", &[], "J+++ JD++ D+ JJ"),
    ("SendMessage", &[], "DS++ SD++ D+ SS"),
    ("StartTestRun", &[], "PP++ PD++ D+ PP"),
    ("RetryJob", &[], "J~~~ JD~~ D~ JJ"),
    ("ReadJobOutput", &[], "J... J... .. JJ"),
    ("WatchJob", &[], "J... J... .. JJ"),
    ("Work", &[], "D.D. DDDD D. .D"),
    ("LeaseJobs", &[], "D.D. DDDD D. .D"),
    ("RenewLeases", &[], "D+D+ DDDD D+ +D"),
    ("ReportJob", &[], "D~D~ DDDD D~ ~D"),
    ("CreateProject", &[], "DD.. .... .. .."),
    ("GetProject", &[], "PP++ P+++ ++ PP"),
    ("ListProjects", &[], "DD++ .+++ ++ .."),
    ("DeleteProject", &[], "PP.. PDD. D. PP"),
    ("SetMember", &[], "PP.. P.D. D. PP"),
    ("SetMember", &[("user_id", "sam")], "PP.. PDD. D. PP"),
    ("RemoveMember", &[], "PP.. P.D. D. PP"),
    ("ListMembers", &[], "PP.. P... .. PP"),
    ("CreateSession", &[], "PP++ PD++ D+ PP"),
    ("GetSession", &[], "SS++ S+++ ++ SS"),
    ("ListSessions", &[], "PP++ P+++ ++ PP"),
    ("CloseSession", &[], "SS++ SDD+ D+ SS"),
    ("ExecuteCommand", &[], "SS~~ SD~~ D~ SS"),
    ("UndoCommand", &[], "SS~~ SD~~ D~ SS"),
    ("RedoCommand", &[], "SS~~ SD~~ D~ SS"),
    ("GetGraph", &[], "SS.. S... .. SS"),
    ("SaveGraph", &[], "SS.. SD.. D. SS"),
    ("LoadGraph", &[], "SS~~ SD~~ D~ SS"),
    ("ListSaves", &[], "SS.. S... .. SS"),
    ("AnnouncePresence", &[], ".DD. DDDD DD DD"),
    ("ListConnections", &[], "DD.. DDDD .. .D"),
    ("ListParticipants", &[], "SS.. S... .. SS"),
    ("WatchSession", &[], "SS.. S... .. SS"),
    ("Join", &[], "TT++ T+++ ++ TT"),
    ("Join", &[("topic", "job:")], "J+++ J+++ ++ JJ"),
    ("Join", &[("topic", "session:")], "SS++ S+++ ++ SS"),
    ("Join", &[("topic", "room:lobby")], ".T.. T.TT .. .T"),
    ("Join", &[("topic", "room:unheard")], ".T.. TTTT .. .T"),
    ("Join", &[("topic", "user:olga")], "TT++ TTT+ ++ .."),
    ("Join", &[("topic", "audit:log")], "TT.. TTTT .. .T"),
    ("Publish", &[], "~~~~ ~~~~ ~~ ~~"),
    ("Publish", &[("topic", "room:lobby")], "DD.. D.DD D. .D"),
    ("Publish", &[("topic", "user:olga")], "DD.. DDDD D. .D"),
    ("PublishBatch", &[], "~~~~ ~~~~ ~~ ~~"),
    ("PublishBatch", &[("topic", "room:lobby")], "DD.. D.DD D. .D"),
    ("PublishBatch", &[("topic", "user:olga")], "DD.. DDDD D. .D"),
    ("ListEvents", &[], "+T++ T+++ ++ TT"),
    ("ListEvents", &[("topic", "audit:log")], ".T.. TTTT .. .T"),
    ("GetTopic", &[], "TT++ T+++ ++ TT"),
    ("ListTopics", &[("kind", "")], "DD.. DDDD .. .D"),
    ("ListRooms", &[], "DD.. DDDD .. .D"),
    ("GetRoomPresence", &[], ".T.. T.TT .. .T"),
    ("WatchTopic", &[], "TT.. T... .. TT"),
    ("Subscribe", &[], ".DD. DDDD DD DD"),
    ("Revoke", &[], "DD.. DDDD D. .D"),
    ("ListRevocations", &[], "DD.. DDDD .. .D"),
    ("LiftRevocation", &[], "DD~~ DDDD D~ ~D"),
    ("RecheckGrants", &[], "DD.. DDDD D. .D"),
    ("CheckAccess", &[], ".... .... .. .."),
    ("WatchAccess", &[], ".DD. DDDD DD DD"),
    ("IssueTicket", &[], "UUUU .... .. .."),
    ("SpendTicket", &[], "~DD~ DDDD DD DD"),
    ("ExplainAccess", &[], "DD++ DDDD ++ +D"),
    ("ListActs", &[], "DD.. DDDD .. .D"),
    ("RecordDisconnect", &[], "DD.. DDDD D. .D"),
    ("PutUser", &[("user_id", "mia")], "DD.. DDDD D. .D"),
    ("GetUser", &[("user_id", "mia")], "DD.. DDDD .. .D"),
    ("ListUsers", &[], "DD.. DDDD .. .D"),
    ("DisableUser", &[("user_id", "mia")], "DD.. DDDD D. .D"),
    ("EnableUser", &[("user_id", "mia")], "DD.. DDDD D. .D"),
    ("DeleteUser", &[("user_id", "nobody")], "DD~~ DDDD D~ ~D"),
];

/// What came of a call: a mark that stands for it in a line.
fn mark(outcome: &Result<Vec<u8>, Code>, world: &World) -> char {
    match outcome {
        // It tells of a thing in the project.
        Ok(answer) if world.is_named_in(answer) => '+',
        Ok(_) => '.',
        Err(Code::PermissionDenied) => 'D',
        Err(Code::JobNotFound) => 'J',
        Err(Code::ProjectNotFound) => 'P',
        Err(Code::SessionNotFound) => 'S',
        Err(Code::TopicNotFound) => 'T',
        Err(Code::Unauthenticated) => 'U',
        // Let in, and refused for something else.
        Err(_) => '~',
    }
}

/// A core with a room, and with a user in each tenant, whom the lines need whichever of them is first.
async fn core() -> Core {
    const ROOMS: &str =
        r#"lobby = { read = ["user:vic"], publish = ["user:vic"], presence = true }"#;
    let core = serve(|config, _| {
        config.rooms = rooms::parse(ROOMS).expect("rooms");
        config.requests_per_second = 0;
    })
    .await;
    for tenant in [TENANT, OTHER] {
        let user = v1::PutUserRequest {
            user_id: "mia".into(),
            tenant: tenant.into(),
            ..Default::default()
        };
        let user = request(user, Some(&service(&[Scope::Service])), None);
        UserServiceClient::new(core.channel()).put_user(user).await.expect("registered");
    }
    core
}

async fn line(core: &Core, filler: &Filler, (call, otherwise, _): Line) -> String {
    let mut marks = String::new();
    for (at, credentials) in Credentials::all().into_iter().enumerate() {
        if matches!(at, 4 | 8 | 10) {
            marks.push(' ');
        }
        let world = World::new(core).await;
        let message = filler.message(call, &world, otherwise);
        let outcome = raw::call(core, filler.path(call), &message, &credentials).await;
        marks.push(mark(&outcome, &world));
    }
    marks
}

#[tokio::test]
async fn who_may_call_what_is_as_the_table_says() {
    let (core, filler) = (core().await, Filler::new());
    let lines = stream::iter(LINES).map(async |one| (one, line(&core, &filler, *one).await));
    let lines: Vec<_> = lines.buffered(8).collect().await;
    let mut differences = String::new();
    for ((call, otherwise, expected), found) in lines {
        if found != *expected {
            let _ = writeln!(differences, "{call} {otherwise:?}: {found}, and not {expected}");
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
    let without: Vec<_> =
        filler.calls().filter(|call| LINES.iter().all(|line| line.0 != *call)).collect();
    assert_eq!(without, Vec::<&str>::new(), "calls without a line");
}

#[tokio::test]
async fn no_call_lets_anybody_in_whose_credentials_are_missing_or_over() {
    let (core, filler) = (core().await, Filler::new());
    // Before the revocation: it is of tokens that were issued until then.
    let bad = Credentials::bad();
    let subject = v1::revoke_request::Revoked::Subject("rex".into());
    let revoke =
        v1::RevokeRequest { revoked: Some(subject), tenant: TENANT.into(), ..Default::default() };
    let revoke = request(revoke, Some(&service(&[Scope::Service])), None);
    core.access().revoke(revoke).await.expect("revoked");
    let world = World::new(&core).await;
    let mut let_in = BTreeMap::new();
    for call in filler.calls() {
        let message = filler.message(call, &world, &[]);
        for (credentials, code) in &bad {
            let outcome = raw::call(&core, filler.path(call), &message, credentials).await;
            if outcome != Err(*code) {
                let_in.insert((call, code.as_str()), outcome);
            }
        }
    }
    assert!(let_in.is_empty(), "{let_in:?}");
}
