//! 2. Ordered.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::recorder::publisher;
use crate::support::{Core, Recorder, eventually};

const PUBLISHERS: usize = 8;
const EVENTS: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordered_one_total_order_per_topic_gapless_from_one_and_true_to_real_time() {
    let core = Core::start().await;
    let recorder = Recorder::new();
    let end = CancellationToken::new();
    let mut publishers = JoinSet::new();
    for number in 0..PUBLISHERS {
        let place = ("room:open".to_owned(), format!("publisher {number}"));
        publishers.spawn(publisher(recorder.clone(), core.broadcast(), place, end.clone()));
    }
    eventually("many events", async || (recorder.acked() >= EVENTS).then_some(())).await;
    end.cancel();
    while let Some(published) = publishers.join_next().await {
        published.expect("a publisher that does not panic");
    }
    let history = recorder.finish(&core.broadcast(), &["room:open".to_owned()]).await;
    assert_eq!(check(&history), []);
    assert_eq!(history.logs["room:open"].first().unwrap().offset, 1);
}
