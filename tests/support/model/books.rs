//! What the API has counted.

/// What a token costs, in millionths.
const TOKEN_MICROS: u64 = 3;

/// One request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) usage: Usage,
    /// Whether the client was told all of it.
    pub(crate) is_reported: bool,
}

/// Tokens in and out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
}

impl Entry {
    pub(super) fn refused() -> Entry {
        Entry::default()
    }

    pub(super) fn begun(prompt_tokens: u64) -> Entry {
        let usage = Usage { prompt_tokens, completion_tokens: 0 };
        Entry { usage, is_reported: false }
    }
}

impl Usage {
    pub(crate) fn total(self) -> u64 {
        self.prompt_tokens + self.completion_tokens
    }

    pub(crate) fn cost_micros(self) -> u64 {
        self.total() * TOKEN_MICROS
    }
}
