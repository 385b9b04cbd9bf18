//! Which request something comes from.

/// A W3C trace id.
pub type TraceId = [u8; 16];
