//! Who may come in, as far as this core has heard. Filled by
//! [`subscription::access`](crate::subscription::access), asked by the door at every call.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use roomcast_identity::User;
use roomcast_proto::registry::Code;
use tokio::sync::watch;
use tonic::Status;

use crate::domain::access::{Admission, Bearer, Change, Denial, Entry, Table, View};
use crate::domain::cursor::Cursor;
use crate::domain::right::Trail;
use crate::domain::time::Time;

/// How long a call waits for this core to hear what its caller has heard elsewhere.
const HEARING_TIME: Duration = Duration::from_secs(2);

/// Who may come in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    admission: Admission,
    view: RwLock<View>,
    /// The last change in the view; none until it is loaded.
    heard: watch::Sender<Option<Cursor>>,
}

impl Access {
    /// Lets nobody in before it is loaded.
    #[must_use]
    pub fn new(admission: Admission) -> Access {
        let (heard, _) = watch::channel(None);
        Access(Arc::new(Shared { admission, view: RwLock::default(), heard }))
    }

    /// Who is let in.
    #[must_use]
    pub fn admission(&self) -> Admission {
        self.0.admission
    }

    /// Begins with these entries; the changes after `at` follow.
    pub fn load(&self, entries: &[Entry], at: Cursor) {
        let mut view = View::default();
        for entry in entries {
            view.apply(&entry.key(), Some(entry));
        }
        *self.0.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        self.0.heard.send_replace(Some(at));
    }

    /// Takes in a change, and forgets what is past its time.
    pub fn hear(&self, change: &Change, at: Cursor, now: Time) {
        {
            let mut view = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = &change.key {
                view.apply(key, change.entry.as_ref());
            }
            view.forget(now);
        }
        self.0.heard.send_replace(Some(at));
    }

    /// Waits until everything up to a change is in force here.
    pub async fn reached(&self, offset: u64) {
        let mut heard = self.0.heard.subscribe();
        // The sender lives as long as this.
        let _ = heard.wait_for(|at| at.is_some_and(|at| at.offset >= offset)).await;
    }

    /// Whether a user is let in, by all that the caller has heard of.
    ///
    /// # Errors
    /// `token_revoked`, `user_disabled` or `user_unknown`; `storage_unavailable` when this core has not
    /// heard as much.
    pub async fn admit(&self, user: &User, heard: u64, now: Time) -> Result<(), Status> {
        if tokio::time::timeout(HEARING_TIME, self.reached(heard)).await.is_err() {
            let message = "this core has not heard yet who may come in";
            return Err(Code::StorageUnavailable.status(message));
        }
        self.judge(user, now, &mut Trail::none())
    }

    /// Whether a user is let in, by all that this core has heard of, and why.
    ///
    /// # Errors
    /// `token_revoked`, `user_disabled` or `user_unknown`.
    pub fn judge(&self, user: &User, now: Time, trail: &mut Trail) -> Result<(), Status> {
        let bearer = Bearer {
            tenant: &user.tenant,
            subject: &user.id,
            token_id: user.token_id.as_deref(),
            issued_at: user.issued_at,
        };
        let view = self.0.view.read().unwrap_or_else(PoisonError::into_inner);
        view.judge(bearer, self.0.admission, now, trail)
            .map_err(|denial| code(denial).status(denial.to_string()))
    }

    /// How many entries of a table there are.
    #[must_use]
    pub fn count(&self, table: Table) -> usize {
        self.0.view.read().unwrap_or_else(PoisonError::into_inner).count(table)
    }
}

/// The code of a bearer that is not let in.
fn code(denial: Denial) -> Code {
    match denial {
        Denial::TokenRevoked => Code::TokenRevoked,
        Denial::UserDisabled => Code::UserDisabled,
        Denial::UserUnknown => Code::UserUnknown,
    }
}
