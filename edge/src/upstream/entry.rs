//! Whether the core lets this edge in. Whoever asks how the edge is learns it: a wrong credential mends itself
//! as little as it looks like a core that is away.

use std::sync::{Arc, PoisonError, RwLock};

/// Why the last answer of the core was none to this edge. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry(Arc<RwLock<Option<String>>>);

impl Entry {
    /// With each answer; none where the edge was let in, or nobody answered.
    pub(super) fn set(&self, refusal: Option<&str>) {
        if self.refusal().as_deref() != refusal {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = refusal.map(str::to_owned);
        }
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let entry = Entry::default();
        entry.set(Some("the token is over"));
        assert_eq!(entry.clone().refusal().as_deref(), Some("the token is over"));
        entry.set(None);
        assert_eq!(entry.refusal(), None);
    }
}
