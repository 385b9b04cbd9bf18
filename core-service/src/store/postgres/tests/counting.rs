//! Counting what jobs use, while others hold the rows that it is counted for.

use roomcast_test_servers::Postgres;

use crate::store::conformance::World;
use crate::store::conformance::sessions::with_sessions;
use crate::store::conformance::usage::{sum, uses};

/// What is prepared holds its locks and waits for nobody, as an erasing does that has not been committed.
const ERASING: &str = "BEGIN; DELETE FROM session WHERE session_id = 's1';
     PREPARE TRANSACTION 'erasing'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_being_erased_counts_nothing_and_is_not_waited_for() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let world = World::new(Box::new(server));
    with_sessions(&world, &["s1", "s2"]).await;
    let world = world.altered(ERASING);
    uses(&world, 1, Some("s1")).await;
    uses(&world, 2, Some("s2")).await;
    assert_eq!(sum(&world, Some("s1")).await, (0, 0, 0));
    assert_eq!(sum(&world, Some("s2")).await, (1, 25, 50));
    assert_eq!(sum(&world, None).await, (2, 50, 100));
}
