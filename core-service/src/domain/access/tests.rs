use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::right::Trail;
use crate::domain::time::Time;

const NOW: Time = Time(1_700_000_000_500);
const HOUR: Duration = Duration::from_secs(3600);

fn revocation(revoked: Revoked, expires_at: Time) -> Revocation {
    let text = String::new;
    Revocation { tenant: "acme".into(), revoked, expires_at, reason: text(), by: text(), at: NOW }
}

fn token(id: &str) -> Command {
    Command::Revoke(revocation(Revoked::Token(id.into()), NOW + HOUR))
}

fn subject(id: &str, issued_until: Time) -> Command {
    let revoked = Revoked::Subject { id: id.into(), issued_until };
    Command::Revoke(revocation(revoked, NOW + HOUR))
}

fn user(id: &str) -> Command {
    Command::PutUser { tenant: "acme".into(), id: id.into(), display_name: String::new() }
}

fn disabled(id: &str, is_disabled: bool) -> Command {
    Command::SetDisabled { tenant: "acme".into(), id: id.into(), is_disabled }
}

/// The entries that commands leave, and the view that their changes fold into.
#[derive(Default)]
struct World {
    entries: std::collections::BTreeMap<Key, Entry>,
    view: View,
    told: Vec<Change>,
}

impl World {
    fn after(commands: impl IntoIterator<Item = Command>) -> World {
        let mut world = World::default();
        for command in commands {
            world.take(command).expect("not refused");
        }
        world
    }

    fn take(&mut self, command: Command) -> Result<(), Refusal> {
        let key = command.key();
        let known = key.as_ref().and_then(|key| self.entries.get(key)).cloned();
        let Decision { entry, change } = decide(known, command, NOW)?;
        if let Some(key) = key {
            match entry {
                Some(entry) => drop(self.entries.insert(key, entry)),
                None => drop(self.entries.remove(&key)),
            }
        }
        if let Some(change) = change {
            if let Some(key) = &change.key {
                self.view.apply(key, change.entry.as_ref());
            }
            self.told.push(change);
        }
        Ok(())
    }

    fn judge(&self, admission: Admission, bearer: Bearer<'_>, now: Time) -> Result<(), Denial> {
        self.view.judge(bearer, admission, now, &mut Trail::none())
    }
}

fn ana(token_id: &'static str, issued_at: u64) -> Bearer<'static> {
    let (token_id, issued_at) = (Some(token_id), Some(issued_at));
    Bearer { tenant: "acme", subject: "ana", token_id, issued_at }
}

#[track_caller]
fn check(
    commands: impl IntoIterator<Item = Command>,
    bearer: Bearer<'_>,
    expected: Result<(), Denial>,
) {
    assert_eq!(World::after(commands).judge(Admission::Any, bearer, NOW), expected);
}

#[test]
fn a_revoked_token_is_refused_and_no_other() {
    let (refused, fine) = (Err(Denial::TokenRevoked), Ok(()));
    check([token("t1")], ana("t1", 0), refused);
    check([token("t1")], ana("t2", 0), fine);
    check([token("t1")], Bearer { tenant: "other", ..ana("t1", 0) }, fine);
    check([token("t1")], Bearer { token_id: None, ..ana("t1", 0) }, fine);
}

#[test]
fn a_revoked_subjects_tokens_are_refused_up_to_the_second_of_the_revocation() {
    let until = Time(10_500);
    let refused = Err(Denial::TokenRevoked);
    check([subject("ana", until)], ana("t", 9), refused);
    check([subject("ana", until)], ana("t", 10), refused);
    check([subject("ana", until)], ana("t", 11), Ok(()));
    check([subject("ana", until)], Bearer { issued_at: None, ..ana("t", 0) }, refused);
    check([subject("eve", until)], ana("t", 9), Ok(()));
}

#[test]
fn a_repeated_revocation_never_revokes_less() {
    let bearer = ana("t", 20);
    check(
        [subject("ana", Time(20_000)), subject("ana", Time(5_000))],
        bearer,
        Err(Denial::TokenRevoked),
    );
}

#[test]
fn a_lifted_revocation_is_none() {
    let lift = |revoked: &Revoked| Command::Lift { tenant: "acme".into(), id: revoked.id() };
    let by_token = Revoked::Token("t1".into());
    check([token("t1"), lift(&by_token)], ana("t1", 0), Ok(()));
    let by_subject = Revoked::Subject { id: "ana".into(), issued_until: Time(9) };
    check([subject("ana", NOW), lift(&by_subject)], ana("t1", 0), Ok(()));
    let mut world = World::default();
    assert_eq!(world.take(lift(&by_token)), Err(Refusal::NotFound(Table::Revocation)));
}

#[test]
fn what_is_past_its_time_is_not_looked_for_at_every_change() {
    let mut world = World::after([token("t1"), subject("ana", NOW)]);
    let over = NOW + HOUR;
    world.view.forget(over - Duration::from_secs(1));
    world.view.forget(over);
    assert_eq!(world.judge(Admission::Any, ana("t1", 0), over), Ok(()), "it counts no more");
    assert!(!world.view.is_empty(), "and is there until the next look");
    world.view.forget(over + Duration::from_secs(60));
    assert!(world.view.is_empty());
}

#[test]
fn a_revocation_is_forgotten_after_its_time() {
    let mut world = World::after([token("t1"), subject("ana", NOW)]);
    let later = NOW + HOUR;
    assert_eq!(world.judge(Admission::Any, ana("t1", 0), later), Ok(()));
    assert_eq!(world.view.count(Table::Revocation), 2);
    assert_eq!(
        world.view.count(Table::User),
        0,
        "revocations leave room for users, and users for them"
    );
    world.view.forget(later);
    assert!(world.view.is_empty());
}

#[test]
fn only_registered_users_are_let_in_where_that_is_demanded() {
    let judge = |commands: Vec<Command>| {
        World::after(commands).judge(Admission::Registered, ana("t", 0), NOW)
    };
    assert_eq!(judge(vec![]), Err(Denial::UserUnknown));
    assert_eq!(judge(vec![user("ana")]), Ok(()));
    let delete = Command::DeleteUser { tenant: "acme".into(), id: "ana".into() };
    assert_eq!(judge(vec![user("ana"), delete]), Err(Denial::UserUnknown));
}

#[test]
fn a_disabled_user_is_refused_until_enabled_again_and_registering_does_not_enable() {
    check([user("ana"), disabled("ana", true)], ana("t", 0), Err(Denial::UserDisabled));
    check(
        [user("ana"), disabled("ana", true), user("ana")],
        ana("t", 0),
        Err(Denial::UserDisabled),
    );
    check([user("ana"), disabled("ana", true), disabled("ana", false)], ana("t", 0), Ok(()));
    let mut world = World::default();
    assert_eq!(world.take(disabled("bob", true)), Err(Refusal::NotFound(Table::User)));
}

#[test]
fn a_ticket_is_spent_once_and_only_in_its_time() {
    let ticket =
        |expires_at| Command::IssueTicket(Ticket { hash: "h".into(), sealed: vec![1], expires_at });
    let spend = || Command::SpendTicket { hash: "h".into() };
    let mut world = World::after([ticket(NOW + HOUR), spend()]);
    assert_eq!(world.take(spend()), Err(Refusal::NotFound(Table::Ticket)));
    let mut world = World::after([ticket(NOW)]);
    assert_eq!(world.take(spend()), Err(Refusal::NotFound(Table::Ticket)));
    assert_eq!(world.told, [], "nobody hears of tickets");
}

#[test]
fn rights_are_asked_for_anew_only_where_they_may_be_less() {
    let touched = |command| World::after([user("ana"), command]).told[1].touched.clone();
    assert_eq!(touched(token("t1")), Some(Touched::token("acme", "t1")));
    assert_eq!(touched(subject("ana", NOW)), Some(Touched::subject("acme", "ana")));
    assert_eq!(touched(disabled("ana", true)), Some(Touched::subject("acme", "ana")));
    assert_eq!(touched(disabled("ana", false)), None);
    let topic = Touched { topic: "room:x".into(), ..Touched::subject("acme", "ana") };
    assert_eq!(touched(Command::Recheck(topic.clone())), Some(topic));
}

#[test]
fn a_connection_to_be_ended_is_told_and_no_entry() {
    let world = World::after([Command::Disconnect {
        tenant: "acme".into(),
        user_id: "ana".into(),
        connection_id: "c1".into(),
    }]);
    assert_eq!(world.told[0].touched, Some(Touched::connection("acme", "ana", "c1")));
    assert_eq!((&world.told[0].key, &world.told[0].entry), (&None, &None));
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = prop_oneof![Just("ana"), Just("bob"), Just("s|é")];
    (0..6, name, 0..3_u64).prop_map(|(kind, name, second)| match kind {
        0 => token(name),
        1 => subject(name, Time(second * 1000)),
        2 => user(name),
        3 => disabled(name, second > 0),
        4 => Command::DeleteUser { tenant: "acme".into(), id: name.into() },
        _ => Command::Lift { tenant: "acme".into(), id: Revoked::Token(name.into()).id() },
    })
}

proptest! {
    /// A core that starts loads the entries; one that runs hears the changes, through JSON. Both must
    /// judge alike.
    #[test]
    fn the_changes_fold_into_the_view_of_the_entries(
        commands in proptest::collection::vec(any_command(), 0..40)
    ) {
        let (mut world, mut heard) = (World::default(), View::default());
        for command in commands {
            let _ = world.take(command);
        }
        for change in &world.told {
            let json = serde_json::to_vec(change).expect("JSON");
            let change: Change = serde_json::from_slice(&json).expect("a change");
            if let Some(key) = &change.key {
                heard.apply(key, change.entry.as_ref());
            }
        }
        let mut loaded = View::default();
        for (key, entry) in &world.entries {
            loaded.apply(key, Some(entry));
        }
        heard.forget(NOW);
        loaded.forget(NOW);
        prop_assert_eq!(heard, loaded);
    }
}
