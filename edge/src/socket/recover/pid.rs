//! The private id that a client shows to recover: random, and bound to its user. It opens nothing by
//! itself: every recovery needs the user's token, and every topic its right.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

const RANDOM_BYTES: usize = 12;
const BINDING_BYTES: usize = 12;

/// A new one for a user of a tenant.
pub(super) fn mint(tenant: &str, user_id: &str) -> String {
    let mut bytes = uuid::Uuid::new_v4().as_bytes()[..RANDOM_BYTES].to_vec();
    bytes.extend(binding(&bytes, tenant, user_id));
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether it was made for this user.
pub(super) fn is_of(pid: &str, tenant: &str, user_id: &str) -> bool {
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(pid) else { return false };
    bytes
        .split_at_checked(RANDOM_BYTES)
        .is_some_and(|(random, bound)| bound == binding(random, tenant, user_id))
}

fn binding(random: &[u8], tenant: &str, user_id: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [random, tenant.as_bytes(), user_id.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()[..BINDING_BYTES].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_of_the_user_it_was_made_for_and_of_nobody_else() {
        let pid = mint("a", "na");
        assert!(is_of(&pid, "a", "na"));
        assert!(!is_of(&pid, "an", "a"));
        assert!(!is_of(&pid, "b", "na"));
        assert_ne!(pid, mint("a", "na"));
        for foreign in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "OdCnkLhsfzxWnEUqAAAB"] {
            assert!(!is_of(foreign, "a", "na"), "{foreign}");
        }
    }
}
