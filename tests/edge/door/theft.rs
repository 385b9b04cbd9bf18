//! A session belongs to whoever opened it.

use crate::{
    edge::Edge,
    raw::{Answer, POLLING, Raw},
};

const VICTIM: &str = "127.0.0.1";
const THIEF: &str = "127.0.0.2";

#[tokio::test]
async fn a_stolen_id_is_of_no_use_on_any_way_in_and_nothing_of_it_arrives() {
    let edge = Edge::start(|_| {}).await;
    let mut victim = edge.raw_from(VICTIM).await;
    let sid = victim.get(POLLING).await.sid();
    let path = format!("{POLLING}&sid={sid}");
    assert_eq!(victim.ask("POST", &path, "", "40").await.body, "ok");

    let thief = async || edge.raw_from(THIEF).await;
    is_foreign(&thief().await.ask("POST", &path, "", r#"421["ping",{}]"#).await);
    is_foreign(&thief().await.get(&path).await);
    let forged = "x-forwarded-for: 127.0.0.1\r\ncookie: roomcast_session=0\r\n";
    is_foreign(&thief().await.ask("POST", &path, forged, "41").await);
    is_foreign(&thief().await.upgrade(&format!("&sid={sid}"), "").await);

    assert_eq!(victim.ask("POST", &path, "", r#"422["ping",{}]"#).await.body, "ok");
    let heard = polled(&mut victim, &path, "432").await;
    assert!(!heard.contains("431"), "what the thief sent was handled: {heard}");
}

#[tokio::test]
async fn who_keeps_the_cookie_may_move_and_its_neighbours_are_not_it() {
    let edge = Edge::start(|_| {}).await;
    let mut raw = edge.raw_from(VICTIM).await;
    let opened = raw.get(POLLING).await;
    let cookie = opened.head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let cookie = format!("cookie: {cookie}\r\n");
    let path = format!("{POLLING}&sid={}", opened.sid());
    assert_eq!(raw.ask("POST", &path, &cookie, "40").await.status, 200);
    let mut moved = edge.raw_from(THIEF).await;
    assert_eq!(moved.ask("POST", &path, &cookie, r#"42["ping",{}]"#).await.status, 200);
    is_foreign(&raw.ask("POST", &path, "", r#"42["ping",{}]"#).await);
}

#[tokio::test]
async fn a_websockets_id_is_good_for_no_request() {
    let edge = Edge::start(|_| {}).await;
    let mut socket = edge.raw().await;
    socket.upgrade("", "").await;
    let opening = socket.packet("0{").await.unwrap();
    let sid = opening.split('"').nth(3).unwrap();
    socket.say("40").await;
    let path = format!("{POLLING}&sid={sid}");
    assert_eq!(edge.raw().await.ask("POST", &path, "", "41").await.status, 400);
    socket.say(r#"421["ping",{}]"#).await;
    assert!(socket.packet("431").await.is_some());
}

fn is_foreign(answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (403, "session_foreign"));
}

/// Polls until something that is wanted has come. Answers all that came.
async fn polled(raw: &mut Raw, path: &str, wanted: &str) -> String {
    let mut heard = String::new();
    while !heard.contains(wanted) {
        heard.push_str(&raw.get(path).await.body);
    }
    heard
}
