//! `/projects` and their members.

use serde_json::{Value, json};

use crate::support::{Rest, Sse, System, admin, user};

async fn create(rest: &Rest, name: &str) -> String {
    let made = rest.post("/projects", &json!({ "name": name })).await.ok(201);
    made["id"].as_str().unwrap().to_owned()
}

fn names(page: &Value) -> Vec<&str> {
    let projects = page["projects"].as_array().unwrap();
    projects.iter().map(|project| project["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_is_made_once_for_a_key_and_listed_to_its_members() {
    let system = System::start().await;
    let (ana, ben) = (system.edge.rest(&user("ana")), system.edge.rest(&user("ben")));
    let body = json!({ "name": "first", "idempotency_key": "k" });
    let made = ana.post("/api/v1/projects", &body).await;
    let project = made.ok(201);
    assert_eq!((&project["name"], &project["owner"]), (&json!("first"), &json!("ana")));
    assert!(project["created_at"].is_string());
    let path = format!("/projects/{}", project["id"].as_str().unwrap());
    assert_eq!(made.headers["location"], format!("/api/v1{path}"));
    assert_eq!(ana.post("/projects", &body).await.ok(201)["id"], project["id"]);
    let other = json!({ "name": "other", "idempotency_key": "k" });
    assert_eq!(ana.post("/projects", &other).await.problem(), "idempotency_mismatch");
    let mut unused = project.clone();
    unused["usage"] = json!(null);
    assert_eq!(ana.get(&path).await.ok(200), unused, "no job of it has told what it used");
    for name in ["second", "third"] {
        create(&ana, name).await;
    }
    let first = ana.get("/projects?limit=2").await.ok(200);
    assert_eq!(names(&first), ["third", "second"]);
    let token = first["next_page_token"].as_str().unwrap();
    let rest = ana.get(&format!("/projects?limit=2&page_token={token}")).await.ok(200);
    assert_eq!((names(&rest), &rest["next_page_token"]), (vec!["first"], &json!(null)));
    assert_eq!(names(&ben.get("/projects").await.ok(200)), Vec::<&str>::new());
    assert_eq!(ben.get(&path).await.problem(), "project_not_found");
    let root = system.edge.rest(&admin("root"));
    assert_eq!(names(&root.get("/projects").await.ok(200)), ["third", "second", "first"]);
    for (body, code) in [
        (json!({}), "malformed_message"),
        (json!({ "name": 7 }), "malformed_message"),
        (json!({ "name": "x", "nmae": "y" }), "malformed_message"),
        (json!({ "name": "" }), "invalid_argument"),
        (json!({ "name": " \t " }), "invalid_argument"),
        (json!({ "name": "x", "owner": "ben" }), "permission_denied"),
        (json!({ "name": "n".repeat(257) }), "invalid_argument"),
    ] {
        assert_eq!(ana.post("/projects", &body).await.problem(), code, "{body}");
    }
    assert_eq!(ana.get("/projects?limit=-1").await.problem(), "invalid_argument");
    assert_eq!(ana.get("/projects?owner=ana").await.problem(), "invalid_argument");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_may_what_the_role_says_and_a_project_keeps_an_owner() {
    let system = System::start().await;
    let (ana, ben) = (system.edge.rest(&user("ana")), system.edge.rest(&user("ben")));
    let project = format!("/projects/{}", create(&ana, "p").await);
    let (members, ben_in_it) = (format!("{project}/members"), format!("{project}/members/ben"));
    let role = |role: &str| json!({ "role": role });

    assert_eq!(ben.get(&members).await.problem(), "project_not_found");
    let viewer = json!({ "user_id": "ben", "role": "viewer" });
    assert_eq!(ana.put(&ben_in_it, &role("viewer")).await.ok(200), viewer);
    let everybody = json!({ "members": [{ "user_id": "ana", "role": "owner" }, viewer] });
    assert_eq!(ben.get(&members).await.ok(200), everybody);
    let opened = ben.post(&format!("{project}/sessions"), &json!({})).await;
    assert_eq!(opened.problem(), "permission_denied", "a viewer only looks");
    assert_eq!(ben.put(&ben_in_it, &role("owner")).await.problem(), "permission_denied");
    ana.put(&ben_in_it, &role("editor")).await.ok(200);
    ben.post(&format!("{project}/sessions"), &json!({})).await.ok(201);
    assert_eq!(ben.delete(&project).await.problem(), "permission_denied");

    let own = format!("{members}/ana");
    assert_eq!(ana.put(&own, &role("viewer")).await.problem(), "last_owner");
    assert_eq!(ana.delete(&own).await.problem(), "last_owner");
    assert_eq!(ana.delete(&format!("{members}/eve")).await.problem(), "member_not_found");
    assert_eq!(ana.put(&ben_in_it, &role("king")).await.problem(), "malformed_message");
    assert_eq!(ana.put(&ben_in_it, &json!({})).await.problem(), "malformed_message");
    assert_eq!(ben.delete(&ben_in_it).await.status, 204, "everybody may leave");
    assert_eq!(ben.get(&project).await.problem(), "project_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projects_stream_tells_of_its_jobs_and_ends_with_the_project() {
    let system = System::start().await;
    let (ana, ben) = (system.edge.rest(&user("ana")), system.edge.rest(&user("ben")));
    let id = create(&ana, "p").await;
    let (path, events) = (format!("/projects/{id}"), format!("/projects/{id}/events"));
    assert_eq!(ben.get(&events).await.problem(), "project_not_found");
    let mut stream = Sse::open(&ana, &events, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.event.as_str(), &first.data["snapshot"]["jobs"]), ("snapshot", &json!([])));
    let job = ana.post("/jobs", &json!({ "kind": "k", "project_id": id })).await.ok(201);
    let told = stream.until(|frame| frame.event == "job_status").await.pop().unwrap();
    assert_eq!(told.data["job_id"], job["job_id"]);
    let page = ana.get(&events).await.ok(200);
    assert_eq!(page["events"][0]["type"], "job.summary");

    assert_eq!(ana.delete(&path).await.status, 204);
    let end = stream.until(|frame| frame.event == "closed").await.pop().unwrap();
    assert_eq!(end.data["reason"], "topic_not_found");
    for (path, code) in [(&path, "project_not_found"), (&events, "project_not_found")] {
        assert_eq!(ana.get(path).await.problem(), code, "{path}");
    }
    assert_eq!(ana.delete(&path).await.problem(), "project_not_found");
    let root = system.edge.rest(&admin("root"));
    assert_eq!(root.get(&events).await.problem(), "project_not_found", "not even for an admin");
    let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
    assert_eq!(ana.get(&job).await.ok(200)["owner"], "ana", "a job stays its owner's");
}
