//! An agent as a process of its own.

use std::path::Path;

use roomcast_identity::Scope;
use tempfile::TempDir;

use super::credential::service;
use super::process::Process;
use super::tools;

#[derive(Debug)]
pub(crate) struct Agent {
    process: Process,
    core: String,
    settings: TempDir,
}

impl Agent {
    /// Starts one with settings of the test's own, in TOML.
    pub(crate) fn start(core: &str, settings: &str) -> Agent {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("agent.toml"), settings).expect("a settings file");
        let process = spawn(core, folder.path());
        Agent { process, core: core.to_owned(), settings: folder }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// `kill -9`, and another one with the same settings.
    pub(crate) fn kill_and_replace(&mut self) {
        self.process.kill();
        self.process = spawn(&self.core, self.settings.path());
    }
}

fn spawn(core: &str, settings: &Path) -> Process {
    let mut command = tools::roomcast();
    command
        .args(["agent", "--core", core, "--config"])
        .arg(settings.join("agent.toml"))
        .env("ROOMCAST_SERVICE_TOKEN", service(&[Scope::Worker]))
        .env("ROOMCAST_LOG_FORMAT", "json");
    Process::spawn("agent", &mut command)
}
