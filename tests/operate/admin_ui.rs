//! The published web app of `@socket.io/admin-ui`, as far as a server sees it: an unmodified client of
//! `/admin` that shows a name and a password, and reads `config` and `server_stats`.

use serde_json::{Value, json};

use crate::support::{Clients, Edge, Socket, System, admin, admin_of, user, user_with_role};

fn app(clients: &Clients, edge: &Edge, (name, password): (&str, &str)) -> Socket {
    let auth = json!({ "username": name, "password": password });
    let options = json!({ "namespace": "/admin", "auth": auth });
    clients.connect_with(&edge.url(), None, options)
}

fn sockets(stats: &Value, namespace: &str) -> u64 {
    let all = stats["namespaces"].as_array().unwrap();
    let found = all.iter().find(|one| one["name"] == namespace).unwrap();
    found["socketsCount"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_app_sees_counts_of_its_tenant_and_acts_on_nothing() {
    let system = System::start().await;
    let edge = Edge::start_with(&system.core, &["--admin-ui", "on"]).await;
    let clients = Clients::node().await;
    // One that upgrades would be counted twice on its way.
    let websocket = json!({ "transports": ["websocket"] });
    let ana = clients.connect_with(&edge.url(), Some(&user("ana")), websocket);
    ana.connected().await;
    let polling = json!({ "transports": ["polling"] });
    let bob = clients.connect_with(&edge.url(), Some(&user("bob")), polling);
    bob.connected().await;
    let other = clients.connect(&edge.url(), Some(&admin_of("elsewhere", "root")));
    other.connected().await;

    let app = app(&clients, &edge, ("vera", &user_with_role("vera", "auditor")));
    assert_eq!(app.event("config").await, json!({ "supportedFeatures": ["AGGREGATED_EVENTS"] }));
    let seen = |stats: &Value| stats["clientsCount"] == 2 && stats["pollingClientsCount"] == 1;
    let stats = app.event_where("server_stats", seen).await;
    assert_eq!((sockets(&stats, "/"), sockets(&stats, "/graph")), (2, 0), "{stats}");
    for field in ["serverId", "hostname"] {
        assert!(stats[field].as_str().is_some_and(|text| !text.is_empty()), "{stats}");
    }
    assert!(stats["uptime"].is_number() && stats["pid"].is_number(), "{stats}");
    let came = &stats["aggregatedEvents"][0];
    assert_eq!((&came["type"], &came["count"]), (&json!("rawConnection"), &json!(2)), "{stats}");

    app.emit("_disconnect", &json!("/"));
    app.emit("emit", &json!("/"));
    bob.disconnect();
    let one_left = |stats: &Value| stats["clientsCount"] == 1;
    let stats = app.event_where("server_stats", one_left).await;
    assert_eq!(stats["aggregatedEvents"][0]["type"], "rawDisconnection", "{stats}");
    assert!(ana.events().iter().all(|(name, _)| name != "closing"), "it acts on nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_app_is_let_in_by_an_operators_token_alone_and_only_where_it_is_wanted() {
    let system = System::start().await;
    let edge = Edge::start_with(&system.core, &["--admin-ui", "on"]).await;
    let clients = Clients::node().await;
    let root = admin("root");
    for (name, password) in [
        ("root", ""),
        ("root", "guessed"),
        ("ana", user("ana").as_str()),
        ("uma", user_with_role("uma", "viewer").as_str()),
        ("somebody-else", root.as_str()),
    ] {
        let told = app(&clients, &edge, (name, password)).refused().await;
        assert_eq!(told, "invalid credentials", "{name}");
    }
    let inside = app(&clients, &edge, ("root", &root));
    inside.event("config").await;
    edge.rest(&root).post("/revocations", &json!({ "subject": "root" })).await.ok(201);
    inside.state("disconnect").await;

    let closed = app(&clients, &system.edge, ("root", &root)).refused().await;
    assert!(closed.contains("nvalid namespace"), "{closed}");
}
