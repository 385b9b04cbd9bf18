//! How many jobs of a kind may be with workers at once.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::domain::name::is_name;

/// A kind's limits on jobs that workers hold. None means without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// Of the kind, over all workers and tenants.
    pub all: Option<u32>,
    /// Of the kind and one project, or one owner where a job has no project.
    pub each: Option<u32>,
}

/// The limits of all kinds. A kind that is not named has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, Limit>);

impl Limits {
    /// The limits that are configured; of two settings of a kind the later one counts.
    #[must_use]
    pub fn new(settings: &[Setting]) -> Limits {
        Limits(settings.iter().map(|one| (one.kind.clone(), one.limit)).collect())
    }

    /// A kind's limits, if it has any.
    #[must_use]
    pub fn of(&self, kind: &str) -> Option<Limit> {
        self.0.get(kind).copied()
    }
}

/// A kind's limits as configured: `render=all:8,each:2`. What is not named is without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    kind: String,
    limit: Limit,
}

/// Why a text sets no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` sets no limit; write KIND=all:8,each:2 with numbers from 1")]
pub struct NotALimit(String);

impl FromStr for Setting {
    type Err = NotALimit;

    fn from_str(text: &str) -> Result<Setting, NotALimit> {
        let wrong = || NotALimit(text.to_owned());
        let (kind, limits) = text.split_once('=').ok_or_else(wrong)?;
        let kind = kind.trim();
        let mut limit = Limit::default();
        for one in limits.split(',') {
            let (name, count) = one.trim().split_once(':').ok_or_else(wrong)?;
            let count: u32 = count.parse().map_err(|_| wrong())?;
            match name {
                "all" => limit.all = Some(count),
                "each" => limit.each = Some(count),
                _ => return Err(wrong()),
            }
        }
        if !is_name(kind) || limit.all == Some(0) || limit.each == Some(0) {
            return Err(wrong());
        }
        Ok(Setting { kind: kind.to_owned(), limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_limits_what_it_names_and_nothing_else() {
        let settings = ["render=all:8,each:2", "test=each:1"].map(|text| text.parse().expect(text));
        let limits = Limits::new(&settings);
        assert_eq!(limits.of("render"), Some(Limit { all: Some(8), each: Some(2) }));
        assert_eq!(limits.of("test"), Some(Limit { all: None, each: Some(1) }));
        assert_eq!(limits.of("sing"), None);
        for wrong in
            ["", "render", "render=", "render=8", "render=all:0", "render=all:-1", "=all:1"]
        {
            assert!(wrong.parse::<Setting>().is_err(), "{wrong}");
        }
    }
}
