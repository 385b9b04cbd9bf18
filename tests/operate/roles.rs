//! Who may look, and who may act: users, auditors, administrators, and those of another tenant.

use serde_json::{Value, json};

use crate::support::{Rest, System, admin, admin_of, user, user_with_role};

/// What operators see.
const DOORS: [&str; 12] = [
    "/topics",
    "/rooms",
    "/audit",
    "/connections",
    "/websocket/stats",
    "/metrics",
    "/users",
    "/revocations",
    "/explain?user=ana&topic=room:open",
    "/topics/audit:log",
    "/topics/audit:log/events",
    "/topics/user:ana/events",
];

async fn queued_job(rest: &Rest) -> String {
    let job = rest.post("/jobs", &json!({ "kind": "nobody-serves-this" })).await.ok(201);
    job["job_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_doors_open_for_administrators_and_auditors_alone() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let auditor = system.edge.rest(&user_with_role("vera", "auditor"));
    let viewer = system.edge.rest(&user_with_role("uma", "viewer"));
    root.put("/users/eve", &json!({})).await.ok(200);
    for door in DOORS {
        assert_eq!(root.get(door).await.status, 200, "{door} as an administrator");
        assert_eq!(auditor.get(door).await.status, 200, "{door} as an auditor");
        let refused = viewer.get(door).await;
        let problem = refused.problem();
        assert!(["permission_denied", "topic_not_found"].contains(&problem), "{door}: {problem}");
    }
    let who = async |rest: &Rest| rest.get("/whoami").await.ok(200)["console"].clone();
    assert_eq!(who(&root).await, "operator");
    assert_eq!(who(&auditor).await, "viewer");
    assert_eq!(who(&viewer).await, "none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_sees_what_is_others_and_changes_nothing_of_it() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let vera = system.edge.rest(&user_with_role("vera", "auditor"));
    let job = queued_job(&ana).await;
    let project = ana.post("/projects", &json!({ "name": "house" })).await.ok(201);
    let project = project["id"].as_str().unwrap().to_owned();
    let session = ana.post(&format!("/projects/{project}/sessions"), &json!({})).await.ok(201);
    let session = session["session_id"].as_str().unwrap().to_owned();

    for seen in [
        format!("/jobs/{job}"),
        format!("/jobs/{job}/events"),
        format!("/projects/{project}"),
        format!("/projects/{project}/members"),
        format!("/sessions/{session}"),
        format!("/sessions/{session}/participants"),
    ] {
        assert_eq!(vera.get(&seen).await.status, 200, "{seen}");
    }
    let listed = vera.get("/jobs").await.ok(200);
    assert_eq!(listed["jobs"][0]["job_id"], job, "{listed}");
    assert_eq!(vera.get("/projects").await.ok(200)["projects"][0]["id"], project);

    let node = json!({ "type": "create_node", "node_type": "t", "name": "n" });
    let command = json!({ "session_id": session, "command": node });
    let said = json!({ "type": "said", "data": {} });
    for (path, body) in [
        (format!("/jobs/{job}/cancel"), json!({})),
        (format!("/sessions/{session}/close"), json!({})),
        ("/commands/execute".to_owned(), command),
        ("/topics/room:open/events".to_owned(), said),
        ("/users/ana/disable".to_owned(), json!({})),
        ("/revocations".to_owned(), json!({ "subject": "ana" })),
        ("/connections/c/disconnect".to_owned(), json!({})),
        ("/jobs".to_owned(), json!({ "kind": "k", "project_id": project })),
    ] {
        let answer = vera.post(&path, &body).await;
        assert_eq!((answer.status, answer.problem()), (403, "permission_denied"), "{path}");
    }
    for path in [format!("/projects/{project}"), "/users/ana".to_owned()] {
        assert_eq!(vera.delete(&path).await.problem(), "permission_denied", "{path}");
    }
    assert_eq!(ana.get(&format!("/jobs/{job}")).await.ok(200)["status"], "queued");
    let acts = vera.get("/audit").await.ok(200);
    assert_eq!(acts["entries"], json!([]), "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_their_own_tenant_and_no_other() {
    let system = System::start().await;
    let here = system.edge.rest(&admin("root"));
    let there = system.edge.rest(&admin_of("elsewhere", "root"));
    let job = queued_job(&here).await;
    here.post("/topics/room:open/events", &json!({ "type": "said", "data": {} })).await.ok(201);
    here.put("/users/eve", &json!({})).await.ok(200);

    let names = |page: &Value| -> Vec<String> {
        let topics = page["topics"].as_array().unwrap().iter();
        topics.map(|topic| topic["topic"].as_str().unwrap().to_owned()).collect()
    };
    let seen = names(&here.get("/topics").await.ok(200));
    let own = [format!("job:{job}"), "room:open".into(), "user:root".into(), "audit:log".into()];
    assert_eq!(seen, own, "by kind and name");
    assert_eq!(names(&here.get("/topics?kind=room&prefix=op").await.ok(200)), ["room:open"]);
    assert_eq!(names(&here.get("/topics?kind=room&prefix=x").await.ok(200)), Vec::<String>::new());
    let (mut paged, mut path) = (Vec::new(), "/topics?limit=1".to_owned());
    loop {
        let page = here.get(&path).await.ok(200);
        paged.extend(names(&page));
        let Some(token) = page["next_page_token"].as_str() else { break };
        path = format!("/topics?limit=1&page_token={token}");
    }
    assert_eq!(paged, own, "page by page");

    assert_eq!(names(&there.get("/topics").await.ok(200)), Vec::<String>::new());
    assert_eq!(there.get("/audit").await.ok(200)["entries"], json!([]));
    assert_eq!(there.get(&format!("/jobs/{job}")).await.problem(), "job_not_found");
    let explained = there.get(&format!("/explain?user=root&roles=admin&topic=job:{job}")).await;
    assert_eq!(explained.ok(200)["code"], "job_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_is_refused_by_name() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let long = "x".repeat(10_000);
    for path in [
        "/topics?kind=lobby".to_owned(),
        "/topics?kind=access".to_owned(),
        "/topics?prefix=a%20b".to_owned(),
        "/topics?limit=-1".to_owned(),
        "/topics?page_token=AAAA".to_owned(),
        "/topics?page=1".to_owned(),
        "/rooms?page_token=AAAA".to_owned(),
        "/audit?page_token=%00".to_owned(),
        "/audit?user=x".to_owned(),
        "/explain?topic=room:open".to_owned(),
        "/explain?user=ana&topic=nothing".to_owned(),
        "/explain?user=ana&topic=access:all".to_owned(),
        "/explain?user=ana&topic=audit:other".to_owned(),
        "/explain?user=ana&topic=room:open&issued_at=yesterday".to_owned(),
        format!("/explain?user={long}&topic=room:open"),
        format!("/explain?user=ana&topic=room:open&roles={}", "r,".repeat(100)),
    ] {
        let answer = root.get(&path).await;
        let short: String = path.chars().take(60).collect();
        assert_eq!((answer.status, answer.problem()), (400, "invalid_argument"), "{short}");
    }
    let forbidden = json!({ "type": "audit.user.disable", "data": { "by": "nobody" } });
    let answer = root.post("/topics/audit:log/events", &forbidden).await;
    assert_eq!(answer.problem(), "topic_reserved", "nobody writes to it");
}
