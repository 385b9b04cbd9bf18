//! Bytes that many hold together: each has a share of its own, and all know when together they hold too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all may hold. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes_max: usize,
    held: AtomicUsize,
}

/// What one of them holds. It is given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// So many bytes for all.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Inner { bytes_max, held: AtomicUsize::new(0) }))
    }

    /// A share that holds nothing.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }

    /// What all hold.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Whether less than half of it is left.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.held() > self.0.bytes_max / 2
    }

    /// Whether all hold more than they may.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.held() > self.0.bytes_max
    }
}

impl Share {
    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// It holds so many bytes more.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.0.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// It lets go of so many, or of all that it holds.
    pub fn give_back(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.0.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// It lets go of all.
    pub fn clear(&mut self) {
        self.give_back(self.bytes);
    }

    /// See [`Budget::is_exceeded`].
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.budget.is_exceeded()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_known_to_all_and_given_back_by_whoever_goes() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.share(), budget.share());
        one.add(5);
        assert!(!budget.is_short());
        other.add(5);
        assert!(budget.is_short() && !one.is_exceeded());
        other.add(1);
        assert!(one.is_exceeded() && other.is_exceeded());
        other.give_back(100);
        assert_eq!((other.bytes(), budget.held()), (0, 5), "no more than it held");
        drop(one);
        assert_eq!(budget.held(), 0);
    }
}
