//! How long events are kept.

use std::time::Duration;

use crate::domain::topic::Kind;

/// What is kept of a topic. Events go when one of the limits is passed, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Keep for this long: after the commit for rooms and users, after the job's end for jobs.
    pub age: Duration,
    /// Keep at most so many events.
    pub events: Option<u64>,
    /// Keep at most so many bytes of bodies.
    pub bytes: Option<u64>,
}

impl Retention {
    /// The default of a kind of topic.
    #[must_use]
    pub const fn of(kind: Kind) -> Retention {
        const DAY: u64 = 24 * 3600;
        match kind {
            Kind::Room | Kind::User | Kind::Project => Retention {
                age: Duration::from_secs(DAY),
                events: Some(100_000),
                bytes: Some(256 << 20),
            },
            Kind::Job => Retention { age: Duration::from_secs(7 * DAY), events: None, bytes: None },
            Kind::Session => {
                Retention { age: Duration::from_secs(30 * DAY), events: None, bytes: None }
            }
        }
    }
}
