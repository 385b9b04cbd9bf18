//! Page sizes and page tokens. A token is opaque and good only for the conditions it came with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::Status;

use super::check::invalid;
use crate::domain::name::fingerprint;

/// Page size of a request that names none; the largest a request gets.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Sizes {
    pub(in crate::service) default: usize,
    pub(in crate::service) max: usize,
}

pub(in crate::service) fn size(asked: i32, sizes: Sizes) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(sizes.default),
        Ok(size) => Ok(size.min(sizes.max)),
        Err(_) => Err(invalid("page_size", "must not be negative")),
    }
}

/// A token that goes on after `last` in a list with these conditions.
pub(in crate::service) fn token(last: &str, conditions: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(format!("{:016x}{last}", fingerprint(&[conditions])))
}

/// The place a token names, if it came with these conditions.
pub(in crate::service) fn place(token: &str, conditions: &[u8]) -> Result<Option<String>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let wrong = || invalid("page_token", "is not one that this list gave; begin without one");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let mark = format!("{:016x}", fingerprint(&[conditions]));
    text.strip_prefix(&mark).map(|last| Some(last.to_owned())).ok_or_else(wrong)
}
