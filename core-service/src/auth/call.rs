//! A call on its way to its handler.

use tonic::{Status, Streaming};

use super::Door;
use super::caller::Caller;
use super::row::{On, Row};
use crate::log::Log;

/// A request of the contract. Its row says what its call takes; no caller comes in by another way.
pub(crate) trait Call: Sized {
    /// What the call takes.
    const ROW: Row;
    /// What the call is about, as its handler gets it.
    type Thing: Thing;

    /// The tenant that the request names.
    fn tenant(&self) -> &str {
        ""
    }

    /// What names the thing.
    fn id(&self) -> &str {
        ""
    }
}

/// Requests that come one after the other: what they name is looked at as it comes.
impl<T: Call> Call for Streaming<T> {
    const ROW: Row = T::ROW;
    type Thing = T::Thing;
}

/// What a call is about. Whoever has one has the right to it that the row demands.
pub(crate) trait Thing: Sized {
    /// Finds the thing for a caller who has that right.
    fn find(ask: Ask<'_>, id: &str) -> impl Future<Output = Result<Self, Status>> + Send;
}

/// Who asks for a thing, in which tenant, and with which right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) door: &'a Door,
    pub(crate) log: &'a Log,
    pub(crate) caller: &'a Caller,
    pub(crate) tenant: &'a str,
    /// The tenant that the request names, if it does.
    pub(crate) named: &'a str,
    pub(crate) on: On,
}

/// A call that has passed its row.
pub(crate) struct Admitted<T: Call> {
    pub(crate) caller: Caller,
    /// The tenant over which it speaks, where that is not the thing's.
    pub(crate) tenant: String,
    pub(crate) request: T,
    pub(crate) thing: T::Thing,
}
