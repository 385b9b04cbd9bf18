//! What operators do is told: durably, in order, to operators alone, and never what was in it.

use serde_json::{Value, json};

use crate::support::{Clients, Rest, System, admin, eventually, user, user_with_role};

const SECRET: &str = "what-nobody-else-may-read";

/// Each act with its target and how it ended, oldest first.
fn told(page: &Value) -> Vec<(String, String, String)> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = page["entries"].as_array().unwrap().iter().rev();
    entries
        .map(|entry| (text(entry, "action"), text(entry, "target"), text(entry, "outcome")))
        .collect()
}

async fn acts(rest: &Rest) -> Value {
    let page = eventually("the audit is read", async || {
        rest.try_get("/audit?limit=200").await.filter(|answer| answer.status == 200)
    });
    page.await.ok(200)
}

/// What an operator finds: all of it is ana's.
struct Things {
    job: String,
    project: String,
    session: String,
    connection: String,
}

type Told = (&'static str, String, &'static str);

async fn things(system: &System, root: &Rest) -> Things {
    let ana = system.edge.rest(&user("ana"));
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let job = ana.post("/jobs", &json!({ "kind": "nobody-serves-this" })).await.ok(201);
    let project = ana.post("/projects", &json!({ "name": SECRET })).await.ok(201);
    let project = text(&project, "id");
    let session = ana.post(&format!("/projects/{project}/sessions"), &json!({})).await.ok(201);
    let connection = root.get("/connections").await.ok(200)["connections"][0].clone();
    let (user, address) = (&connection["user_id"], &connection["address"]);
    assert_eq!((user, address), (&json!("ana"), &json!("127.0.0.1")));
    assert_eq!(
        (&connection["transport"], &connection["waiting_bytes"]),
        (&json!("websocket"), &json!(0))
    );
    Things {
        job: text(&job, "job_id"),
        project,
        session: text(&session, "session_id"),
        connection: text(&connection, "id"),
    }
}

/// Acts on things of others. Answers what is to be told of each.
async fn acts_on(root: &Rest, things: &Things) -> Vec<Told> {
    let Things { job, project, session, connection } = things;
    let member = format!("/projects/{project}/members/bob");
    let reason = json!({ "reason": SECRET });
    root.post(&format!("/jobs/{job}/cancel"), &reason).await.ok(200);
    root.post(&format!("/jobs/{job}/retry"), &json!({})).await.ok(201);
    let said = json!({ "type": "said", "data": { "text": SECRET } });
    root.post("/topics/room:open/events", &said).await.ok(201);
    let late = json!({ "type": "said", "data": {}, "expected_offset": 7 });
    for _ in 0..2 {
        let refused = root.post("/topics/room:open/events", &late).await.problem();
        assert_eq!(refused, "offset_conflict");
    }
    let batch = json!({ "events": [said, said] });
    root.post("/topics/room:open/events", &said).await.ok(201);
    root.post("/topics/room:wide/events:batch", &batch).await.ok(201);
    root.put(&member, &json!({ "role": "viewer" })).await.ok(200);
    assert_eq!(root.delete(&member).await.status, 204);
    // A viewer who closes and deletes does so as an administrator.
    let own = format!("/projects/{project}/members/root");
    root.put(&own, &json!({ "role": "viewer" })).await.ok(200);
    root.post(&format!("/sessions/{session}/close"), &json!({})).await.ok(200);
    assert_eq!(root.delete(&format!("/projects/{project}")).await.status, 204);
    let ended = root.post(&format!("/connections/{connection}/disconnect"), &json!({})).await;
    assert_eq!(ended.status, 202);
    let bob = format!("project:{project} user:bob");
    vec![
        ("audit.job.cancel", format!("job:{job}"), "ok"),
        ("audit.job.retry", format!("job:{job}"), "ok"),
        // Told once, though it was done twice within a minute; and so is what was refused.
        ("audit.topic.publish", "room:open".into(), "ok"),
        ("audit.topic.publish", "room:open".into(), "offset_conflict"),
        ("audit.topic.publish", "room:wide".into(), "ok"),
        ("audit.project.set_member", bob.clone(), "ok"),
        ("audit.project.remove_member", bob, "ok"),
        ("audit.project.set_member", format!("project:{project} user:root"), "ok"),
        ("audit.session.close", format!("session:{session}"), "ok"),
        ("audit.project.delete", format!("project:{project}"), "ok"),
        ("audit.connection.disconnect", format!("connection:{connection} user:ana"), "ok"),
    ]
}

/// Changes who may come in. Answers what is to be told of each.
async fn changes_who_comes_in(root: &Rest) -> Vec<Told> {
    root.put("/users/eve", &json!({ "display_name": SECRET })).await.ok(200);
    root.post("/users/eve/disable", &json!({})).await.ok(200);
    root.post("/users/eve/enable", &json!({})).await.ok(200);
    assert_eq!(root.delete("/users/eve").await.status, 204);
    assert_eq!(root.post("/users/eve/disable", &json!({})).await.problem(), "user_not_found");
    let revoked = json!({ "token_id": "t1", "reason": SECRET });
    let revoked = root.post("/revocations", &revoked).await.ok(201);
    let revocation = revoked["revocation_id"].as_str().unwrap();
    assert_eq!(root.delete(&format!("/revocations/{revocation}")).await.status, 204);
    vec![
        ("audit.user.put", "user:eve".into(), "ok"),
        ("audit.user.disable", "user:eve".into(), "ok"),
        ("audit.user.enable", "user:eve".into(), "ok"),
        ("audit.user.delete", "user:eve".into(), "ok"),
        ("audit.user.disable", "user:eve".into(), "user_not_found"),
        ("audit.revocation.put", "token:t1".into(), "ok"),
        ("audit.revocation.lift", format!("revocation:{revocation}"), "ok"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_of_an_operator_is_told_and_survives_kill_nine() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let clients = Clients::node().await;
    let socket = clients.connect(&system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    let mut expected = changes_who_comes_in(&root).await;
    expected.extend(acts_on(&root, &things(&system, &root).await).await);

    system.core.kill();
    system.core.restart().await;

    let auditor = system.edge.rest(&user_with_role("vera", "auditor"));
    let page = acts(&auditor).await;
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(act, target, outcome)| (act.to_owned(), target, outcome.to_owned()))
        .collect();
    assert_eq!(told(&page), expected);
    for entry in page["entries"].as_array().unwrap() {
        assert_eq!((&entry["actor"], &entry["from"]), (&json!("root"), &json!("127.0.0.1")));
        assert_eq!(entry["trace_id"].as_str().unwrap().len(), 32, "{entry}");
    }
    assert!(!page.to_string().contains(SECRET), "what was done, and never what was in it");

    let disabled = "/audit?action=audit.user.disable&limit=1";
    let newest = auditor.get(disabled).await.ok(200);
    assert_eq!(told(&newest), expected[4..5], "the newest of them");
    let token = newest["next_page_token"].as_str().unwrap();
    let before = auditor.get(&format!("{disabled}&page_token={token}")).await.ok(200);
    assert_eq!(told(&before), expected[1..2]);
    assert_eq!(auditor.get("/audit?actor=ana").await.ok(200)["entries"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_with_ones_own_is_nobodys_business() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let root = system.edge.rest(&admin("root"));
    for rest in [&ana, &root] {
        let job = rest.post("/jobs", &json!({ "kind": "nobody-serves-this" })).await.ok(201);
        let job = job["job_id"].as_str().unwrap().to_owned();
        rest.post(&format!("/jobs/{job}/cancel"), &json!({})).await.ok(200);
        let project = rest.post("/projects", &json!({ "name": "own" })).await.ok(201);
        let project = project["id"].as_str().unwrap().to_owned();
        assert_eq!(rest.delete(&format!("/projects/{project}")).await.status, 204);
    }
    assert_eq!(acts(&root).await["entries"], json!([]));
}
