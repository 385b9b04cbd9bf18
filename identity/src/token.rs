//! One token under one key: what the two kinds of keys share.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};

use crate::Error;
use crate::claims::Claims;

/// Tokens travel in HTTP headers, which servers bound at 8 to 16 KiB.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The token in an `authorization` header, if it is of the scheme `Bearer`.
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A key and the one algorithm it is used with.
#[derive(Clone)]
pub(crate) struct BoundKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// What a token must claim.
#[derive(Debug, Clone)]
pub(crate) struct Demands {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) leeway_s: u64,
}

/// The header, for choosing among keys; nothing in it is trusted before a signature holds.
pub(crate) fn header(token: &str) -> Result<Header, Error> {
    if token.is_empty() {
        return Err(Error::Missing);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Error::invalid("it is longer than 16 KiB"));
    }
    let header = decode_header(token).map_err(|error| refusal(&error))?;
    // RFC 7515 §4.1.11: what must be understood and is not makes the token invalid.
    if header.crit.is_some() {
        return Err(Error::invalid(
            "its header demands extensions (`crit`) that are not supported",
        ));
    }
    Ok(header)
}

pub(crate) fn verify(token: &str, key: &BoundKey, demands: &Demands) -> Result<Claims, Error> {
    let mut validation = Validation::new(key.algorithm);
    validation.leeway = demands.leeway_s;
    validation.validate_nbf = true;
    validation.validate_aud = demands.audience.is_some();
    let mut required = vec!["exp"];
    if let Some(issuer) = &demands.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = &demands.audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    // A set issuer or audience is checked only when the claim is there, unless it is required too.
    validation.set_required_spec_claims(&required);
    match decode::<Claims>(token, &key.key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(refusal(&error)),
    }
}

/// `Display` of the library's error may quote the token; these words never do.
fn refusal(error: &jsonwebtoken::errors::Error) -> Error {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum may grow")]
    match error.kind() {
        ErrorKind::ExpiredSignature => Error::Expired,
        ErrorKind::ImmatureSignature => Error::invalid("its time has not come (claim `nbf`)"),
        ErrorKind::InvalidSignature => Error::invalid("its signature does not match"),
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            Error::invalid("no key here is used with its algorithm")
        }
        ErrorKind::InvalidIssuer => Error::invalid("its issuer is not the configured one"),
        ErrorKind::InvalidAudience => Error::invalid("its audience is not the configured one"),
        ErrorKind::MissingRequiredClaim(claim) => {
            Error::Invalid(format!("the claim `{claim}` is missing"))
        }
        ErrorKind::InvalidClaimFormat(claim) => {
            Error::Invalid(format!("the claim `{claim}` is malformed"))
        }
        _ => Error::invalid("it is not a well-formed JSON Web Token"),
    }
}
