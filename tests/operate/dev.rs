//! `roomcast dev`: open on loopback, loud about it, and nowhere else.

use crate::support::{Clients, Dev, Rest, finish, forged_user, roomcast};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_everybody_is_the_user_dev_and_a_bad_token_is_refused_all_the_same() {
    let dev = Dev::start().await;
    let socket = Clients::node().await.connect(&dev.url(), None);
    assert_eq!(socket.event("connected").await["user_id"], "dev");
    dev.rest().get("/websocket/stats").await.ok(200);
    let forged = Rest::new(&dev.url(), Some(&forged_user("ana")));
    assert_eq!(forged.get("/jobs").await.problem(), "token_invalid");
    let said = dev.said();
    assert!(said.contains("DEVELOPMENT"), "{said}");
    assert!(said.contains(&dev.url()), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_refuses_an_address_that_other_machines_reach() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = roomcast(&["dev", "--http", "0.0.0.0:0", "--grpc", "127.0.0.1:0"]);
    let refused = finish(command.arg("--data-dir").arg(folder.path())).await;
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("loopback only"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_core_on_the_same_folder_is_refused() {
    let core = crate::support::Core::start().await;
    let mut command = roomcast(&["core", "--listen", "127.0.0.1:0", "--dev", "--data-dir"]);
    let refused = finish(command.arg(core.data_dir())).await;
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("lock") || refused.err.contains("in use"), "{}", refused.err);
}
