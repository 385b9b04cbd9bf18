//! Following jobs, and a user's list of them.

use std::fmt::Write as _;

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
            Job::JoinList { user_id, since } => {
                let topic = list(user_id.as_deref().unwrap_or(&self.identity.user.id));
                self.enter(held, &topic, since.as_deref(), ack).await?;
            }
            Job::LeaveList { user_id } => {
                let topic = list(user_id.as_deref().unwrap_or(&self.identity.user.id));
                self.leave(held, &topic, ack).await?;
            }
        }
        Ok(())
    }
}

/// The topic of a user, named as the core names it: every byte of the id but letters, digits, `_` and `-` is
/// `.hh`. An id with a dot would else be taken for such a name.
fn list(user_id: &str) -> String {
    let mut topic = "user:".to_owned();
    for byte in user_id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            topic.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(topic, ".{byte:02x}");
        }
    }
    topic
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn a_users_topic_has_the_name_that_the_core_gives_it() {
        for (user_id, topic) in
            [("ana_1-x", "user:ana_1-x"), ("a.b@c", "user:a.2eb.40c"), ("ä", "user:.c3.a4")]
        {
            assert_eq!(list(user_id), topic);
        }
    }
}
