//! Test runs: real tests of Rust and Python, told case by case; runs that are cancelled, killed, many
//! at once.

mod ending;
mod formats;
mod many;
mod own;
mod tools;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Rest, Sse, System, admin};

/// A system, and a project in it.
pub(crate) struct Stage {
    pub(crate) system: System,
    pub(crate) rest: Rest,
    pub(crate) project_id: String,
}

impl Stage {
    pub(crate) async fn set() -> Stage {
        let system = System::start().await;
        let rest = Rest::new(&system.edge.url(), Some(&admin("olga")));
        let project_id = project(&rest, "thing").await;
        Stage { system, rest, project_id }
    }

    /// Asks for a run of the only test command, or of a named one.
    pub(crate) async fn ask(&self, request: &Value) -> Value {
        let path = format!("/projects/{}/test-runs", self.project_id);
        self.rest.post(&path, request).await.ok(202)
    }

    /// What everybody in the project is told from now on.
    pub(crate) async fn follow(&self) -> Sse {
        let path = format!("/projects/{}/events", self.project_id);
        let mut stream = Sse::open(&self.rest, &path, None).await;
        stream.until(|frame| frame.event == "snapshot").await;
        stream
    }

    /// The job as it stands.
    pub(crate) async fn job(&self, asked: &Value) -> Value {
        self.rest.get(&format!("/jobs/{}", id(asked))).await.ok(200)
    }
}

pub(crate) async fn project(rest: &Rest, name: &str) -> String {
    let project = rest.post("/projects", &json!({ "name": name })).await.ok(201);
    project["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn id(asked: &Value) -> &str {
    asked["job_id"].as_str().expect("an id")
}

/// Settings with one workspace for every project, and one test command in it.
pub(crate) fn workspace(folder: &Path, run: &[&str], format: &str) -> String {
    let (folder, run) = (json!(folder), json!(run));
    format!(
        "[workspaces.default]\nfolder = {folder}\n\
         [workspaces.default.tests]\nunit = {{ run = {run}, format = \"{format}\" }}\n"
    )
}

/// A test command that is a script: the tests' own, of the same making as a project's would be.
pub(crate) fn script(folder: &Path, script: &str) -> String {
    workspace(folder, &["sh", "-c", script], "tap")
}

/// `name status`, sorted: tests of one binary end in any order.
pub(crate) fn told<'a>(results: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |result: &Value| format!("{} {}", text(&result["name"]), text(&result["status"]));
    let mut told: Vec<_> = results.map(line).collect();
    told.sort();
    told
}

/// Running processes whose command line has this text.
pub(crate) fn processes_with(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let lines = entries.filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    lines.filter(|line| line.contains(text)).collect()
}
