//! A command as the leader of a process group of its own: what it starts ends with it, and a Ctrl-C at
//! the terminal reaches us alone.

use std::io;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child as Process, ChildStderr, ChildStdout, Command};

/// A running command. Dropping it kills its group, unless the command has ended by itself: what it
/// left behind then is meant to stay.
#[derive(Debug)]
pub struct Child {
    process: Process,
    group: Pid,
    has_ended: bool,
}

impl Child {
    /// Starts a command.
    ///
    /// # Errors
    /// When it is not there or may not run.
    pub fn spawn(mut command: Command) -> io::Result<Child> {
        let process = command.process_group(0).spawn()?;
        let id = process.id().ok_or_else(|| io::Error::other("the command has no id"))?;
        let group = Pid::from_raw(i32::try_from(id).map_err(io::Error::other)?);
        Ok(Child { process, group, has_ended: false })
    }

    /// What it writes to its standard output, where that is piped; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// What it writes to its standard error, where that is piped; once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.process.stderr.take()
    }

    /// Waits for the command itself; what it started may live on.
    ///
    /// # Errors
    /// When the system does not tell.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait().await?;
        self.has_ended = true;
        Ok(status)
    }

    /// Signals the whole group.
    pub fn signal(&self, signal: Signal) {
        match killpg(self.group, signal) {
            // All of them have ended.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(%error, %signal, "the command cannot be signalled"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn spawn(script: &str) -> (Child, ChildStdout) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut child = Child::spawn(command).unwrap();
        let stdout = child.stdout().unwrap();
        (child, stdout)
    }

    #[tokio::test]
    async fn what_the_command_started_ends_with_it() {
        let (mut child, mut stdout) = spawn("sleep 60 & echo ready; wait");
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).await.unwrap();
        child.signal(Signal::SIGTERM);
        assert!(!child.wait().await.unwrap().success());
        // The pipe ends only when the grandchild, which holds it too, has gone.
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_command_is_killed() {
        let (child, mut stdout) = spawn("trap '' TERM; echo ready; sleep 60 & wait; sleep 60");
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).await.unwrap();
        drop(child);
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).await.unwrap();
    }
}
