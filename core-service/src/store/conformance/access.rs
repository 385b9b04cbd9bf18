//! Who may come in: entries, and the topic that tells of them.

use std::time::Duration;

use futures::future::join_all;

use super::World;
use crate::domain::access::{
    self, Change, Entry, Key, Refusal, Revocation, Revoked, Table, Ticket,
};
use crate::domain::event::Body;
use crate::domain::topic::Topic;
use crate::store::commit::{self, Action, Command, Committed};
use crate::store::{AccessQuery, Error};

const HOUR: Duration = Duration::from_secs(3600);

async fn take(world: &World, command: access::Command) -> Result<Option<Entry>, Error> {
    let action = Action::Access(command);
    match world.store.commit(Command { action, idempotency: None, trace: None }).await? {
        Committed::Access { entry, .. } => Ok(entry.map(|entry| *entry)),
        other @ (Committed::Published { .. }
        | Committed::Job { .. }
        | Committed::Session { .. }) => {
            panic!("{other:?} is no entry")
        }
    }
}

fn revoke(world: &World, tenant: &str, token: &str) -> access::Command {
    access::Command::Revoke(Revocation {
        tenant: tenant.into(),
        revoked: Revoked::Token(token.into()),
        expires_at: world.now() + HOUR,
        reason: "lost".into(),
        by: "root".into(),
        at: world.now(),
    })
}

fn put(tenant: &str, id: &str) -> access::Command {
    access::Command::PutUser { tenant: tenant.into(), id: id.into(), display_name: "é".into() }
}

fn query(table: Table) -> AccessQuery {
    AccessQuery { table, tenant: None, name: None, after: None, limit: 100 }
}

async fn names(world: &World, query: AccessQuery) -> Vec<(String, String)> {
    let entries = world.store.access(query).await.expect("entries");
    let keys = entries.iter().map(Entry::key);
    keys.map(|Key { tenant, name, .. }| (tenant, name)).collect()
}

fn pair(tenant: &str, name: &str) -> (String, String) {
    (tenant.into(), name.into())
}

pub(crate) async fn an_entry_and_its_change_are_committed_together(world: World) {
    let entry = take(&world, revoke(&world, "acme", "t1")).await.expect("revoked");
    let told = world.whole(&Topic::access()).await;
    let [event] = &told[..] else { panic!("{told:?}") };
    assert_eq!(event.kind.as_ref(), access::CHANGED);
    let Body::Payload(payload) = &event.body else { panic!("{event:?}") };
    let change: Change = serde_json::from_slice(&payload.data).expect("a change");
    assert_eq!(change.entry, entry);
    assert_eq!(world.tapped().len(), 1);

    let lift =
        || access::Command::Lift { tenant: "acme".into(), id: Revoked::Token("t1".into()).id() };
    assert_eq!(take(&world, lift()).await.expect("lifted"), entry, "as it was");
    let refusal = commit::Refusal::Access(Refusal::NotFound(Table::Revocation));
    assert_eq!(take(&world, lift()).await, Err(Error::Refused(refusal)));
    assert_eq!(world.whole(&Topic::access()).await.len(), 2, "a refusal tells nobody");
    let world = world.reopened();
    assert_eq!(names(&world, query(Table::Revocation)).await, []);
}

pub(crate) async fn entries_are_listed_by_tenant_and_name_in_pages(world: World) {
    for (tenant, id) in [("b", "x"), ("a", "z"), ("a", "y"), ("", "w")] {
        take(&world, put(tenant, id)).await.expect("put");
    }
    take(&world, revoke(&world, "a", "t")).await.expect("revoked");
    let world = world.reopened();
    let all = [pair("", "w"), pair("a", "y"), pair("a", "z"), pair("b", "x")];
    assert_eq!(names(&world, query(Table::User)).await, all);
    let after = Some(pair("a", "y"));
    let page = AccessQuery { after: after.clone(), limit: 1, ..query(Table::User) };
    assert_eq!(names(&world, page).await, all[2..3]);
    let of_tenant = AccessQuery { tenant: Some("a".into()), after, ..query(Table::User) };
    assert_eq!(names(&world, of_tenant).await, all[2..3]);
    let one = AccessQuery { name: Some("z".into()), ..query(Table::User) };
    assert_eq!(names(&world, one).await, all[2..3]);
}

pub(crate) async fn one_of_racing_callers_spends_a_ticket(world: World) {
    let expires_at = world.now() + HOUR;
    let ticket = Ticket { hash: "h".into(), sealed: vec![0, 255], expires_at };
    take(&world, access::Command::IssueTicket(ticket.clone())).await.expect("kept");
    let race = (0..16).map(|_| take(&world, access::Command::SpendTicket { hash: "h".into() }));
    let spent: Vec<_> = join_all(race).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(spent, [Some(Entry::Ticket(ticket))]);
    assert_eq!(world.tapped(), [], "nobody hears of tickets");
}

pub(crate) async fn entries_past_their_time_go_and_users_stay(world: World) {
    take(&world, revoke(&world, "acme", "t1")).await.expect("revoked");
    take(&world, put("acme", "ana")).await.expect("put");
    world.advance(HOUR / 2);
    world.clean().await;
    assert_eq!(names(&world, query(Table::Revocation)).await.len(), 1);
    world.advance(HOUR);
    world.clean().await;
    assert_eq!(names(&world, query(Table::Revocation)).await, []);
    assert_eq!(names(&world, query(Table::User)).await, [pair("acme", "ana")]);
}
