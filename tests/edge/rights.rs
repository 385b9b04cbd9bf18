//! Rights that end: a revoked token or subject, a disabled user, a right that is lost, an edge that is
//! cut off from the core. Whatever ends, nothing is delivered under it five seconds later, and nobody
//! else notices.

use std::time::{Duration, Instant};

use roomcast_identity::Scope;
use roomcast_proto::v1::{GetTopicRequest, RecheckGrantsRequest};
use serde_json::{Value, json};

use crate::support::{
    Balancer, Caller, Clients, Core, Edge, Rest, Socket, Sse, System, Token, admin, code,
    eventually, user, user_with_id,
};

/// Longest time after which nothing may be delivered any more.
const PROMISE: Duration = Duration::from_secs(5);

async fn in_room(clients: &Clients, edge: &Edge, token: &Token) -> Socket {
    let socket = clients.connect(&edge.url(), Some(token));
    socket.connected().await;
    let joined = socket.ask("join_room", &json!({ "room": "open" })).await;
    assert_eq!((&joined["ok"], &joined["topic"]), (&json!(true), &json!("room:open")));
    socket
}

async fn say(rest: &Rest, text: &str) {
    let event = json!({ "type": "said", "data": { "text": text } });
    rest.post("/topics/room:open/events", &event).await.ok(201);
}

async fn hears(socket: &Socket, text: &str) {
    socket.event_where("said", |said| said["text"] == text).await;
}

fn heard(socket: &Socket, text: &str) -> bool {
    socket.events().iter().any(|(name, said)| name == "said" && said["text"] == text)
}

/// Waits until the socket was told why it ends, and has ended.
async fn is_expelled(socket: &Socket, because: &str, since: Instant) {
    assert_eq!(socket.event("closing").await["reason"], because);
    assert!(since.elapsed() < PROMISE, "it took {:?}", since.elapsed());
    assert_eq!(socket.event("error").await["code"], because);
    socket.state("disconnect").await;
}

/// The answer of every surface to a token.
async fn is_refused(system: &System, clients: &Clients, token: &Token, because: &str) {
    let told = clients.connect(&system.edge.url(), Some(token)).refused().await;
    assert!(told.contains(because), "{told}");
    let answer = system.edge.rest(token).get("/jobs").await;
    assert_eq!(answer.problem(), because);
    let request = GetTopicRequest { topic: "room:open".into(), tenant: String::new() };
    let mut topics = Caller::user(token).broadcast(system.core.channel());
    assert_eq!(code(&topics.get_topic(request).await.unwrap_err()), because);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_ends_its_sockets_and_streams_at_every_edge_and_no_other() {
    let system = System::start().await;
    let other_edge = Edge::start(&system.core).await;
    let root = system.edge.rest(&admin("root"));
    let (lost, kept) = (user_with_id("ana", "lost"), user_with_id("ana", "kept"));
    let clients = Clients::node().await;
    let here = in_room(&clients, &system.edge, &lost).await;
    let there = in_room(&clients, &other_edge, &lost).await;
    let mine = in_room(&clients, &system.edge, &kept).await;
    let bobs = in_room(&clients, &other_edge, &user("bob")).await;
    let mut stream = Sse::open(&other_edge.rest(&lost), "/topics/room:open/events", None).await;
    say(&root, "before").await;
    for socket in [&here, &there, &mine, &bobs] {
        hears(socket, "before").await;
    }

    let body = json!({ "token_id": "lost", "reason": "the laptop was stolen" });
    let revoked = root.post("/revocations", &body).await.ok(201);
    let since = Instant::now();
    is_refused(&system, &clients, &lost, "token_revoked").await;
    is_expelled(&here, "token_revoked", since).await;
    is_expelled(&there, "token_revoked", since).await;
    let end = stream.until(|frame| frame.event == "closed").await.pop().unwrap();
    assert_eq!(end.data["reason"], "token_revoked");
    assert_eq!(stream.next().await, None);
    assert!(since.elapsed() < PROMISE, "it took {:?}", since.elapsed());

    say(&root, "after").await;
    hears(&mine, "after").await;
    hears(&bobs, "after").await;
    assert!(!heard(&here, "after") && !heard(&there, "after"));
    assert_eq!((mine.times("disconnect"), bobs.times("disconnect")), (0, 0));

    let listed = root.get("/revocations").await.ok(200);
    assert_eq!(listed["revocations"], json!([revoked]));
    assert_eq!((&revoked["token_id"], &revoked["revoked_by"]), (&json!("lost"), &json!("root")));
    let path = format!("/revocations/{}", revoked["revocation_id"].as_str().unwrap());
    let delete = || root.request(reqwest::Method::DELETE, &path);
    assert_eq!(crate::support::Answer::of(delete()).await.status, 204);
    assert_eq!(crate::support::Answer::of(delete()).await.problem(), "revocation_not_found");
    in_room(&clients, &system.edge, &lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_outlives_a_kill_of_the_core_and_a_later_token_of_the_subject_is_good() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let clients = Clients::node().await;
    let old = user("ana");
    let socket = in_room(&clients, &system.edge, &old).await;
    root.post("/revocations", &json!({ "subject": "ana" })).await.ok(201);
    is_expelled(&socket, "token_revoked", Instant::now()).await;
    system.core.kill();
    system.core.restart().await;
    eventually("the edge has the core again", async || {
        root.get("/readyz").await.status.eq(&200).then_some(())
    })
    .await;
    is_refused(&system, &clients, &old, "token_revoked").await;
    // `iat` counts seconds: a token of the revocation's own second is refused as well.
    eventually("a later token is good", async || {
        let answer = system.edge.rest(&user("ana")).get("/jobs").await;
        (answer.status == 200).then_some(())
    })
    .await;
    in_room(&clients, &system.edge, &user("ana")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_administrators_and_services_say_who_may_come_in() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    for (path, body) in [
        ("/revocations", json!({ "subject": "root" })),
        ("/users/bob/disable", json!({})),
        ("/users/bob/enable", json!({})),
    ] {
        assert_eq!(ana.post(path, &body).await.problem(), "permission_denied", "{path}");
    }
    for path in ["/revocations", "/users", "/users/bob", "/connections"] {
        assert_eq!(ana.get(path).await.problem(), "permission_denied", "{path}");
    }
    let mut edge = Caller::service(&[Scope::Edge]).access(system.core.channel());
    let refused = edge.recheck_grants(RecheckGrantsRequest::default()).await.unwrap_err();
    assert_eq!(code(&refused), "permission_denied");
    // An administrator of another tenant reaches nobody here.
    let foreign = system.edge.rest(&crate::support::admin_of("other", "root"));
    foreign.post("/revocations", &json!({ "subject": "ana" })).await.ok(201);
    assert_eq!(ana.get("/jobs").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_users_are_registered_an_unknown_or_disabled_one_is_refused() {
    let core = Core::start_with(&["--users", "registered"]).await;
    let system = System { edge: Edge::start(&core).await, core };
    let clients = Clients::node().await;
    is_refused(&system, &clients, &user("ana"), "user_unknown").await;
    // The first administrator is registered by a service.
    let mut users = Caller::service(&[Scope::Service]).users(system.core.channel());
    let put =
        |id: &str| roomcast_proto::v1::PutUserRequest { user_id: id.into(), ..Default::default() };
    users.put_user(put("root")).await.unwrap();
    let root = system.edge.rest(&admin("root"));
    let register = root.request(reqwest::Method::PUT, "/users/ana");
    let register = register.json(&json!({ "display_name": "Ana" }));
    let registered = crate::support::Answer::of(register).await.ok(200);
    assert_eq!((&registered["user_id"], &registered["disabled"]), (&json!("ana"), &json!(false)));
    let socket = in_room(&clients, &system.edge, &user("ana")).await;
    let roots = in_room(&clients, &system.edge, &admin("root")).await;

    root.post("/users/ana/disable", &json!({})).await.ok(200);
    is_expelled(&socket, "user_disabled", Instant::now()).await;
    is_refused(&system, &clients, &user("ana"), "user_disabled").await;
    root.post("/users/ana/enable", &json!({})).await.ok(200);
    let socket = in_room(&clients, &system.edge, &user("ana")).await;
    let delete = root.request(reqwest::Method::DELETE, "/users/ana");
    assert_eq!(crate::support::Answer::of(delete).await.status, 204);
    is_expelled(&socket, "user_unknown", Instant::now()).await;
    assert_eq!(root.get("/users/ana").await.problem(), "user_not_found");
    let listed = root.get("/users").await.ok(200);
    assert_eq!(listed["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(roots.times("disconnect"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_lost_ends_its_topic_and_leaves_the_socket() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let clients = Clients::node().await;
    let socket = in_room(&clients, &system.edge, &user("ana")).await;
    let joined = socket.ask("join_room", &json!({ "room": "news" })).await;
    assert_eq!(joined["ok"], true);

    system.core.kill();
    system.core.restart_with(&["--rooms", "open"]).await;
    let lost = socket.event("error").await;
    assert_eq!(lost["code"], "topic_not_found");
    eventually("the room that stayed is heard", async || {
        let event = json!({ "type": "said", "data": { "text": "still" } });
        root.post("/topics/room:open/events", &event).await;
        root.post("/topics/room:news/events", &event).await;
        heard(&socket, "still").then_some(())
    })
    .await;
    let of_news = |(name, said): &(String, Value)| name != "error" && said["topic"] == "room:news";
    assert!(!socket.events().iter().any(of_news));
    assert_eq!(socket.times("disconnect"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_was_cut_off_delivers_nothing_to_whoever_was_revoked_meanwhile() {
    let core = Core::start().await;
    let wire = Balancer::start(&[core.address()]).await;
    let cut_off = Edge::start_at(&wire.url()).await;
    let system = System { edge: Edge::start(&core).await, core };
    let root = system.edge.rest(&admin("root"));
    let clients = Clients::node().await;
    let lost = user_with_id("ana", "lost");
    let revoked = in_room(&clients, &cut_off, &lost).await;
    let bobs = in_room(&clients, &cut_off, &user("bob")).await;
    say(&root, "before").await;
    hears(&revoked, "before").await;

    wire.send_to(&[]);
    wire.cut();
    root.post("/revocations", &json!({ "token_id": "lost" })).await.ok(201);
    let since = Instant::now();
    say(&root, "meanwhile").await;
    // So long the edge may trust what it heard before.
    eventually("the promise is due", async || (since.elapsed() >= PROMISE).then_some(())).await;
    wire.send_to(&[system.core.address()]);
    hears(&bobs, "meanwhile").await;
    assert_eq!(revoked.event("closing").await["reason"], "token_revoked");
    say(&root, "after").await;
    hears(&bobs, "after").await;
    assert!(!heard(&revoked, "meanwhile") && !heard(&revoked, "after"));
    assert_eq!(bobs.times("disconnect"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_lists_connections_and_ends_one() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let clients = Clients::node().await;
    let socket = in_room(&clients, &system.edge, &user("ana")).await;
    let listed = root.get("/connections").await.ok(200);
    let connection = &listed["connections"][0];
    assert_eq!(
        (&connection["user_id"], &connection["topics"]),
        (&json!("ana"), &json!(["room:dashboard", "room:open"]))
    );
    let path = format!("/connections/{}/disconnect", connection["id"].as_str().unwrap());
    let foreign = system.edge.rest(&crate::support::admin_of("other", "root"));
    assert_eq!(foreign.get("/connections").await.ok(200)["connections"], json!([]));
    assert_eq!(foreign.post(&path, &json!({})).await.problem(), "connection_not_found");
    assert_eq!(root.post(&path, &json!({})).await.status, 202);
    assert_eq!(socket.event("closing").await["reason"], "disconnected");
    socket.state("disconnect").await;
    eventually("nobody is left", async || {
        (root.get("/connections").await.ok(200)["connections"] == json!([])).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_the_connections_to_every_edge_and_ends_one_at_another() {
    let system = System::start().await;
    let other = Edge::start_at(&system.core.url()).await;
    let clients = Clients::node().await;
    let over = json!({ "transports": ["websocket"] });
    let socket = clients.connect_with(&other.url(), Some(&user("ana")), over);
    socket.connected().await;
    let root = system.edge.rest(&admin("root"));
    assert_eq!(root.get("/connections").await.ok(200)["connections"], json!([]));
    let (listed, connection) = eventually("the other edge has told of it", async || {
        let listed = root.get("/connections?scope=cluster").await.ok(200);
        let connection = listed["connections"].get(0).cloned();
        connection.map(|connection| (listed, connection))
    })
    .await;
    assert_ne!(listed["edge_id"], connection["edge_id"]);
    assert_eq!(listed["truncated"], false);
    assert_eq!(
        (&connection["user_id"], &connection["namespace"], &connection["transport"]),
        (&json!("ana"), &json!("/"), &json!("websocket"))
    );
    assert_eq!((&connection["roles"], &connection["waiting_bytes"]), (&json!(null), &json!(null)));
    let its_own = other.rest(&admin("root")).get("/connections?scope=cluster").await.ok(200);
    assert_eq!(its_own["connections"].as_array().map(Vec::len), Some(1), "listed once: {its_own}");
    assert!(its_own["connections"][0]["roles"].is_array(), "its own edge knows: {its_own}");

    let path = format!("/connections/{}/disconnect", connection["id"].as_str().unwrap());
    let foreign = system.edge.rest(&crate::support::admin_of("other", "root"));
    assert_eq!(foreign.post(&path, &json!({})).await.problem(), "connection_not_found");
    assert_eq!(root.post(&path, &json!({})).await.status, 202);
    assert_eq!(socket.event("closing").await["reason"], "disconnected");
    socket.state("disconnect").await;
}
