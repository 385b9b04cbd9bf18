//! Presence is the fold of its events, whoever comes and goes.

use proptest::prelude::*;

use super::*;

/// Who is there, kept plainly.
#[derive(Default)]
struct World {
    users: BTreeMap<String, Participant>,
    tally: Tally,
    folded: Presence,
}

impl World {
    fn moves(&mut self, changes: &[(u32, u32)], now: Time) -> Vec<Event> {
        let mut moves: Vec<Move> = Vec::new();
        for (user, after) in changes {
            let user_id = format!("u{user}");
            if moves.iter().any(|known| known.user_id == user_id) {
                continue;
            }
            let known = self.users.get(&user_id);
            let before = known.map_or(0, |user| user.connections);
            moves.push(Move {
                since: known.map(|user| user.since),
                user_id,
                before,
                after: *after,
            });
        }
        let Decided { tally, mut events, moved, lists } = decide(self.tally, moves, now);
        self.tally = tally;
        for user in moved {
            if user.connections == 0 {
                self.users.remove(&user.user_id);
            } else {
                self.users.insert(user.user_id.clone(), user);
            }
        }
        if lists {
            let listed = Some(self.users.values().cloned().collect());
            events.push(Event::Counted { participants: tally.participants, listed });
        }
        events.iter().for_each(|event| self.folded.apply(event));
        events
    }

    fn check(&self) {
        assert_eq!(self.tally.participants, self.users.len() as u64);
        assert_eq!(self.folded.count(), self.tally.participants);
        match &self.folded {
            Presence::Named(users) => assert_eq!(*users, self.users),
            Presence::Counted(count) => {
                assert!(self.tally.is_counted && *count > PARTICIPANTS_NAMED_AGAIN);
            }
        }
    }
}

fn crowd(users: std::ops::Range<u32>, connections: u32) -> Vec<(u32, u32)> {
    users.map(|user| (user, connections)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn presence_is_the_fold_of_its_events(
        commits in prop::collection::vec(
            prop_oneof![
                8 => prop::collection::vec((0..300_u32, 0..4_u32), 1..30),
                1 => (0..300_u32, 0..2_u32).prop_map(|(many, n)| crowd(0..many, n)),
            ],
            1..80,
        )
    ) {
        let mut world = World::default();
        for (moment, changes) in commits.into_iter().enumerate() {
            world.moves(&changes, Time(moment as u64));
            world.check();
        }
    }
}

#[test]
fn who_comes_again_within_a_commit_makes_no_event() {
    let mut world = World::default();
    assert_eq!(world.moves(&[(1, 2)], Time(5)).len(), 1);
    assert!(world.moves(&[(1, 2)], Time(6)).is_empty());
    assert_eq!(world.users["u1"].since, Time(5));
}

#[test]
fn above_the_limit_events_count_and_below_it_they_name_again() {
    let mut world = World::default();
    let named = u32::try_from(PARTICIPANTS_NAMED_MAX).expect("small");
    assert_eq!(world.moves(&crowd(0..named, 1), Time(1)).len(), named as usize, "all are named");
    let counted = world.moves(&[(named, 1)], Time(2));
    assert_eq!(
        counted,
        [Event::Counted { participants: PARTICIPANTS_NAMED_MAX + 1, listed: None }]
    );
    assert!(world.moves(&[(0, 3)], Time(3)).is_empty(), "a second connection changes no count");
    let again = u32::try_from(PARTICIPANTS_NAMED_AGAIN).expect("small");
    world.moves(&crowd(again + 1..named + 1, 0), Time(4));
    assert!(world.tally.is_counted, "one too many");
    let events = world.moves(&[(again, 0)], Time(5));
    let [Event::Counted { listed: Some(listed), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(listed.len() as u64, PARTICIPANTS_NAMED_AGAIN);
    world.check();
}

#[test]
fn a_full_session_counts_nobody_more() {
    let mut world = World::default();
    let full = u32::try_from(PARTICIPANTS_MAX).expect("small");
    world.moves(&crowd(0..full, 1), Time(1));
    assert!(world.moves(&[(full, 1)], Time(2)).is_empty());
    assert_eq!(world.tally.participants, PARTICIPANTS_MAX);
    world.moves(&[(0, 0)], Time(3));
    assert_eq!(world.moves(&[(full, 1)], Time(4)).len(), 1);
    world.check();
}
