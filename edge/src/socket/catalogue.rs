//! Every event that goes over a socket, in either direction. A client's event that is not listed here is
//! malformed, and the edge tells none that is not, but those that publishers and workers name;
//! docs/reference/asyncapi.yaml is made from it.

mod asyncapi;
mod emitted;
mod schema;
mod told;

pub use asyncapi::description;

use roomcast_proto::dashboard;

use self::{emitted::EMITTED, told::TOLD};

/// Whether clients may emit an event of this name.
pub(super) fn takes(name: &str) -> bool {
    EMITTED.iter().any(|event| event.name == name) || dashboard::room_of(name).is_some()
}

/// Whether the edge tells events of this name, of its own accord or out of a log that it knows.
pub(crate) fn tells(name: &str) -> bool {
    TOLD.iter().any(|event| event.name == name)
}

#[cfg(test)]
mod tests;
