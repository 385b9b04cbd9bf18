//! Those who are live, as of one moment: a copy is cheap, and so is a change while somebody goes through one.

use std::sync::{Arc, atomic::Ordering};

use super::Member;
use crate::names::Batch;

/// Members of one row: a change during a fan-out copies one of them, and the list of rows.
const ROW: usize = 64;

/// The live members of a feed. What changes while somebody goes through it is copied, so that no lock
/// is held meanwhile.
#[derive(Debug, Default, Clone)]
pub(in crate::feed) struct Members {
    /// All are full but the last, and none is empty.
    rows: Arc<Vec<Arc<Vec<Arc<Member>>>>>,
    count: usize,
}

impl Members {
    pub(in crate::feed) fn add(&mut self, member: &Arc<Member>) {
        member.position.store(self.count, Ordering::Relaxed);
        let rows = Arc::make_mut(&mut self.rows);
        if self.count.is_multiple_of(ROW) {
            rows.push(Arc::default());
        }
        if let Some(last) = rows.last_mut() {
            Arc::make_mut(last).push(Arc::clone(member));
            self.count += 1;
        }
    }

    /// Takes one out, if it is there. The last one takes its seat.
    pub(in crate::feed) fn remove(&mut self, member: &Arc<Member>) {
        let position = member.position.load(Ordering::Relaxed);
        let (row, seat) = (position / ROW, position % ROW);
        let there = self.rows.get(row).and_then(|row| row.get(seat));
        if !there.is_some_and(|there| Arc::ptr_eq(there, member)) {
            return;
        }
        let rows = Arc::make_mut(&mut self.rows);
        let Some(moved) = rows.last_mut().and_then(|last| Arc::make_mut(last).pop()) else {
            return;
        };
        self.count -= 1;
        if position < self.count
            && let Some(row) = rows.get_mut(row)
        {
            moved.position.store(position, Ordering::Relaxed);
            Arc::make_mut(row)[seat] = moved;
        }
        if self.count.is_multiple_of(ROW) {
            rows.pop();
        }
    }

    /// All go back to pulling.
    pub(in crate::feed) fn end(&mut self) {
        std::mem::take(self).all().for_each(|member| member.fall_behind());
    }

    /// Offers what arrived to each. Answers who did not take all of it: they are behind.
    pub(in crate::feed) fn offer(&self, topic: &str, batch: &Batch) -> Vec<Arc<Member>> {
        let mut fallen = Vec::new();
        for member in self.all().filter(|member| !member.offer(topic, batch)) {
            member.fall_behind();
            fallen.push(Arc::clone(member));
        }
        fallen
    }

    pub(in crate::feed) fn len(&self) -> usize {
        self.count
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.rows.iter().flat_map(|row| row.iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{feed::Sink, names::Encoded};

    #[derive(Debug)]
    struct Nowhere;

    impl Sink for Nowhere {
        fn is_open(&self) -> bool {
            false
        }

        fn offer(&self, _topic: &str, _events: &[Arc<Encoded>]) -> usize {
            0
        }

        fn offer_batch(&self, _topic: &str, _batch: &Batch) -> usize {
            0
        }
    }

    proptest! {
        #[test]
        fn members_are_those_who_came_and_did_not_go_and_a_copy_stays_as_it_was(
            moves in prop::collection::vec(prop_oneof![3 => Just(None), 2 => (0..300usize).prop_map(Some)], 0..400),
        ) {
            let (mut members, mut all, mut present) = (Members::default(), Vec::new(), Vec::new());
            for leaving in moves {
                let copy = members.clone();
                let before = copy.all().cloned().collect::<Vec<_>>();
                match leaving.and_then(|number| all.get(number)) {
                    None => {
                        let member = Arc::new(Member::new(Arc::new(Nowhere), None, Arc::default()));
                        members.add(&member);
                        present.push(Arc::clone(&member));
                        all.push(member);
                    }
                    // Perhaps one that has left before.
                    Some(member) => {
                        members.remove(member);
                        present.retain(|there| !Arc::ptr_eq(there, member));
                    }
                }
                prop_assert_eq!(members.len(), present.len());
                prop_assert!(present.iter().all(|one| members.all().any(|other| Arc::ptr_eq(one, other))));
                prop_assert_eq!(members.all().count(), present.len());
                prop_assert!(copy.all().zip(&before).all(|(one, other)| Arc::ptr_eq(one, other)));
            }
        }
    }
}
