//! The order of imports: each module of a crate imports only what stands below it. What those of the core
//! and the edge may touch says docs/ARCHITECTURE.md; of the others, the crate's own map.

use super::source::{Source, is_word, lines};

/// Modules by height, the lowest first.
type Order = &'static [&'static [&'static str]];

const CORE: Order = &[
    &["domain"],
    &["config", "store", "alarm", "listener"],
    &["bus", "snapshot", "error", "rpc_span"],
    &["log", "observer", "metrics_page"],
    &["auth"],
    &["subscription", "maintenance"],
    &["service"],
    &["app", "probe"],
];

/// `gauge` is a function of the crate itself.
const EDGE: Order = &[
    &["config", "gauge"],
    &["lane", "upstream", "connections", "problem", "page", "metrics_page"],
    &["names", "listener", "auth", "console"],
    &["presence", "departures"],
    &["feed"],
    &["state"],
    &["rest", "socket"],
    &["app", "probe"],
];

const CLIENT: Order = &[
    &["backoff", "tls", "token"],
    &["cores"],
    &["error", "line"],
    &["client", "event", "patience"],
    &["job", "publisher", "worker"],
];

const AGENT: Order = &[
    &["child", "guard", "lines", "model", "workspace"],
    &["config", "guarded"],
    &["testrun", "vibecode"],
];

const CLI: Order = &[
    &["exit", "frame", "keyring", "label", "span"],
    &["failure"],
    &["connection", "output", "paging", "payload", "serving", "view"],
    &["follow"],
    &["agent", "backup", "core", "dev", "doctor", "edge", "errors", "health"],
    &["job", "project", "run", "session", "token", "topic"],
    &["reference"],
];

pub fn core_imports_run_one_way(tree: &[Source]) -> Vec<String> {
    imports_run_one_way(tree, "core-service/src/", CORE)
}

pub fn edge_imports_run_one_way(tree: &[Source]) -> Vec<String> {
    imports_run_one_way(tree, "edge/src/", EDGE)
}

pub fn client_imports_run_one_way(tree: &[Source]) -> Vec<String> {
    imports_run_one_way(tree, "clients/rust/src/", CLIENT)
}

pub fn agent_imports_run_one_way(tree: &[Source]) -> Vec<String> {
    imports_run_one_way(tree, "agent/src/", AGENT)
}

pub fn cli_imports_run_one_way(tree: &[Source]) -> Vec<String> {
    imports_run_one_way(tree, "cli/src/", CLI)
}

fn imports_run_one_way(tree: &[Source], root: &str, order: Order) -> Vec<String> {
    let height = |module: &str| order.iter().position(|row| row.contains(&module));
    let (mut found, mut group) = (Vec::new(), Group::default());
    for (source, line, text) in lines(tree, |source| source.path.starts_with(root)) {
        let module = source.path[root.len()..].split(['/', '.']).next().unwrap_or_default();
        if matches!(module, "lib" | "main") {
            continue;
        }
        for target in group.imports(text) {
            match (height(module), height(target)) {
                _ if target == module => {}
                (Some(here), Some(there)) if there < here => {}
                _ => found.push(source.at(line, &format!("{module} imports {target}"))),
            }
        }
    }
    found
}

/// How many braces of a `use crate::{…}` are open, which may go on over lines.
#[derive(Default)]
struct Group(usize);

impl Group {
    /// The modules of its own crate that a line names.
    fn imports<'a>(&mut self, line: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        if self.0 > 0 {
            self.go_on(line, &mut found);
            return found;
        }
        for path in line.split("crate::").skip(1) {
            match path.strip_prefix('{') {
                Some(inner) => {
                    self.0 = 1;
                    self.go_on(inner, &mut found);
                }
                None => found.extend(module(path)),
            }
        }
        found
    }

    fn go_on<'a>(&mut self, text: &'a str, found: &mut Vec<&'a str>) {
        for part in text.split_inclusive(['{', ',', '}']) {
            if self.0 == 1 {
                found.extend(module(part.trim_start()));
            }
            match part.chars().next_back() {
                Some('{') => self.0 += 1,
                Some('}') => self.0 -= 1,
                Some(_) | None => {}
            }
            if self.0 == 0 {
                return;
            }
        }
    }
}

/// The module that a path begins with; none where it begins with a type.
fn module(path: &str) -> Option<&str> {
    let name = path.split(|c: char| !is_word(c)).next()?;
    name.starts_with(|c: char| c.is_lowercase()).then_some(name)
}
