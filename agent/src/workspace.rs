//! What the agent may touch of a project: a folder, and the commands that may run there.
//!
//! A table for each project, under its id, or under `default` for every project without its own:
//!
//! ```toml
//! [default]
//! folder = "/srv/app"
//!
//! [default.tests]
//! unit = { run = ["cargo", "test", "--workspace"], format = "cargo", timeout_seconds = 600 }
//! web = { run = ["npx", "vitest", "run", "--reporter=tap"], format = "tap" }
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use roomcast_client::worker::Failure;
use serde::{Deserialize, Serialize};

/// The table for projects without their own.
const DEFAULT: &str = "default";
/// A run that takes longer has most likely come to stand still.
const TIMEOUT_SECONDS: u64 = 30 * 60;
/// Beyond a day nobody waits for a test run.
const TIMEOUT_SECONDS_MAX: u64 = 24 * 3600;

/// Every project's workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workspaces(BTreeMap<String, Workspace>);

/// One project's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    folder: PathBuf,
    #[serde(default)]
    tests: BTreeMap<String, TestCommand>,
}

/// A command that may run: a program and its arguments, never a line for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCommand {
    run: Vec<String>,
    format: Format,
    /// Where JUnit XML is written, from the folder.
    report: Option<PathBuf>,
    #[serde(default = "timeout_seconds")]
    timeout_seconds: u64,
}

/// What a command writes about its cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// pytest, with a line for each case.
    Pytest,
    /// `cargo test`: what Rust's own test harness writes.
    Cargo,
    /// `cargo nextest run`.
    Nextest,
    /// The Test Anything Protocol, version 12 to 14.
    Tap,
    /// JUnit XML, in a file, once the command has ended.
    Junit,
}

/// Why a text configures no workspaces.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or not of this form.
    #[error("workspaces are TOML with a table for each project: {0}")]
    Form(#[from] toml::de::Error),
    /// A folder is not there.
    #[error("the folder {folder} of workspace `{name}` is no folder")]
    NoFolder {
        /// The workspace.
        name: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// A command cannot be run as it is written.
    #[error("the test command `{command}` of workspace `{name}` {problem}")]
    Command {
        /// The workspace.
        name: String,
        /// The command.
        command: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Reads the tables. Folders must be there, so that a misspelling is noticed at the start.
///
/// # Errors
/// [`Error`].
pub fn parse(text: &str) -> Result<Workspaces, Error> {
    let mut workspaces: BTreeMap<String, Workspace> = toml::from_str(text)?;
    for (name, workspace) in &mut workspaces {
        let folder = workspace.folder.canonicalize().ok().filter(|folder| folder.is_dir());
        let missing = || Error::NoFolder { name: name.clone(), folder: workspace.folder.clone() };
        let folder = folder.ok_or_else(missing)?;
        workspace.folder = folder;
        for (command, test) in &workspace.tests {
            if let Some(problem) = test.problem() {
                let (name, command) = (name.clone(), command.clone());
                return Err(Error::Command { name, command, problem });
            }
        }
    }
    Ok(Workspaces(workspaces))
}

impl Workspaces {
    /// One folder for all projects, without test commands.
    #[must_use]
    pub fn only(folder: PathBuf) -> Self {
        let workspace = Workspace { folder, tests: BTreeMap::new() };
        Self(BTreeMap::from([(DEFAULT.to_owned(), workspace)]))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The workspace of a project.
    ///
    /// # Errors
    /// A final [`Failure`] with the code `workspace_not_configured`.
    pub fn of(&self, project_id: &str) -> Result<&Workspace, Failure> {
        let own = self.0.get(project_id).filter(|_| !project_id.is_empty());
        own.or_else(|| self.0.get(DEFAULT)).ok_or_else(|| {
            Failure::new(
                "workspace_not_configured",
                "the agent has no workspace for this project: configure one under its id",
            )
        })
    }
}

impl Workspace {
    /// Where the project's files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A test command by its name. Without a name the one that is called `default`, or the only one.
    ///
    /// # Errors
    /// A final [`Failure`] with the code `command_not_allowed`.
    pub fn test(&self, name: Option<&str>) -> Result<(&str, &TestCommand), Failure> {
        let found = match name {
            Some(name) => self.tests.get_key_value(name),
            None => self.tests.get_key_value(DEFAULT).or_else(|| {
                let mut all = self.tests.iter();
                all.next().filter(|_| all.next().is_none())
            }),
        };
        found.map(|(name, command)| (name.as_str(), command)).ok_or_else(|| {
            let allowed: Vec<_> = self.tests.keys().map(String::as_str).collect();
            let problem = match name {
                Some(_) => "no test command of this name is allowed here",
                None => "the run must name its test command",
            };
            Failure::new("command_not_allowed", format!("{problem}; there are: {allowed:?}"))
        })
    }
}

impl TestCommand {
    /// The program, then its arguments.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.run
    }

    /// How its output tells of cases.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where it writes JUnit XML, from the workspace's folder.
    #[must_use]
    pub fn report(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    fn problem(&self) -> Option<&'static str> {
        if self.run.first().is_none_or(String::is_empty) {
            return Some("has no program");
        }
        if !(1..=TIMEOUT_SECONDS_MAX).contains(&self.timeout_seconds) {
            return Some("has a time-out that is not between a second and a day");
        }
        match (self.format, &self.report) {
            (Format::Junit, None) => Some("says nowhere where its `report` is"),
            (Format::Junit, Some(report)) if report.is_absolute() => {
                Some("has a `report` that is not in the folder")
            }
            (Format::Junit, Some(_)) => None,
            (Format::Pytest | Format::Cargo | Format::Nextest | Format::Tap, Some(_)) => {
                Some("has a `report`, which only the format junit reads")
            }
            (Format::Pytest | Format::Cargo | Format::Nextest | Format::Tap, None) => None,
        }
    }
}

fn timeout_seconds() -> u64 {
    TIMEOUT_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspaces(tests: &str) -> Result<Workspaces, Error> {
        parse(&format!("[default]\nfolder = \"/tmp\"\n[default.tests]\n{tests}"))
    }

    fn refused<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
        outcome.unwrap_err().code().to_owned()
    }

    #[test]
    fn a_project_has_its_own_workspace_or_the_default_one() {
        let configured = "[p1]\nfolder = \"/\"\n[default]\nfolder = \"/tmp\"";
        let workspaces = parse(configured).unwrap();
        assert_eq!(workspaces.of("p1").unwrap().folder(), Path::new("/"));
        assert_eq!(workspaces.of("p2").unwrap().folder(), Path::new("/tmp"));
        let own = parse("[p1]\nfolder = \"/\"").unwrap();
        assert_eq!(refused(own.of("p2")), "workspace_not_configured");
        assert_eq!(refused(Workspaces::default().of("")), "workspace_not_configured");
    }

    #[test]
    fn a_test_command_is_named_or_the_only_one() {
        let one = "unit = { run = [\"true\"], format = \"tap\" }\n";
        let workspaces_of_one = workspaces(one).unwrap();
        let workspace = workspaces_of_one.of("p").unwrap();
        assert_eq!(workspace.test(None).unwrap().0, "unit");
        assert_eq!(workspace.test(Some("unit")).unwrap().1.argv(), ["true"]);
        assert_eq!(refused(workspace.test(Some("rm -rf /"))), "command_not_allowed");

        let two = workspaces(&format!("{one}e2e = {{ run = [\"true\"], format = \"tap\" }}"));
        let two = two.unwrap();
        assert_eq!(refused(two.of("p").unwrap().test(None)), "command_not_allowed");
        let named = workspaces(&format!("{one}default = {{ run = [\"true\"], format = \"tap\" }}"));
        assert_eq!(named.unwrap().of("p").unwrap().test(None).unwrap().0, "default");
    }

    #[test]
    fn what_cannot_be_run_is_refused_at_the_start() {
        for tests in [
            "unit = \"cargo test\"",
            "unit = { run = [], format = \"cargo\" }",
            "unit = { run = [\"cargo\"], format = \"cargo\", timeout_seconds = 0 }",
            "unit = { run = [\"cargo\"], format = \"junit\" }",
            "unit = { run = [\"cargo\"], format = \"junit\", report = \"/etc/passwd\" }",
            "unit = { run = [\"cargo\"], format = \"cargo\", report = \"junit.xml\" }",
            "unit = { run = [\"cargo\"], format = \"cargo\", shell = true }",
        ] {
            assert!(workspaces(tests).is_err(), "{tests}");
        }
        assert!(parse("[p1]\nfolder = \"/no/such/folder\"").is_err());
    }
}
