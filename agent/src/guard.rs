//! Ends a command's group when the agent cannot: a shell that waits for the agent's own end.
//!
//! It holds the reading end of a pipe whose writing end the agent alone has. However the agent ends,
//! even by a kill that it cannot catch, the pipe ends with it, and the guard kills the group.

use std::io;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child as Process, Command};

use crate::child::Child;

/// The first line is the group; the end of the input, without another line, is the agent's end.
const SCRIPT: &str = "read -r group && ! read -r _ && kill -s KILL -- \"-$group\"";

/// Dropping it lifts the guard: the group is the agent's own to end.
#[derive(Debug)]
pub(crate) struct Guard {
    process: Process,
}

impl Guard {
    /// Starts a guard of nothing yet, so that a command never runs without one.
    pub(crate) fn post() -> io::Result<Guard> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // A Ctrl-C at the terminal, which ends the agent's group, must not end its guards first.
        let process = command.process_group(0).kill_on_drop(true).spawn()?;
        Ok(Guard { process })
    }

    /// Guards the group of a command.
    pub(crate) async fn watch(&mut self, child: &Child) -> io::Result<()> {
        let Some(stdin) = &mut self.process.stdin else {
            return Err(io::Error::other("the guard has no input"));
        };
        stdin.write_all(format!("{}\n", child.group()).as_bytes()).await?;
        stdin.flush().await
    }
}
