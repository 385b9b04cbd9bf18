//! What can be undone and redone.

use serde::{Deserialize, Serialize};

use super::Change;
use crate::domain::limits::UNDO_DEPTH_MAX;

/// A command that was done: what takes it back and does it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The command.
    pub command_id: String,
    /// Its type.
    pub command_type: String,
    /// In the order in which they were done.
    pub changes: Vec<Change>,
}

/// Where a graph stands in its steps, which are numbered from 1: `(floor, done]` can be undone,
/// `(done, top]` can be redone. A step above `top` may lie in the store; it is overwritten before
/// it is reached. So a graph that was loaded simply begins a new history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    floor: u64,
    done: u64,
    top: u64,
}

impl History {
    /// How many commands can be undone.
    #[must_use]
    pub fn undoable(self) -> u64 {
        self.done - self.floor
    }

    /// How many commands can be redone.
    #[must_use]
    pub fn redoable(self) -> u64 {
        self.top - self.done
    }

    /// After a new command: what was undone before it can never be redone. Answers the number of
    /// its step, and of the step that is forgotten for it.
    #[must_use]
    pub fn with_new(self) -> (History, u64, Option<u64>) {
        let number = self.done + 1;
        let is_full = number - self.floor > UNDO_DEPTH_MAX;
        let floor = if is_full { self.floor + 1 } else { self.floor };
        (History { floor, done: number, top: number }, number, is_full.then_some(floor))
    }

    /// After an undo, and the step that it takes back.
    #[must_use]
    pub fn undone(self) -> Option<(History, u64)> {
        (self.undoable() > 0).then(|| (History { done: self.done - 1, ..self }, self.done))
    }

    /// After a redo, and the step that it does again.
    #[must_use]
    pub fn redone(self) -> Option<(History, u64)> {
        (self.redoable() > 0).then(|| (History { done: self.done + 1, ..self }, self.done + 1))
    }
}
