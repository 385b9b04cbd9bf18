//! The events that tell of a command, an undo or a redo.

use super::{Event, Progress, Status};
use crate::domain::graph::{Performed, Refusal, Wish};

/// Who wished what of a graph that stood at a version: what every event of it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    graph: String,
    by: String,
    version: u64,
    /// The command and its type, if it is a new one.
    new: Option<(String, String)>,
    after: Status,
}

impl Account {
    /// Begins an account of a wish.
    #[must_use]
    pub fn of(wish: &Wish, graph: String, by: String, version: u64) -> Account {
        let (new, after) = match wish {
            Wish::Execute { command_id, command } => {
                (Some((command_id.clone(), command.kind().to_owned())), Status::Executed)
            }
            Wish::Undo => (None, Status::Undone),
            Wish::Redo => (None, Status::Redone),
        };
        Account { graph, by, version, new, after }
    }

    /// What tells that it was done.
    #[must_use]
    pub fn done(self, performed: Performed) -> Vec<Event> {
        let mut events = Vec::with_capacity(performed.changes.len() + 2);
        events.extend(self.executing());
        let graph = &self.graph;
        let changed = |change| Event::Changed { graph: graph.clone(), change };
        events.extend(performed.changes.into_iter().map(changed));
        let after = self.after.clone();
        events.push(self.progress(performed.command, performed.head.version, after));
        events
    }

    /// What tells that the graph refused it. A refused undo or redo is not told: it named no command.
    ///
    /// # Errors
    /// The refusal, if it is not told.
    pub fn refused(self, refusal: Refusal) -> Result<Vec<Event>, Refusal> {
        let (Some(executing), Some(command)) = (self.executing(), self.new.clone()) else {
            return Err(refusal);
        };
        let version = self.version;
        Ok(vec![executing, self.progress(command, version, Status::Failed(refusal))])
    }

    fn executing(&self) -> Option<Event> {
        let command = self.new.clone()?;
        Some(self.progress(command, self.version, Status::Executing))
    }

    fn progress(
        &self,
        (command_id, command_type): (String, String),
        version: u64,
        status: Status,
    ) -> Event {
        let (graph, by) = (self.graph.clone(), self.by.clone());
        Event::Command(Progress { graph, command_id, command_type, by, version, status })
    }
}
