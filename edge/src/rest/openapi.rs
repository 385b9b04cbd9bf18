//! `/openapi.json`: every route, schema and error, collected from the routes themselves.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Extension,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::header;
use roomcast_proto::registry::Code;
use serde_json::Value;
use utoipa::{
    IntoResponses, OpenApi,
    openapi::{
        self, Content, Ref, RefOr, ResponseBuilder,
        response::Response as Described,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        server::Server,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::path::PREFIX;
use crate::{problem, state::AppState};

const BEARER: &str = "bearer";
/// The description that all routes share of what goes wrong.
const FAILURE: &str = "Failure";

/// The finished document, as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Description(Bytes);

impl Description {
    pub(super) fn of(document: &Value) -> Self {
        Self(Bytes::from(document.to_string()))
    }
}

/// The document as JSON. OpenAPI wants a description of every answer: one whose route says nothing has
/// its body's, or what its operation is.
pub(super) fn whole(document: &openapi::OpenApi) -> Value {
    let mut value = serde_json::to_value(document).unwrap_or_default();
    let schemas = value["components"]["schemas"].clone();
    for operation in fields(&mut value["paths"]).flat_map(fields) {
        let summary = operation["summary"].clone();
        for answer in fields(&mut operation["responses"]) {
            let is_told = answer.get("description").or(answer.get("$ref")).is_some();
            if !is_told {
                let body = answer["content"]["application/json"]["schema"]["$ref"].as_str();
                let name = body.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
                let told = schemas[name].get("description").unwrap_or(&summary).clone();
                answer["description"] = told;
            }
        }
    }
    value
}

fn fields(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    object.as_object_mut().into_iter().flat_map(|fields| fields.values_mut())
}

/// What any route may answer beside its own.
#[derive(Debug)]
pub(super) struct Failures;

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        [("default".to_owned(), RefOr::Ref(Ref::from_response_name(FAILURE)))].into()
    }
}

/// The registry, by HTTP status.
fn failure() -> RefOr<Described> {
    let mut by_status: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for entry in Code::ALL.iter().map(|code| code.entry()) {
        by_status.entry(entry.http).or_default().insert(entry.code);
    }
    let statuses = by_status.into_iter().map(|(status, codes)| {
        let codes = codes.into_iter().collect::<Vec<_>>().join("`, `");
        format!("{status}: `{codes}`")
    });
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description(statuses.collect::<Vec<_>>().join("; "))
        .content("application/problem+json", problem);
    RefOr::T(response.build())
}

#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Roomcast",
        description = "Long jobs and live topics. Every call may carry a user's token; errors are RFC 9457 \
                       problems whose `code` is the same on every surface.",
    ),
    tags(
        (name = "jobs", description = "Long work, watched live"),
        (name = "projects", description = "Who works together, and in which sessions"),
        (name = "sessions", description = "Graphs that several people edit"),
        (name = "topics", description = "Append-only logs that browsers follow"),
        (name = "access", description = "Who may come in, and who may no longer"),
        (name = "operations", description = "For load balancers, scrapers and people"),
    ),
    components(schemas(problem::Document, problem::FieldError)),
)]
struct Base;

/// The document before any route.
pub(super) fn base() -> openapi::OpenApi {
    let mut base = Base::openapi();
    base.servers = Some(vec![Server::new(PREFIX), Server::new("/")]);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A user's token. In development it may be left out."))
        .build();
    if let Some(components) = &mut base.components {
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
        components.responses.insert(FAILURE.to_owned(), failure());
    }
    let nobody: [&str; 0] = [];
    base.security =
        Some(vec![SecurityRequirement::new(BEARER, nobody), SecurityRequirement::default()]);
    base
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(document))
}

/// Read this description
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn document(Extension(Description(json)): Extension<Description>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}
