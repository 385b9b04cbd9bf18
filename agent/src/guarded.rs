//! A command under guard: whatever it starts ends with it, and with us.

use std::ffi::OsStr;
use std::io::{self, PipeWriter, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStderr, Command};

use crate::guard::{self, Word};

/// A running command. Dropping it kills the command and all that it has started.
#[derive(Debug)]
pub(crate) struct Guarded {
    words: Lines<BufReader<ChildStderr>>,
    /// The guard's input. None once everything is to end.
    wishes: Option<PipeWriter>,
}

impl Guarded {
    /// Starts a command, with `output` for both of its streams; `prepare` gives it a folder and an
    /// environment.
    ///
    /// # Errors
    /// When it is not there or may not run.
    pub(crate) async fn spawn<'a>(
        argv: impl IntoIterator<Item = &'a OsStr>,
        output: Stdio,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Guarded> {
        let (reader, wishes) = io::pipe()?;
        let mut command = Command::new(own_program()?);
        prepare(&mut command);
        command.arg0(guard::NAME).args(argv).process_group(0);
        command.stdin(reader).stdout(output).stderr(Stdio::piped());
        let mut guard = command.spawn()?;
        let words = guard.stderr.take().ok_or_else(|| io::Error::other("the guard is mute"))?;
        let words = BufReader::new(words).lines();
        let mut guarded = Guarded { words, wishes: Some(wishes) };
        match guarded.hear().await? {
            Word::Started => Ok(guarded),
            Word::Failed(why) => Err(io::Error::other(why)),
            Word::Ended(_) => Err(lost()),
        }
    }

    /// Waits for the command itself. What it left behind is being killed then. May be dropped and called
    /// again, until it has answered.
    ///
    /// # Errors
    /// When nobody can tell.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self.hear().await? {
            Word::Ended(status) => Ok(ExitStatus::from_raw(status)),
            Word::Started | Word::Failed(_) => Err(lost()),
        }
    }

    /// Asks the command and its group to end.
    pub(crate) fn terminate(&mut self) {
        let Some(wishes) = &mut self.wishes else { return };
        // One byte has room in a pipe; a guard that has gone has nobody left to ask.
        if let Err(error) = wishes.write_all(&[guard::TERMINATE]) {
            tracing::debug!(%error, "the guard does not hear");
        }
    }

    /// Kills the command and all that it has started.
    pub(crate) fn kill(&mut self) {
        self.wishes = None;
    }

    async fn hear(&mut self) -> io::Result<Word> {
        let line = self.words.next_line().await?.ok_or_else(lost)?;
        Word::of(&line).ok_or_else(lost)
    }
}

fn lost() -> io::Error {
    io::Error::other("the command's guard is lost")
}

/// The program that runs, though another may lie in its place meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}
