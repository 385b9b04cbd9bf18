//! Does every `ROOMCAST_…` variable belong to a setting? One that is misspelt is heeded by nobody.

use std::collections::BTreeSet;

use clap::Command;

use super::report::Finding;

const CHECK: &str = "variable";
const PREFIX: &str = "ROOMCAST_";

/// Looks at the names of variables; `command` is the root of all commands.
pub(super) fn check(command: &Command, present: &BTreeSet<String>) -> Vec<Finding> {
    let mut known = BTreeSet::new();
    collect(command, &mut known);
    let is_ours = |name: &&String| name.starts_with(PREFIX) && !is_of_kubernetes(name);
    let unknown = present.iter().filter(is_ours).filter(|name| !known.contains(name.as_str()));
    unknown.map(|name| misspelt(name, &known)).collect()
}

/// The variables of a command and of those below it.
fn collect<'a>(command: &'a Command, known: &mut BTreeSet<&'a str>) {
    known.extend(command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()));
    command.get_subcommands().for_each(|inner| collect(inner, known));
}

/// What Kubernetes tells every pod, unasked, of a service whose name begins with `roomcast`.
fn is_of_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST") || name.ends_with("_PORT") || name.contains("_PORT_")
}

/// The value is not shown: it may be a secret.
fn misspelt(name: &str, known: &BTreeSet<&str>) -> Finding {
    let nearest = known.iter().min_by_key(|other| distance(name, other)).copied();
    let found = format!("{name} is no setting; the nearest is {}", nearest.unwrap_or_default());
    Finding::warn(CHECK, found, "rename or unset it; --help of a command names its variables")
}

/// How many letters one must add, take away or exchange to come from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    // The distances from what was read of `one` to each beginning of `other`.
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (read, letter) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], read + 1);
        for (at, wanted) in other.chars().enumerate() {
            let exchanged = before + usize::from(letter != wanted);
            before = row[at + 1];
            row[at + 1] = exchanged.min(before + 1).min(row[at] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_no_setting_has_is_told_with_the_nearest_name() {
        let present = [
            "HOME",
            "ROOMCAST_CONFIG",
            "ROOMCAST_CORE_PORT_50051_TCP_ADDR",
            "ROOMCAST_JWT_SECRETS",
            "ROOMCAST_LISTEN",
            "ROOMCAST_LOGFORMAT",
            "ROOMCAST_PORT",
            "ROOMCAST_SERVICE_HOST",
            "ROOMCAST_SERVICE_PORT",
        ];
        let findings = check(&crate::command(), &present.map(str::to_owned).into());
        let told: Vec<_> = findings.iter().map(|finding| finding.found.as_str()).collect();
        let expected = [
            "ROOMCAST_JWT_SECRETS is no setting; the nearest is ROOMCAST_JWT_SECRET",
            "ROOMCAST_LOGFORMAT is no setting; the nearest is ROOMCAST_LOG_FORMAT",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn no_setting_is_taken_for_one_of_kubernetes() {
        let mut known = BTreeSet::new();
        let command = crate::command();
        collect(&command, &mut known);
        assert!(known.len() > 50);
        let lost: Vec<_> = known.iter().filter(|name| is_of_kubernetes(name)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
