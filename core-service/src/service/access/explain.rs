//! Why a user may read a topic, or not: by asking as the user would.

use roomcast_identity::User;

use super::*;
use crate::domain::right::{Finding, Step};
use crate::domain::time::Time;
use crate::service::wire::{check, topic as wire_topic};
use crate::store::{Position, TopicLine};

impl Accesses {
    pub(super) async fn explain(
        &self,
        call: Admitted<v1::ExplainAccessRequest>,
    ) -> Result<v1::ExplainAccessResponse, Status> {
        let Admitted { tenant, request, .. } = call;
        let topic = publish::topic(&tenant, &request.topic)?;
        let user = imagined(tenant, request)?;
        let mut trail = Trail::kept();
        let outcome = self.ask(user, &topic, &mut trail).await;
        let code = match &outcome {
            Ok(()) => String::new(),
            // What is wrong with the asking itself is the asker's to hear.
            Err(error) if !is_refusal(error) => return Err(error.clone()),
            Err(refusal) => Code::of(refusal).as_str().to_owned(),
        };
        let Position { head, floor, bytes, .. } =
            self.log.store().position(&topic, None).await.map_err(status)?;
        let line = TopicLine { topic, head, floor, bytes, oldest: None };
        Ok(v1::ExplainAccessResponse {
            allowed: outcome.is_ok(),
            code,
            steps: trail.steps().into_iter().map(step).collect(),
            topic: Some(wire_topic::summary(&line, &self.retentions)),
        })
    }

    /// What a join comes to, as far as rights go.
    async fn ask(&self, user: User, topic: &Topic, trail: &mut Trail) -> Result<(), Status> {
        self.door.access().judge(&user, now(), trail)?;
        let user = self.door.imagine(user);
        if right::may_read((&self.log, &self.door), &user, topic, trail).await? {
            return Ok(());
        }
        Err(right::refusal(topic))
    }
}

/// The user of a token as the request describes it.
fn imagined(tenant: String, request: v1::ExplainAccessRequest) -> Result<User, Status> {
    let issued = check::time("issue_time", request.issue_time)?.unwrap_or_else(now);
    let token_id = Some(request.token_id).filter(|id| !id.is_empty());
    Ok(User {
        id: wire::subject("user_id", request.user_id)?,
        tenant,
        roles: wire_topic::roles(request.roles)?,
        email: None,
        scopes: Vec::new(),
        token_id: token_id.map(|id| wire::subject("token_id", id)).transpose()?,
        issued_at: Some(seconds(issued)),
        expires_at: None,
    })
}

fn seconds(time: Time) -> u64 {
    time.0 / 1000
}

/// Whether it is the user who is refused.
fn is_refusal(error: &Status) -> bool {
    matches!(
        Code::of(error),
        Code::TokenRevoked
            | Code::UserDisabled
            | Code::UserUnknown
            | Code::TopicNotFound
            | Code::JobNotFound
            | Code::SessionNotFound
    )
}

fn step(step: Step) -> v1::AccessStep {
    let finding = match step.finding {
        Finding::Allows => v1::AccessFinding::Allows,
        Finding::Denies => v1::AccessFinding::Denies,
        Finding::Passes => v1::AccessFinding::Passes,
    };
    v1::AccessStep {
        rule: step.rule.as_str().to_owned(),
        finding: finding.into(),
        detail: step.detail,
    }
}
