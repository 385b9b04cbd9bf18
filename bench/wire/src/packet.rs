//! Socket.IO packets of one namespace, told apart by how they begin.

/// What the server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The session is open: connect to the namespace.
    Open,
    /// The namespace is entered.
    Connected,
    /// The namespace is refused, and why.
    Refused(&'a [u8]),
    /// Answer with [`PONG`].
    Ping,
    /// An event: the text of a JSON array, its name first.
    Event(&'a [u8]),
    /// An answer: the text from its number on.
    Answer(&'a [u8]),
    /// The namespace was left, or something that clients ignore.
    Other,
}

/// The answer to a ping.
pub const PONG: &str = "3";

/// Tells what a packet is.
#[must_use]
pub fn hear(packet: &[u8]) -> Heard<'_> {
    match packet {
        [b'4', b'2', event @ ..] => Heard::Event(event),
        [b'2', ..] => Heard::Ping,
        [b'4', b'3', answer @ ..] => Heard::Answer(answer),
        [b'4', b'0', ..] => Heard::Connected,
        [b'4', b'4', why @ ..] => Heard::Refused(why),
        [b'0', ..] => Heard::Open,
        _ => Heard::Other,
    }
}

/// Enters the namespace `/` with an `auth` object.
#[must_use]
pub fn connect(auth: &str) -> String {
    format!("40{auth}")
}

/// The text of a member of the outermost object, as it stands between quotes. For members that are
/// known to hold plain text and to be nowhere else.
#[must_use]
pub fn member<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    let begin = event.rfind(&format!("\"{name}\":\""))? + name.len() + 4;
    let text = &event[begin..];
    text.find('"').map(|end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_told_apart() {
        for (packet, heard) in [
            ("0{}", Heard::Open),
            ("2", Heard::Ping),
            ("40{\"sid\":\"x\"}", Heard::Connected),
            ("42[\"a\"]", Heard::Event(b"[\"a\"]")),
            ("437[{}]", Heard::Answer(b"7[{}]")),
            ("44{}", Heard::Refused(b"{}")),
            ("41", Heard::Other),
        ] {
            assert_eq!(hear(packet.as_bytes()), heard, "{packet}");
        }
        assert_eq!(member(r#"["a",{"n":1,"cursor":"c-1"}]"#, "cursor"), Some("c-1"));
        assert_eq!(member(r#"["a",{}]"#, "cursor"), None);
    }
}
