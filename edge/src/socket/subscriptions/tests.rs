//! What gives way where a socket has joined as many topics as it may.

use super::*;

/// Of a socket that has joined so many jobs.
fn full() -> Subscriptions {
    let mut subscriptions = Subscriptions::new(Outlet::to_nobody(), Names::default());
    (0..TOPICS_MAX).for_each(|n| subscriptions.join(&format!("job:{n}"), By::Name));
    subscriptions
}

#[tokio::test]
async fn topics_that_have_come_to_their_end_give_way_when_there_is_no_room_and_not_before() {
    let mut subscriptions = full();
    assert!(subscriptions.make_room("job:new").is_err());
    for topic in ["job:7", "job:70"] {
        subscriptions.close(topic);
    }
    assert!(subscriptions.make_room("job:8").is_ok(), "it has a place");
    assert!(subscriptions.has("job:7"), "nobody needs its place");
    assert!(subscriptions.make_room("job:new").is_ok());
    assert!(!subscriptions.has("job:7") && !subscriptions.has("job:70"));
    assert_eq!(subscriptions.names.list().len(), TOPICS_MAX - 2);
}
