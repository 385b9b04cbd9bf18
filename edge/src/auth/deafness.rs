//! Tells operators while the edge does not hear of changed rights: next to nothing is delivered then, though
//! sockets stay, the core answers and the edge is ready.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Rights;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells until `shutdown`.
pub(crate) async fn tell_of_deafness(rights: Rights, shutdown: CancellationToken) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_heard = false;
    while shutdown.run_until_cancelled(looks.tick()).await.is_some() {
        let is_heard = rights.is_heard();
        metrics::gauge!("roomcast_edge_rights_heard").set(f64::from(u8::from(is_heard)));
        match (was_heard, is_heard) {
            (true, false) => tracing::warn!(
                "the core does not vouch for rights; what is delivered waits until it does"
            ),
            (false, true) => tracing::info!("the core vouches for rights"),
            (true, true) | (false, false) => {}
        }
        was_heard = is_heard;
    }
}
