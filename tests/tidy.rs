//! The rules of this tree, executed: what may import what, what must not be written, what the docs
//! must say. A rule is a line of [`RULES`]: its name, its check, and an example that it must reject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

#[path = "tidy/deploy.rs"]
mod deploy;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/order.rs"]
mod order;
#[path = "tidy/source.rs"]
mod source;

use source::{Source, forbid, has_word, is_word, lines, tree, words};

type Check = fn(&[Source]) -> Vec<String>;

macro_rules! ten {
    ($($text:tt)*) => {
        concat!($($text)*, $($text)*, $($text)*, $($text)*, $($text)*,
                $($text)*, $($text)*, $($text)*, $($text)*, $($text)*)
    };
}

/// A rule's name, its check, and the path and text of a file that breaks it.
const RULES: &[(&str, Check, (&str, &str))] = &[
    (
        "the domain knows no clock, thread, socket, contract or randomness",
        domain_is_pure,
        ("core-service/src/domain/x.rs", "use tokio::time::sleep;"),
    ),
    (
        "imports of the core run one way",
        order::core_imports_run_one_way,
        ("core-service/src/store/x.rs", "use crate::service::job::Jobs;"),
    ),
    (
        "imports of the edge run one way",
        order::edge_imports_run_one_way,
        ("edge/src/auth/x.rs", "use crate::{\n    config::{AuthMode, Config}, rest,\n};"),
    ),
    (
        "imports of the client run one way",
        order::client_imports_run_one_way,
        ("clients/rust/src/client.rs", "use crate::worker::Builder;"),
    ),
    (
        "imports of the agent run one way",
        order::agent_imports_run_one_way,
        ("agent/src/workspace.rs", "use crate::testrun::Case;"),
    ),
    (
        "imports of the command line run one way",
        order::cli_imports_run_one_way,
        ("cli/src/failure.rs", "use crate::output::Output;"),
    ),
    (
        "the edge never imports the core",
        edge_stands_alone,
        ("edge/src/x.rs", "use roomcast_core::log;"),
    ),
    (
        "only upstream and feed touch the generated clients",
        clients_stay_upstream,
        ("edge/src/rest/x.rs", "use v1::job_service_client::JobServiceClient;"),
    ),
    (
        "SQL stays under its engine",
        sql_stays_in_its_engine,
        ("core-service/src/log.rs", "\"SELECT 1\""),
    ),
    ("nothing unwraps outside of tests", nothing_unwraps, ("cli/src/x.rs", "let x = y.unwrap();")),
    ("every queue has a bound", queues_are_bounded, ("edge/src/x.rs", "mpsc::unbounded_channel()")),
    ("lag leads to a replay", lag_is_not_ignored, ("edge/src/x.rs", "Err(Lagged(_)) => {}")),
    ("a file is named by its noun", files_have_nouns, ("edge/src/utils.rs", "")),
    (
        "a type is named by this project's words",
        types_have_our_words,
        ("cli/src/x.rs", "struct JobManager;"),
    ),
    ("files are short", files_are_short, ("cli/src/x.rs", LONG_FILE)),
    ("functions are short", functions_are_short, ("cli/src/x.rs", LONG_FUNCTION)),
    ("nothing is left to do", nothing_is_left_to_do, ("cli/src/x.rs", "// TODO: later")),
    ("a crate begins with its map", crates_have_maps, ("cli/src/lib.rs", "mod x;")),
    ("the tree speaks of itself alone", tree_speaks_of_itself, ("docs/x.md", "as RULINGS say")),
    ("no file names a machine", no_machine_is_named, ("docs/x.md", "see /home/someone/x")),
    (
        "lock files name no mirror",
        locks_name_no_mirror,
        ("Cargo.lock", "source = \"registry+http://x\""),
    ),
    ("links lead somewhere", docs::links_lead_somewhere, ("docs/x.md", "[y](y.md)")),
    (
        "shell blocks run or say what they need",
        docs::shell_blocks_run,
        ("docs/guides/x.md", "```sh\nls\n```"),
    ),
    (
        "docs/ERRORS.md is the registry",
        docs::errors_are_documented,
        ("docs/ERRORS.md", "| `no_such_code` |"),
    ),
    (
        "limits are documented",
        docs::limits_are_documented,
        (docs::LIMITS, "pub const NEW_MAX: usize = 1;"),
    ),
    (
        "settings are documented",
        docs::settings_are_documented,
        ("edge/src/x.rs", "env = \"ROOMCAST_NEW\""),
    ),
    (
        "metrics are documented",
        docs::metrics_are_documented,
        ("edge/src/x.rs", "counter!(\"roomcast_new_total\")"),
    ),
    (
        "dashboards and alerts name metrics that exist",
        deploy::metrics_exist,
        ("deploy/grafana/x.json", "rate(roomcast_no_such_total[5m])"),
    ),
    (
        "manifests set what can be set",
        deploy::settings_exist,
        ("deploy/x.yaml", "ROOMCAST_NO_SUCH: on"),
    ),
    (
        "alerts have tests and runbooks",
        deploy::alerts_have_runbooks,
        ("deploy/prometheus/alerts.yaml", "- alert: RoomcastNew\n"),
    ),
    (
        "the production checklist names tests that exist",
        deploy::checklist_is_kept,
        ("docs/OPERATING.md", "\n## Production checklist\n`nobody_has_written_this_test`"),
    ),
    (
        "dependencies have reasons",
        docs::dependencies_have_reasons,
        ("Cargo.toml", "[workspace.dependencies]\nnovelty = \"1\""),
    ),
];

/// Longest source file, and the middle one.
const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN: usize = 150;
const FUNCTION_LINES_MAX: usize = 70;
const LONG_FILE: &str = ten!(ten!(ten!("\n")));
const LONG_FUNCTION: &str = concat!("fn long() {", ten!(ten!("\n")), "}\n");

#[test]
fn the_tree_obeys_every_rule() {
    let tree = tree();
    let mut report = String::new();
    for (name, check, _) in RULES {
        for violation in check(&tree) {
            report.push_str(&format!("{name}: {violation}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn every_rule_rejects_its_example() {
    for (name, check, (path, text)) in RULES {
        let example = Source { path: (*path).into(), text: (*text).into() };
        assert!(!check(&[example]).is_empty(), "a rule without teeth: {name}");
    }
}

// --- what may import what ------------------------------------------------------------------------

fn domain_is_pure(tree: &[Source]) -> Vec<String> {
    const FOREIGN: [&str; 12] = [
        "tokio",
        "tonic",
        "tracing::",
        "roomcast_proto",
        "Instant",
        "SystemTime",
        "rand::",
        "getrandom",
        "uuid::",
        "std::thread",
        ".await",
        "crate::store",
    ];
    forbid(tree, |source| source.is_under("core-service/src/domain"), &FOREIGN)
}

fn edge_stands_alone(tree: &[Source]) -> Vec<String> {
    let edge = |source: &Source| source.path.starts_with("edge/");
    tree.iter()
        .filter(|source| edge(source) && source.text.contains("roomcast_core"))
        .map(|source| source.path.clone())
        .collect()
}

fn clients_stay_upstream(tree: &[Source]) -> Vec<String> {
    let others = |source: &Source| {
        source.is_under("edge/src")
            && !source.is_under("edge/src/upstream")
            && !source.is_under("edge/src/feed")
    };
    forbid(
        tree,
        others,
        &["job_service_client", "broadcast_service_client", "session_service_client"],
    )
}

fn sql_stays_in_its_engine(tree: &[Source]) -> Vec<String> {
    const SQL: [&str; 6] =
        ["SELECT ", "INSERT INTO", "UPDATE topic", "DELETE FROM", "CREATE TABLE", "PRAGMA "];
    let engines = ["sql", "sqlite", "postgres"].map(|one| format!("core-service/src/store/{one}"));
    let others = |source: &Source| !engines.iter().any(|engine| source.is_under(engine));
    forbid(tree, others, &SQL)
}

// --- what must not be written --------------------------------------------------------------------

/// What a constant unwraps the compiler has already checked.
fn nothing_unwraps(tree: &[Source]) -> Vec<String> {
    let found = forbid(tree, |_| true, &[".unwrap()", ".expect(", "panic!(", "unreachable!("]);
    found.into_iter().filter(|line| !line.contains(" const ") || line.contains(" fn ")).collect()
}

fn queues_are_bounded(tree: &[Source]) -> Vec<String> {
    forbid(tree, |_| true, &["unbounded_channel", "mpsc::unbounded", "UnboundedSender"])
}

fn lag_is_not_ignored(tree: &[Source]) -> Vec<String> {
    forbid(tree, |_| true, &["Lagged(_)) => {}", "Lagged(_) => {}", "Lagged(_)) => continue"])
}

fn files_have_nouns(tree: &[Source]) -> Vec<String> {
    const NO_NOUNS: [&str; 8] =
        ["mod", "util", "utils", "helper", "helpers", "common", "manager", "misc"];
    tree.iter()
        .filter(|source| {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
            matches!(kind, "rs" | "py" | "js" | "mjs" | "ts") && NO_NOUNS.contains(&stem)
        })
        .map(|source| source.path.clone())
        .collect()
}

/// One word for each thing: docs/ARCHITECTURE.md has the words, here are those that they replace.
fn types_have_our_words(tree: &[Source]) -> Vec<String> {
    const REPLACED: [&str; 13] = [
        "Manager", "Helper", "Util", "Hub", "Broker", "Journal", "Bookmark", "Epoch", "Backend",
        "Resync", "Runner", "Relay", "Impl",
    ];
    let mut found = Vec::new();
    for (source, line, text) in lines(tree, |_| true) {
        for keyword in ["struct ", "enum ", "trait ", "type "] {
            let Some((before, after)) = text.split_once(keyword) else { continue };
            let name = after.split(|c: char| !is_word(c)).next().unwrap_or_default();
            let is_definition = before.trim().is_empty() || before.trim().starts_with("pub");
            if is_definition && words(name).iter().any(|word| REPLACED.contains(&word.as_str())) {
                found.push(source.at(line, name));
            }
        }
    }
    found
}

fn files_are_short(tree: &[Source]) -> Vec<String> {
    let is_code = |source: &&Source| {
        ["rs", "py", "js", "mjs", "ts"]
            .contains(&source.path.rsplit('.').next().unwrap_or_default())
    };
    let mut lengths: Vec<(usize, &str)> = tree
        .iter()
        .filter(is_code)
        .map(|source| (source.text.lines().count(), source.path.as_str()))
        .collect();
    lengths.sort_unstable();
    let long = lengths.iter().filter(|(lines, _)| *lines > FILE_LINES_MAX);
    let mut found: Vec<String> = long
        .map(|(lines, path)| format!("{path} has {lines} lines, at most {FILE_LINES_MAX}"))
        .collect();
    if let Some((median, _)) =
        lengths.get(lengths.len() / 2).filter(|(m, _)| *m > FILE_LINES_MEDIAN)
    {
        found.push(format!("the median is {median} lines, at most {FILE_LINES_MEDIAN}"));
    }
    found
}

/// By the tree's own format: a function ends at the brace that stands below its first letter.
fn functions_are_short(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path.ends_with(".rs")) {
        let all: Vec<&str> = source.text.lines().collect();
        for (first, line) in all.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = line.trim_start().split("fn ").next().is_some_and(|before| {
                before.split_whitespace().all(|word| {
                    ["pub", "async", "const", "unsafe"].contains(&word)
                        || word.starts_with("pub(")
                        || word.ends_with(')')
                })
            }) && line.contains("fn ");
            // Where a trait asks for one, there is no body.
            let head = all[first..].iter().find(|line| line.ends_with(['{', ';', '}']));
            if !is_function || head.is_some_and(|last| last.ends_with(';')) {
                continue;
            }
            let end = format!("{}}}", " ".repeat(indent));
            let length =
                all[first..].iter().position(|line| *line == end).map_or(0, |last| last + 1);
            if length > FUNCTION_LINES_MAX {
                found.push(
                    source.at(first + 1, &format!("{length} lines, at most {FUNCTION_LINES_MAX}")),
                );
            }
        }
    }
    found
}

fn nothing_is_left_to_do(tree: &[Source]) -> Vec<String> {
    const LEFT: [&str; 5] = ["TODO", "FIXME", "XXX", "HACK", "todo!("];
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path != "tests/tidy.rs" && !source.is_lock()) {
        for (line, text) in source.text.lines().enumerate() {
            if LEFT.iter().any(|word| has_word(text, word)) {
                found.push(source.at(line + 1, text.trim()));
            }
        }
    }
    found
}

fn crates_have_maps(tree: &[Source]) -> Vec<String> {
    tree.iter()
        .filter(|source| source.path.ends_with("lib.rs") && !source.text.starts_with("//!"))
        .map(|source| source.path.clone())
        .collect()
}

/// What stood beside the work while it was done is not there for its readers.
fn tree_speaks_of_itself(tree: &[Source]) -> Vec<String> {
    const ELSEWHERE: [&str; 6] =
        ["RULINGS", "CONTRACT.md", "STYLE.md", "the seed", "the seeds", "this session"];
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path != "tests/tidy.rs") {
        for (line, text) in source.text.lines().enumerate() {
            if ELSEWHERE.iter().any(|word| has_word(text, word)) {
                found.push(source.at(line + 1, text.trim()));
            }
        }
    }
    found
}

fn no_machine_is_named(tree: &[Source]) -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut names =
        vec!["/home/", "/Users/", "/root/", "registry.npmjs", "pythonhosted", "static.crates.io"];
    if root.matches('/').count() > 1 {
        names.push(root);
    }
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path != "tests/tidy.rs") {
        for (line, text) in source.text.lines().enumerate() {
            if names.iter().any(|name| text.contains(name)) {
                found.push(source.at(line + 1, text.trim()));
            }
        }
    }
    found
}

fn locks_name_no_mirror(tree: &[Source]) -> Vec<String> {
    const CRATES: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.is_lock()) {
        for (line, text) in source.text.lines().enumerate() {
            let is_source = text.starts_with("source = ") && text != CRATES;
            // Without an address it is a folder of this tree.
            let is_resolved = text.contains("\"resolved\":") && text.contains("//");
            if is_source || is_resolved || text.contains("index-url") {
                found.push(source.at(line + 1, text.trim()));
            }
        }
    }
    found
}
