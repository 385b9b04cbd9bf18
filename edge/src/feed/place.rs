//! Where one reader is.

use crate::names::Encoded;

/// A reader's place: after the event with this cursor.
#[derive(Debug, Clone)]
pub(super) struct Place {
    cursor: String,
    /// Known once an event was delivered: a join names only the cursor.
    offset: Option<u64>,
    generation: u64,
}

/// The last event that a reader has delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its cursor.
    pub cursor: String,
    /// Its offset, where it is known.
    pub offset: Option<u64>,
}

impl Place {
    pub(super) fn new(cursor: &str, generation: u64) -> Self {
        Self { cursor: cursor.to_owned(), offset: None, generation }
    }

    /// After an event whose offset is known as well.
    pub(super) fn after(position: &Position, generation: u64) -> Self {
        let Position { cursor, offset } = position.clone();
        Self { cursor, offset, generation }
    }

    pub(super) fn position(&self) -> Position {
        Position { cursor: self.cursor.clone(), offset: self.offset }
    }

    pub(super) fn cursor(&self) -> &str {
        &self.cursor
    }

    pub(super) fn offset(&self) -> Option<u64> {
        self.offset
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The event was delivered.
    pub(super) fn advance(&mut self, event: &Encoded) {
        event.cursor().clone_into(&mut self.cursor);
        self.offset = Some(event.offset());
    }

    /// The core confirmed that the history up to this place is whole.
    pub(super) fn confirm(&mut self, generation: u64) {
        self.generation = generation;
    }
}
