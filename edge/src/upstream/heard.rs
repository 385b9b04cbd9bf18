//! How far this edge has heard of changed rights. It goes with every call, so that no core answers by
//! older knowledge than the edge's own.

use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderValue;

/// The last cursor that was heard. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<RwLock<Option<HeaderValue>>>);

impl Heard {
    /// Metadata key of the cursor.
    pub(super) const HEADER: &'static str = "x-roomcast-heard";

    pub(super) fn set(&self, cursor: &str) {
        let header = HeaderValue::from_str(cursor).ok();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = header;
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
