//! Topics' rows as a lane knows them: where it left them, and what the run under way makes of them.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::failure::{Failure, Trouble};
use super::head::{Head, Moved};
use crate::domain::topic::{ByHash, Topic, TopicSet};

/// Topics that are remembered: several times as many as one batch touches.
const KNOWN_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("above zero");

/// Topics' rows.
#[derive(Debug)]
pub(super) struct Heads {
    known: LruCache<Topic, Head, ByHash>,
    /// Counts the runs of batches. The rows of one are those that it has locked or relies on.
    run: u64,
    /// What the run has changed, once more for each time that it is written.
    changed: Vec<Topic>,
    /// So many of these are written.
    written: usize,
}

impl Heads {
    pub(super) fn new() -> Heads {
        let known = LruCache::with_hasher(KNOWN_MAX, ByHash::default());
        Heads { known, run: 0, changed: Vec::new(), written: 0 }
    }

    /// Forgets everything: it may come from a history that was lost.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// Begins a run: nothing is its own.
    pub(super) fn begin(&mut self) {
        self.run += 1;
        self.changed.clear();
        self.written = 0;
    }

    /// Takes topics as they are remembered, if all of them may be relied on.
    pub(super) fn rely(&mut self, topics: &TopicSet) -> bool {
        topics.iter().all(|topic| {
            let head = self.known.get_mut(topic).filter(|head| head.may_be_relied_on());
            head.map(|head| head.run = self.run).is_some()
        })
    }

    /// Topics with the ids of their rows, in the order of these; none if one is not known.
    pub(super) fn rows(&mut self, topics: &TopicSet) -> Option<Vec<(i64, Topic)>> {
        let row = |topic: &Topic| Some((self.known.get(topic)?.stand.id, topic.clone()));
        let mut rows = topics.iter().map(row).collect::<Option<Vec<_>>>()?;
        rows.sort_unstable_by_key(|(row, _)| *row);
        Some(rows)
    }

    /// Takes a topic as it was locked. If it is where it was left, nobody else was at it.
    pub(super) fn take(&mut self, topic: &Topic, mut head: Head) {
        let known = self.known.peek(topic);
        head.is_ours = known.is_some_and(|known| known.left == head.was);
        head.run = self.run;
        self.known.push(topic.clone(), head);
    }

    /// A topic of this run.
    pub(super) fn get(&mut self, topic: &Topic) -> Result<&mut Head, Failure> {
        held(&mut self.known, self.run, topic)
    }

    /// The same, to be changed.
    pub(super) fn change(&mut self, topic: &Topic) -> Result<&mut Head, Failure> {
        let head = held(&mut self.known, self.run, topic)?;
        if head.change() {
            self.changed.push(topic.clone());
        }
        Ok(head)
    }

    /// Whether there is anything to write.
    pub(super) fn have_changed(&self) -> bool {
        self.changed.len() > self.written
    }

    /// What is to be written, in the order in which rows are locked: all of it, or events would be written
    /// past a head that stays behind.
    pub(super) fn moved(&mut self) -> Result<Vec<Moved>, Failure> {
        let mut moved = Vec::with_capacity(self.changed.len() - self.written);
        for topic in &self.changed[self.written..] {
            let head = held(&mut self.known, self.run, topic)?;
            moved.push(head.moved().map_err(Failure::Broken)?);
        }
        self.written = self.changed.len();
        moved.sort_unstable_by_key(|row| row.id);
        Ok(moved)
    }

    /// Remembers where a run that was committed has left its topics.
    pub(super) fn settle(&mut self, topics: &TopicSet) {
        for topic in topics {
            if let Some(head) = self.known.peek_mut(topic) {
                head.settle();
            }
        }
    }

    /// Takes back what the run has decided about topics.
    pub(super) fn take_back(&mut self, topics: &TopicSet) {
        for topic in topics {
            if let Some(head) = self.known.peek_mut(topic) {
                head.take_back();
            }
        }
    }

    /// Forgets topics: they may have other rows.
    pub(super) fn forget<'topics>(&mut self, topics: impl IntoIterator<Item = &'topics Topic>) {
        for topic in topics {
            self.known.pop(topic);
        }
    }
}

fn held<'heads>(
    known: &'heads mut LruCache<Topic, Head, ByHash>,
    run: u64,
    topic: &Topic,
) -> Result<&'heads mut Head, Failure> {
    let head = known.peek_mut(topic).filter(|head| head.run == run);
    head.ok_or_else(|| Failure::Engine(Trouble::Unplanned(topic.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cursor::Cursor;
    use crate::store::batch;
    use crate::store::postgres::head::Place;
    use crate::store::types::Types;

    /// A row of a topic that has had more types of events than are remembered of one.
    fn found() -> Head {
        let stand = batch::Head { id: 1, cursor: Cursor { offset: 9, stamp: 1 }, ended_at: None };
        let place = Place { head: stand.cursor, floor: 0 };
        let mut types = Types::default();
        (1..=9).for_each(|offset| types.note(&offset.to_string().into(), offset));
        Head {
            stand,
            was: place,
            left: place,
            floor: 0,
            bytes: 9,
            types,
            oldest: None,
            is_crowded: false,
            is_ours: false,
            begun_at: None,
            is_spare: false,
            has_changed: false,
            run: 0,
        }
    }

    /// A run that has locked a topic.
    fn begun() -> (Heads, TopicSet) {
        let mut heads = Heads::new();
        heads.begin();
        heads.take(&Topic::access(), found());
        (heads, TopicSet::from_iter([Topic::access()]))
    }

    #[test]
    fn of_a_topic_that_was_only_read_no_more_is_remembered_than_of_any_other() {
        for end in [Heads::settle, Heads::take_back] {
            let (mut heads, topics) = begun();
            assert_eq!(heads.get(&Topic::access()).expect("locked").types.len(), 9);
            end(&mut heads, &topics);
            assert_eq!(heads.get(&Topic::access()).expect("known").types.len(), 0);
            assert!(!heads.rely(&topics), "it is to be read");
        }
    }

    #[test]
    fn a_run_that_does_not_know_what_it_has_changed_is_not_written() {
        let (mut heads, topics) = begun();
        heads.change(&Topic::access()).expect("locked");
        heads.forget(&topics);
        assert!(matches!(heads.moved(), Err(Failure::Engine(Trouble::Unplanned(_)))));
    }
}
