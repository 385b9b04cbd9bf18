//! How often somebody may call: users by themselves, whatever edge they come through, and services.

use roomcast_proto::registry::Code;
use roomcast_runtime::bucket::Rate;
use roomcast_runtime::buckets::Buckets;
use tokio::time::Instant;
use tonic::Status;
use tonic_types::ErrorDetails;

use super::Principal;

/// What a service may call, in users: it acts for many, and all edges, or all workers of a name, are one.
pub const SERVICE_SHARES: u32 = 20;

/// What everybody may call.
#[derive(Debug)]
pub struct Quota {
    users: Buckets<(String, String)>,
    services: Buckets<String>,
}

impl Quota {
    /// Each user may call so often.
    #[must_use]
    pub fn new(user: Rate) -> Quota {
        let service = Rate {
            per_second: user.per_second.saturating_mul(SERVICE_SHARES),
            burst: user.burst.saturating_mul(SERVICE_SHARES),
        };
        Quota { users: Buckets::new(user), services: Buckets::new(service) }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// `rate_limited`, with the time to wait in `RetryInfo`.
    pub fn take(&self, principal: &Principal, now: Instant) -> Result<(), Status> {
        let taken = match principal {
            Principal::User(user) => self.users.take((user.tenant.clone(), user.id.clone()), now),
            Principal::Service(service) => self.services.take(service.name.clone(), now),
        };
        taken.map_err(|wait| {
            let mut details = ErrorDetails::new();
            details.set_retry_info(Some(wait));
            Code::RateLimited.status_with("this caller calls more often than it may", details)
        })
    }
}
