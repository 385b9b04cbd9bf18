//! Who is calling.
//!
//! A *user* shows a token of the application's own issuer: HS256 with a shared secret, or RS256,
//! ES256, EdDSA and their larger kin by the issuer's JWKS. [`UserKeys`] verifies it and answers a
//! [`User`]. A *service* (an edge, a worker, a publisher) shows a token that the operator minted:
//! [`ServiceKeys`] verifies it and answers a [`Service`]. The two never stand in for each other,
//! even under one secret: a service token's audience is `roomcast-core`, and no user token with
//! that audience is accepted.
//!
//! A key is bound to its algorithm when it is loaded. A token's header only selects among the keys
//! that are bound to what it names; it never decides how a key is used.
//!
//! What cannot send a token in a header shows a [`Ticket`], which stands for one once.
//!
//! Neither secrets nor tokens appear in `Debug` output, errors or logs.

mod claims;
mod error;
mod jwks;
mod mint;
mod secret;
mod service;
mod service_keys;
mod ticket;
mod token;
mod user;
mod user_keys;

pub use error::{ConfigError, Error, MintError};
pub use mint::{Intended, mint_user, mint_user_for};
pub use secret::Secret;
pub use service::{SERVICE_AUDIENCE, Scope, Service, UnknownScope};
pub use service_keys::ServiceKeys;
pub use ticket::{Ticket, TicketError};
pub use token::bearer;
pub use user::{DEFAULT_TENANT, User};
pub use user_keys::{LEEWAY_MAX, UserKeys, UserKeysConfig};
