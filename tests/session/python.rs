//! Programs in Python, with httpx and python-socketio as anybody installs them, against `roomcast dev`.

use crate::support::{Dev, finish, python};

/// Runs a program, which says what it has checked, to its end.
async fn check(program: &str, checked: &[&str]) {
    let dev = Dev::start().await;
    let said = finish(python(program).arg(dev.url())).await.ok();
    assert_eq!(said.lines().collect::<Vec<_>>(), checked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_of_a_project_are_told_the_same_come_back_and_leave_nothing() {
    let checked = [
        "every_subscriber_is_told_the_same",
        "who_loses_the_connection_comes_back_and_misses_nothing",
        "nobody_is_left_over",
    ];
    check("project_room.py", &checked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_editor_on_its_own_namespace_hears_of_every_change_by_its_short_name() {
    let checked = [
        "a_client_joins_leaves_and_is_answered",
        "every_kind_of_event_has_its_short_name",
        "a_client_whose_handler_fails_disturbs_nobody",
        "who_comes_and_goes_is_announced",
    ];
    check("graph_namespace.py", &checked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_share_a_session_from_end_to_end() {
    let checked = [
        "a_command_by_http_reaches_everybody_in_the_session",
        "a_session_never_hears_of_another",
        "browsers_give_commands_and_take_them_back",
        "who_disconnects_is_in_the_session_no_more",
        "who_loses_the_connection_is_in_the_session_again",
    ];
    check("shared_session.py", &checked).await;
}
