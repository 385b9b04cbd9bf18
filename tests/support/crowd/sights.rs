//! Every distinct event that a crowd has seen, byte for byte, in the order of its first sight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use roomcast_wire::packet;
use serde_json::Value;

use crate::checker::Entry;
use crate::support::log_reader::delivered;

/// Shared by the sockets of a crowd: what one has seen costs the next one a comparison.
#[derive(Debug, Default)]
pub(super) struct Sights {
    in_order: RwLock<Vec<Arc<str>>>,
    places: Mutex<HashMap<Arc<str>, u32>>,
    by_cursor: Mutex<HashMap<String, u32>>,
}

impl Sights {
    /// The place of an event's text, which most likely follows the place before.
    pub(super) fn place(&self, text: &str, before: Option<u32>) -> u32 {
        let next = before.map_or(0, |before| before + 1);
        if self.is_text(next, text) {
            return next;
        }
        let mut places = self.places.lock().expect("no panic while recording");
        if let Some(place) = places.get(text) {
            return *place;
        }
        let mut in_order = self.in_order.write().expect("no panic while recording");
        let place = u32::try_from(in_order.len()).expect("fewer events than that");
        let text: Arc<str> = text.into();
        in_order.push(text.clone());
        if let Some(cursor) = packet::member(&text, "cursor") {
            let mut by_cursor = self.by_cursor.lock().expect("no panic while recording");
            by_cursor.insert(cursor.to_owned(), place);
        }
        places.insert(text, place);
        place
    }

    /// Where the event of this cursor stands.
    pub(super) fn find(&self, cursor: &str) -> Option<u32> {
        self.by_cursor.lock().expect("no panic while recording").get(cursor).copied()
    }

    /// Whether the event of this cursor stands here.
    pub(super) fn is(&self, place: u32, cursor: &str) -> bool {
        self.cursor(place) == cursor
    }

    pub(super) fn cursor(&self, place: u32) -> String {
        let text = self.text(place);
        packet::member(&text, "cursor").expect("every event has a cursor").to_owned()
    }

    /// The event, as the checker knows it.
    pub(super) fn entry(&self, place: u32) -> Entry {
        let (name, payload): (String, Value) =
            serde_json::from_str(&self.text(place)).expect("an event with one payload");
        let cursor = payload["cursor"].as_str().expect("every event has a cursor").to_owned();
        if name == "reset" {
            return Entry::Reset { cursor };
        }
        Entry::Event { cursor, content: delivered(&name, &payload) }
    }

    fn is_text(&self, place: u32, text: &str) -> bool {
        let in_order = self.in_order.read().expect("no panic while recording");
        in_order.get(place as usize).is_some_and(|seen| **seen == *text)
    }

    fn text(&self, place: u32) -> Arc<str> {
        let in_order = self.in_order.read().expect("no panic while recording");
        in_order[place as usize].clone()
    }
}
