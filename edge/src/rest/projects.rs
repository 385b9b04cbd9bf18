//! `/projects`: create, read, list, delete, follow; its members, sessions and test runs.

mod members;
mod sessions;
mod test_runs;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use roomcast_proto::{
    registry::Code,
    v1::{
        self, CreateProjectRequest, DeleteProjectRequest, GetProjectRequest, ListProjectsRequest,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::Body,
    caller::Caller,
    created::created,
    events::{self, EventPage, EventsQuery},
    idempotency::IdempotencyKey,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    parameters::Parameters,
    path::Path,
};
use crate::{
    names::{Usage, rfc3339},
    problem::Problem,
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, delete))
        .routes(routes!(follow))
        .merge(members::router())
        .merge(sessions::router())
        .merge(test_runs::router())
}

/// A project to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProject {
    /// For people, at most 256 bytes.
    name: String,
    /// Whom it is for: the caller, unless an admin says otherwise.
    owner: Option<String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same project for 24 h.
    idempotency_key: Option<String>,
}

/// The container of sessions and jobs.
#[derive(Debug, Serialize, ToSchema)]
struct Project<'a> {
    /// Unique, chosen by the core.
    id: &'a str,
    /// For people.
    name: &'a str,
    /// Whom it was created for: its first member, an owner.
    owner: &'a str,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// What its jobs have used of models; null when nothing was reported. Only where one project is
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Usage<'a>>>,
}

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct ProjectPage<'a> {
    projects: Vec<Project<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

impl<'a> Project<'a> {
    fn of(project: &'a v1::Project) -> Self {
        Self {
            id: &project.project_id,
            name: &project.name,
            owner: &project.owner,
            created_at: project.create_time.as_ref().map(rfc3339),
            usage: None,
        }
    }

    fn with_usage(project: &'a v1::Project) -> Self {
        let usage = Usage::reported(project.usage.as_ref());
        Self { usage: Some(usage), ..Self::of(project) }
    }
}

fn known(project: Option<v1::Project>) -> Result<v1::Project, Problem> {
    project.ok_or_else(|| Problem::unnamed("project"))
}

/// Create a project
///
/// The caller becomes its first member, an owner.
#[utoipa::path(
    post, path = "/projects", tag = "projects", request_body = NewProject,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same project for 24 h")),
    responses((status = 201, body = Project), Failures)
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    Body(new): Body<NewProject>,
) -> Result<Response, Problem> {
    let request = CreateProjectRequest {
        name: new.name,
        idempotency_key: key.or(new.idempotency_key)?,
        owner: new.owner.unwrap_or_default(),
        tenant: String::new(),
    };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().create_project(request).await?.into_inner();
    let project = known(answer.project)?;
    Ok(created("projects", &project.project_id, &Project::of(&project)))
}

/// List projects
///
/// Those the caller is a member of, and for an admin all of the tenant, newest first.
#[utoipa::path(
    get, path = "/projects", tag = "projects",
    params(PageQuery),
    responses((status = 200, body = ProjectPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    page: PageQuery,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListProjectsRequest {
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    });
    let answer = state.upstream.sessions().list_projects(request).await?.into_inner();
    let next = next_page(&answer.next_page_token);
    let projects = answer.projects.iter().map(Project::of).collect();
    Ok(Json(ProjectPage { projects, next_page_token: next }).into_response())
}

/// Read a project
///
/// With what its jobs have used of models.
#[utoipa::path(
    get, path = "/projects/{project_id}", tag = "projects", params(("project_id" = String, Path)),
    responses((status = 200, body = Project), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(GetProjectRequest { project_id });
    let answer = state.upstream.sessions().get_project(request).await?.into_inner();
    Ok(Json(Project::with_usage(&known(answer.project)?)).into_response())
}

/// Delete a project
///
/// With its members, its sessions and all that is in them. Whoever follows one of the sessions is told
/// that it was closed; nothing of the project is found from then on. Jobs stay their owners'. Needs the
/// role owner in the project.
#[utoipa::path(
    delete, path = "/projects/{project_id}", tag = "projects", params(("project_id" = String, Path)),
    responses((status = 204, description = "The project is erased"), Failures)
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let request = caller.upstream.request(DeleteProjectRequest { project_id });
    state.upstream.sessions().delete_project(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read or follow a project's events
///
/// What becomes of its jobs, what they use and what their workers tell. A page of JSON, or with `Accept: text/event-stream` a stream: `snapshot`
/// first unless it resumes, then every event.
#[utoipa::path(
    get, path = "/projects/{project_id}/events", tag = "projects",
    params(("project_id" = String, Path), EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "Resumes a stream")),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        Failures
    )
)]
async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let topic = format!("project:{project_id}");
    events::answer(&state, caller, &topic, parameters, &headers).await.map_err(|problem| {
        if problem.code() == Code::TopicNotFound {
            let detail = format!("project {project_id} not found or access denied");
            return Problem::new(Code::ProjectNotFound, detail);
        }
        problem
    })
}
