//! How many connections each user has in each topic, here and as the core was told.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Users and topics that one edge counts, some 300 bytes each: a fifth of what a core keeps of all.
const PLACES_MAX: usize = 100_000;

/// A user in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The topic's tenant.
    pub tenant: Arc<str>,
    /// Full name of the topic.
    pub topic: Arc<str>,
    /// The user.
    pub user_id: Arc<str>,
}

/// A user's connections.
#[derive(Debug, Clone, Copy)]
struct Count {
    here: u32,
    /// As the core was told; none when what it knows is in doubt.
    told: Option<u32>,
}

impl Default for Count {
    fn default() -> Self {
        Self { here: 0, told: Some(0) }
    }
}

/// All places, and which of them to tell of. One task takes and settles.
#[derive(Debug, Default)]
pub(super) struct Register {
    counts: HashMap<Place, Count>,
    changed: HashSet<Place>,
}

impl Register {
    /// One more connection. Answers whether it is counted.
    pub(super) fn enter(&mut self, place: &Place) -> bool {
        if self.counts.len() >= PLACES_MAX && !self.counts.contains_key(place) {
            return false;
        }
        self.counts.entry(place.clone()).or_default().here += 1;
        self.changed.insert(place.clone());
        true
    }

    /// One connection less.
    pub(super) fn leave(&mut self, place: &Place) {
        if let Some(count) = self.counts.get_mut(place) {
            count.here = count.here.saturating_sub(1);
            self.changed.insert(place.clone());
        }
    }

    /// Nobody is here any more.
    pub(super) fn leave_all(&mut self) {
        for (place, count) in &mut self.counts {
            count.here = 0;
            self.changed.insert(place.clone());
        }
    }

    /// What the core is to be told, at most so much. What is taken is settled before more is.
    pub(super) fn take(&mut self, max: usize) -> Vec<(Place, u32)> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(place) = self.changed.iter().next().cloned()
        {
            self.changed.remove(&place);
            match self.counts.get(&place) {
                Some(count) if count.told != Some(count.here) => taken.push((place, count.here)),
                Some(_) => self.tidy(&place),
                None => {}
            }
        }
        taken
    }

    /// The core was told.
    pub(super) fn told(&mut self, taken: Vec<(Place, u32)>) {
        for (place, here) in taken {
            if let Some(count) = self.counts.get_mut(&place) {
                count.told = Some(here);
            }
            self.tidy(&place);
        }
    }

    /// Nobody knows whether the core was told, so whatever is true next is said again.
    pub(super) fn untold(&mut self, taken: Vec<(Place, u32)>) {
        for (place, _) in taken {
            if let Some(count) = self.counts.get_mut(&place) {
                count.told = None;
            }
            self.changed.insert(place);
        }
    }

    /// The core knows nothing of this edge, or something old: it is to be told all again.
    pub(super) fn doubt(&mut self) {
        for (place, count) in &mut self.counts {
            count.told = None;
            self.changed.insert(place.clone());
        }
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    fn tidy(&mut self, place: &Place) {
        let is_over = |count: &Count| count.here == 0 && count.told == Some(0);
        if self.counts.get(place).is_some_and(is_over) {
            self.counts.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(user_id: &str) -> Place {
        Place { tenant: "acme".into(), topic: "session:s".into(), user_id: user_id.into() }
    }

    fn taken(register: &mut Register) -> Vec<(String, u32)> {
        let taken = register.take(10);
        let mut seen: Vec<_> =
            taken.iter().map(|(place, here)| (place.user_id.to_string(), *here)).collect();
        seen.sort();
        register.told(taken);
        seen
    }

    fn says(user_id: &str, here: u32) -> (String, u32) {
        (user_id.to_owned(), here)
    }

    #[test]
    fn only_changed_numbers_are_told_and_who_is_gone_leaves_nothing() {
        let mut register = Register::default();
        assert!(register.enter(&place("ana")) && register.enter(&place("ana")));
        assert!(register.enter(&place("ben")));
        register.leave(&place("ben"));
        assert_eq!(taken(&mut register), [says("ana", 2)], "ben came and went unseen");
        register.leave(&place("ana"));
        register.enter(&place("ana"));
        assert_eq!(taken(&mut register), []);
        register.leave_all();
        assert_eq!(taken(&mut register), [says("ana", 0)]);
        assert_eq!(register.len(), 0);
    }

    #[test]
    fn what_changes_under_way_and_what_did_not_arrive_is_told_next() {
        let mut register = Register::default();
        register.enter(&place("ana"));
        let under_way = register.take(10);
        register.leave(&place("ana"));
        register.told(under_way);
        let lost = register.take(10);
        assert_eq!(lost, [(place("ana"), 0)]);
        register.untold(lost);
        assert_eq!(taken(&mut register), [says("ana", 0)]);
        assert_eq!(register.len(), 0);
    }

    #[test]
    fn who_came_and_went_around_a_lost_answer_is_told_of() {
        let mut register = Register::default();
        register.enter(&place("ana"));
        let unanswered = register.take(10);
        register.untold(unanswered);
        register.leave(&place("ana"));
        assert_eq!(taken(&mut register), [says("ana", 0)], "she may stand there for ever");
        assert_eq!(register.len(), 0);
    }

    #[test]
    fn in_doubt_all_is_told_again_also_who_has_gone() {
        let mut register = Register::default();
        register.enter(&place("ana"));
        register.enter(&place("ben"));
        taken(&mut register);
        register.leave(&place("ben"));
        register.doubt();
        assert_eq!(taken(&mut register), [says("ana", 1), says("ben", 0)]);
        assert_eq!(register.len(), 1);
    }

    #[test]
    fn a_full_register_counts_nobody_new() {
        let mut register = Register::default();
        for number in 0..PLACES_MAX {
            assert!(register.enter(&place(&number.to_string())));
        }
        assert!(!register.enter(&place("one more")));
        assert!(register.enter(&place("7")), "a second connection of somebody known");
        assert_eq!(register.take(1000).len(), 1000, "a piece at a time");
    }
}
