//! An edge, two cores and a store that fail in any order: once they have a lease without failures, the
//! store has who is really there.

use proptest::prelude::*;

use super::*;
use crate::domain::limits::PRESENCE_BEAT;

const EDGE: &str = "e1";
const USERS: u32 = 3;
/// Between two looks at what is due.
const STEP: Duration = Duration::from_millis(500);
/// A lease to say who is there, one to miss whoever was not named, and the grace of the last news.
const SETTLED: Duration = Duration::from_secs(40);

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// It does not arrive.
    Lost,
    /// It is carried out, and whoever asked never hears of it.
    Unanswered,
    /// It is carried out, and the answer comes later.
    Late,
}

#[derive(Debug, Clone)]
enum Act {
    /// A user has so many connections.
    Here(u32, u32),
    /// The edge says so to a core: what becomes of its call, and of the core's word to the store.
    Say(usize, Fate, Fate),
    /// A core tells what is due.
    Tell(usize, Fate),
    /// A core hears what came of what it told.
    Hear(usize),
    /// A core looks for silent edges.
    Reap(usize, Fate),
    Pass(Duration),
}

/// The edge's row, and who is there.
#[derive(Debug, Default)]
struct Ledger {
    held: Option<(usize, u64, Time)>,
    users: BTreeMap<String, u32>,
}

#[derive(Debug, Default)]
struct Core {
    roll: Roll,
    /// What was told, and whether the edge is another's; its answer is on the way.
    told: Vec<(Topic, Vec<Announcement>, Vec<String>)>,
}

#[derive(Debug, Default)]
struct Edge {
    here: BTreeMap<String, u32>,
    /// What a core was told; none where nobody knows.
    told: BTreeMap<String, Option<u32>>,
    number: u64,
    /// The core that answered last, and since which word it knows the edge.
    home: Option<(usize, u64)>,
    /// When the last call was answered.
    answered: Time,
}

#[derive(Debug, Default)]
struct World {
    now: Time,
    ledger: Ledger,
    cores: [Core; 2],
    edge: Edge,
}

impl World {
    fn act(&mut self, act: Act) {
        match act {
            Act::Here(user, connections) => {
                self.edge.here.insert(format!("u{user}"), connections);
            }
            Act::Say(core, call, noted) => self.say(core, call, noted),
            Act::Tell(core, fate) => self.tell(core, fate),
            Act::Hear(core) => self.hear(core),
            Act::Reap(core, fate) => self.reap(core, fate),
            Act::Pass(time) => self.now = self.now + time,
        }
    }

    fn say(&mut self, core: usize, call: Fate, noted: Fate) {
        self.edge.number += 1;
        let news: Vec<(String, u32)> = self.edge.news().collect();
        let is_known = (call != Fate::Lost).then(|| self.take_in(core, &news, noted)).flatten();
        match is_known.filter(|_| call == Fate::Answered) {
            Some(is_known) => {
                let since = self.cores[core].roll.since(EDGE);
                self.edge.home = since.map(|since| (core, since));
                self.edge.answered = self.now;
                self.edge.told.extend(news.into_iter().map(|(user, here)| (user, Some(here))));
                if !is_known {
                    self.edge.told.values_mut().for_each(|told| *told = None);
                }
            }
            None => self.edge.told.extend(news.into_iter().map(|(user, _)| (user, None))),
        }
    }

    /// A core takes in what the edge says, as the service does: whether it knew the edge.
    fn take_in(&mut self, core: usize, news: &[(String, u32)], noted: Fate) -> Option<bool> {
        let (now, number) = (self.now, self.edge.number);
        let roll = &mut self.cores[core].roll;
        roll.beat(EDGE, now);
        let since = roll.since(EDGE);
        let is_at_home = self.edge.home.is_none_or(|home| Some(home) == since.map(|at| (core, at)));
        let is_known = is_at_home && since.is_some();
        let is_due = !is_known || roll.is_to_be_noted(EDGE, now);
        let mut is_as_left = true;
        if is_due {
            if noted == Fate::Lost {
                return None;
            }
            let before = self.ledger.held.replace((core, number, now + PRESENCE_LEASE));
            if noted != Fate::Answered {
                return None;
            }
            let before = before.filter(|(held_by, ..)| *held_by == core);
            is_as_left = roll.is_as_left(EDGE, before.map(|(_, number, _)| number));
        }
        let is_known = is_known && is_as_left;
        if !is_known {
            roll.adopt(EDGE, self.ledger.told(), now + PRESENCE_LEASE);
        }
        roll.hear(EDGE, number, is_due.then_some(Noted { number, at: now }), now);
        for (user, connections) in news {
            roll.announce(&session(), says(EDGE, user, *connections), now);
        }
        Some(is_known)
    }

    fn tell(&mut self, core: usize, fate: Fate) {
        self.hear(core);
        for (topic, told) in self.cores[core].roll.due(self.now) {
            let mut unspoken = Vec::new();
            if fate != Fate::Lost {
                unspoken = self.ledger.write(core, &told);
            }
            let core = &mut self.cores[core];
            match fate {
                Fate::Late => core.told.push((topic, told, unspoken)),
                Fate::Answered => core.roll.told(&topic, told, &unspoken, self.now),
                Fate::Lost | Fate::Unanswered => core.roll.failed(&topic, told, self.now),
            }
        }
    }

    fn hear(&mut self, core: usize) {
        let core = &mut self.cores[core];
        for (topic, told, unspoken) in core.told.drain(..) {
            core.roll.told(&topic, told, &unspoken, self.now);
        }
    }

    fn reap(&mut self, core: usize, fate: Fate) {
        let silent = self.ledger.held.filter(|(.., until)| *until <= self.now);
        let Some((_, number, _)) = silent.filter(|_| fate != Fate::Lost) else { return };
        self.ledger.held =
            (!self.ledger.users.is_empty()).then_some((core, number, self.now + PRESENCE_LEASE));
        let roll = &mut self.cores[core].roll;
        roll.leave(EDGE);
        if fate == Fate::Answered {
            roll.adopt(EDGE, self.ledger.told(), self.now);
        }
    }

    /// The edge beats at a core, and nothing fails.
    fn settle(&mut self, core: usize) {
        let end = self.now + SETTLED;
        while self.now < end {
            if self.now >= self.edge.answered + PRESENCE_BEAT || self.edge.news().next().is_some() {
                self.say(core, Fate::Answered, Fate::Answered);
            }
            for core in 0..self.cores.len() {
                self.tell(core, Fate::Answered);
                self.reap(core, Fate::Answered);
            }
            self.now = self.now + STEP;
        }
    }
}

impl Edge {
    /// What the core that answered last was not told.
    fn news(&self) -> impl Iterator<Item = (String, u32)> {
        let told = |user: &String| self.told.get(user).copied().unwrap_or(Some(0));
        let news = self.here.iter().filter(move |(user, here)| told(user) != Some(**here));
        news.map(|(user, here)| (user.clone(), *here))
    }
}

impl Ledger {
    fn told(&self) -> Vec<(Topic, Announcement)> {
        self.users.iter().map(|(user, here)| (session(), says(EDGE, user, *here))).collect()
    }

    /// Answers whether the edge is another's.
    fn write(&mut self, core: usize, told: &[Announcement]) -> Vec<String> {
        if self.held.is_none_or(|(held_by, ..)| held_by != core) {
            return vec![EDGE.to_owned()];
        }
        for Announcement { user_id, connections, .. } in told {
            self.users.insert(user_id.clone(), *connections);
        }
        self.users.retain(|_, connections| *connections > 0);
        Vec::new()
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Unanswered),
        1 => Just(Fate::Late),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..USERS, 0..3_u32).prop_map(|(user, here)| Act::Here(user, here)),
        4 => (0..2_usize, fate(), fate()).prop_map(|(core, call, noted)| Act::Say(core, call, noted)),
        4 => (0..2_usize, fate()).prop_map(|(core, fate)| Act::Tell(core, fate)),
        1 => (0..2_usize).prop_map(Act::Hear),
        1 => (0..2_usize, fate()).prop_map(|(core, fate)| Act::Reap(core, fate)),
        4 => prop_oneof![Just(20_u64), Just(1000), Just(4000), Just(16_000)]
            .prop_map(|millis| Act::Pass(Duration::from_millis(millis))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn after_any_failures_those_are_told_who_are_there(
        acts in prop::collection::vec(act(), 1..60),
        home in 0..2_usize,
    ) {
        let mut world = World { now: at(0), ..World::default() };
        acts.into_iter().for_each(|act| world.act(act));
        world.settle(home);
        let mut here = world.edge.here.clone();
        here.retain(|_, connections| *connections > 0);
        prop_assert_eq!(&world.ledger.users, &here);
        for core in &world.cores {
            prop_assert!(core.roll.due.is_empty(), "something is still to be told: {:?}", core.roll);
        }
    }
}
