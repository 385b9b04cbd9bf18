//! Many runs on one agent.

use std::fs;

use serde_json::{Value, json};

use super::{Stage, project, script};
use crate::support::{Agent, within};

const RUNS: usize = 100;
const SLOTS: usize = 16;
/// Each starts two processes, on two busy cores.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_runs_share_sixteen_slots_and_a_small_project_waits_for_no_large_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("busy")).unwrap();
    let run = "touch busy/$$; ls busy | wc -l >> counts; sleep 0.2; rm busy/$$; echo 'ok 1 - a'";
    let stage = Stage::set().await;
    let small = project(&stage.rest, "small").await;
    let large = &stage.project_id;
    // The small project asks last.
    for asked in 0..RUNS {
        let project = if asked < RUNS - 10 { large } else { &small };
        stage.rest.post(&format!("/projects/{project}/test-runs"), &json!({})).await.ok(202);
    }
    let settings = script(folder.path(), run);
    let _agent = Agent::start(&stage.system.core.url(), &settings);

    let jobs = within(PATIENCE, "all runs have completed", async || {
        let mut jobs = Vec::new();
        for project in [large, &small] {
            let path = format!("/jobs?project_id={project}&status=completed&limit=200");
            let page = stage.rest.get(&path).await.ok(200);
            jobs.extend(page["jobs"].as_array().unwrap().clone());
        }
        (jobs.len() == RUNS).then_some(jobs)
    });
    let mut ends: Vec<(String, bool)> = jobs.await.iter().map(|job| end(job, &small)).collect();
    ends.sort();
    let last_of_small = ends.iter().rposition(|(_, is_small)| *is_small).unwrap();
    assert!(last_of_small < RUNS / 2, "turn by turn, they end by run 20; it was {last_of_small}");

    let counts = fs::read_to_string(folder.path().join("counts")).unwrap();
    let most = counts.lines().filter_map(|line| line.trim().parse::<usize>().ok()).max().unwrap();
    assert!((2..=SLOTS).contains(&most), "{most} at once");
}

/// When a job ended, in a form that sorts, and whether it is the small project's.
fn end(job: &Value, small: &str) -> (String, bool) {
    let at = job["completed_at"].as_str().unwrap().to_owned();
    (at, job["project_id"] == small)
}
