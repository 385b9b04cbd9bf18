//! Graphs in a batch: commands, undo and redo, and copies that are saved or loaded.

use super::{Batch, Fault, Rows, Step};
use crate::domain::graph::{
    Head, History, Limit, Order, Performed, Refusal as GraphRefusal, Stop, perform,
};
use crate::domain::limits;
use crate::domain::session::{Account, Copied, Event, Kept};
use crate::store::commit::Refusal;
use crate::store::sql::copy;
use crate::store::sql::graph::{self, Body, Graph};

impl<R: Rows> Batch<'_, R> {
    /// A command, an undo or a redo, and what tells of it.
    pub(super) fn perform(
        &mut self,
        topic: i64,
        name: String,
        by: String,
        order: Order,
    ) -> Step<Vec<Event>, R> {
        let graphs = graph::of_session(self.rows.sql(), topic)?;
        let (mut found, elsewhere) = find(graphs, &name);
        let account = Account::of(&order.wish, name, by, found.head.version);
        let performed = match self.look(&found, elsewhere, order) {
            Ok(performed) => performed,
            Err(Stop::Broken(failure)) => return Err(failure),
            Err(Stop::Refused(refusal)) => {
                return account.refused(refusal).map_err(|refusal| Refusal::Graph(refusal).into());
            }
        };
        found.head = performed.head;
        graph::put(self.rows.sql(), topic, &mut found)?;
        let body = Body { sql: self.rows.sql(), body: found.body };
        performed.changes.iter().try_for_each(|change| body.apply(change))?;
        if let Some((number, step)) = &performed.keep {
            graph::keep(self.rows.sql(), found.id, *number, step)?;
        }
        if let Some(number) = performed.forget {
            graph::forget(self.rows.sql(), found.id, number)?;
        }
        Ok(account.done(performed))
    }

    fn look(
        &self,
        found: &Graph,
        elsewhere: Elsewhere,
        order: Order,
    ) -> Result<Performed, Stop<Fault<R>>> {
        let Elsewhere { bytes, graphs } = elsewhere;
        if found.id == 0 && graphs >= limits::GRAPHS_MAX {
            let (limit, max) = (Limit::Graphs, limits::GRAPHS_MAX);
            return Err(GraphRefusal::Full { limit, max }.into());
        }
        let body = Body { sql: self.rows.sql(), body: found.body };
        let step = |number| graph::step(self.rows.sql(), found.id, number);
        perform(&body, found.head, bytes, order, step)
    }

    pub(super) fn save(&mut self, topic: i64, copied: Copied) -> Step<Vec<Event>, R> {
        let (version, names) = copy::next_save(self.rows.sql(), topic, &copied.name)?;
        if version == 1 && names >= limits::SAVES_MAX {
            let (limit, max) = (Limit::Saves, limits::SAVES_MAX);
            return Err(Refusal::Graph(GraphRefusal::Full { limit, max }).into());
        }
        copy::bind(self.rows.sql(), copied.body, self.now)?;
        copy::save(self.rows.sql(), topic, &copied, version, self.now)?;
        Ok(vec![kept(copied, version, false, None)])
    }

    pub(super) fn load(&mut self, topic: i64, copied: Copied) -> Step<Vec<Event>, R> {
        let graphs = graph::of_session(self.rows.sql(), topic)?;
        let (mut found, elsewhere) = find(graphs, &copied.graph);
        let full = |limit, max| Refusal::Graph(GraphRefusal::Full { limit, max });
        if found.id == 0 && elsewhere.graphs >= limits::GRAPHS_MAX {
            return Err(full(Limit::Graphs, limits::GRAPHS_MAX).into());
        }
        if elsewhere.bytes + copied.head.size.bytes > limits::SESSION_BYTES_MAX {
            return Err(full(Limit::Bytes, limits::SESSION_BYTES_MAX).into());
        }
        copy::bind(self.rows.sql(), copied.body, self.now)?;
        if found.id != 0 {
            copy::loosen(self.rows.sql(), found.body, self.now)?;
        }
        let version = found.head.version + 1;
        found.body = copy::number(copied.body);
        found.head = Head { version, history: History::default(), size: copied.head.size };
        graph::put(self.rows.sql(), topic, &mut found)?;
        let save = copied.version;
        Ok(vec![kept(copied, save, true, Some(version))])
    }
}

fn kept(copied: Copied, version: u64, is_load: bool, graph_version: Option<u64>) -> Event {
    let Copied { graph, name, by, head, .. } = copied;
    let graph_version = graph_version.unwrap_or(head.version);
    Event::Kept(Kept { graph, name, version, is_load, by, graph_version })
}

/// What a session's other graphs take of its limits.
#[derive(Debug, Clone, Copy)]
struct Elsewhere {
    bytes: u64,
    graphs: u64,
}

/// The graph of this name, which may not be there yet, and what the others take.
fn find(graphs: Vec<Graph>, name: &str) -> (Graph, Elsewhere) {
    let (mut this, others): (Vec<_>, Vec<_>) =
        graphs.into_iter().partition(|graph| graph.name == name);
    let bytes = others.iter().map(|graph| graph.head.size.bytes).sum();
    let elsewhere = Elsewhere { bytes, graphs: others.len() as u64 };
    let new = || Graph { id: 0, name: name.to_owned(), body: 0, head: Head::default() };
    (this.pop().unwrap_or_else(new), elsewhere)
}
