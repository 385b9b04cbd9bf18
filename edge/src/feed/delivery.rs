//! What a reader gets, up to its end.

use std::sync::Arc;

use roomcast_proto::{
    registry::Code,
    v1::{Fault, JoinResponse, ResetReason},
};
use tonic::Status;

use super::SharedState;
use crate::names::Encoded;

/// What a reader gets.
#[derive(Debug)]
pub enum Delivery {
    /// The next event.
    Event(Arc<Encoded>),
    /// Events are missed for good: go on from this snapshot.
    Reset(Box<Reset>),
    /// The end. Nothing follows.
    Closed(Closed),
}

/// A fresh beginning.
#[derive(Debug)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// The core's answer with the snapshot and its cursor.
    pub response: JoinResponse,
    /// Of a session that sockets follow, instead of its snapshot.
    pub state: Option<Arc<SharedState>>,
}

/// Why a reader's deliveries end.
#[derive(Debug, Clone)]
pub enum Closed {
    /// The topic will have no more events.
    Ended,
    /// The right is gone, or the topic is.
    Refused {
        /// What was refused.
        code: Code,
        /// For a person.
        message: String,
    },
}

impl Closed {
    pub(super) fn gone(message: &str) -> Self {
        Self::Refused { code: Code::TopicNotFound, message: message.to_owned() }
    }

    pub(super) fn refused(status: &Status) -> Self {
        Self::Refused { code: Code::of(status), message: status.message().to_owned() }
    }
}

impl From<&Fault> for Closed {
    fn from(fault: &Fault) -> Self {
        let code = Code::parse(&fault.code).unwrap_or(Code::Internal);
        Self::Refused { code, message: fault.message.clone() }
    }
}
