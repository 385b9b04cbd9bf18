use roomcast_runtime::bucket::Rate;

use super::*;
use crate::socket::allowance::{PATIENCE, WAITING_BYTES_MAX};

const RATE: Rate = Rate { per_second: 1000, burst: 1000 };

fn at(rate: Rate) -> (Inbox, Inbound) {
    inbox(Arc::new(Allowance::new(rate, Instant::now())))
}

fn message(text: &str) -> Message {
    Message { text: Str::from(text.to_owned()), ack: None, has_attachments: false }
}

fn ping() -> Message {
    message("[\"ping\"]")
}

#[tokio::test]
async fn messages_come_out_in_the_order_they_went_in() {
    let (inbox, mut inbound) = at(RATE);
    let sent: Vec<_> = (0..WAITING_MAX).map(|n| message(&format!("[\"ping\",{n}]"))).collect();
    for message in &sent {
        inbox.accept(message.clone(), Instant::now()).unwrap();
    }
    for message in sent {
        assert_eq!(inbound.next().await, message);
    }
}

#[tokio::test]
async fn an_inbox_is_bounded_in_messages_and_has_room_again_once_one_was_taken() {
    let now = Instant::now();
    let (inbox, mut inbound) = at(RATE);
    for _ in 0..WAITING_MAX {
        inbox.accept(ping(), now).unwrap();
    }
    assert_eq!(inbox.accept(ping(), now), Err(Excess::Full));
    inbound.next().await;
    inbox.accept(ping(), now).unwrap();
}

#[tokio::test]
async fn an_inbox_is_bounded_in_bytes() {
    let now = Instant::now();
    let (inbox, mut inbound) = at(RATE);
    let large = message(&"x".repeat(WAITING_BYTES_MAX - 1));
    inbox.accept(large, now).unwrap();
    assert_eq!(inbox.accept(message("xx"), now), Err(Excess::Full));
    inbound.next().await;
    inbox.accept(message("xx"), now).unwrap();
}

#[tokio::test]
async fn who_emits_too_fast_is_told_when_to_go_on_and_who_never_slows_down_is_ended() {
    let (rate, begin) = (Rate { per_second: 10, burst: 5 }, Instant::now());
    let (inbox, _inbound) = at(rate);
    for _ in 0..rate.burst {
        inbox.accept(ping(), begin).unwrap();
    }
    let wait = Duration::from_millis(100);
    for _ in 0..rate.burst * PATIENCE {
        assert_eq!(inbox.accept(ping(), begin), Err(Excess::TooFast(wait)));
    }
    assert_eq!(inbox.accept(ping(), begin), Err(Excess::Flood));
    let (other, _inbound) = at(rate);
    for _ in 0..rate.burst {
        other.accept(ping(), begin).unwrap();
    }
    other.accept(ping(), begin + wait).unwrap();
}

#[tokio::test]
async fn a_failed_command_counts_for_several() {
    let (rate, now) = (Rate { per_second: 10, burst: 10 }, Instant::now());
    let (inbox, inbound) = at(rate);
    for _ in 0..2 {
        inbox.accept(ping(), now).unwrap();
        inbound.allowance.charge_failure(now);
    }
    assert!(matches!(inbox.accept(ping(), now), Err(Excess::TooFast(_))));
}

#[tokio::test]
async fn an_inbox_that_nobody_empties_any_more_takes_nothing_and_holds_nothing_back() {
    let now = Instant::now();
    let (inbox, inbound) = at(RATE);
    inbox.accept(message(&"x".repeat(WAITING_BYTES_MAX)), now).unwrap();
    drop(inbound);
    assert_eq!(inbox.accept(ping(), now), Err(Excess::Full));
    assert!(inbox.allowance.hold(WAITING_BYTES_MAX), "all that waited is given back");
}
