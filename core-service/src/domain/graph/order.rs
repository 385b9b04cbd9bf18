//! A command, an undo or a redo on a graph at a version: what comes of it.

use super::{Change, Command, Head, Look, Refusal, Step, Stop, decide};

/// Something to do with a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What.
    pub wish: Wish,
    /// Only if the graph is at this version.
    pub expected_version: Option<u64>,
}

/// What to do with a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A new command.
    Execute {
        /// Names it.
        command_id: String,
        /// What it does.
        command: Command,
    },
    /// Take the last one back.
    Undo,
    /// Do the last one that was taken back again.
    Redo,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The graph after it.
    pub head: Head,
    /// What changes, in this order.
    pub changes: Vec<Change>,
    /// The command that was done, undone or redone, and its type.
    pub command: (String, String),
    /// A step to keep, with its number.
    pub keep: Option<(u64, Step)>,
    /// The number of a step to forget.
    pub forget: Option<u64>,
}

/// Performs an order on a graph that stands at `head`. `step` finds a step of its history.
///
/// # Errors
/// When the graph refuses or cannot be read.
pub fn perform<L: Look>(
    look: &L,
    head: Head,
    elsewhere: u64,
    order: Order,
    step: impl FnOnce(u64) -> Result<Step, L::Error>,
) -> Result<Performed, Stop<L::Error>> {
    let version = head.version;
    if let Some(expected) = order.expected_version.filter(|expected| *expected != version) {
        return Err(Refusal::VersionConflict { version, expected }.into());
    }
    let (changes, history, command, keep, forget) = match order.wish {
        Wish::Execute { command_id, command } => {
            let command_type = command.kind().to_owned();
            let changes = decide(look, head.size, elsewhere, command)?;
            let (history, number, forget) = head.history.with_new();
            let named = (command_id.clone(), command_type.clone());
            let step = Step { command_id, command_type, changes: changes.clone() };
            (changes, history, named, Some((number, step)), forget)
        }
        Wish::Undo => {
            let (history, number) = head.history.undone().ok_or(Refusal::NothingToUndo)?;
            let Step { command_id, command_type, changes } = step(number).map_err(Stop::Broken)?;
            let changes = changes.into_iter().rev().map(Change::inverse).collect();
            (changes, history, (command_id, command_type), None, None)
        }
        Wish::Redo => {
            let (history, number) = head.history.redone().ok_or(Refusal::NothingToRedo)?;
            let Step { command_id, command_type, changes } = step(number).map_err(Stop::Broken)?;
            (changes, history, (command_id, command_type), None, None)
        }
    };
    let size = changes.iter().fold(head.size, |size, change| size.after(change));
    let head = Head { version: version + 1, history, size };
    Ok(Performed { head, changes, command, keep, forget })
}
