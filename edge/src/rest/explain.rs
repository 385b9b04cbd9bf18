//! `/explain`: why a user sees a topic, or does not.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{self, AccessFinding, ExplainAccessRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Caller, openapi::Failures, parameters::Parameters, topics::Topic};
use crate::{problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Why a user sees a topic, or does not.
#[derive(Debug, Serialize, ToSchema)]
struct Explanation<'a> {
    user_id: &'a str,
    /// Whether the user would be let in and may read the topic.
    allowed: bool,
    /// What the user would be told, if not.
    code: Option<&'a str>,
    /// The rules in the order in which they were looked at. The last one decided.
    checks: Vec<Check<'a>>,
    /// What there is to read, whoever may.
    topic: Topic<'a>,
}

/// A rule that was looked at.
#[derive(Debug, Serialize, ToSchema)]
struct Check<'a> {
    #[schema(example = "readers")]
    name: &'a str,
    outcome: Outcome,
    /// What it went by, for people.
    detail: &'a str,
}

/// What a rule came to.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It decided: yes.
    Allows,
    /// It decided: no.
    Denies,
    /// It did not decide.
    Passes,
}

impl<'a> Check<'a> {
    fn of(step: &'a v1::AccessStep) -> Self {
        let outcome = match step.finding() {
            AccessFinding::Allows => Outcome::Allows,
            AccessFinding::Denies => Outcome::Denies,
            AccessFinding::Passes | AccessFinding::Unspecified => Outcome::Passes,
        };
        Self { name: &step.rule, outcome, detail: &step.detail }
    }
}

/// Ask why a user sees a topic
///
/// Or does not: the rules that a join looks at, with the token that you describe, up to the one that decides.
/// Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/explain", tag = "access",
    params(
        ("user" = String, Query, description = "Claim `sub`"),
        ("topic" = String, Query, description = "Full name, such as `room:metrics`"),
        ("roles" = Option<String>, Query, description = "Claims `role` and `roles`, between commas"),
        ("token_id" = Option<String>, Query, description = "Claim `jti`"),
        ("issued_at" = Option<String>, Query, description = "RFC 3339; by default now"),
    ),
    responses((status = 200, body = Explanation), Failures)
)]
async fn explain(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let asked = parameters.knows(&["user", "topic", "roles", "token_id", "issued_at"])?;
    let issued_at = |text: &str| {
        text.parse().map_err(|_| Problem::field("issued_at", "must be a moment of RFC 3339"))
    };
    let request = ExplainAccessRequest {
        user_id: asked.text("user"),
        roles: asked.list("roles"),
        topic: asked.text("topic"),
        token_id: asked.text("token_id"),
        issue_time: asked.get("issued_at").map(issued_at).transpose()?,
        tenant: String::new(),
    };
    let request = caller.upstream.request(request);
    let refused =
        |status| Problem::from(status).naming("user_id", "user").naming("issue_time", "issued_at");
    let answer = state.upstream.access().explain_access(request).await.map_err(refused)?;
    let answer = answer.into_inner();
    let explanation = Explanation {
        user_id: asked.get("user").unwrap_or_default(),
        allowed: answer.allowed,
        code: Some(answer.code.as_str()).filter(|code| !code.is_empty()),
        checks: answer.steps.iter().map(Check::of).collect(),
        topic: Topic::of_summary(answer.topic.as_ref().ok_or_else(|| Problem::unnamed("topic"))?),
    };
    Ok(Json(explanation).into_response())
}
