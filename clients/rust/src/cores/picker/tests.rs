//! Moments of a picker, as tables; and what must be so whatever happens.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two cores that serve, of which the first is home.
fn pair() -> (Picker, usize, usize) {
    let mut picker = Picker::new(2, 7);
    let (home, spare) = (picker.home(), 1 - picker.home());
    for core in picker.due(at(0)) {
        assert_eq!(picker.learn(core, Found::Serving, at(0)), None);
    }
    (picker, home, spare)
}

fn moved(from: usize, to: usize, cause: Cause) -> Option<Move> {
    Some(Move { from, to, cause })
}

#[test]
fn a_program_stays_at_its_home_and_keeps_an_eye_on_the_spare() {
    let (mut picker, home, spare) = pair();
    assert_eq!((picker.pick(&[]), picker.pick(&[home])), (Some(home), Some(spare)));
    assert_eq!(picker.pick(&[home, spare]), None);
    assert_eq!(picker.next(), Some(PROBE_INTERVAL));
    assert!(picker.due(at(399)).is_empty());
    assert_eq!(picker.due(at(400)), [home, spare]);
    assert!(picker.due(at(400)).is_empty(), "each is probed once at a time");
    assert_eq!(picker.next(), None);
}

#[test]
fn a_failed_call_raises_doubt_and_only_a_probe_moves_the_home() {
    let (mut picker, home, spare) = pair();
    picker.doubt(home, at(100));
    assert_eq!((picker.home(), picker.pick(&[])), (home, Some(spare)));
    assert_eq!(picker.due(at(100)), [home], "at once");
    assert_eq!(picker.learn(home, Found::Serving, at(101)), None);
    assert_eq!(picker.pick(&[]), Some(home));
    picker.doubt(home, at(200));
    assert_eq!(picker.learn(home, Found::Nobody, at(201)), moved(home, spare, Cause::Lost));
}

#[test]
fn a_core_that_drains_is_left_before_it_has_gone() {
    let (mut picker, home, spare) = pair();
    assert_eq!(picker.learn(home, Found::Refusing, at(400)), moved(home, spare, Cause::Refusing));
    assert_eq!(picker.learn(spare, Found::Nobody, at(800)), moved(spare, home, Cause::Lost));
}

#[test]
fn nobody_moves_where_nothing_is_better() {
    let (mut picker, home, spare) = pair();
    picker.learn(spare, Found::Refusing, at(400));
    assert_eq!(picker.learn(home, Found::Refusing, at(400)), None, "both are without their store");
    picker.learn(spare, Found::Nobody, at(800));
    assert_eq!(picker.learn(home, Found::Refusing, at(800)), None);
    let mut alone = Picker::new(1, 7);
    assert_eq!(
        alone.learn(0, Found::Nobody, at(0)),
        None,
        "what it has under way may yet be answered"
    );
    assert_eq!(alone.pick(&[]), Some(0));
}

#[test]
fn a_program_returns_after_its_core_has_served_for_a_while() {
    let (mut picker, home, spare) = pair();
    picker.learn(home, Found::Nobody, at(1000));
    let back = 2000;
    assert_eq!(picker.learn(home, Found::Serving, at(back)), None, "not at once");
    let (mut now, mut returned) = (back, None);
    while returned.is_none() {
        now += 400;
        assert!(
            at(now - back) <= RETURN_AFTER + RETURN_SPREAD + PROBE_INTERVAL,
            "it never returns"
        );
        returned = picker.learn(home, Found::Serving, at(now));
    }
    assert_eq!(returned, moved(spare, home, Cause::Return));
    assert!(at(now - back) >= RETURN_AFTER);
}

#[test]
fn a_core_that_stays_away_is_asked_for_less_and_less_often() {
    let (mut picker, home, _) = pair();
    let (mut now, mut longest) = (at(0), Duration::ZERO);
    for _ in 0..10 {
        picker.learn(home, Found::Nobody, now);
        let next = picker.cores[home].probe_at.expect("it is asked for again");
        longest = longest.max(next - now);
        assert!(next - now <= PROBE_INTERVAL_MAX);
        now = next;
    }
    assert!(longest > PROBE_INTERVAL_MAX / 2);
}

#[test]
fn many_programs_spread_over_the_cores_and_do_not_return_together() {
    let (mut homes, mut returns) = ([0_u32; 4], Vec::new());
    for chance in 0..1000 {
        let mut picker = Picker::new(4, chance);
        let home = picker.home();
        homes[home] += 1;
        picker.learn(home, Found::Nobody, at(0));
        picker.learn(home, Found::Serving, at(1000));
        returns.push(picker.cores[home].return_at);
    }
    assert!(homes.iter().all(|count| (200..300).contains(count)), "{homes:?}");
    returns.sort();
    let busiest = returns.windows(100).map(|some| some[99] - some[0]).min();
    assert!(busiest > Some(Duration::from_millis(900)), "a tenth of them within {busiest:?}");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Found(usize, Found),
    Doubt(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let found = prop_oneof![Just(Found::Serving), Just(Found::Refusing), Just(Found::Nobody)];
    prop_oneof![
        4 => (0..3_usize, found).prop_map(|(core, found)| Step::Found(core, found)),
        1 => (0..3_usize).prop_map(Step::Doubt),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_serving_core_is_used_where_there_is_one(
        chance: u64, steps in vec((step(), 1..2000_u64), 1..80),
    ) {
        let mut picker = Picker::new(3, chance);
        let mut now = 0;
        for (step, millis) in steps {
            now += millis;
            let before = picker.home();
            let moved = match step {
                Step::Doubt(core) => {
                    picker.doubt(core, at(now));
                    None
                }
                Step::Found(core, found) => picker.learn(core, found, at(now)),
            };
            prop_assert_eq!(moved.map_or(before, |one| one.to), picker.home());
            prop_assert!(moved.is_none_or(|one| one.from == before && one.to != before));
            let best = picker.pick(&[]).expect("there are cores");
            let serves = |core| picker.standing(core) == Standing::Serving;
            prop_assert_eq!(serves(best), (0..3).any(serves));
            let home = picker.standing(picker.home());
            if matches!(home, Standing::Lost | Standing::Refusing) {
                prop_assert!(!(0..3).any(serves), "the home is away and another serves");
            }
            prop_assert!(picker.watched().contains(&best), "what is used is watched");
        }
    }
}
