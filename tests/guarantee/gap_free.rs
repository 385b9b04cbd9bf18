//! 3. Gap-free.

use roomcast_proto::v1::watch_topic_response::Frame;
use roomcast_proto::v1::{NewEvent, Payload, PublishBatchRequest, WatchTopicRequest};

use crate::support::Core;

const BATCHES: usize = 20;
const BATCH: usize = 500;
/// Together far more than any queue on the way holds.
const PAYLOAD_BYTES: usize = 1500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gap_free_a_subscriber_that_does_not_read_for_long_still_gets_every_event() {
    let core = Core::start().await;
    let request =
        WatchTopicRequest { topic: "room:open".to_owned(), ..WatchTopicRequest::default() };
    let mut frames = core.broadcast().watch_topic(request).await.unwrap().into_inner();
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(PAYLOAD_BYTES));
    let payload = Payload { content_type: String::new(), data: text.into() };
    let event = NewEvent { r#type: "large".to_owned(), payload: Some(payload) };
    for _ in 0..BATCHES {
        let request = PublishBatchRequest {
            topic: "room:open".to_owned(),
            events: vec![event.clone(); BATCH],
            ..PublishBatchRequest::default()
        };
        core.broadcast().publish_batch(request).await.unwrap();
    }
    let mut offset = 0;
    while offset < (BATCHES * BATCH) as u64 {
        match frames.message().await.unwrap().expect("a stream that goes on").frame {
            Some(Frame::Event(event)) => {
                assert_eq!(event.offset, offset + 1);
                offset = event.offset;
            }
            Some(Frame::Reset(reset)) => panic!("nothing was trimmed: {reset:?}"),
            _ => {}
        }
    }
}
