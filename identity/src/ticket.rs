//! A ticket: a secret that stands for a user's token once. Who keeps tickets keeps of each only its
//! name and the token sealed under it, so that what is kept opens no door.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a ticket: nobody guesses it.
const TICKET_BYTES: usize = 32;

/// A ticket. `Debug` shows nothing of it.
pub struct Ticket([u8; TICKET_BYTES]);

/// The ticket cannot be made: the system gives no random bytes, or the cipher failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no ticket can be made")]
pub struct TicketError;

impl Ticket {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Ticket, TicketError> {
        let mut secret = [0; TICKET_BYTES];
        getrandom::fill(&mut secret).map_err(|_| TicketError)?;
        Ok(Ticket(secret))
    }

    /// The ticket in a text, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Ticket> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Ticket)
    }

    /// The text for whoever will spend it.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What it is kept under.
    #[must_use]
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.derived(b"roomcast ticket: name"))
    }

    /// A token that only this ticket opens.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn seal(&self, token: &str) -> Result<Vec<u8>, TicketError> {
        let mut sealed = token.as_bytes().to_vec();
        let key = self.key().ok_or(TicketError)?;
        let done = key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed);
        done.map(|()| sealed).map_err(|_| TicketError)
    }

    /// The token that was sealed with this ticket.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<String> {
        let mut opened = sealed.to_vec();
        let token = self.key()?.open_in_place(nonce(), Aad::empty(), &mut opened).ok()?;
        String::from_utf8(token.to_vec()).ok()
    }

    fn key(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, &self.derived(b"roomcast ticket: key")).ok()?;
        Some(LessSafeKey::new(key))
    }

    fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(purpose);
        context.update(&self.0);
        let mut derived = [0; 32];
        derived.copy_from_slice(context.finish().as_ref());
        derived
    }
}

/// A ticket's key seals once, so the nonce need not differ.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ticket([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ticket_opens_what_was_sealed_with_it() {
        let (ticket, other) = (Ticket::generate().unwrap(), Ticket::generate().unwrap());
        let sealed = ticket.seal("a token").unwrap();
        let read = Ticket::parse(&ticket.reveal()).unwrap();
        assert_eq!(read.open(&sealed).as_deref(), Some("a token"));
        assert_eq!(other.open(&sealed), None);
        assert_ne!(ticket.name(), other.name());
        assert!(!sealed.windows(7).any(|window| window == b"a token"));
    }

    #[test]
    fn what_is_no_ticket_is_none() {
        let ticket = Ticket::generate().unwrap();
        for text in
            ["", "x", "not a ticket!", &ticket.reveal()[1..], &format!("{0}{0}", ticket.name())]
        {
            assert!(Ticket::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{ticket:?}").contains(&ticket.reveal()));
    }
}
