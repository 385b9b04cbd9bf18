//! What the docs must say: everything they name exists, and everything that people must know is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use roomcast_proto::registry::Code;

use super::source::{Source, has_word, lines, root};

/// Where the contract's limits stand.
pub const LIMITS: &str = "core-service/src/domain/limits.rs";

pub fn links_lead_somewhere(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path.ends_with(".md")) {
        for target in source.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
            let path = root().join(if file.is_empty() {
                PathBuf::from(&source.path)
            } else {
                folder.join(file)
            });
            let is_there = match std::fs::read_to_string(&path) {
                Ok(text) => {
                    anchor.is_empty() || text.lines().any(|line| slug(line) == Some(anchor.into()))
                }
                Err(_) => path.is_dir() && anchor.is_empty(),
            };
            if !is_there {
                found.push(format!("{}: {target}", source.path));
            }
        }
    }
    found
}

/// A heading's anchor.
fn slug(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

/// The tests under tests/docs run the pages that they name; a block that it cannot run says what it needs.
pub fn shell_blocks_run(tree: &[Source]) -> Vec<String> {
    let tests: Vec<_> =
        tree.iter().filter(|source| source.path.starts_with("tests/docs/")).collect();
    let mut found = Vec::new();
    for source in tree {
        let is_guide = ["README.md", "docs/concepts.md"].contains(&&*source.path)
            || source.path.starts_with("docs/guides/");
        if !is_guide {
            continue;
        }
        let openings = source.text.lines().enumerate().filter(|(_, line)| line.starts_with("```"));
        for (line, opening) in openings.step_by(2) {
            let (language, needs) =
                opening[3..].trim().split_once(' ').unwrap_or((opening[3..].trim(), ""));
            let is_run = tests.iter().any(|test| test.text.contains(&source.path));
            let problem = match (language, needs) {
                ("bash" | "shell" | "console" | "zsh" | "", _) => {
                    "a shell block is marked sh, other text text"
                }
                ("sh", "" | "server") if !is_run => "no test runs this page",
                ("sh", other)
                    if !matches!(other, "" | "server") && !other.starts_with("needs: ") =>
                {
                    "what it needs is said as `needs: …`"
                }
                _ => continue,
            };
            found.push(source.at(line + 1, problem));
        }
    }
    found
}

pub fn errors_are_documented(tree: &[Source]) -> Vec<String> {
    let Some(page) = tree.iter().find(|source| source.path == "docs/ERRORS.md") else {
        return vec!["the page is missing: run `make docs`".into()];
    };
    let mut rows: BTreeMap<&str, &str> = page
        .text
        .lines()
        .filter_map(|row| Some((row.strip_prefix("| `")?.split('`').next()?, row)))
        .collect();
    let mut found = Vec::new();
    for entry in Code::ALL.iter().map(|code| code.entry()) {
        let row = rows.remove(entry.code).unwrap_or_default();
        let says = |part: &str| row.contains(part);
        if !(says(&entry.http.to_string()) && says(entry.cause) && says(entry.mend)) {
            found.push(format!("{} is missing or old: run `make docs`", entry.code));
        }
    }
    found.extend(rows.keys().map(|code| format!("{code} is no code")));
    found
}

pub fn limits_are_documented(tree: &[Source]) -> Vec<String> {
    let names = tree.iter().filter(|source| source.path == LIMITS).flat_map(|source| {
        source.text.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
    });
    missing_from("docs/PROTOCOL.md", names)
}

pub fn settings_are_documented(tree: &[Source]) -> Vec<String> {
    missing_from("docs/reference/configuration.md", quoted(tree, "env = \""))
}

pub fn metrics_are_documented(tree: &[Source]) -> Vec<String> {
    let counted =
        ["counter!(\"", "gauge!(\"", "histogram!(\""].map(|opening| quoted(tree, opening));
    missing_from("docs/OPERATING.md", counted.into_iter().flatten())
}

pub fn dependencies_have_reasons(tree: &[Source]) -> Vec<String> {
    let manifest = tree.iter().filter(|source| source.path == "Cargo.toml");
    let names = manifest.flat_map(|source| {
        let section = source.text.split("[workspace.dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name)
    });
    missing_from("docs/DESIGN.md", names.filter(|name| !name.starts_with("roomcast-")))
}

fn quoted<'a>(tree: &'a [Source], opening: &str) -> BTreeSet<&'a str> {
    lines(tree, |_| true)
        .flat_map(|(_, _, text)| {
            text.split(opening).skip(1).filter_map(|rest| rest.split('"').next())
        })
        .collect()
}

fn missing_from<'a>(page: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap_or_default();
    let missing = names.into_iter().filter(|name| !has_word(&text, name));
    missing.map(|name| format!("{page} does not tell of {name}")).collect()
}
