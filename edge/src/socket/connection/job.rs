//! Following jobs, and the user's own list of them.

use super::{Connection, Held, Outcome};
use crate::socket::{command::Job, payload::JobUnsubscribed};

impl Connection {
    pub(super) async fn job(&self, held: &mut Held, job: Job, ack: Option<i64>) -> Outcome {
        match job {
            Job::Join { job_id, since } => {
                let joined = self.ask(held, &format!("job:{job_id}"), since.as_deref()).await?;
                self.begin(held, joined, ack, &format!("Subscribed to job {job_id}")).await?;
            }
            Job::Leave { job_id } => {
                self.leave(held, &format!("job:{job_id}"), ack).await?;
                let message = format!("Unsubscribed from job {job_id}");
                let left = JobUnsubscribed { job_id: &job_id, message };
                self.outlet.tell("job_unsubscribed", &left).await?;
            }
            Job::JoinOwn { since } => {
                let own = format!("user:{}", self.identity.user.id);
                self.enter(held, &own, since.as_deref(), ack).await?;
            }
            Job::LeaveOwn => {
                held.subscriptions.stop_own().await;
                self.outlet.tell_offset().await?;
                self.done(ack).await?;
            }
        }
        Ok(())
    }
}
