//! Projects, where they are this engine's own.

use roomcast_test_servers::Postgres;

use super::cluster::{insist, open, room};
use super::statements::{COUNTING, COUNTS, count};
use crate::domain::project::Project;
use crate::domain::time::Time;
use crate::store::commit::{Action, Command};
use crate::store::postgres::PostgresStore;
use crate::store::session::{self, Listing};
use crate::store::{Catalog as _, Committed, Error, Refusal, Store as _};

async fn create(store: &PostgresStore, id: &str, name: &str) -> Result<Committed, Error> {
    let (tenant, owner) = ("acme".to_owned(), "alice".to_owned());
    let (project_id, name) = (id.to_owned(), name.to_owned());
    let project = Project { project_id, tenant, name, owner, created_at: Time(1) };
    let action = Action::Session(Box::new(session::Action::CreateProject(project)));
    store.commit(Command { action, idempotency: None, trace: None }).await
}

/// Each run of a batch begins with its names.
const RUN: &str = "SELECT pg_advisory_xact_lock(name)%";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_is_created_in_one_run_and_leaves_no_topic() {
    let server = Postgres::start_with(&COUNTING, &[]);
    let store = open(server.url());
    server.say(COUNTS);
    for n in 1..=3 {
        create(&store, &format!("p{n}"), "one").await.expect("created");
        assert_eq!(count(&server, RUN), n);
    }
    assert_eq!(server.say("SELECT count(*) FROM topic"), "0");
    let taken = create(&store, "p1", "again").await;
    let refusal = session::Refusal::Taken("p1".to_owned());
    assert_eq!(taken, Err(Error::Refused(Refusal::Session(refusal))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_no_database_keeps_is_whose_it_is_and_not_the_databases_fault() {
    let server = Postgres::start();
    let store = open(server.url());
    let refused = create(&store, "p1", "a\0b").await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Unkept(_)))), "{refused:?}");
    let found = store.projects("acme", Some("a\0b"), Listing { after: None, limit: 1 }).await;
    assert!(matches!(found, Err(Error::Refused(Refusal::Unkept(_)))), "{found:?}");
    create(&store, "p2", "ab").await.expect("created");
    assert_eq!(insist(&store, &room(0), "after").await, 1);
}
