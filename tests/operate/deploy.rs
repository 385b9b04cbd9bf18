//! The files of deploy/: what cannot run here is checked against the schemas of those who read it, and
//! against each other; alerts are run by Prometheus' own tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Finished, finish, python, roomcast, tests_folder};

fn deploy() -> PathBuf {
    tests_folder().join("../deploy")
}

async fn manifests(folder: &Path) -> Finished {
    let schema = tests_folder().join("node/node_modules/dclint/schemas/compose.schema.json");
    finish(python("manifests.py").arg(folder).arg(schema)).await
}

#[tokio::test]
async fn manifests_are_what_their_readers_take_and_agree_with_each_other() {
    let said = manifests(&deploy()).await.ok();
    assert!(said.contains("nothing is wrong"), "{said}");
}

/// What is changed in which file, and what must be said of it.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("kubernetes/edge.yaml", "periodSeconds: 2", "periodSecond: 2", "periodSecond"),
    ("kubernetes/edge.yaml", "containerPort: 8000", "containerPort: 8001", "listens on"),
    (
        "kubernetes/core.yaml",
        "terminationGracePeriodSeconds: 30",
        "terminationGracePeriodSeconds: 15",
        "before it has drained",
    ),
    ("kubernetes/core.yaml", "replicas: 2", "replicas: 3", "roomcast-core-2"),
    (
        "kubernetes/core.yaml",
        "minReadySeconds: 45",
        "minReadySeconds: 4",
        "before edges have found",
    ),
    (
        "prometheus/prometheus.yaml",
        "edge-2:9090",
        "edge-3:9090",
        "nothing tells metrics at edge-3:9090",
    ),
    ("kubernetes/core.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"),
    (
        "kubernetes/network.yaml",
        "component: core }\n  policyTypes",
        "component: kernel }\n  policyTypes",
        "selects nothing",
    ),
    ("kubernetes/monitoring/monitors.yaml", "port: metrics", "port: metric", "not served"),
    (
        "kubernetes/tls/kustomization.yaml",
        "mountPath: /etc/roomcast-tls",
        "mountPath: /etc/roomcast-tsl",
        "/etc/roomcast-tls/ca.crt is not mounted",
    ),
    (
        "kubernetes/tls/kustomization.yaml",
        "https://roomcast-core-1",
        "https://core-1",
        "is told of",
    ),
    ("compose.yaml", "stop_grace_period: 30s", "stop_grace_period: 20s", "before it has drained"),
    ("compose.yaml", "read_only: true", "read_onli: true", "read_onli"),
    ("compose.yaml", "POSTGRES_PASSWORD_FILE", "POSTGRES_PASSWORD", "in its environment"),
    ("Dockerfile", "USER 65532:65532", "USER 0", "runs as root"),
];

#[tokio::test]
async fn a_fault_in_a_manifest_is_found() {
    for (name, right, wrong, told) in FAULTS {
        let root = tempfile::tempdir().expect("a folder");
        let copy = root.path().join("deploy");
        let all = [deploy(), tests_folder().join("../Cargo.toml"), tests_folder().join("../edge")];
        let mut copying = Command::new("cp");
        finish(copying.arg("-r").args(&all).arg(root.path())).await.ok();
        let path = copy.join(name);
        let text = std::fs::read_to_string(&path).expect("the file");
        assert!(text.contains(right), "{name} has no {right}");
        std::fs::write(&path, text.replace(right, wrong)).expect("written");
        let said = manifests(&copy).await;
        assert_eq!(said.code, Some(1), "{name} with {wrong}: {}", said.out);
        assert!(said.out.contains(told), "{name} with {wrong}: {}", said.out);
    }
}

#[tokio::test]
async fn alerts_fire_when_they_should_and_are_quiet_when_not() {
    let folder = deploy().join("prometheus");
    for arguments in [
        ["check", "config", "prometheus.yaml"],
        ["check", "rules", "alerts.yaml"],
        ["test", "rules", "alerts_test.yaml"],
    ] {
        finish(Command::new("promtool").args(arguments).current_dir(&folder)).await.ok();
    }
}

#[tokio::test]
async fn the_secrets_that_are_made_are_settings_and_are_made_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("secrets.sh");
    std::fs::copy(deploy().join("secrets.sh"), &script).expect("copied");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("secrets").join(name));
    finish(Command::new("bash").arg(&script)).await.ok();
    let password = read("postgres_password").expect("made").trim().to_owned();
    assert!(password.len() > 32, "{} bytes", password.len());
    assert!(read("core.toml").expect("made").contains(&password));
    for process in ["core", "edge"] {
        let settings = folder.path().join(format!("secrets/{process}.toml"));
        let settings = settings.to_str().expect("a path");
        // A settings file with a key that is no setting is refused before anything else.
        let said = finish(&mut roomcast(&[process, "--config", settings, "--help"])).await.ok();
        assert!(said.contains("--config"), "{said}");
    }
    let again = finish(Command::new("bash").arg(&script)).await.ok();
    assert_eq!(again, "");
    assert_eq!(read("postgres_password").expect("kept").trim(), password);
}

#[tokio::test]
async fn the_dashboard_has_a_query_in_every_panel() {
    let text = std::fs::read_to_string(deploy().join("grafana/roomcast.json")).expect("the file");
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "one id for two panels");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{}", panel["title"]);
        for target in targets {
            assert!(target["expr"].as_str().is_some_and(|expr| expr.contains("roomcast")));
        }
    }
}
