//! A core and an edge.

use super::core::Core;
use super::edge::Edge;

#[derive(Debug)]
pub(crate) struct System {
    // Dropped first: an edge whose core has gone would say so.
    pub(crate) edge: Edge,
    pub(crate) core: Core,
}

impl System {
    pub(crate) async fn start() -> System {
        let core = Core::start().await;
        System { edge: Edge::start(&core).await, core }
    }
}
