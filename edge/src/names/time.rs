//! Instants as browsers read them: RFC 3339, UTC, milliseconds, `Z`.

use std::time::SystemTime;

use prost_types::Timestamp;

const NANOS_PER_MILLI: i32 = 1_000_000;

/// `2026-01-31T12:00:00.000Z`.
#[must_use]
pub fn rfc3339(time: &Timestamp) -> String {
    let nanos = time.nanos - time.nanos.rem_euclid(NANOS_PER_MILLI);
    let text = Timestamp { seconds: time.seconds, nanos }.to_string();
    // A whole second is printed without a fraction.
    match text.strip_suffix('Z') {
        Some(whole) if !text.contains('.') => format!("{whole}.000Z"),
        _ => text,
    }
}

/// This moment, by the edge's clock: for what the edge itself says.
#[must_use]
pub fn now() -> String {
    rfc3339(&Timestamp::from(SystemTime::now()))
}
