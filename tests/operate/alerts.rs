//! What wakes an operator is told by the processes when it happens, under the names that alerts ask for.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::support::{
    Cluster, Core, Edge, Port, Process, eventually, finish, roomcast, tests_folder,
};

/// What is told of metrics at a listener of their own.
async fn page(port: &Port) -> Option<String> {
    reqwest::get(format!("{}/metrics", port.url())).await.ok()?.text().await.ok()
}

/// The series whose growth some alert measures, each as its name and its labels.
fn measured() -> Vec<(String, Vec<String>)> {
    let alerts = tests_folder().join("../deploy/prometheus/alerts.yaml");
    let alerts = std::fs::read_to_string(alerts).expect("the alerts");
    let series = alerts.split("increase(").skip(1).map(|rest| {
        let selector = rest.split('[').next().unwrap_or_default();
        let (name, labels) = selector.split_once('{').unwrap_or((selector, ""));
        let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty());
        (name.to_owned(), labels.map(str::to_owned).collect())
    });
    series.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_alert_measures_the_growth_of_is_told_before_it_grows() {
    let pages = [Port::reserve(), Port::reserve()];
    let [of_core, of_edge] = pages.each_ref().map(|port| port.address().to_string());
    let core = Core::start_with(&["--core-metrics-listen", &of_core]).await;
    let _edge = Edge::start_with(&core, &["--edge-metrics-listen", &of_edge]).await;
    let mut told = String::new();
    for port in &pages {
        told += &eventually("metrics are told", async || page(port).await).await;
    }
    let series = measured();
    assert!(series.len() > 3, "alerts that measure growth: {series:?}");
    for (name, labels) in series {
        let is_it = |line: &&str| {
            line.starts_with(&name) && labels.iter().all(|label| line.contains(label.as_str()))
        };
        let line = told.lines().find(is_it);
        assert!(line.is_some(), "{name} {labels:?} begins with the first that is counted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_or_dies_is_told_by_core_and_edge() {
    let mut cluster = Cluster::start(1).await;
    let edge = Edge::start(&cluster.cores[0]).await;
    let say = async |cluster: &Cluster, heard: f64, leads: f64| {
        eventually(&format!("rights are heard: {heard}; a core leads: {leads}"), async || {
            let is_said = edge.metric("roomcast_edge_rights_heard", "").await == heard
                && cluster.metric(0, "roomcast_leader").await == Some(leads);
            is_said.then_some(())
        })
        .await;
    };
    let writable = async |cluster: &Cluster, is: f64| {
        eventually(&format!("the store is writable: {is}"), async || {
            (cluster.metric(0, "roomcast_store_writable").await == Some(is)).then_some(())
        })
        .await;
    };
    say(&cluster, 1.0, 1.0).await;
    writable(&cluster, 1.0).await;
    cluster.database.pause();
    say(&cluster, 0.0, 0.0).await;
    writable(&cluster, 0.0).await;
    let (status, said) = cluster.readiness(0).await.expect("an answer");
    assert!(status == 503 && said.contains("it does not answer"), "{status}: {said}");
    cluster.database.go_on();
    say(&cluster, 1.0, 1.0).await;
    writable(&cluster, 1.0).await;
    cluster.database.kill();
    writable(&cluster, 0.0).await;
    cluster.database.restart();
    writable(&cluster, 1.0).await;
    say(&cluster, 1.0, 1.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_is_refused_is_found_by_the_cores_log() {
    let mut core = Core::start_with(&["--log", "info,tower_http=debug"]).await;
    let mut command = roomcast(&["job", "list", "--service-token", "not.a.token"]);
    let refused = finish(command.env("ROOMCAST_CORE", core.url())).await;
    assert_ne!(refused.code, Some(0), "{}", refused.out);
    let words = ["/roomcast.v1.JobService/ListJobs", "127.0.0.1:", "Unauthenticated"];
    eventually("the log names call, address and code", async || {
        let lines = core.process().stderr_lines();
        lines.iter().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    })
    .await;
}

/// Writes a certificate that is over with the year 2030, and its key.
fn certify(folder: &Path) -> [String; 2] {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.not_after = date_time_ymd(2031, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("signed").pem();
    [("own.pem", certificate), ("own.key", key.serialize_pem())].map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn core_and_edge_say_when_their_certificates_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let ([certificate, key], data) = (certify(folder.path()), data.to_str().expect("a path"));
    let served = ["--core-tls-cert", &certificate, "--core-tls-key", &key];
    let core = [&["core", "--data-dir", data][..], &served].concat();
    let served = ["--tls-cert", &certificate, "--tls-key", &key];
    let shown = ["--core-ca", &certificate, "--core-cert", &certificate, "--core-key", &key];
    let edge = [&["edge", "--core", "https://localhost:1"][..], &served, &shown].concat();
    for (process, metrics, arguments, which) in [
        ("core", "--core-metrics-listen", core, &["served"][..]),
        ("edge", "--edge-metrics-listen", edge, &["served", "shown"]),
    ] {
        let (door, told) = (Port::reserve(), Port::reserve());
        let mut command = roomcast(&arguments);
        command.args(["--listen", &door.address().to_string()]);
        command.args([metrics, &told.address().to_string()]);
        command.env("ROOMCAST_SERVICE_SECRET", "s".repeat(32));
        let _process = Process::spawn(process, &mut command);
        for which in which {
            let line =
                format!(r#"roomcast_certificate_end_seconds{{certificate="{which}"}} 1924992000"#);
            eventually(&format!("the {process} says {line}"), async || {
                page(&told).await.filter(|page| page.lines().any(|told| told == line)).map(drop)
            })
            .await;
        }
    }
}
