//! What one socket may emit.

use crate::edge::Edge;

#[tokio::test]
async fn every_acknowledgement_is_answered_also_of_events_that_are_too_many() {
    let (asked, burst) = (300, 50);
    let edge = Edge::start(|config| {
        config.socket_events_per_second = 10;
        config.socket_events_burst = burst;
    })
    .await;
    let mut socket = edge.raw().await.connected().await;
    for ack in 0..asked {
        socket.say(&format!(r#"42{ack}["ping",{{}}]"#)).await;
    }
    let (mut done, mut refused) = (0, 0);
    for _ in 0..asked {
        let answer = socket.packet("43").await.unwrap();
        if answer.contains(r#""ok":true"#) {
            done += 1;
            continue;
        }
        assert!(answer.contains(r#""code":"rate_limited""#), "{answer}");
        assert!(answer.contains(r#""retry_after_ms":"#), "{answer}");
        refused += 1;
    }
    assert!(done >= burst && refused > 0, "{done} done, {refused} refused");
    edge.is_well().await;
}

#[tokio::test]
async fn a_socket_that_never_slows_down_is_ended() {
    let edge = Edge::start(|config| {
        config.socket_events_per_second = 1;
        config.socket_events_burst = 10;
    })
    .await;
    let mut socket = edge.raw().await.connected().await;
    for _ in 0..1000 {
        if !socket.say(r#"42["ping",{}]"#).await {
            break;
        }
    }
    assert_eq!(socket.packet("431").await, None);
}
