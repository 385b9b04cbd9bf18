//! Versions side by side: a core goes on while a later version has added to the database, and one that is
//! started on what it does not know says so and ends.

use roomcast_proto::v1::CreateJobRequest;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::recorder::publisher;
use crate::support::worker::completed;
use crate::support::{Core, Postgres, Recorder, Subscriber, Worker, eventually, finish, roomcast};

const TOPIC: &str = "room:open";
const KIND: &str = "render";
/// Acknowledgements before the later version comes, and after it.
const PHASE: usize = 200;
/// What a later version may do at most: it adds, to everything that there is.
const LATER_VERSION: &str = "DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN of_later_versions bigint', name);
    END LOOP;
    CREATE TABLE of_later_versions(id bigint PRIMARY KEY);
    UPDATE meta SET value = value + 1 WHERE key = 'schema';
END $$";

/// What a core says that is started on this database and does not serve.
async fn refusal(database: &Postgres) -> String {
    let (folder, url) = (tempfile::tempdir().expect("a folder"), database.url());
    let arguments = ["core", "--dev", "--listen", "127.0.0.1:0", "--store", &url, "--data-dir"];
    let ended = finish(roomcast(&arguments).arg(folder.path())).await;
    assert_ne!(ended.code, Some(0), "{}", ended.err);
    ended.err
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_go_on_beside_a_later_version_that_has_added_to_the_database() {
    let database = Postgres::start();
    let (mut cores, mut publishers) = (Vec::new(), JoinSet::new());
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    for number in 0..2 {
        let core = Core::start_with(&["--store", &database.url()]).await;
        let names = (TOPIC.to_owned(), format!("publisher-{number}"));
        publishers.spawn(publisher(recorder.clone(), core.broadcast(), names, end.clone()));
        cores.push(core);
    }
    let subscriber = Subscriber::spawn(cores[1].broadcast(), TOPIC, "subscriber").await;
    for is_later in [false, true] {
        if is_later {
            database.say(LATER_VERSION);
        }
        let until = recorder.acked() + PHASE;
        eventually("publishing goes on", async || (recorder.acked() >= until).then_some(())).await;
        let request = CreateJobRequest { kind: KIND.to_owned(), ..CreateJobRequest::default() };
        cores[0].jobs().create_job(request).await.unwrap();
        let worker = Worker::new("w", cores[1].jobs());
        let assignment = worker.lease(KIND).await;
        worker.report(completed(&assignment, 1)).await.unwrap();
    }
    end.cancel();
    while let Some(ended) = publishers.join_next().await {
        ended.expect("no panic");
    }
    let history = recorder.finish(&cores[0].broadcast(), &[TOPIC.to_owned()]).await;
    let head = &history.logs[TOPIC].last().expect("events").cursor;
    eventually("the subscriber is at the head", async || {
        (subscriber.reached() == *head).then_some(())
    })
    .await;
    recorder.streamed(subscriber.complete());
    let history = recorder.finish(&cores[0].broadcast(), &[TOPIC.to_owned()]).await;
    assert_eq!(check(&history), []);
    let told = refusal(&database).await;
    assert!(told.contains("use a newer roomcast"), "{told}");
}
