//! What a client says, and what it is answered. Neither reads nor writes.

use roomcast_wire::packet::{self, Heard};
use roomcast_wire::{frame, upgrade};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const OPEN: &str =
    r#"0{"sid":"raw","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// One client's side of a connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    is_open: bool,
    rest: Vec<u8>,
}

/// What is to be done for a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Bytes to write back.
    Answer(Vec<u8>),
    Join(String),
    /// A room, and the packet that its members get.
    Publish(String, String),
}

impl Session {
    /// Takes what was read.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<Request> {
        self.rest.extend_from_slice(bytes);
        let mut requests = Vec::new();
        let mut taken = 0;
        let mut answers = Vec::new();
        if !self.is_open {
            let Some((frames, _)) = upgrade::answered(&self.rest) else { return requests };
            (taken, self.is_open) = (frames, true);
            answers.extend_from_slice(accept(&self.rest[..frames]).as_bytes());
            frame::write(&mut answers, OPEN.as_bytes());
        }
        while let Some(found) = frame::at(&self.rest, taken) {
            taken = found.payload.end;
            match packet::hear(&self.rest[found.payload]) {
                Heard::Connected => frame::write(&mut answers, br#"40{"sid":"raw"}"#),
                Heard::Event(event) => {
                    let event = String::from_utf8_lossy(event);
                    requests.extend(publish(&event));
                    if let Some(room) = event.strip_prefix("1[\"join\",\"") {
                        requests.push(Request::Join(room.trim_end_matches("\"]").to_owned()));
                        frame::write(&mut answers, b"431[]");
                    }
                }
                Heard::Open | Heard::Refused(_) | Heard::Ping | Heard::Answer(_) | Heard::Other => {
                }
            }
        }
        self.rest.drain(..taken);
        if !answers.is_empty() {
            requests.push(Request::Answer(answers));
        }
        requests
    }
}

/// `["publish","room",{…}]`
fn publish(event: &str) -> Option<Request> {
    let (room, payload) = event.strip_prefix("[\"publish\",\"")?.split_once("\",")?;
    let payload = payload.strip_suffix(']')?;
    Some(Request::Publish(room.to_owned(), format!("42[\"tick\",{payload}]")))
}

fn accept(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_let_in_joins_and_publishes() {
        let mut session = Session::default();
        let opening = upgrade::request("localhost");
        let (first, second) = opening.as_bytes().split_at(40);
        assert_eq!(session.hear(first), []);
        let opened = session.hear(second);
        assert!(
            matches!(&opened[..], [Request::Answer(answer)] if answer.starts_with(b"HTTP/1.1 101"))
        );
        let joined = session.hear(&frame::masked(r#"421["join","r1"]"#));
        assert!(matches!(&joined[..], [Request::Join(room), Request::Answer(_)] if room == "r1"));
        let published = session.hear(&frame::masked(r#"42["publish","r1",{"a":1}]"#));
        assert_eq!(published, [Request::Publish("r1".into(), r#"42["tick",{"a":1}]"#.into())]);
    }
}
