//! The tree as text: its files, and of its Rust the lines that are no test and no comment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Made by tools, not written by hand.
const MADE: [&str; 10] = [
    ".git",
    ".venv",
    ".roomcast",
    "target",
    "node_modules",
    "dist",
    "generated",
    "__pycache__",
    ".pytest_cache",
    "evidence",
];

/// One text file of the tree.
pub struct Source {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is_under(&self, module: &str) -> bool {
        let inner = self.path.strip_prefix(module);
        inner.is_some_and(|inner| inner.starts_with('/') || inner == ".rs")
    }

    pub fn is_lock(&self) -> bool {
        ["Cargo.lock", "package-lock.json", "requirements.txt"]
            .contains(&self.path.rsplit('/').next().unwrap_or_default())
    }

    pub fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that is written by hand.
pub fn tree() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 100, "the tree was not found at {}", root().display());
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !MADE.contains(&name.to_string_lossy().as_ref()) {
                collect(&path, found);
            }
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// The lines of Rust, numbered, that are neither test nor comment.
pub fn lines(
    tree: &[Source],
    is_wanted: impl Fn(&Source) -> bool,
) -> impl Iterator<Item = (&Source, usize, &str)> {
    let tests = test_modules(tree);
    let is_test = move |source: &Source| {
        let path = format!("/{}", source.path);
        path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || path.starts_with("/bench/")
            || tests.iter().any(|module| source.is_under(module))
    };
    let wanted: Vec<&Source> = tree
        .iter()
        .filter(|source| source.path.ends_with(".rs") && is_wanted(source) && !is_test(source))
        .collect();
    wanted.into_iter().flat_map(|source| {
        let code = outside_tests(&source.text).into_iter();
        let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
        code.map(move |(number, line)| (source, number, line)).collect::<Vec<_>>()
    })
}

/// Modules that are declared for tests alone.
fn test_modules(tree: &[Source]) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for source in tree.iter().filter(|source| source.path.ends_with(".rs")) {
        let mut previous = "";
        for line in source.text.lines() {
            let name = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
            if let Some(name) = name.filter(|_| previous == "#[cfg(test)]") {
                let stem = source.path.strip_suffix(".rs").unwrap();
                let folder = match stem.rsplit_once('/') {
                    Some((folder, "lib" | "main")) => folder,
                    _ => stem,
                };
                modules.insert(format!("{folder}/{name}"));
            }
            previous = line;
        }
    }
    modules
}

/// An item behind `#[cfg(test)]` ends with its line, or at the brace below the attribute.
fn outside_tests(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number + 1, line));
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let item = lines.next().map(|(_, item)| item).unwrap_or_default();
        if !item.ends_with(';') {
            lines.by_ref().find(|(_, line)| *line == end);
        }
    }
    kept
}

/// Lines with one of these texts.
pub fn forbid(tree: &[Source], is_wanted: impl Fn(&Source) -> bool, texts: &[&str]) -> Vec<String> {
    lines(tree, is_wanted)
        .filter(|(_, _, line)| texts.iter().any(|text| has_word(line, text)))
        .map(|(source, number, line)| source.at(number, line.trim()))
        .collect()
}

/// Whether `text` stands in `line` and is not the end or the beginning of a longer word.
pub fn has_word(line: &str, text: &str) -> bool {
    let is_inner =
        |c: Option<char>, edge: Option<char>| c.is_some_and(is_word) && edge.is_some_and(is_word);
    line.match_indices(text).any(|(at, _)| {
        let (before, after) =
            (line[..at].chars().next_back(), line[at + text.len()..].chars().next());
        !is_inner(before, text.chars().next()) && !is_inner(after, text.chars().next_back())
    })
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words of a name in camel case.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            Some(_) | None => words.push(c.into()),
        }
    }
    words
}
