//! Declared rooms: who may read one, who may publish what to it, and how it behaves. What is not
//! declared can be read and written by services and administrators alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;

use serde::Deserialize;

use crate::domain::name::is_name;

#[cfg(test)]
mod tests;

/// Rooms that may be declared: each core holds all of them.
pub const ROOMS_MAX: usize = 10_000;

/// Who wants something: a user's id and roles.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The id.
    pub user: &'a str,
    /// The roles.
    pub roles: &'a [String],
}

/// Some of the users that are let in at all. Services and administrators need no mention: they read and
/// publish everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Mentioned")]
pub enum Audience {
    /// All of them.
    Everyone,
    /// Those who are meant by one of these.
    Parties(Vec<Party>),
}

/// One or several users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// Those with this role.
    Role(String),
    /// The one with this id.
    User(String),
}

/// Who may publish.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Publishers {
    /// These, whatever they like.
    OfAnything(Audience),
    /// To each type of event its own.
    ByType(BTreeMap<String, Audience>),
}

/// How a room's events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Every one.
    None,
    /// Of each type only the newest counts, and at most ten a second are logged.
    LastValue,
}

/// A declared room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Who may read it.
    pub readers: Audience,
    /// Who may publish to it.
    pub publishers: Publishers,
    /// How its events are kept.
    pub merge: Merge,
    /// Whether it is told who is in it.
    pub has_presence: bool,
    /// Whether who joins is told the last value of each type.
    pub tells_last: bool,
}

/// What a configuration says of a room. What it does not name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Who may read it.
    pub read: Option<Audience>,
    /// Who may publish to it.
    pub publish: Option<Publishers>,
    /// How its events are kept.
    pub merge: Option<Merge>,
    /// Whether it is told who is in it.
    pub presence: Option<bool>,
    /// Whether who joins is told the last value of each type.
    pub last: Option<bool>,
}

/// All declared rooms, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rooms(BTreeMap<String, Room>);

/// Why a declaration is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No room can have this name.
    #[error("`{0}` is no room's name; use [A-Za-z0-9_.-]{{1,128}}")]
    Name(String),
    /// Nobody is meant by this.
    #[error("`{0}` means nobody; write everyone, role:NAME or user:ID")]
    Party(String),
    /// There are too many.
    #[error("at most {ROOMS_MAX} rooms")]
    TooMany,
}

impl Rooms {
    /// Declares a room, or changes what was declared of it.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn declare(&mut self, name: &str, declaration: Declaration) -> Result<(), Error> {
        if !is_name(name) {
            return Err(Error::Name(name.into()));
        }
        let declared = self.0.len();
        let room = match self.0.entry(name.into()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if declared >= ROOMS_MAX => return Err(Error::TooMany),
            Entry::Vacant(new) => new.insert(Room::plain()),
        };
        room.change(declaration);
        Ok(())
    }

    /// Those after a name, in the order of names.
    pub fn after(&self, name: &str) -> impl Iterator<Item = (&str, &Room)> {
        let after = (Bound::Excluded(name), Bound::Unbounded);
        self.0.range::<str, _>(after).map(|(name, room)| (name.as_str(), room))
    }

    /// The room of this name, if it is declared.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Room> {
        self.0.get(name)
    }
}

impl Room {
    /// What a declaration without words means: everybody reads, nobody publishes.
    fn plain() -> Room {
        Room {
            readers: Audience::Everyone,
            publishers: Publishers::OfAnything(Audience::nobody()),
            merge: Merge::None,
            has_presence: false,
            tells_last: false,
        }
    }

    fn change(&mut self, declaration: Declaration) {
        let Declaration { read, publish, merge, presence, last } = declaration;
        replace(&mut self.readers, read);
        replace(&mut self.publishers, publish);
        replace(&mut self.merge, merge);
        replace(&mut self.has_presence, presence);
        replace(&mut self.tells_last, last);
    }

    /// Whether a user may read it.
    #[must_use]
    pub fn may_read(&self, asking: Asking<'_>) -> bool {
        self.readers.has(asking)
    }

    /// Whether a user may publish an event of this type.
    #[must_use]
    pub fn may_publish(&self, asking: Asking<'_>, kind: &str) -> bool {
        match &self.publishers {
            Publishers::OfAnything(audience) => audience.has(asking),
            Publishers::ByType(types) => types.get(kind).is_some_and(|one| one.has(asking)),
        }
    }
}

impl Audience {
    /// None of them.
    #[must_use]
    pub fn nobody() -> Audience {
        Audience::Parties(Vec::new())
    }

    /// As it is written in a configuration.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Audience::Everyone => vec!["everyone".into()],
            Audience::Parties(parties) => parties.iter().map(Party::to_string).collect(),
        }
    }

    fn has(&self, asking: Asking<'_>) -> bool {
        match self {
            Audience::Everyone => true,
            Audience::Parties(parties) => parties.iter().any(|party| party.means(asking)),
        }
    }
}

impl Party {
    fn means(&self, asking: Asking<'_>) -> bool {
        match self {
            Party::Role(role) => asking.roles.contains(role),
            Party::User(user) => asking.user == user,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Role(name) => write!(formatter, "role:{name}"),
            Party::User(id) => write!(formatter, "user:{id}"),
        }
    }
}

fn replace<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

/// An audience as it is written: one word, or several in a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Mentioned {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Mentioned> for Audience {
    type Error = Error;

    fn try_from(mentioned: Mentioned) -> Result<Audience, Error> {
        let words = match mentioned {
            Mentioned::One(word) => vec![word],
            Mentioned::Several(words) => words,
        };
        if words.iter().any(|word| word == "everyone") {
            return Ok(Audience::Everyone);
        }
        words.into_iter().map(Party::try_from).collect::<Result<_, _>>().map(Audience::Parties)
    }
}

impl TryFrom<String> for Party {
    type Error = Error;

    fn try_from(word: String) -> Result<Party, Error> {
        match word.split_once(':') {
            Some(("role", name)) if !name.is_empty() => Ok(Party::Role(name.into())),
            Some(("user", id)) if !id.is_empty() => Ok(Party::User(id.into())),
            _ => Err(Error::Party(word)),
        }
    }
}
