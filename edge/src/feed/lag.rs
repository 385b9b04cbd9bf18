//! How late events are: from their commit to the queues of the sockets that are live.

use std::time::{Duration, SystemTime};

use roomcast_proto::v1::Event;

/// Counts events that were handed over at this moment, those from an offset on.
pub(super) fn count(events: &[Event], from: u64, now: SystemTime) {
    let lags = metrics::histogram!("roomcast_edge_delivery_lag_seconds");
    for event in events.iter().filter(|event| event.offset >= from) {
        if let Some(lag) = lag(event, now) {
            lags.record(lag);
        }
    }
}

/// None where an event does not say when it was committed.
fn lag(event: &Event, now: SystemTime) -> Option<Duration> {
    let committed = SystemTime::try_from(event.time?).ok()?;
    // Clocks differ: nothing is delivered before it was committed.
    Some(now.duration_since(committed).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_as_late_as_its_commit_is_past_and_never_early() {
        let committed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let event = Event { time: Some(committed.into()), ..Event::default() };
        let late = Duration::from_millis(250);
        assert_eq!(lag(&event, committed + late), Some(late));
        assert_eq!(lag(&event, committed - late), Some(Duration::ZERO));
        assert_eq!(lag(&Event::default(), committed), None);
    }
}
