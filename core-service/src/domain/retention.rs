//! How long events are kept.

use std::collections::BTreeMap;
use std::str::FromStr;
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
            Kind::Room | Kind::User | Kind::Project | Kind::Access => Retention {
                age: Duration::from_secs(DAY),
                events: Some(100_000),
                bytes: Some(256 << 20),
            },
            // Whoever asks what an operator did asks long after. The bytes are some millions of acts: only
            // a script that runs wild comes so far, and it must not fill the disk.
            Kind::Audit => Retention {
                age: Duration::from_secs(365 * DAY),
                events: None,
                bytes: Some(1 << 30),
            },
            Kind::Job => Retention { age: Duration::from_secs(7 * DAY), events: None, bytes: None },
            Kind::Session => {
                Retention { age: Duration::from_secs(30 * DAY), events: None, bytes: None }
            }
        }
    }
}

/// The retention of every kind of topic: the defaults, and what the configuration says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retentions(BTreeMap<Kind, Retention>);

impl Retentions {
    /// The defaults, with these kinds' retentions instead of theirs.
    #[must_use]
    pub fn new(settings: &[Setting]) -> Retentions {
        Retentions(settings.iter().map(|one| (one.kind, one.retention)).collect())
    }

    /// The retention of a kind of topic.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Retention {
        self.0.get(&kind).copied().unwrap_or(Retention::of(kind))
    }

    /// Whether a topic holds more than it may.
    #[must_use]
    pub fn is_passed(&self, kind: Kind, events: u64, bytes: u64) -> bool {
        let retention = self.of(kind);
        retention.events.is_some_and(|most| events > most)
            || retention.bytes.is_some_and(|most| bytes > most)
    }
}

/// A kind's retention as configured: `room=age:24h,events:100000,bytes:256MiB`. What is not named stays
/// at the default; `none` lifts the limit on events or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    kind: Kind,
    retention: Retention,
}

/// Why a text is no retention.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no retention; write KIND=age:24h,events:100000,bytes:256MiB")]
pub struct NotARetention(String);

impl FromStr for Setting {
    type Err = NotARetention;

    fn from_str(text: &str) -> Result<Setting, NotARetention> {
        let wrong = || NotARetention(text.to_owned());
        let (kind, limits) = text.split_once('=').ok_or_else(wrong)?;
        let kind = Kind::parse(kind.trim()).ok_or_else(wrong)?;
        let mut retention = Retention::of(kind);
        for limit in limits.split(',') {
            let (name, value) = limit.trim().split_once(':').ok_or_else(wrong)?;
            match (name, value) {
                ("age", age) => retention.age = duration(age).ok_or_else(wrong)?,
                ("events", "none") => retention.events = None,
                ("bytes", "none") => retention.bytes = None,
                ("events", count) => retention.events = Some(count.parse().map_err(|_| wrong())?),
                ("bytes", size) => retention.bytes = Some(bytes(size).ok_or_else(wrong)?),
                _ => return Err(wrong()),
            }
        }
        Ok(Setting { kind, retention })
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = [('s', 1), ('m', 60), ('h', 3600), ('d', 24 * 3600)];
    let (suffix, seconds) = unit.into_iter().find(|(suffix, _)| text.ends_with(*suffix))?;
    let count: u64 = text.strip_suffix(suffix)?.parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

fn bytes(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)];
    let (suffix, shift) = units.into_iter().find(|(suffix, _)| text.ends_with(suffix))?;
    let count: u64 = text.strip_suffix(suffix)?.parse().ok()?;
    count.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_changes_what_it_names_and_nothing_else() {
        let setting: Setting = "room=age:2d,bytes:none".parse().expect("a retention");
        let retentions = Retentions::new(&[setting]);
        let room = retentions.of(Kind::Room);
        assert_eq!(room.age, Duration::from_secs(2 * 24 * 3600));
        assert_eq!((room.events, room.bytes), (Some(100_000), None));
        assert_eq!(retentions.of(Kind::Job), Retention::of(Kind::Job));
        let sized: Setting = "user=bytes:3MiB,events:7".parse().expect("a retention");
        let user = Retentions::new(&[sized]).of(Kind::User);
        assert_eq!((user.bytes, user.events), (Some(3 << 20), Some(7)));
        for wrong in
            ["", "room", "lobby=age:1h", "room=age:1y", "room=age:h", "room=size:1", "room="]
        {
            assert!(wrong.parse::<Setting>().is_err(), "{wrong}");
        }
    }
}
