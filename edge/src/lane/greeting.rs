//! What the CONNECT replies of one session say beside what Socket.IO writes: a `pid`, for clients that
//! recover by themselves. Socket.IO's library has no place for it, so it is put in on the way out,
//! by whatever carries the reply: a lane, or the answer to a poll.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Namespace;

/// What separates the packets that answer one poll.
const SEPARATOR: u8 = 0x1e;

/// Of one session, whatever carries it.
#[derive(Debug, Default)]
pub struct Greeting(Mutex<Vec<(Namespace, String)>>);

impl Greeting {
    /// The namespace's CONNECT reply is to say this `pid`: letters, digits, `-` and `_`.
    pub(crate) fn add(&self, namespace: Namespace, pid: String) {
        let mut pending = self.lock();
        pending.retain(|(other, _)| *other != namespace);
        pending.push((namespace, pid));
    }

    /// Whether any reply is to say something.
    pub(crate) fn is_pending(&self) -> bool {
        !self.lock().is_empty()
    }

    /// A packet, completed if it is a CONNECT reply that is to say something; each is only once.
    pub(super) fn complete(&self, packet: &str) -> Option<String> {
        let (namespace, content) = packet.strip_prefix("40").and_then(Namespace::split)?;
        let fields = content.strip_prefix('{')?.strip_suffix('}')?;
        let mut pending = self.lock();
        let at = pending.iter().position(|(other, _)| *other == namespace)?;
        let (_, pid) = pending.swap_remove(at);
        Some(format!(r#"40{}{{{fields},"pid":"{pid}"}}"#, namespace.prefix()))
    }

    /// The answer to a poll, with its replies completed.
    pub(crate) fn complete_all(&self, body: &[u8]) -> Vec<u8> {
        let packets = body.split(|byte| *byte == SEPARATOR).map(|packet| {
            let completed = std::str::from_utf8(packet).ok().and_then(|text| self.complete(text));
            completed.map_or_else(|| packet.to_vec(), String::into_bytes)
        });
        packets.collect::<Vec<_>>().join(&SEPARATOR)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Namespace, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, completed: &str) {
        let greeting = Greeting::default();
        greeting.add(Namespace::Root, "p".to_owned());
        assert_eq!(String::from_utf8(greeting.complete_all(body.as_bytes())).unwrap(), completed);
        assert_eq!(greeting.is_pending(), body == completed);
    }

    #[test]
    fn a_connect_reply_is_completed_wherever_it_stands() {
        check(r#"40{"sid":"E"}"#, r#"40{"sid":"E","pid":"p"}"#);
        let event = r#"42["said",{"text":"40{\"sid\":\"E\"}"}]"#;
        check(
            &format!("2\u{1e}40{{\"sid\":\"E\"}}\u{1e}{event}"),
            &format!("2\u{1e}40{{\"sid\":\"E\",\"pid\":\"p\"}}\u{1e}{event}"),
        );
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for body in ["", "2", "6\u{1e}", r#"42["40{}",{}]"#, r#"40/x,{"sid":"E"}"#, "40"] {
            check(body, body);
        }
    }

    #[test]
    fn each_namespace_of_a_session_has_a_reply_of_its_own() {
        let greeting = Greeting::default();
        greeting.add(Namespace::Root, "p".to_owned());
        greeting.add(Namespace::Graph, "g".to_owned());
        let graph = greeting.complete(r#"40/graph,{"sid":"E"}"#);
        assert_eq!(graph.as_deref(), Some(r#"40/graph,{"sid":"E","pid":"g"}"#));
        let root = greeting.complete(r#"40{"sid":"E"}"#);
        assert_eq!(root.as_deref(), Some(r#"40{"sid":"E","pid":"p"}"#));
    }

    #[test]
    fn a_pid_is_said_once() {
        let greeting = Greeting::default();
        greeting.add(Namespace::Root, "p".to_owned());
        assert!(greeting.complete(r#"40{"sid":"E"}"#).is_some());
        assert_eq!(greeting.complete(r#"40{"sid":"E"}"#), None);
    }
}
