//! The command, as the leader of a process group of its own: what it starts ends with it, and a Ctrl-C
//! at the terminal reaches us alone.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::{ExitStatus, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child as Process, ChildStderr, ChildStdout, Command};

/// A running command. Dropping it kills its group, unless the command has ended by itself: what it
/// left behind then is meant to stay.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    group: Pid,
    has_ended: bool,
}

/// What a command writes.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Child {
    pub(super) fn spawn(command: &[OsString]) -> io::Result<(Child, Pipes)> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // A group in the background that reads the terminal would be stopped by it.
        let stdin = if io::stdin().is_terminal() { Stdio::null() } else { Stdio::inherit() };
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let (Some(stdout), Some(stderr), Some(id)) =
            (process.stdout.take(), process.stderr.take(), process.id())
        else {
            return Err(io::Error::other("the command has no pipes"));
        };
        let group = Pid::from_raw(i32::try_from(id).map_err(io::Error::other)?);
        Ok((Child { process, group, has_ended: false }, Pipes { stdout, stderr }))
    }

    /// Waits for the command itself; what it started may live on.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait().await?;
        self.has_ended = true;
        Ok(status)
    }

    /// Signals the whole group.
    pub(super) fn signal(&self, signal: Signal) {
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
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn spawn(script: &str) -> (Child, Pipes) {
        let command = ["sh", "-c", script].map(OsString::from);
        Child::spawn(&command).unwrap()
    }

    #[tokio::test]
    async fn what_the_command_started_ends_with_it() {
        let (mut child, mut pipes) = spawn("sleep 60 & echo ready; wait");
        let mut ready = [0; 6];
        pipes.stdout.read_exact(&mut ready).await.unwrap();
        child.signal(Signal::SIGTERM);
        assert!(!child.wait().await.unwrap().success());
        // The pipe ends only when the grandchild, which holds it too, has gone.
        let mut rest = Vec::new();
        pipes.stdout.read_to_end(&mut rest).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_command_is_killed() {
        let (child, mut pipes) = spawn("trap '' TERM; echo ready; sleep 60 & wait; sleep 60");
        let mut ready = [0; 6];
        pipes.stdout.read_exact(&mut ready).await.unwrap();
        drop(child);
        let mut rest = Vec::new();
        pipes.stdout.read_to_end(&mut rest).await.unwrap();
    }

    #[test]
    fn a_command_of_no_words_is_an_error() {
        assert!(Child::spawn(&[]).is_err());
    }
}
