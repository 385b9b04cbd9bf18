//! Turns at reading the log for those who follow topics. After a fail-over, a restart or an outage of the bus
//! thousands of topics are behind at the same moment: a few of them read, a page each, and the others wait in
//! the order in which they came. So the store's readers are asked for no more than they get on with, refuse
//! nobody, and whoever else reads has little before it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::topic::{Kind, Topic};

/// Reads of followed topics that are under way in a core: each of the store's four readers has its next ones
/// waiting, and a join that comes behind them all waits for eight pages.
const READS_AT_ONCE: usize = 32;

/// Who may read. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Semaphore>);

/// The turn of one topic, over when it is dropped; none where none is needed.
pub(crate) type Turn = Option<OwnedSemaphorePermit>;

impl Default for Turns {
    fn default() -> Turns {
        Turns(Arc::new(Semaphore::new(READS_AT_ONCE)))
    }
}

impl Turns {
    /// The next turn, for one read: who wants another waits again, behind everybody who came meanwhile. Who
    /// follows rights waits for nobody: edges rely on hearing of them in seconds.
    pub(super) async fn next(&self, topic: &Topic) -> Turn {
        if topic.kind() == Kind::Access {
            return None;
        }
        // Never closed.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;
    use tokio::task::JoinSet;

    use super::*;

    /// Topics that are behind at once.
    const TOPICS: usize = 10_000;
    /// Pages of each.
    const PAGES: usize = 3;

    fn room(number: usize) -> Topic {
        Topic::new("acme", Kind::Room, &number.to_string()).expect("a topic")
    }

    /// Takes all turns.
    fn taken(turns: &Turns) -> Vec<Turn> {
        let next = |number| turns.next(&room(number)).now_or_never().expect("a turn");
        (0..READS_AT_ONCE).map(next).collect()
    }

    #[derive(Debug, Default)]
    struct Counts {
        come: AtomicUsize,
        reading: AtomicUsize,
        most: AtomicUsize,
        pages: AtomicUsize,
    }

    async fn read(topic: Topic, turns: Turns, counts: Arc<Counts>) {
        counts.come.fetch_add(1, Ordering::Relaxed);
        for page in 0..PAGES {
            let _turn = turns.next(&topic).await;
            let reading = counts.reading.fetch_add(1, Ordering::Relaxed) + 1;
            counts.most.fetch_max(reading, Ordering::Relaxed);
            tokio::task::yield_now().await;
            let before = counts.pages.fetch_add(1, Ordering::Relaxed);
            // Those who read at once may end in any order, each time.
            let is_its_time = before >= page * (TOPICS - READS_AT_ONCE);
            assert!(is_its_time, "page {page} of {topic} after {before} of all");
            counts.reading.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn however_many_topics_are_behind_a_few_read_and_each_its_page_before_any_its_next() {
        let (turns, counts) = (Turns::default(), Arc::new(Counts::default()));
        let held = taken(&turns);
        let behind = (0..TOPICS).map(|number| read(room(number), turns.clone(), counts.clone()));
        let behind: JoinSet<()> = behind.collect();
        while counts.come.load(Ordering::Relaxed) < TOPICS {
            tokio::task::yield_now().await;
        }
        assert_eq!(counts.pages.load(Ordering::Relaxed), 0);
        drop(held);
        behind.join_all().await;
        assert_eq!(counts.pages.load(Ordering::Relaxed), TOPICS * PAGES);
        assert_eq!(counts.most.load(Ordering::Relaxed), READS_AT_ONCE);
    }

    #[tokio::test]
    async fn who_follows_rights_waits_for_nobody() {
        let turns = Turns::default();
        let _held = taken(&turns);
        assert!(turns.next(&room(0)).now_or_never().is_none());
        assert!(turns.next(&Topic::access()).now_or_never().is_some());
    }
}
