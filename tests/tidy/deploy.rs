//! What operators are given must speak of what there is: metrics, settings, runbooks.

use std::collections::BTreeSet;

use super::source::{Source, is_word, lines};

/// Where the runbooks stand.
const RUNBOOKS: &str = "docs/OPERATING.md";
const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const ALERT_TESTS: &str = "deploy/prometheus/alerts_test.yaml";
/// What a histogram becomes.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Every metric that dashboard, alerts and their tests name is one that a process has.
pub fn metrics_exist(tree: &[Source]) -> Vec<String> {
    let known = quoted_words(tree, "roomcast_");
    named(tree, "roomcast_", &["json", "yaml"])
        .filter(|(_, name)| {
            let is_part =
                |part: &&str| name.strip_suffix(*part).is_some_and(|whole| known.contains(whole));
            !known.contains(*name) && !PARTS.iter().any(is_part)
        })
        .map(|(source, name)| format!("{}: no process has a metric {name}", source.path))
        .collect()
}

/// Every variable that a manifest sets is a setting.
pub fn settings_exist(tree: &[Source]) -> Vec<String> {
    let known = quoted_words(tree, "ROOMCAST_");
    named(tree, "ROOMCAST_", &["yaml", "md"])
        .filter(|(_, name)| !known.contains(*name))
        .map(|(source, name)| format!("{}: no process has a setting {name}", source.path))
        .collect()
}

/// Every alert has a test and a runbook, which its annotation names and which says all that it must.
pub fn alerts_have_runbooks(tree: &[Source]) -> Vec<String> {
    let text = |path: &str| tree.iter().find(|source| source.path == path).map(|one| &*one.text);
    let (tests, runbooks) =
        (text(ALERT_TESTS).unwrap_or_default(), text(RUNBOOKS).unwrap_or_default());
    let rules = text(ALERTS).unwrap_or_default();
    let mut found = Vec::new();
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().unwrap_or_default();
        let runbook = format!("runbook: {RUNBOOKS}#{}\n", name.to_lowercase());
        if !rule.contains(&runbook) {
            found.push(format!("{ALERTS}: {name} does not name its runbook"));
        }
        if !runbooks.contains(&format!("\n### {name}\n")) {
            found.push(format!("{RUNBOOKS} has no runbook for {name}"));
        }
        let runbook = runbooks.split(&format!("\n### {name}\n")).nth(1).unwrap_or_default();
        let runbook = runbook.split("\n##").next().unwrap_or_default();
        for part in ["Symptom", "Cause", "What to do", "Over"] {
            if !runbook.contains(&format!("\n**{part}.** ")) {
                found.push(format!("{RUNBOOKS}: {name} does not say **{part}.**"));
            }
        }
        for does in ["fires", "is quiet"] {
            if !tests.contains(&format!("- name: {name} {does}\n")) {
                found.push(format!("{ALERT_TESTS} does not show when {name} {does}"));
            }
        }
    }
    found
}

/// Every test that the production checklist names is there.
pub fn checklist_is_kept(tree: &[Source]) -> Vec<String> {
    let page = tree.iter().find(|source| source.path == RUNBOOKS);
    let list = page.and_then(|page| page.text.split("\n## Production checklist\n").nth(1));
    let names = list.into_iter().flat_map(|list| list.split('`').skip(1).step_by(2));
    let is_there = |name: &str| match name.contains('/') {
        true => tree.iter().any(|source| source.path == name),
        false => tree.iter().any(|source| source.text.contains(&format!("fn {name}("))),
    };
    names.filter(|name| !is_there(name)).map(|name| format!("no test is called {name}")).collect()
}

/// Words that begin so, in files for operators.
fn named<'a>(
    tree: &'a [Source],
    prefix: &'a str,
    kinds: &'a [&str],
) -> impl Iterator<Item = (&'a Source, &'a str)> {
    let is_wanted = |source: &&Source| {
        let kind = source.path.rsplit('.').next().unwrap_or_default();
        source.path.starts_with("deploy/") && kinds.contains(&kind)
    };
    tree.iter().filter(is_wanted).flat_map(move |source| {
        let words = source.text.split(|c: char| !is_word(c));
        words.filter(move |word| word.starts_with(prefix)).map(move |word| (source, word))
    })
}

/// Texts of the code that begin so and are one word.
fn quoted_words<'a>(tree: &'a [Source], prefix: &str) -> BTreeSet<&'a str> {
    lines(tree, |_| true)
        .flat_map(|(_, _, text)| text.split('"').skip(1).step_by(2))
        .filter(|text| text.starts_with(prefix) && text.chars().all(is_word))
        .collect()
}
