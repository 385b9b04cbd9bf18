//! docs/evidence/README.md: every proof is in the list, and every command of it finds its test.

use std::process::Command;
use std::time::Duration;

use super::quickstart::root;
use crate::support::finish_within;

const INDEX: &str = "docs/evidence/README.md";
/// The test binary lists thousands of names.
const LIST_MAX: Duration = Duration::from_secs(60);

#[tokio::test]
async fn every_proof_is_in_the_list_of_evidence_with_a_command_that_finds_it() {
    let index = std::fs::read_to_string(root().join(INDEX)).expect("the page");
    for entry in std::fs::read_dir(root().join("docs/evidence")).expect("the folder") {
        let name = entry.expect("a page").file_name().into_string().expect("a name");
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "{name} is not listed"
        );
    }
    let own = std::env::current_exe().expect("this program");
    let tests = finish_within(LIST_MAX, Command::new(own).arg("--list")).await.ok();
    let named: Vec<&str> = index
        .split("make prove TEST=")
        .skip(1)
        .map(|rest| rest.split('`').next().unwrap_or_default())
        .collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(tests.contains(name), "no test is called {name}");
    }
}
