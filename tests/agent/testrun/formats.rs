//! Every format as its own tool writes it today.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Stage, told, workspace};
use crate::support::{Agent, tests_folder};

const RUST: &str = r#"
#[test]
fn passes() {}

#[test]
fn fails() { println!("        PASS [   0.001s] halves made_up"); panic!("as it must") }

#[test]
fn aborts() { std::process::abort() }

#[test]
fn passes_in_the_end() {
    let is_second = std::path::Path::new("again").exists();
    std::fs::write("again", "").unwrap();
    assert!(is_second);
}

#[test]
#[ignore = "needs a friend"]
fn shares() {}
"#;

const NODE: &str = "
import assert from 'node:assert';
import test, { describe } from 'node:test';
test('passes', () => {});
test('fails # 2', () => assert.fail('as it must'));
test('skips', { skip: 'no network' }, () => {});
test('is known to fail', { todo: 'later' }, () => assert.fail('not yet'));
describe('a suite', () => { test('inside', () => {}); });
";

const PYTHON: &str = "
import pytest

def test_passes():
    pass

def test_fails():
    assert False, 'it is <odd> & so'

@pytest.mark.skip(reason='later')
def test_skips():
    pass

@pytest.fixture
def broken():
    raise RuntimeError('no fixture')

def test_has_no_fixture(broken):
    pass
";

/// A folder with one file in it.
fn folder(name: &str, content: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), content).expect("a file");
    folder
}

/// A run with these settings tells these cases and totals (passed, failed, skipped, errors).
async fn check(settings: &str, cases: &[&str], totals: [u64; 4]) {
    let stage = Stage::set().await;
    let _agent = Agent::start(&stage.system.core.url(), settings);
    let mut stream = stage.follow().await;
    stage.ask(&json!({})).await;
    let frames = stream.until(|frame| frame.event == "test_completed").await;
    let results = frames.iter().filter(|frame| frame.event == "test_result");
    let results: Vec<&Value> = results.map(|frame| &frame.data).collect();
    assert_eq!(told(results.iter().copied()), cases);
    let completed = &frames.last().unwrap().data;
    let counts = ["passed", "failed", "skipped", "errors"];
    assert_eq!(counts.map(|count| completed[count].as_u64().unwrap()), totals, "{completed}");
    assert_eq!(
        (&completed["outcome"], &completed["exit_code"].is_u64()),
        (&json!("failed"), &true)
    );
}

fn python() -> String {
    let path = tests_folder().join("../.venv/bin/python");
    path.to_str().expect("a path").to_owned()
}

fn report(folder: &Path, run: &[&str]) -> String {
    workspace(folder, run, "junit").replace("\"junit\"", "\"junit\", report = \"report.xml\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nextest_writes_is_told_with_every_try_in_mind() {
    let manifest = "[package]\nname = \"halves\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n";
    let folder = folder("Cargo.toml", manifest);
    fs::write(folder.path().join("lib.rs"), RUST).unwrap();
    let run = "cargo nextest run --offline --profile default --no-fail-fast --retries 1 \
               --status-level skip --target-dir target";
    let run: Vec<_> = run.split_whitespace().collect();
    let cases = [
        "aborts failed",
        "fails failed",
        "passes passed",
        "passes_in_the_end passed",
        "shares skipped",
    ];
    check(&workspace(folder.path(), &run, "nextest"), &cases, [2, 2, 1, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nodes_own_runner_writes_as_tap_is_told() {
    let folder = folder("thing.test.mjs", NODE);
    let run = ["node", "--test", "--test-reporter=tap", "thing.test.mjs"];
    let cases = [
        "a suite passed",
        "fails # 2 failed",
        "is known to fail skipped",
        "passes passed",
        "skips skipped",
    ];
    check(&workspace(folder.path(), &run, "tap"), &cases, [2, 1, 2, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_pytest_writes_as_junit_xml_is_told_at_the_end() {
    let folder = folder("test_thing.py", PYTHON);
    let python = python();
    let run = [&*python, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=report.xml"];
    let cases = [
        "test_fails failed",
        "test_has_no_fixture error",
        "test_passes passed",
        "test_skips skipped",
    ];
    check(&report(folder.path(), &run), &cases, [1, 1, 1, 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nextest_writes_as_junit_xml_is_told_at_the_end() {
    let manifest = "[package]\nname = \"halves\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n";
    let folder = folder("Cargo.toml", manifest);
    fs::write(folder.path().join("lib.rs"), RUST).unwrap();
    fs::create_dir(folder.path().join(".config")).unwrap();
    let profile = "[profile.default.junit]\npath = \"../../../report.xml\"\n";
    fs::write(folder.path().join(".config/nextest.toml"), profile).unwrap();
    let run = "cargo nextest run --offline --profile default --no-fail-fast --target-dir target";
    let run: Vec<_> = run.split_whitespace().collect();
    let cases = ["aborts failed", "fails failed", "passes passed", "passes_in_the_end failed"];
    check(&report(folder.path(), &run), &cases, [1, 3, 0, 0]).await;
}
