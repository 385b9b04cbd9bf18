//! Names: which characters a topic, kind, channel or worker may have.

/// Longest name of a topic, kind, worker or event type, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// Whether `name` is `[A-Za-z0-9_.-]{1,128}`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// A name for an opaque text such as a token's `sub`: letters, digits, `_` and `-` stay, every other
/// byte becomes `.hh`. Different texts get different names. None if it would be too long or empty.
#[must_use]
pub fn escape(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_name_byte(byte) && byte != b'.' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!(".{byte:02x}"));
        }
    }
    is_name(&name).then_some(name)
}

/// The text that [`escape`] made `name` from.
#[must_use]
pub fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *first == b'.') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// FNV-1a, 64 bits: a stable hash for cursors and jitter. Not for security.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_keeps_plain_names_and_tells_all_others_apart() {
        assert_eq!(escape("alice_1-x").as_deref(), Some("alice_1-x"));
        assert_eq!(escape("auth0|7").as_deref(), Some("auth0.7c7"));
        assert_ne!(escape("a.7c"), escape("a|"));
        for text in ["alice", "auth0|7", "a.b@c.de", "ä"] {
            assert_eq!(escape(text).map(|name| unescape(&name)).as_deref(), Some(text));
        }
        assert_eq!(escape(""), None);
        assert_eq!(escape(&"é".repeat(22)), None, "132 bytes are too many");
    }
}
