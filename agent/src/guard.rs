//! The guard: a process between the agent and a command, which ends whatever the command has started.
//!
//! It is this program itself under the name [`NAME`], and the *subreaper* of all that descends from it:
//! whose parent ends becomes the guard's own child, so that no session and no group of its own leads out
//! of the guard's reach. It ends all of them when the command has ended, when the agent says so, and when
//! the agent has ended, be it by a kill that it cannot catch: the agent holds the writing end of the
//! guard's input, and that closes with it.
//!
//! To the agent it speaks on its standard error, a [`Word`] a line; the command has its standard output
//! for both of its streams.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal as listen};

/// What the guard's process is called.
pub(crate) const NAME: &str = "roomcast-guard";
/// Asks the command's group to end. The end of the input ends everything.
pub(crate) const TERMINATE: u8 = b't';
/// The first real-time signal of Linux. It stands for all of them.
const REAL_TIME: i32 = 34;

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// The command runs.
    Started,
    /// It does not, and why.
    Failed(String),
    /// It has ended with this status, as `wait` tells it.
    Ended(i32),
}

/// Serves as a guard, if this process was started as one, and does not return then. The first thing that
/// a program does which has agents.
pub fn stand_if_asked() {
    let mut arguments = std::env::args_os();
    if arguments.next().is_some_and(|name| name == NAME) {
        if let Err(error) = stand(arguments) {
            say(&Word::Failed(error.to_string()));
        }
        std::process::exit(0);
    }
}

/// Starts the command and sees to it that nothing of it is left.
fn stand(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    outlive_signals()?;
    let program = arguments.next().ok_or_else(|| io::Error::other("it has no program"))?;
    let both_streams = || io::stdout().as_fd().try_clone_to_owned().map(Stdio::from);
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(both_streams()?).stderr(both_streams()?);
    let command = command.process_group(0).spawn()?;
    let command = Pid::from_raw(i32::try_from(command.id()).map_err(io::Error::other)?);
    say(&Word::Started);
    let group = Arc::new(Group(Mutex::new(Some(command))));
    let heeded = Arc::clone(&group);
    thread::spawn(move || heed(&heeded));
    let mut has_ended = false;
    loop {
        let status = match waitpid(None, None) {
            Ok(status) if status.pid() == Some(command) => Some(as_told(status)),
            // nix knows no real-time signals: it tells neither which one ended somebody, nor whom.
            Err(Errno::EINVAL) if !has_ended && is_gone(command) => Some(REAL_TIME),
            // No child is left.
            Err(Errno::ECHILD) => return Ok(()),
            Ok(_) | Err(_) => None,
        };
        if let Some(status) = status {
            has_ended = true;
            group.end();
            end_descendants();
            say(&Word::Ended(status));
        } else if has_ended {
            // Who was just being started when the others were ended is the guard's child now.
            end_descendants();
        }
    }
}

/// Takes the signals that end a service or a terminal's programs: what ends the guard is the agent's end.
/// They are caught, not blocked: the command would inherit the block, and not hear them.
fn outlive_signals() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()] {
        // The handler stays when the listener and the runtime are gone.
        drop(listen(kind)?);
    }
    Ok(())
}

/// The command's process group, while the command runs: its id may be somebody else's after that.
struct Group(Mutex<Option<Pid>>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // All of them may have ended.
            let _ = killpg(group, signal);
        }
    }

    /// Kills what is left of it, for the last time.
    fn end(&self) {
        self.signal(Signal::SIGKILL);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Does what the agent wants, to the agent's end.
fn heed(group: &Group) {
    let mut wish = [0];
    while io::stdin().read_exact(&mut wish).is_ok() {
        if wish == [TERMINATE] {
            group.signal(Signal::SIGTERM);
        }
    }
    group.signal(Signal::SIGKILL);
    end_descendants();
}

fn is_gone(pid: Pid) -> bool {
    kill(pid, None) == Err(Errno::ESRCH)
}

fn end_descendants() {
    for pid in descendants(&parents(), Pid::this()) {
        // It may have ended by itself, or belong to somebody else by now.
        let _ = kill(pid, Signal::SIGKILL);
    }
}

/// Every process with its parent.
fn parents() -> HashMap<i32, i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent(&fs::read_to_string(stat(pid)).ok()?)?))).collect()
}

fn stat(pid: i32) -> String {
    format!("/proc/{pid}/stat")
}

/// `7 (a name) S 3 …`: the name may hold anything.
fn parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn descendants(parents: &HashMap<i32, i32>, of: Pid) -> Vec<Pid> {
    let mut found = vec![of];
    let mut seen = 0;
    while let Some(ancestor) = found.get(seen).copied() {
        seen += 1;
        let children = parents.iter().filter(|(_, parent)| **parent == ancestor.as_raw());
        found.extend(children.map(|(pid, _)| Pid::from_raw(*pid)));
    }
    found.split_off(1)
}

/// A status in the form of `wait`; others than these two are not asked for.
fn as_told(status: WaitStatus) -> i32 {
    if let WaitStatus::Signaled(_, signal, _) = status {
        signal as i32
    } else if let WaitStatus::Exited(_, code) = status {
        code << 8
    } else {
        0
    }
}

fn say(word: &Word) {
    // An agent that has gone hears nothing.
    let _ = writeln!(io::stderr(), "{word}");
}

impl std::fmt::Display for Word {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Word::Started => formatter.write_str("started"),
            Word::Failed(why) => write!(formatter, "failed {}", why.replace('\n', " ")),
            Word::Ended(status) => write!(formatter, "ended {status}"),
        }
    }
}

impl Word {
    /// A line of the guard's.
    pub(crate) fn of(line: &str) -> Option<Word> {
        match line.split_once(' ') {
            Some(("failed", why)) => Some(Word::Failed(why.to_owned())),
            Some(("ended", status)) => status.parse().ok().map(Word::Ended),
            None if line == "started" => Some(Word::Started),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_said() {
        let failed = Word::Failed("no such file".to_owned());
        for word in [Word::Started, failed, Word::Ended(9), Word::Ended(3 << 8)] {
            assert_eq!(Word::of(&word.to_string()), Some(word));
        }
        for other in ["", "ended", "ended well", "thread 'main' panicked"] {
            assert_eq!(Word::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("7 (sh) S 3 7 7 0"), Some(3));
        assert_eq!(parent("7 (a) b (c) ) R 12 7"), Some(12));
        assert_eq!(parent("7 (sh"), None);
    }

    #[test]
    fn all_generations_descend_and_nobody_else() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 3), (5, 3), (6, 1), (7, 6)]);
        let mut found = descendants(&parents, Pid::from_raw(2));
        found.sort();
        assert_eq!(found, [3, 4, 5].map(Pid::from_raw));
    }
}
