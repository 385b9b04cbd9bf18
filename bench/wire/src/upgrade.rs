//! The opening handshake of a WebSocket.

/// Ends the head of an answer.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Asks a Socket.IO server for a session over a WebSocket.
#[must_use]
pub fn request(host: &str) -> String {
    format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Where frames begin, once the head of the answer is whole; whether the server agreed.
#[must_use]
pub fn answered(buffer: &[u8]) -> Option<(usize, bool)> {
    let end = buffer.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
    Some((end + END_OF_HEAD.len(), buffer.starts_with(b"HTTP/1.1 101")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_begin_after_the_head() {
        let agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81";
        assert_eq!(answered(agreed), Some((agreed.len() - 1, true)));
        assert_eq!(answered(b"HTTP/1.1 429 Too Many Requests\r\n\r\n"), Some((34, false)));
        assert_eq!(answered(b"HTTP/1.1 101 Switch"), None);
    }
}
