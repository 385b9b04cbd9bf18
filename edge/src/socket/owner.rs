//! Whose an Engine.IO session is.
//!
//! A session's id is all that Engine.IO asks of a request, so whoever learned one could speak for
//! somebody else. Here a request must also show what the one that opened the session showed, in this
//! order: the token of its `Authorization` header; the cookie that it was given, once it has shown that
//! it keeps cookies; else the same address. Browsers cannot put a header on a WebSocket, pages of other
//! origins keep no cookies, and mobile clients change their address: no single one of them will do.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

use crate::listener::Network;

/// Tells browsers apart, and nothing else: it opens no door.
const COOKIE: &str = "roomcast_session";
/// Characters of the cookie: 128 bits.
const COOKIE_LENGTH: usize = 32;

type TokenHash = [u8; 32];

/// What a request shows of who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    network: Network,
    token: Option<TokenHash>,
    cookie: Option<String>,
}

/// What is known of the one who opened a session.
#[derive(Debug)]
pub(super) struct Owner {
    network: Network,
    token: Option<TokenHash>,
    cookie: String,
    keeps_cookies: AtomicBool,
}

impl Shown {
    pub(super) fn of(headers: &HeaderMap, network: Network) -> Self {
        let token = headers.get(header::AUTHORIZATION);
        Self {
            network,
            token: token.map(|token| Sha256::digest(token.as_bytes()).into()),
            cookie: cookie(headers),
        }
    }
}

impl Owner {
    pub(super) fn new(shown: Shown) -> Self {
        let keeps_cookies = shown.cookie.is_some();
        Self {
            network: shown.network,
            token: shown.token,
            cookie: shown.cookie.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
            keeps_cookies: AtomicBool::new(keeps_cookies),
        }
    }

    /// Whether a request that shows this is the owner's. `can_show_token` is not said of the requests
    /// of browsers that open a WebSocket.
    pub(super) fn admits(&self, shown: &Shown, can_show_token: bool) -> bool {
        if self.token.is_some() && (can_show_token || shown.token.is_some()) {
            return shown.token == self.token;
        }
        let is_returned = shown.cookie.as_deref() == Some(&self.cookie);
        if is_returned {
            self.keeps_cookies.store(true, Ordering::Relaxed);
        }
        if self.keeps_cookies.load(Ordering::Relaxed) {
            return is_returned;
        }
        shown.network == self.network
    }

    /// The cookie to give to somebody who has shown none.
    pub(super) fn set_cookie(&self, is_secure: bool) -> Option<HeaderValue> {
        if self.keeps_cookies.load(Ordering::Relaxed) {
            return None;
        }
        let secure = if is_secure { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie);
        HeaderValue::from_str(&cookie).ok()
    }
}

/// A cookie of ours, or nothing: a foreign value under our name proves as little as none.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut ours = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let is_well_formed = |value: &&str| {
        value.len() == COOKIE_LENGTH && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    ours.find(is_well_formed).map(str::to_owned)
}

/// For [`crate::probe`]: a `Cookie` header gives a cookie of ours or none.
pub(crate) fn probe(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let found = cookie(&HeaderMap::from_iter([(header::COOKIE, value)]));
    assert!(found.is_none_or(|value| value.len() == COOKIE_LENGTH));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::ClientAddress;

    const HERE: &str = "198.51.100.1";
    const THERE: &str = "203.0.113.9";

    fn shown(address: &str, token: Option<&str>, cookie: Option<&str>) -> Shown {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(token).unwrap());
        }
        if let Some(cookie) = cookie {
            let value = format!("a=b; {COOKIE}={cookie}; c=d");
            headers.insert(header::COOKIE, HeaderValue::from_str(&value).unwrap());
        }
        Shown::of(&headers, ClientAddress(address.parse().unwrap()).network())
    }

    #[test]
    fn a_session_is_its_openers_by_token_then_by_cookie_then_by_address() {
        let (mine, foreign) = ("0".repeat(32), "f".repeat(32));
        let (mine, foreign) = (Some(mine.as_str()), Some(foreign.as_str()));
        let cases = [
            // Nothing but the address.
            (shown(HERE, None, None), shown(HERE, None, None), true),
            (shown(HERE, None, None), shown(THERE, None, None), false),
            (shown(HERE, None, None), shown(THERE, None, foreign), false),
            // A browser that keeps cookies may move, and its neighbour is not it.
            (shown(HERE, None, mine), shown(THERE, None, mine), true),
            (shown(HERE, None, mine), shown(HERE, None, foreign), false),
            (shown(HERE, None, mine), shown(HERE, None, None), false),
            (shown(HERE, None, mine), shown(HERE, None, Some("short")), false),
            // A token in the header says it all.
            (shown(HERE, Some("a"), None), shown(THERE, Some("a"), None), true),
            (shown(HERE, Some("a"), None), shown(HERE, Some("b"), None), false),
            (shown(HERE, Some("a"), mine), shown(HERE, None, mine), false),
            // Who opened without a token may show one later.
            (shown(HERE, None, None), shown(HERE, Some("a"), None), true),
        ];
        for (opener, request, expected) in cases {
            let owner = Owner::new(opener.clone());
            assert_eq!(owner.admits(&request, true), expected, "{opener:?} then {request:?}");
        }
    }

    #[test]
    fn a_browsers_websocket_shows_no_token_and_is_known_by_the_rest() {
        let owner = Owner::new(shown(HERE, Some("a"), None));
        assert!(owner.admits(&shown(HERE, None, None), false));
        assert!(!owner.admits(&shown(THERE, None, None), false));
        assert!(!owner.admits(&shown(HERE, Some("b"), None), false));
    }

    #[test]
    fn a_cookie_that_came_back_once_is_asked_for_from_then_on() {
        let owner = Owner::new(shown(HERE, None, None));
        let given = owner.set_cookie(true).unwrap();
        let given = given.to_str().unwrap();
        assert!(given.contains("HttpOnly") && given.contains("Secure"), "{given}");
        let value = &given[COOKIE.len() + 1..][..COOKIE_LENGTH];
        assert!(owner.admits(&shown(HERE, None, None), true));
        assert!(owner.admits(&shown(THERE, None, Some(value)), true));
        assert!(!owner.admits(&shown(HERE, None, None), true));
        assert_eq!(owner.set_cookie(true), None);
    }
}
