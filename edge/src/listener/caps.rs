//! How many of something one owner may hold at once: connections of an address, sockets of a user.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts what each owner holds. Cheap to clone.
#[derive(Debug)]
pub struct Caps<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    each: usize,
    held: Mutex<HashMap<K, usize>>,
}

impl<K> Clone for Caps<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// One of what its owner may hold, until it is dropped.
#[derive(Debug)]
pub struct Held<K: Eq + Hash> {
    caps: Caps<K>,
    owner: K,
}

impl<K: Eq + Hash + Clone> Caps<K> {
    /// So many for each owner.
    #[must_use]
    pub fn new(each: usize) -> Self {
        Self(Arc::new(Inner { each, held: Mutex::default() }))
    }

    /// One more for this owner, unless it holds all that it may.
    #[must_use]
    pub fn hold(&self, owner: K) -> Option<Held<K>> {
        let mut all = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.get(&owner).copied().unwrap_or_default();
        if held >= self.0.each {
            return None;
        }
        all.insert(owner.clone(), held + 1);
        Some(Held { caps: self.clone(), owner })
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut all = self.caps.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.owner) {
            Some(held) if *held > 1 => *held -= 1,
            // Who holds nothing costs nothing.
            _ => {
                all.remove(&self.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_its_own_allowance_and_gets_back_what_it_lets_go() {
        let caps = Caps::new(2);
        let first = caps.hold("ana").unwrap();
        let _second = caps.hold("ana").unwrap();
        assert!(caps.hold("ana").is_none());
        assert!(caps.hold("eve").is_some());
        drop(first);
        assert!(caps.hold("ana").is_some());
        assert_eq!(caps.0.held.lock().unwrap().len(), 1, "eve is forgotten");
    }
}
